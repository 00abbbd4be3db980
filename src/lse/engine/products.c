/* Products of matrices in log space. Lines become factors (kernels/products.h), their products sums, tile by tile, and
 * sums logarithms. What factors cannot hold is found by a test, and summed directly. */
#include "engine/products.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/plan.h"
#include "kernels/pair.h"

enum {
    THIN = 3,      /* columns of a right operand that are multiplied one by one */
    ROWS = 192,    /* of a tile, which with LSE_PRODUCT_STEPS of their factors stay in the second cache */
    PANELS = 10,   /* of a tile */
    CHUNK = 64,    /* elements of each line of a panel that are converted together */
    STRIP = 2048,  /* of one line */
    ALIGNMENT = 64 /* bytes of a vector, and of a line of the cache */
};

/* A matrix as it lies, with how to read it. */
typedef struct {
    const char *data;
    ptrdiff_t rows, columns, row_stride, column_stride;
    int native;
    lse_load load;
} matrix;

/* One product of two matrices. */
typedef struct {
    const lse_product_kernels *k;
    lse_type type;
    lse_run run;
    matrix a, b;
    char *out;
    ptrdiff_t out_row_stride, out_column_stride;
    lse_store store;
    lse_factors of_a, of_b;               /* of which the factors may be NULL: then each task makes what it needs */
    int is_thin;                          /* the factors of b are rows too */
    ptrdiff_t n, m, steps, rows, columns; /* the last two: of a tile */
    double headroom, least;               /* a sum below `least` may have lost too much */
    int *failed;
} job;

/* Memory ----------------------------------------------------------------------------------------------------- */

static double *allocate(ptrdiff_t count, int *failed)
{
    double *p = count <= PTRDIFF_MAX / (ptrdiff_t)sizeof(double) - ALIGNMENT
                    ? (double *)malloc((size_t)count * sizeof(double) + ALIGNMENT)
                    : NULL;
    if (!p) LSE_STORE(failed, LSE_NO_MEMORY);
    return p;
}

static ptrdiff_t round_up(ptrdiff_t n, ptrdiff_t to) { return lse_quotient_up(n, to) * to; }

/* Rows of factors start in different sets of the cache. */
static ptrdiff_t pitch_of(ptrdiff_t steps)
{
    const ptrdiff_t pitch = round_up(steps, 8);
    return pitch % 64 == 0 ? pitch + 8 : pitch;
}

/* Reading ---------------------------------------------------------------------------------------------------- */

/* Rows row .. row + rows of the columns column .. column + columns, as doubles in rows of that pitch. */
static void read_block(const matrix *m, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, double *to,
                       ptrdiff_t pitch)
{
    const char *from = m->data + row * m->row_stride + column * m->column_stride;
    double line[CHUNK];
    if (columns == 1 && pitch == 1) {
        m->load(from, m->row_stride, rows, to);
    } else if (labs((long)m->column_stride) <= labs((long)m->row_stride) || rows > CHUNK) {
        for (ptrdiff_t i = 0; i < rows; i++)
            m->load(from + i * m->row_stride, m->column_stride, columns, to + i * pitch);
    } else {
        for (ptrdiff_t j = 0; j < columns; j++) {
            m->load(from + j * m->column_stride, m->row_stride, rows, line);
            for (ptrdiff_t i = 0; i < rows; i++) to[i * pitch + j] = line[i];
        }
    }
}

/* Elements of one row, where they lie or in a buffer. */
static const double *read_row(const matrix *m, ptrdiff_t row, ptrdiff_t start, ptrdiff_t n, double *to)
{
    const char *from = m->data + row * m->row_stride + start * m->column_stride;
    if (m->native && m->column_stride == (ptrdiff_t)sizeof(double)) return (const double *)(const void *)from;
    m->load(from, m->column_stride, n, to);
    return to;
}

/* Factors ---------------------------------------------------------------------------------------------------- */

