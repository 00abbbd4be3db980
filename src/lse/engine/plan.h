/* One call, as rows or columns over memory: what plan.c makes of arrays, and what the rest of the engine does with it.
 *
 * Nothing here knows of Python. plan.c lays arrays out; pieces.c makes states of rows; sums.c keeps, merges and
 * finishes running sums; results.c turns states into outputs; tasks.c and column_maps.c cut the whole into tasks. */
#ifndef LSE_PLAN_H
#define LSE_PLAN_H

#include "engine/sums.h"
#include "engine/threads.h"
#include "kernels/kernels.h"

/* An array of the kinds and sizes of lse_load_for, with strides in bytes. data is NULL where there is no array. */
typedef struct {
    char *data;
    int ndim;
    char kind;
    int itemsize, swapped;
    const ptrdiff_t *shape, *stride;
} lse_array;

typedef enum {
    LSE_LOGSUMEXP,
    LSE_SOFTMAX,
    LSE_LOG_SOFTMAX,
    LSE_CUMULATE,
    LSE_SEGMENTS,
    LSE_SUMS /* no results but running sums, which lie as the output would */
} lse_operation;

/* An array as `outer` rows of n elements, or, where `columns` is not 0, as `outer` blocks of n rows of as many
 * neighbouring columns. A mask and weights have the shape of the array. Beside the output may lie, in arrays of its own
 * strides, the signs of the sums and what rounding lost. */
typedef struct {
    lse_operation operation;
    const lse_kernels *table;
    const lse_real_kernels *kernels;
    lse_run run;
    int threads;
    double far;   /* what the kernels take: the greatest element, of weighted sums the greatest exponent */
    int itemsize; /* of the kernels' type */
    ptrdiff_t n, outer, columns;
    lse_layout row, out_row;
    int outer_ndim;
    ptrdiff_t outer_shape[LSE_MAX_DIMS], outer_stride[LSE_MAX_DIMS], outer_where_stride[LSE_MAX_DIMS];
    ptrdiff_t outer_weight_stride[LSE_MAX_DIMS], outer_out_stride[LSE_MAX_DIMS], outer_given_stride[LSE_MAX_DIMS];
    ptrdiff_t out_column_stride, given_column_stride;
    /* of short sums: the last axis kept, which may be that of columns; the others are the outer ones; how they lie */
    int is_short;
    lse_form form, weight_form, out_form;
    ptrdiff_t kept_length, kept_stride, kept_where_stride, kept_weight_stride, kept_out_stride;
    lse_row first;
    char *out, *sign, *low; /* sign and low may be NULL */
    lse_store store;        /* of one result; NULL for the kernels' own type */
    lse_sums given;         /* of a map its sums, of LSE_SUMS what is added to; max is NULL where there are none */
    lse_sums into;          /* of LSE_SUMS; its maxima are the output */
    ptrdiff_t together;     /* rows, or columns, of one task */
    ptrdiff_t panels;       /* tasks for each block of columns */
    int *failed;            /* why it stops, see threads.h; set by any of its threads */
} lse_plan;

/* What is to be done; a where or weights whose data is NULL are not there. A map may be given the sums of its rows,
 * with strides in elements for each axis kept; LSE_SUMS sums that are added to, laid out as the output. */
typedef struct {
    lse_operation operation;
    const lse_kernels *table;
    lse_run run;
    int threads; /* 0: as many as pay */
    lse_array a, where, weights, out;
    unsigned long long reduced; /* a bit for each axis */
    int single;                 /* in single precision */
    lse_sums given, into;
    const ptrdiff_t *given_stride;
} lse_request;

