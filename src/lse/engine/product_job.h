/* One product of two matrices, which products.c divides into tiles, product_factors.c prepares and product_tiles.c
 * computes. */
#ifndef LSE_PRODUCT_JOB_H
#define LSE_PRODUCT_JOB_H

#include <stdint.h>
#include <stdlib.h>

#include "engine/plan.h"
#include "engine/products.h"

enum {
    LSE_THIN = 3,         /* columns of a right operand that are multiplied one by one, if they are not short: */
    LSE_FEW_STEPS = 32,   /* elements of a line up to which lines are better side by side */
    LSE_TILE_ROWS = 192,  /* of a tile, which with LSE_PRODUCT_STEPS of their factors stay in the second cache */
    LSE_TILE_PANELS = 10, /* of a tile */
    LSE_STRIP = 2048,     /* elements of a line that are converted together */
    LSE_ALIGNMENT = 64    /* bytes of a vector, and of a line of the cache */
};

/* A matrix as it lies, with how to read it. */
typedef struct {
    const char *data;
    ptrdiff_t rows, columns, row_stride, column_stride;
    int native;
    lse_load load;
} lse_matrix;

static inline lse_matrix lse_transposed(lse_matrix m)
{ return (lse_matrix){m.data, m.columns, m.rows, m.column_stride, m.row_stride, m.native, m.load}; }

/* One product of two matrices. */
typedef struct {
    const lse_product_kernels *k;
    lse_type type;
    lse_run run;
    lse_matrix a, b;
    char *out;
    ptrdiff_t out_row_stride, out_column_stride;
    lse_store store;
    lse_factors of_a, of_b;               /* of which the factors may be NULL: then each task makes what it needs */
    int is_thin;                          /* the factors of b are rows too */
    ptrdiff_t n, m, steps, rows, columns; /* the last two: of a tile */
    double headroom, least;               /* a sum below `least` may have lost too much */
    int *failed;
} lse_job;

/* NULL where there is no memory; then the job has failed. */
static inline double *lse_new_doubles(ptrdiff_t count, int *failed)
{
    double *p = count <= PTRDIFF_MAX / (ptrdiff_t)sizeof(double) - LSE_ALIGNMENT
                    ? (double *)malloc((size_t)count * sizeof(double) + LSE_ALIGNMENT)
                    : NULL;
    if (!p) LSE_STORE(failed, LSE_NO_MEMORY);
    return p;
}

static inline ptrdiff_t lse_round_up(ptrdiff_t n, ptrdiff_t to) { return lse_quotient_up(n, to) * to; }

/* Rows of factors start in different sets of the cache. */
static inline ptrdiff_t lse_pitch_of(ptrdiff_t steps)
{
    const ptrdiff_t pitch = lse_round_up(steps, 8);
    return pitch % 64 == 0 ? pitch + 8 : pitch;
}

/* Of the panel that starts at this column. */
static inline ptrdiff_t lse_width_at(const lse_job *p, ptrdiff_t first)
{ return lse_least(p->k->panel, lse_round_up(p->m - first, p->k->vector)); }

/* The factors of some lines of all. */
static inline lse_factors lse_some_factors(const lse_factors *of, ptrdiff_t first)
{
    lse_factors some = *of;
    some.factors += first * of->pitch;
    some.anchor += first;
    some.spread += first;
    return some;
}

/* Rows row .. row + rows of the columns column .. column + columns, as doubles in rows of that pitch. */
void lse_read_block(const lse_matrix *m, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, double *to,
                    ptrdiff_t pitch);

/* Elements of one row, where they lie or in a buffer. */
const double *lse_read_row(const lse_matrix *m, ptrdiff_t row, ptrdiff_t start, ptrdiff_t n, double *to);

/* What a line is worth in factors: its elements, where they lie or in a buffer if they are no more than LSE_STRIP. */
const double *lse_see_row(const lse_job *p, const lse_matrix *m, ptrdiff_t row, double *buffer, double *anchor,
                          double *spread);

/* The factors of `count` rows, or of columns of b in panels, from the first on, which may be the first of those kept. */
void lse_factor_rows(const lse_job *p, const lse_matrix *m, ptrdiff_t first, ptrdiff_t count, lse_factors *to);
void lse_factor_panels(const lse_job *p, ptrdiff_t first, ptrdiff_t count, lse_factors *to);

/* Lines of so many doubles, which those of a panel share; of none, to hold levels alone. 0 if there is no memory. */
int lse_new_lines(const lse_job *p, ptrdiff_t lines, ptrdiff_t pitch, lse_factors *to);

/* All factors of an operand, by so many threads. */
void lse_make_left(lse_job *p, int threads);
void lse_make_right(lse_job *p, int threads);

/* A task: one tile. */
void lse_product_tile(void *job, ptrdiff_t index);

#endif