/* The anchor of a line, and how far its elements lie apart; of a line that the kernels cannot take, infinitely. */
static void set_level(double headroom, double max, double least, double nan, double *anchor, double *spread)
{
    const int usual = max <= LSE_FAR_f64 && nan == 0.0 && !(max > -INFINITY && max < -LSE_FAR_f64);
    const double n = usual && max > -INFINITY ? max * LOG2E_f64 : 0.0;
    *anchor = ((n + 0x1.8p52) - 0x1.8p52) - headroom;
    *spread = !usual ? (double)INFINITY : least <= max ? max - least : 0.0;
}

/* What a line is worth in factors: its elements, where they lie or in a buffer if they are no more than STRIP. */
static const double *see_row(const job *p, const matrix *m, ptrdiff_t row, double *buffer, double *anchor,
                             double *spread)
{
    double max = -INFINITY, least = INFINITY, nan = 0.0;
    const double *x = buffer;
    for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
        n = lse_least(STRIP, p->steps - k);
        x = read_row(m, row, k, n, buffer);
        p->k->join_extent(x, n, &max, &least, &nan);
    }
    set_level(p->headroom, max, least, nan, anchor, spread);
    return x;
}

static void factor_rows(const job *p, const matrix *m, ptrdiff_t first, ptrdiff_t count, lse_factors *to)
{
    double buffer[STRIP];
    for (ptrdiff_t i = 0; i < count && !lse_is_stopped(p->failed); i++) {
        const double *x = see_row(p, m, first + i, buffer, &to->anchor[i], &to->spread[i]);
        for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
            n = lse_least(STRIP, p->steps - k);
            if (p->steps > STRIP) x = read_row(m, first + i, k, n, buffer);
            p->k->factors_of_line[p->type](x, n, to->anchor[i], to->factors + i * to->pitch + k);
        }
    }
}

/* `count` columns of a panel, rows step .. step + n, where they lie or in a tile of whole vectors. */
static const double *read_panel(const matrix *m, ptrdiff_t step, ptrdiff_t n, ptrdiff_t first, ptrdiff_t count,
                                ptrdiff_t width, double *tile, ptrdiff_t *pitch)
{
    const ptrdiff_t size = sizeof(double);
    if (count == width && m->native && m->column_stride == size && m->row_stride % size == 0) {
        *pitch = m->row_stride / size;
        return (const double *)(const void *)(m->data + step * m->row_stride + first * size);
    }
    *pitch = width;
    read_block(m, step, n, first, count, tile, width);
    return tile;
}

/* A panel of columns: `width` of them, of which those beyond the matrix are 0. */
static void factor_panel(const job *p, ptrdiff_t first, ptrdiff_t width, double *factors, double *anchor,
                         double *spread)
{
    enum { MOST = 32 };
    double tile[CHUNK * MOST], max[MOST], least[MOST], nan[MOST];
    const ptrdiff_t count = lse_least(width, p->m - first);
    const double *x = tile;
    ptrdiff_t pitch = width;
    for (ptrdiff_t j = 0; j < width; j++) {
        max[j] = -INFINITY;
        least[j] = INFINITY;
        nan[j] = 0.0;
    }
    for (ptrdiff_t i = 0; i < CHUNK * width && count < width; i++) tile[i] = -INFINITY;
    for (ptrdiff_t k = 0, n; k < p->steps && !lse_is_stopped(p->failed); k += n) {
        n = lse_least(CHUNK, p->steps - k);
        x = read_panel(&p->b, k, n, first, count, width, tile, &pitch);
        p->k->join_extents(x, pitch, n, width, max, least, nan);
    }
    for (ptrdiff_t j = 0; j < width; j++) set_level(p->headroom, max[j], least[j], nan[j], &anchor[j], &spread[j]);
    for (ptrdiff_t k = 0, n; k < p->steps && !lse_is_stopped(p->failed); k += n) {
        n = lse_least(CHUNK, p->steps - k);
        if (p->steps > CHUNK) x = read_panel(&p->b, k, n, first, count, width, tile, &pitch);
        p->k->factors_of_lines[p->type](x, pitch, n, width, anchor, factors + k * width);
    }
}