static inline ptrdiff_t lse_least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t lse_most(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t lse_quotient_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/* plan.c: describes the reduction of a, which is not empty; the output has the shape of a, or lacks the reduced axes or
 * has them with length 1. 0, or -1 where no kernel reads or writes a type. */
int lse_make_plan(lse_plan *plan, const lse_request *request);
int lse_maps(lse_operation operation);
/* The addresses of an outer row in the input and in the output, and its place in given sums. */
void lse_find_row(const lse_plan *plan, ptrdiff_t index, lse_row *row, char **out, ptrdiff_t *given);
lse_row lse_column_of(const lse_plan *plan, const lse_row *first, ptrdiff_t i);

/* Some rows, or neighbouring columns: where they lie, where their results go, their places in given sums. */
typedef struct {
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    ptrdiff_t given[LSE_BATCH];
    ptrdiff_t count;
} lse_members;

/* Columns first and on of an outer block. */
void lse_find_columns(const lse_plan *plan, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count, lse_members *members);

/* pieces.c: how many elements of a row to look at next; 0 at its end, or to stop. */
ptrdiff_t lse_next_piece(const lse_plan *plan, const lse_row *row, ptrdiff_t start);
/* States of count rows, or of count columns of which rows is the first, less their shifts, if any. */
void lse_whole_states(const lse_plan *plan, const lse_row *rows, ptrdiff_t count, int columns, const double *shift,
                      int threads, lse_states *states);

/* results.c: from the states of some rows or columns to the output; rows and out have one for each. */
void lse_finish_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, const lse_states *states,
                      int threads);
/* The results of the columns of a map; 0, or 1 where some wanted a second look, and all are mapped. */
int lse_finish_columns(const lse_plan *plan, lse_members *members, int threads, lse_results *results);
/* The softmax of one row from its state. */
void lse_finish_softmax(const lse_plan *plan, const lse_row *row, char *out);
/* Whether softmax keeps the terms of these rows. */
int lse_is_stored(const lse_plan *plan);

/* Likewise of short sums of which none wants a second look: what is asked for at its places in the output; 0, and
 * nothing done, where one does. */
int lse_store_plain(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states);

/* singles.c: whether all are of one element each, in runs of neighbours; a task of them, plan->together. */
int lse_is_single(const lse_plan *plan);
void lse_singles_task(void *plan, ptrdiff_t index);

/* panels.c: a task of short sums, plan->together of them. */
void lse_panels_task(void *plan, ptrdiff_t index);

/* maps.c: softmax of rows of no more than LSE_STORED elements; of one of which all is NaN now. */
void lse_map_stored(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count);
void lse_finish_nan(const lse_plan *plan, const lse_row *row, char *out);

/* maps.c: softmax or log-softmax from results, which may become NaN: those of elements less their shift, or of a row
 * with infinities. plain: no shift, infinity or NaN; of plain columns 0, and nothing is done. The same from given
 * sums. */
int lse_map_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, int plain,
                  const double *shift, const ptrdiff_t *infinities, lse_results *results, int threads);
int lse_map_given(const lse_plan *plan, lse_members *members, int threads, lse_results *results);

/* column_maps.c: softmax or log-softmax of columns of more than LSE_SHORT elements. */
void lse_map_columns_of(const lse_plan *plan, int threads);

/* Elements of a task that is left to one thread: the thread that called hears of an interrupt only while it works
 * itself, not while it waits for others. */
#define LSE_LONG ((ptrdiff_t)1 << 22)

/* tasks.c: calls task(context, i) for i < count, on so many threads, until it is to stop. */
void lse_run_until_stopped(const lse_plan *plan, lse_task task, void *context, ptrdiff_t count, int threads);

/* tasks.c: how many columns go together, if possible so many that there is work for all threads all the time. */
ptrdiff_t lse_width_for(const lse_plan *plan, ptrdiff_t widest, ptrdiff_t narrowest, int threads);

/* tasks.c, segments.c: all of it, in the default floating-point state, which is left as it was found. */
void lse_execute(lse_plan *plan);

/* Segment i of a row are its elements offsets[i] .. offsets[i + 1]; its result is i * step bytes from that of the
 * first. */
typedef struct {
    const lse_plan *plan;
    const ptrdiff_t *offsets;
    ptrdiff_t count, step;
    ptrdiff_t stride;  /* bytes from an element to the next */
    ptrdiff_t batches; /* of each row */
} lse_segments;

void lse_execute_segments(lse_segments *segments, int threads);

/* tasks.c: the log-sum-exp, a float where single and a double elsewhere, or the sum, of one contiguous run of no
 * more than LSE_PIECE elements, not 0, without a plan; 0 where it wants a second look. */
int lse_quick_value(const lse_kernels *table, int single, const void *data, ptrdiff_t n, void *value);
int lse_quick_sum(const lse_kernels *table, int single, const void *data, ptrdiff_t n, lse_sum *sum);
/* Likewise softmax or log-softmax of no more than LSE_SHORT elements; data is as it was where it returns 0. */
int lse_quick_map(const lse_kernels *table, int single, lse_operation operation, const void *data, ptrdiff_t n,
                  void *out);

#endif
