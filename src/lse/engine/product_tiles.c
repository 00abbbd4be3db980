/* Tiles of a product: their sums, and the logarithms of these. What factors cannot hold is found by a test, and summed
 * directly. */
#include "engine/product_job.h"

#include <math.h>
#include <string.h>

#include "engine/fp.h"
#include "kernels/pair.h"

/* Whether no product of these lines can have been lost, nor a factor that mattered. */
static int is_near(const lse_job *p, double row_spread, double column_spread)
{
    const double each = (p->headroom + 1018.0) * LN2_HI_f64; /* 4 bits to spare */
    const double both = (2.0 * p->headroom + 1018.0) * LN2_HI_f64;
    return row_spread <= each && column_spread <= each && row_spread + column_spread <= both;
}

static double greatest_of(const double *x, ptrdiff_t n)
{
    double max = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) max = x[i] > max ? x[i] : max;
    return max;
}

/* What a task works with. */
typedef struct {
    double *hi, *lo, *logs, *least; /* sums of a tile; logarithms of one row of it, and what its columns ask for */
    double *copy;                   /* of few steps of b, where they are not readable; and what is read instead of b */
    lse_matrix columns;
    double *panel;               /* factors of LSE_PRODUCT_STEPS steps of one */
    double *pair;                /* a row and a column, once one has been needed */
    ptrdiff_t pitch, column;     /* of sums; the column that is in pair, or -1 */
    lse_factors a, b;            /* of the tile: factors and levels, and levels alone */
    void *block, *block_of_pair; /* to free */
} tile;

/* Sums of the tile that starts at these factors; those of b, if there are none, are made for the rows of the tile. */
static void multiply_tile(const lse_job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t rows, ptrdiff_t first,
                          ptrdiff_t columns, tile *t)
{
    const int has_b = p->of_b.factors != NULL;
    for (ptrdiff_t k = 0; k < p->steps && !lse_is_stopped(p->failed); k += LSE_PRODUCT_STEPS) {
        const ptrdiff_t steps = lse_least(LSE_PRODUCT_STEPS, p->steps - k);
        for (ptrdiff_t j = 0; j < columns; j += p->k->panel) {
            const ptrdiff_t width = lse_width_at(p, first + j);
            const double *panel = has_b ? b->factors + j * p->steps + k * width : t->panel;
            if (!has_b) lse_factor_panel(p, &t->columns, j, width, k, steps, b->anchor + j, t->panel);
            p->k->multiply[p->type](a->factors + k, a->pitch, rows, panel, steps, width, t->hi + j,
                                    t->lo ? t->lo + j : NULL, t->pitch, k == 0);
        }
    }
}

/* Thin products: a sum for each row and column, which takes the elements of the row as they come, once. Several columns
 * share the factors of the row. */
static void dot_tile(const lse_job *p, lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows, tile *t)
{
    double buffer[LSE_STRIP], factors[LSE_STRIP];
    const int has_a = p->of_a.factors != NULL;
    const double spread = greatest_of(b->spread, p->m);
    lse_type type = LSE_F64;
    memset(t->hi, 0, (size_t)(rows * t->pitch) * sizeof *t->hi);
    memset(t->lo, 0, (size_t)(rows * t->pitch) * sizeof *t->lo);
    for (ptrdiff_t i = 0; i < rows && !lse_is_stopped(p->failed); i++) {
        const void *x = has_a ? NULL : lse_see_row(p, &p->a, row + i, buffer, &a->anchor[i], &a->spread[i], &type);
        const lse_fp_state before = is_near(p, a->spread[i], spread) ? lse_fp_enter() : lse_fp_flush();
        for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
            const double *ready = has_a ? a->factors + i * a->pitch + k : factors;
            n = lse_least(LSE_STRIP, p->steps - k);
            if (!has_a && p->steps > LSE_STRIP) x = lse_read_row(&p->a, row + i, k, n, buffer, &type);
            if (!has_a && p->m > 1) p->k->factors_of_line[p->type][type](x, n, a->anchor[i], factors);
            for (ptrdiff_t j = 0; j < p->m; j++) {
                double hi, lo, *to = &t->hi[i * t->pitch + j];
                const double *y = b->factors + j * b->pitch + k;
                if (has_a || p->m > 1) p->k->dot_of_factors[p->type](ready, n, y, &hi, &lo);
                else p->k->dot_of_elements[p->type][type](x, n, a->anchor[i], y, &hi, &lo);
                const pair sum = two_sum(*to, hi);
                *to = sum.hi;
                t->lo[i * t->pitch + j] += lo + sum.lo;
            }
        }
        lse_fp_leave(before);
    }
}