static ptrdiff_t width_at(const job *p, ptrdiff_t first)
{ return lse_least(p->k->panel, round_up(p->m - first, p->k->vector)); }

static void factor_panels(const job *p, ptrdiff_t first, ptrdiff_t count, lse_factors *to)
{
    for (ptrdiff_t j = 0; j < count; j += p->k->panel)
        factor_panel(p, first + j, width_at(p, first + j), to->factors + j * p->steps, to->anchor + j, to->spread + j);
}

/* The factors of some lines of all. */
static lse_factors some_factors(const lse_factors *of, ptrdiff_t first)
{
    lse_factors some = *of;
    some.factors += first * of->pitch;
    some.anchor += first;
    some.spread += first;
    return some;
}

/* Lines of so many doubles, which those of a panel share; of none, to hold levels alone. */
static int allocate_lines(const job *p, ptrdiff_t lines, ptrdiff_t pitch, lse_factors *to)
{
    const ptrdiff_t padded = round_up(lines, p->k->vector);
    to->lines = lines;
    to->steps = p->steps;
    to->pitch = pitch;
    to->factors = padded < PTRDIFF_MAX / 16 / (pitch + 2) ? allocate(padded * (pitch + 2), p->failed) : NULL;
    if (!to->factors) {
        LSE_STORE(p->failed, LSE_NO_MEMORY);
        return 0;
    }
    to->anchor = to->factors + padded * pitch;
    to->spread = to->anchor + padded;
    return 1;
}

enum { LINES = 48 }; /* of a task that makes factors: whole panels of every width */

static void rows_task(void *context, ptrdiff_t index)
{
    const job *p = (const job *)context;
    lse_factors some = some_factors(&p->of_a, index * LINES);
    factor_rows(p, &p->a, index * LINES, lse_least(LINES, p->n - index * LINES), &some);
}

static void panels_task(void *context, ptrdiff_t index)
{
    const job *p = (const job *)context;
    lse_factors some = some_factors(&p->of_b, index * LINES);
    factor_panels(p, index * LINES, lse_least(LINES, p->m - index * LINES), &some);
}

/* All factors of an operand, by so many threads. */
static void make_left(job *p, int threads)
{
    if (allocate_lines(p, p->n, pitch_of(p->steps), &p->of_a))
        p->run(rows_task, p, lse_quotient_up(p->n, LINES), threads);
}

static void make_right(job *p, int threads)
{
    const matrix turned = {p->b.data,       p->b.columns, p->b.rows, p->b.column_stride,
                           p->b.row_stride, p->b.native,  p->b.load};
    if (!allocate_lines(p, p->m, p->is_thin ? pitch_of(p->steps) : p->steps, &p->of_b)) return;
    if (p->is_thin) factor_rows(p, &turned, 0, p->m, &p->of_b);
    else p->run(panels_task, p, lse_quotient_up(p->m, LINES), threads);
}

/* Tiles ------------------------------------------------------------------------------------------------------ */

/* Whether no product of these lines can have been lost, nor a factor that mattered. */
static int is_near(const job *p, double row_spread, double column_spread)
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
static void multiply_tile(const job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t rows, ptrdiff_t first,
                          ptrdiff_t columns, tile *t)
{
    for (ptrdiff_t k = 0; k < p->steps && !lse_is_stopped(p->failed); k += LSE_PRODUCT_STEPS) {
        const ptrdiff_t steps = lse_least(LSE_PRODUCT_STEPS, p->steps - k);
        for (ptrdiff_t j = 0; j < columns; j += p->k->panel) {
            const ptrdiff_t width = width_at(p, first + j);
            p->k->multiply(a->factors + k, a->pitch, rows, b->factors + j * p->steps + k * width, steps, width,
                           t->hi + j, t->lo + j, t->pitch, k == 0);
        }
    }
}

