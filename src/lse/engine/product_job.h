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
    int size; /* of an element, if kernels can read it where it lies, else 0; and as what */
    lse_type element;
    lse_load load; /* to doubles */
} lse_matrix;

static inline lse_matrix lse_transposed(lse_matrix m)
{ return (lse_matrix){m.data, m.columns, m.rows, m.column_stride, m.row_stride, m.size, m.element, m.load}; }

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
    int has_rests;                        /* sums have a second part, what rounding them loses */
    double headroom, least;               /* a sum below `least` may have lost too much */
    double *room;                         /* of a tile, where tiles follow one another; NULL: each takes its own */
    int *failed;
} lse_job;

/* So many doubles, at whole lines of the cache in a block to free. NULL where there is no memory; then the job has
 * failed. */
static inline double *lse_new_doubles(ptrdiff_t count, void **block, int *failed)
{
    *block = count <= PTRDIFF_MAX / (ptrdiff_t)sizeof(double) - LSE_ALIGNMENT
                 ? malloc((size_t)count * sizeof(double) + LSE_ALIGNMENT)
                 : NULL;
    if (!*block) {
        LSE_STORE(failed, LSE_NO_MEMORY);
        return NULL;
    }
    return (double *)(void *)((char *)*block + (LSE_ALIGNMENT - (uintptr_t)*block % LSE_ALIGNMENT));
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

/* Elements of one row, where they lie or in a buffer, and their type. */
const void *lse_read_row(const lse_matrix *m, ptrdiff_t row, ptrdiff_t start, ptrdiff_t n, double *to, lse_type *type);

/* What a line is worth in factors: its elements, where they lie or in a buffer if they are no more than LSE_STRIP. */
const void *lse_see_row(const lse_job *p, const lse_matrix *m, ptrdiff_t row, double *buffer, double *anchor,
                        double *spread, lse_type *type);

/* Levels and factors of `count` rows, which the first of those lines hold. */
void lse_factor_rows(const lse_job *p, const lse_matrix *m, ptrdiff_t first, ptrdiff_t count, lse_factors *to);

/* Whether kernels can read the columns of a matrix side by side, where they lie. */
int lse_are_columns_readable(const lse_matrix *m);

/* Levels of columns of b, and the factors of `steps` steps of `width` of them, one panel, whose levels are known. */
void lse_see_columns(const lse_job *p, const lse_matrix *b, ptrdiff_t first, ptrdiff_t count, double *anchor,
                     double *spread);
void lse_factor_panel(const lse_job *p, const lse_matrix *b, ptrdiff_t first, ptrdiff_t width, ptrdiff_t step,
                      ptrdiff_t steps, const double *anchor, double *factors);

/* Doubles that lines of so many factors need, and their places in as many, whole lines of the cache; of no factors,
 * levels alone. More than PTRDIFF_MAX / 64 are as many as cannot be had. */
ptrdiff_t lse_room_of_lines(ptrdiff_t lines, ptrdiff_t pitch);
void lse_place_lines(const lse_job *p, ptrdiff_t lines, ptrdiff_t pitch, double *room, lse_factors *to);

/* The same of all lines of an operand, and their factors, made by so many threads. */
ptrdiff_t lse_room_of_left(const lse_job *p);
ptrdiff_t lse_room_of_right(const lse_job *p);
void lse_make_left(lse_job *p, double *room, int threads);
void lse_make_right(lse_job *p, double *room, int threads);

/* What a tile needs that finds the factors of an operand, or has to make them. */
ptrdiff_t lse_room_of_tile(const lse_job *p, int has_a, int has_b);

/* A task: one tile. */
void lse_product_tile(void *job, ptrdiff_t index);

#endif