static char *out_at(const lse_job *p, ptrdiff_t row, ptrdiff_t column)
{ return p->out + row * p->out_row_stride + column * p->out_column_stride; }

/* Sums of one column that are taken directly, and their rows. */
enum { SUMS = 32 };
typedef struct {
    lse_pair_sum sum[SUMS];
    ptrdiff_t row[SUMS], count;
} direct;

/* A sum from the elements. */
static void sum_directly(const lse_job *p, ptrdiff_t row, ptrdiff_t column, int are_usual, direct *d, tile *t)
{
    lse_type type;
    if (!t->pair) t->pair = lse_new_doubles(2 * p->steps, &t->block_of_pair, p->failed);
    if (!t->pair) return;
    if (t->column != column) lse_read_block(&p->b, 0, p->steps, column, 1, t->pair, 1);
    t->column = column;
    const void *x = lse_read_row(&p->a, row, 0, p->steps, t->pair + p->steps, &type);
    p->k->sum_of_pairs[p->type][type](x, t->pair, p->steps, are_usual, &d->sum[d->count]);
    d->row[d->count++] = row;
}

static void store_direct(const lse_job *p, ptrdiff_t column, direct *d)
{
    double logs[SUMS];
    p->k->logs_of_pairs(d->sum, d->count, logs);
    for (ptrdiff_t i = 0; i < d->count; i++) p->store(out_at(p, d->row[i], column), 0, 1, &logs[i]);
    d->count = 0;
}

/* Those sums of a tile that may have lost something, column by column. */
static void recompute(const lse_job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows,
                      ptrdiff_t column, ptrdiff_t columns, const unsigned char *unsafe, tile *t)
{
    direct d;
    d.count = 0;
    for (ptrdiff_t j = 0; j < columns; j++) {
        for (ptrdiff_t i = 0; i < rows; i++) {
            const int are_usual = a->spread[i] < INFINITY && b->spread[j] < INFINITY;
            const double least = are_usual ? p->least : (double)NAN;
            if (!unsafe[i] || t->hi[i * t->pitch + j] >= least || is_near(p, a->spread[i], b->spread[j])) continue;
            if (lse_is_stopped(p->failed)) return;
            sum_directly(p, row + i, column + j, are_usual, &d, t);
            if (d.count == SUMS) store_direct(p, column + j, &d);
        }
        if (d.count) store_direct(p, column + j, &d);
    }
}

static void finish_tile(const lse_job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows,
                        ptrdiff_t column, ptrdiff_t columns, int is_safe, tile *t)
{
    unsigned char unsafe[LSE_TILE_ROWS];
    int any = 0;
    const ptrdiff_t whole = lse_round_up(columns, p->k->vector);
    for (ptrdiff_t j = 0; j < whole; j++)
        t->least[j] = j >= columns ? -INFINITY : b->spread[j] < INFINITY ? p->least : (double)NAN;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const double *hi = t->hi + i * t->pitch, *lo = t->lo ? t->lo + i * t->pitch : NULL;
        const double least = a->spread[i] < INFINITY ? -INFINITY : (double)NAN;
        p->k->logs[p->type](hi, lo, whole, a->anchor[i], b->anchor, t->logs);
        p->store(out_at(p, row + i, column), p->out_column_stride, columns, t->logs);
        unsafe[i] = (unsigned char)(!is_safe && !p->k->are_safe(hi, columns, least, t->least));
        any |= unsafe[i];
    }
    if (any) recompute(p, a, b, row, rows, column, columns, unsafe, t);
}

/* What kernels read of b. */
static void see_tile(const lse_job *p, ptrdiff_t column, ptrdiff_t columns, tile *t)
{
    t->columns = p->b;
    t->columns.data += column * p->b.column_stride;
    t->columns.columns = columns;
    if (!t->copy) return;
    lse_read_block(&t->columns, 0, p->steps, 0, columns, t->copy, t->pitch);
    const ptrdiff_t size = sizeof *t->copy;
    t->columns = (lse_matrix){
        (const char *)(const void *)t->copy, p->steps, columns, t->pitch * size, size, (int)size, LSE_F64, NULL};
}