/* Thin products: a sum for each row and column, which takes the elements of the row as they come, once. */
static void dot_tile(const job *p, lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows, tile *t)
{
    double buffer[STRIP];
    const int is_ready = p->of_a.factors != NULL;
    const double spread = greatest_of(b->spread, p->m);
    memset(t->hi, 0, (size_t)(rows * t->pitch) * sizeof *t->hi);
    memset(t->lo, 0, (size_t)(rows * t->pitch) * sizeof *t->lo);
    for (ptrdiff_t i = 0; i < rows && !lse_is_stopped(p->failed); i++) {
        const double *x = is_ready ? NULL : see_row(p, &p->a, row + i, buffer, &a->anchor[i], &a->spread[i]);
        const lse_fp_state before = is_near(p, a->spread[i], spread) ? lse_fp_enter() : lse_fp_flush();
        for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
            n = lse_least(STRIP, p->steps - k);
            if (!is_ready && p->steps > STRIP) x = read_row(&p->a, row + i, k, n, buffer);
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
static double sum_directly(const job *p, ptrdiff_t row, ptrdiff_t column, tile *t)
{
    if (!t->pair) t->pair = allocate(2 * p->steps, p->failed);
    if (!t->pair) return 0.0;
    if (t->column != column) read_block(&p->b, 0, p->steps, column, 1, t->pair, 1);
    t->column = column;
    return p->k->log_of_pairs[p->type](read_row(&p->a, row, 0, p->steps, t->pair + p->steps), t->pair, p->steps);
}

static char *out_at(const job *p, ptrdiff_t row, ptrdiff_t column)
{ return p->out + row * p->out_row_stride + column * p->out_column_stride; }

/* Those sums of a tile that may have lost something, column by column. */
static void recompute(const job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows,
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

static void finish_tile(const job *p, const lse_factors *a, const lse_factors *b, ptrdiff_t row, ptrdiff_t rows,
                        ptrdiff_t column, ptrdiff_t columns, int is_safe, tile *t)
{
    unsigned char unsafe[ROWS];
    int any = 0;
    const ptrdiff_t whole = round_up(columns, p->k->vector);
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

static void do_tile(const job *p, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, tile *t)
{
    lse_factors a = p->of_a.factors ? some_factors(&p->of_a, row) : t->a;
    const lse_factors b = p->of_b.factors ? some_factors(&p->of_b, column) : t->b;
    if (!p->of_a.factors && !p->is_thin) factor_rows(p, &p->a, row, rows, &a);
    if (!p->of_b.factors) factor_panels(p, column, columns, &t->b);
    if (p->is_thin) dot_tile(p, &a, &b, row, rows, t);
    if (lse_is_stopped(p->failed)) return;
    const int is_safe = is_near(p, greatest_of(a.spread, rows), greatest_of(b.spread, columns));
    const lse_fp_state before = is_safe ? lse_fp_enter() : lse_fp_flush();
    if (!p->is_thin) multiply_tile(p, &a, &b, rows, column, columns, t);
    lse_fp_leave(before);
    if (lse_is_stopped(p->failed)) return;
    finish_tile(p, &a, &b, row, rows, column, columns, is_safe, t);
}

static int allocate_tile(const job *p, tile *t)
{
    const ptrdiff_t rows = lse_least(p->rows, p->n), columns = round_up(lse_least(p->columns, p->m), p->k->vector);
    memset(t, 0, sizeof *t);
    t->column = -1;
    t->pitch = columns;
    t->hi = allocate(2 * rows * columns + 2 * columns, p->failed);
    if (!t->hi) return 0;
    t->lo = t->hi + rows * columns;
    t->logs = t->lo + rows * columns;
    t->least = t->logs + columns;
    if (!p->of_a.factors && !allocate_lines(p, rows, p->is_thin ? 0 : pitch_of(p->steps), &t->a)) return 0;
    return p->of_b.factors || allocate_lines(p, columns, p->steps, &t->b);
}

static void free_tile(tile *t)
{
    free(t->hi);
    free(t->pair);
    free(t->a.factors);
    free(t->b.factors);
}

static void tile_task(void *context, ptrdiff_t index)
{
    const job *p = (const job *)context;
    const ptrdiff_t across = lse_quotient_up(p->m, p->columns);
    const ptrdiff_t row = index / across * p->rows, column = index % across * p->columns;
    tile t;
    if (lse_is_stopped(p->failed)) return;
    if (allocate_tile(p, &t))
        do_tile(p, row, lse_least(p->rows, p->n - row), column, lse_least(p->columns, p->m - column), &t);
    free_tile(&t);
}

/* n in as many pieces as pieces of `most` would be, as equal as they can be: the length of one. */
static ptrdiff_t share(ptrdiff_t n, ptrdiff_t most, ptrdiff_t unit)
{ return round_up(lse_quotient_up(n, lse_quotient_up(n, most)), unit); }

/* How large a tile is. Where one of the operands is but a tile wide, the factors of the other are used once: so few
 * lines of it that these stay in the cache. There are tiles for all threads. */
static void cut(job *p, int threads)
{
    enum { CACHED = 1 << 15 }; /* factors */
    const ptrdiff_t panel = p->k->panel, lines = lse_most(1, CACHED / p->steps);
    const int is_narrow = p->m <= PANELS * panel, is_low = p->n <= ROWS;
    p->rows = share(p->n, is_narrow && !is_low ? lse_least(ROWS, lse_most(16, lines)) : ROWS, 8);
    p->columns = share(p->m, is_low ? lse_least(PANELS * panel, lse_most(panel, lines)) : PANELS * panel, panel);
    while (threads > 1 && lse_quotient_up(p->n, p->rows) * lse_quotient_up(p->m, p->columns) < 2 * threads) {
        if (p->rows > 16 && p->rows >= p->columns / 2) p->rows = round_up(p->rows / 2, 8);
        else if (p->columns > panel) p->columns = round_up(p->columns / 2, panel);
        else break;
    }
}

/* One product by so many threads. Factors are made once where more than one tile needs them. */
static void multiply(job *p, int threads)
{
    cut(p, threads);
    const ptrdiff_t down = lse_quotient_up(p->n, p->rows), across = lse_quotient_up(p->m, p->columns);
    const int make_a = !p->of_a.factors && across > 1, make_b = !p->of_b.factors && (down > 1 || p->is_thin);
    if (make_a) make_left(p, threads);
    if (make_b) make_right(p, threads);
    if (!lse_is_stopped(p->failed)) p->run(tile_task, p, down * across, threads);
    if (make_a) free(p->of_a.factors);
    if (make_b) free(p->of_b.factors);
}

/* Batches ---------------------------------------------------------------------------------------------------- */

static matrix matrix_of(const lse_array *a)
{
    const int last = a->ndim - 1;
    return (matrix){a->data,
                    a->shape[last - 1],
                    a->shape[last],
                    a->stride[last - 1],
                    a->stride[last],
                    a->kind == 'f' && a->itemsize == (int)sizeof(double) && !a->swapped,
                    lse_load_for(a->kind, a->itemsize, a->swapped, sizeof(double))};
}

static void set_up(job *p, const lse_product *q, int *failed)
{
    memset(p, 0, sizeof *p);
    p->k = &q->table->products;
    p->type = q->type;
    p->run = q->run;
    p->failed = failed;
}

/* Sums of so many products of factors near 2^(2 headroom) do not overflow. What is lost, a product or a factor times
 * the greatest partner, is below 2^(headroom - 1021), and `least` is 2^58 times that of all steps. */
static void set_steps(job *p, ptrdiff_t steps)
{
    p->steps = steps;
    p->headroom = steps <= 1 << 20 ? 500.0 : 480.0;
    p->least = (double)steps * ldexp(1.0, (int)p->headroom - 1021 + 58);
}

typedef struct {
    const job *p;
    const lse_product *q;
} batch;

/* The product of one pair of matrices of many. */
static job product_at(const batch *b, ptrdiff_t index)
{
    job p = *b->p;
    const lse_product *q = b->q;
    for (int axis = q->out.ndim - 3; axis >= 0; axis--) {
        const ptrdiff_t at = index % q->out.shape[axis];
        index /= q->out.shape[axis];
        p.a.data += at * q->a.stride[axis];
        p.b.data += at * q->b.stride[axis];
        p.out += at * q->out.stride[axis];
    }
    return p;
}

static void batch_task(void *context, ptrdiff_t index)
{
    job p = product_at((const batch *)context, index);
    if (!lse_is_stopped(p.failed)) multiply(&p, 1);
}

int lse_multiply(const lse_product *q)
{
    const int last = q->out.ndim - 1;
    int failed = 0;
    job p;
    set_up(&p, q, &failed);
    p.a = matrix_of(&q->a);
    p.b = matrix_of(&q->b);
    p.n = p.a.rows;
    p.m = p.b.columns;
    p.is_thin = p.m <= THIN;
    set_steps(&p, p.a.columns);
    p.out = q->out.data;
    p.out_row_stride = q->out.stride[last - 1];
    p.out_column_stride = q->out.stride[last];
    p.store = lse_store_for(q->out.kind, q->out.itemsize, sizeof(double));
    if (!p.a.load || !p.b.load || !p.store) return LSE_NO_KERNEL;
    if (q->of_a) p.of_a = *q->of_a;
    if (q->of_b) p.of_b = *q->of_b;
    ptrdiff_t count = 1;
    for (int axis = 0; axis < last - 1; axis++) count *= q->out.shape[axis];
    /* a product costs some eight steps for each element that a reduction reads, and elements cost what they do there */
    const double work = (double)p.n * (double)p.m * (double)p.steps / 8.0 +
                        (double)p.steps * ((double)p.n + (double)p.m) + (double)p.n * (double)p.m;
    const double all = work * (double)count;
    const int threads = lse_threads_for(all < 1e9 ? (ptrdiff_t)all : (ptrdiff_t)1 << 30, 1 << 16, q->threads);
    const lse_question before = q->question ? lse_ask_meanwhile(q->question) : NULL;
    const lse_fp_state found = lse_fp_enter();
    const batch b = {&p, q};
    if (count >= threads) {
        q->run(batch_task, (void *)&b, count, threads);
    } else {
        for (ptrdiff_t i = 0; i < count && !lse_is_stopped(&failed); i++) {
            job one = product_at(&b, i);
            multiply(&one, threads);
        }
    }
    lse_fp_leave(found);
    if (q->question) lse_ask_meanwhile(before);
    return failed;
}

/* Prepared operands ------------------------------------------------------------------------------------------ */

int lse_make_factors(lse_factors *factors, const lse_product *q, int right)
{
    int failed = 0;
    job p;
    set_up(&p, q, &failed);
    p.a = p.b = matrix_of(right ? &q->b : &q->a);
    p.n = p.a.rows;
    p.m = p.b.columns;
    p.is_thin = p.m <= THIN;
    set_steps(&p, right ? p.b.rows : p.a.columns);
    memset(factors, 0, sizeof *factors);
    if (!p.a.load) return LSE_NO_KERNEL;
    const int threads = lse_threads_for(p.n * p.m, 1 << 16, q->threads);
    const lse_fp_state found = lse_fp_enter();
    if (right) make_right(&p, threads);
    else make_left(&p, threads);
    lse_fp_leave(found);
    *factors = right ? p.of_b : p.of_a;
    if (failed) lse_free_factors(factors);
    return failed;
}

void lse_free_factors(lse_factors *factors)
{
    free(factors->factors);
    memset(factors, 0, sizeof *factors);
}
