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
    double *pair;                   /* a row and a column, once one has been needed */
    ptrdiff_t pitch, column;        /* of sums; the column that is in pair, or -1 */
    lse_factors a, b;
} tile;

/* Sums of the tile that starts at these factors. */
static void multiply_tile(const lse_job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t rows, ptrdiff_t first,
                          ptrdiff_t columns, tile *t)
{
    for (ptrdiff_t k = 0; k < p->steps && !lse_is_stopped(p->failed); k += LSE_PRODUCT_STEPS) {
        const ptrdiff_t steps = lse_least(LSE_PRODUCT_STEPS, p->steps - k);
        for (ptrdiff_t j = 0; j < columns; j += p->k->panel) {
            const ptrdiff_t width = lse_width_at(p, first + j);
            p->k->multiply(a->factors + k, a->pitch, rows, b->factors + j * p->steps + k * width, steps, width,
                           t->hi + j, t->lo + j, t->pitch, k == 0);
        }
    }
}

/* Thin products: a sum for each row and column, which takes the elements of the row as they come, once. */
static void dot_tile(const lse_job *p, lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows, tile *t)
{
    double buffer[LSE_STRIP];
    const int is_ready = p->of_a.factors != NULL;
    const double spread = greatest_of(b->spread, p->m);
    memset(t->hi, 0, (size_t)(rows * t->pitch) * sizeof *t->hi);
    memset(t->lo, 0, (size_t)(rows * t->pitch) * sizeof *t->lo);
    for (ptrdiff_t i = 0; i < rows && !lse_is_stopped(p->failed); i++) {
        const double *x = is_ready ? NULL : lse_see_row(p, &p->a, row + i, buffer, &a->anchor[i], &a->spread[i]);
        const lse_fp_state before = is_near(p, a->spread[i], spread) ? lse_fp_enter() : lse_fp_flush();
        for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
            n = lse_least(LSE_STRIP, p->steps - k);
            if (!is_ready && p->steps > LSE_STRIP) x = lse_read_row(&p->a, row + i, k, n, buffer);
            for (ptrdiff_t j = 0; j < p->m; j++) {
                double hi, lo, *to = &t->hi[i * t->pitch + j];
                const double *y = b->factors + j * b->pitch + k;
                if (is_ready) p->k->dot_of_factors(a->factors + i * a->pitch + k, n, y, &hi, &lo);
                else p->k->dot_of_elements[p->type](x, n, a->anchor[i], y, &hi, &lo);
                const pair sum = two_sum(*to, hi);
                *to = sum.hi;
                t->lo[i * t->pitch + j] += lo + sum.lo;
            }
        }
        lse_fp_leave(before);
    }
}

/* The logarithm of one sum, from the elements. */
static double sum_directly(const lse_job *p, ptrdiff_t row, ptrdiff_t column, tile *t)
{
    if (!t->pair) t->pair = lse_new_doubles(2 * p->steps, p->failed);
    if (!t->pair) return 0.0;
    if (t->column != column) lse_read_block(&p->b, 0, p->steps, column, 1, t->pair, 1);
    t->column = column;
    return p->k->log_of_pairs[p->type](lse_read_row(&p->a, row, 0, p->steps, t->pair + p->steps), t->pair, p->steps);
}

static char *out_at(const lse_job *p, ptrdiff_t row, ptrdiff_t column)
{ return p->out + row * p->out_row_stride + column * p->out_column_stride; }

/* Those sums of a tile that may have lost something, column by column. */
static void recompute(const lse_job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows,
                      ptrdiff_t column, ptrdiff_t columns, const unsigned char *unsafe, tile *t)
{
    for (ptrdiff_t j = 0; j < columns; j++)
        for (ptrdiff_t i = 0; i < rows; i++) {
            const double least = a->spread[i] < INFINITY && b->spread[j] < INFINITY ? p->least : (double)NAN;
            if (!unsafe[i] || t->hi[i * t->pitch + j] >= least || is_near(p, a->spread[i], b->spread[j])) continue;
            if (lse_is_stopped(p->failed)) return;
            const double log = sum_directly(p, row + i, column + j, t);
            p->store(out_at(p, row + i, column + j), 0, 1, &log);
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
        const double *hi = t->hi + i * t->pitch, *lo = t->lo + i * t->pitch;
        const double least = a->spread[i] < INFINITY ? -INFINITY : (double)NAN;
        p->k->logs(hi, lo, whole, a->anchor[i], b->anchor, t->logs);
        p->store(out_at(p, row + i, column), p->out_column_stride, columns, t->logs);
        unsafe[i] = (unsigned char)(!is_safe && !p->k->are_safe(hi, columns, least, t->least));
        any |= unsafe[i];
    }
    if (any) recompute(p, a, b, row, rows, column, columns, unsafe, t);
}

static void do_tile(const lse_job *p, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, tile *t)
{
    lse_factors a = p->of_a.factors ? lse_some_factors(&p->of_a, row) : t->a;
    const lse_factors b = p->of_b.factors ? lse_some_factors(&p->of_b, column) : t->b;
    if (!p->of_a.factors && !p->is_thin) lse_factor_rows(p, &p->a, row, rows, &a);
    if (!p->of_b.factors) lse_factor_panels(p, column, columns, &t->b);
    if (p->is_thin) dot_tile(p, &a, &b, row, rows, t);
    if (lse_is_stopped(p->failed)) return;
    const int is_safe = is_near(p, greatest_of(a.spread, rows), greatest_of(b.spread, columns));
    const lse_fp_state before = is_safe ? lse_fp_enter() : lse_fp_flush();
    if (!p->is_thin) multiply_tile(p, &a, &b, rows, column, columns, t);
    lse_fp_leave(before);
    if (lse_is_stopped(p->failed)) return;
    finish_tile(p, &a, &b, row, rows, column, columns, is_safe, t);
}

static int allocate_tile(const lse_job *p, tile *t)
{
    const ptrdiff_t rows = lse_least(p->rows, p->n), columns = lse_round_up(lse_least(p->columns, p->m), p->k->vector);
    memset(t, 0, sizeof *t);
    t->column = -1;
    t->pitch = columns;
    t->hi = lse_new_doubles(2 * rows * columns + 2 * columns, p->failed);
    if (!t->hi) return 0;
    t->lo = t->hi + rows * columns;
    t->logs = t->lo + rows * columns;
    t->least = t->logs + columns;
    if (!p->of_a.factors && !lse_new_lines(p, rows, p->is_thin ? 0 : lse_pitch_of(p->steps), &t->a)) return 0;
    return p->of_b.factors || lse_new_lines(p, columns, p->steps, &t->b);
}

static void free_tile(tile *t)
{
    free(t->hi);
    free(t->pair);
    free(t->a.factors);
    free(t->b.factors);
}

void lse_product_tile(void *context, ptrdiff_t index)
{
    const lse_job *p = (const lse_job *)context;
    const ptrdiff_t across = lse_quotient_up(p->m, p->columns);
    const ptrdiff_t row = index / across * p->rows, column = index % across * p->columns;
    tile t;
    if (lse_is_stopped(p->failed)) return;
    if (allocate_tile(p, &t))
        do_tile(p, row, lse_least(p->rows, p->n - row), column, lse_least(p->columns, p->m - column), &t);
    free_tile(&t);
}