static void do_tile(const lse_job *p, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, tile *t)
{
    lse_factors a = p->of_a.factors ? lse_some_factors(&p->of_a, row) : t->a;
    const lse_factors b = p->of_b.factors ? lse_some_factors(&p->of_b, column) : t->b;
    if (!p->of_a.factors && !p->is_thin) lse_factor_rows(p, &p->a, row, rows, &a);
    if (!p->of_b.factors) {
        see_tile(p, column, columns, t);
        lse_see_columns(p, &t->columns, 0, columns, b.anchor, b.spread);
    }
    if (p->is_thin) dot_tile(p, &a, &b, row, rows, t);
    if (lse_is_stopped(p->failed)) return;
    const int is_safe = is_near(p, greatest_of(a.spread, rows), greatest_of(b.spread, columns));
    const lse_fp_state before = is_safe ? lse_fp_enter() : lse_fp_flush();
    if (!p->is_thin) multiply_tile(p, &a, &b, rows, column, columns, t);
    lse_fp_leave(before);
    if (lse_is_stopped(p->failed)) return;
    finish_tile(p, &a, &b, row, rows, column, columns, is_safe, t);
}

/* What a tile consists of, in this order. */
typedef struct {
    ptrdiff_t sums, rests, row, panel, copy, a, b;
} rooms;

static rooms rooms_of(const lse_job *p, int has_a, int has_b)
{
    const ptrdiff_t rows = lse_least(p->rows, p->n), columns = lse_round_up(lse_least(p->columns, p->m), 8);
    return (rooms){.sums = rows * columns,
                   .rests = p->has_rests ? rows * columns : 0,
                   .row = columns,
                   .panel = has_b ? 0 : lse_least(LSE_PRODUCT_STEPS, p->steps) * lse_least(p->k->panel, columns),
                   .copy =
                       has_b || p->steps > LSE_FEW_STEPS || lse_are_columns_readable(&p->b) ? 0 : p->steps * columns,
                   .a = has_a ? 0 : lse_room_of_lines(rows, p->is_thin ? 0 : lse_pitch_of(p->steps)),
                   .b = has_b ? 0 : lse_room_of_lines(columns, 0)};
}

ptrdiff_t lse_room_of_tile(const lse_job *p, int has_a, int has_b)
{
    const rooms r = rooms_of(p, has_a, has_b);
    return r.sums + r.rests + 2 * r.row + r.panel + r.copy + r.a + r.b;
}

static int place_tile(const lse_job *p, tile *t)
{
    const int has_a = p->of_a.factors != NULL, has_b = p->of_b.factors != NULL;
    const rooms r = rooms_of(p, has_a, has_b);
    memset(t, 0, sizeof *t);
    double *room = p->room;
    if (!room) room = lse_new_doubles(lse_room_of_tile(p, has_a, has_b), &t->block, p->failed);
    if (!room) return 0;
    t->column = -1;
    t->pitch = r.row;
    t->hi = room;
    t->lo = p->has_rests ? room + r.sums : NULL;
    t->logs = room + r.sums + r.rests;
    t->least = t->logs + r.row;
    t->panel = t->least + r.row;
    t->copy = r.copy ? t->panel + r.panel : NULL;
    room = t->panel + r.panel + r.copy;
    if (!has_a) lse_place_lines(p, lse_least(p->rows, p->n), p->is_thin ? 0 : lse_pitch_of(p->steps), room, &t->a);
    if (!has_b) lse_place_lines(p, r.row, 0, room + r.a, &t->b);
    return 1;
}

void lse_product_tile(void *context, ptrdiff_t index)
{
    const lse_job *p = (const lse_job *)context;
    const ptrdiff_t across = lse_quotient_up(p->m, p->columns);
    const ptrdiff_t row = index / across * p->rows, column = index % across * p->columns;
    tile t;
    if (lse_is_stopped(p->failed)) return;
    if (place_tile(p, &t))
        do_tile(p, row, lse_least(p->rows, p->n - row), column, lse_least(p->columns, p->m - column), &t);
    free(t.block);
    free(t.block_of_pair);
}
