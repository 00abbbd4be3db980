/* A call as rows or columns in memory: plan.c makes a plan from arrays, and the rest of the engine works on it.
 *
 * execute.c carries out a request: plan.c lays out the arrays; pieces.c computes states of rows; sums.c stores, merges
 * and finishes running sums; results.c turns states into outputs, recompute.c those that need recomputation; tasks.c
 * and column_maps.c divide the work into tasks. */
#ifndef LSE_PLAN_H
#define LSE_PLAN_H

#include "engine/engine.h"
#include "engine/types.h"

/* An array as `outer` rows of n elements, or, if `columns` is not 0, as `outer` blocks of n rows of `columns`
 * neighbouring columns. A mask and weights have the shape of the array. The signs of the sums and their rounding errors
 * may be further outputs, with strides of their own. */
typedef struct {
    lse_operation operation;
    const lse_type_facts *type;
    const lse_map_kernels *map; /* of a map */
    const lse_kernels *table;
    const lse_real_kernels *kernels;    /* NULL of complex types and long double, as map */
    const lse_complex_kernels *complex; /* NULL of other types */
    lse_run run;
    int itemsize; /* of the kernels' type */
    ptrdiff_t n, outer, columns;
    lse_layout row, out_row;
    /* for maps, in which order elements are mapped: these, or of several axes those in the order of memory */
    const lse_layout *mapped_row, *mapped_out;
    lse_layout row_in_memory, out_in_memory;
    int outer_ndim;
    ptrdiff_t outer_shape[LSE_MAX_DIMS], outer_stride[LSE_MAX_DIMS], outer_where_stride[LSE_MAX_DIMS];
    ptrdiff_t outer_weight_stride[LSE_MAX_DIMS], outer_out_stride[LSE_MAX_DIMS], outer_given_stride[LSE_MAX_DIMS];
    ptrdiff_t out_column_stride, given_column_stride;
    /* for short sums: the last kept axis, possibly that of columns, apart from the outer ones; their layouts */
    int is_short;
    lse_form form, weight_form, out_form;
    ptrdiff_t kept_length, kept_stride, kept_where_stride, kept_weight_stride, kept_out_stride;
    lse_row first;
    char *out, *sign, *low;     /* sign and low may be NULL */
    double divisor, divisor_lo; /* subtracted from each log-sum-exp; may be 0 */
    const double *divisors;     /* likewise one for each, see engine.h; may be NULL */
    ptrdiff_t divisor_count, out_size;
    lse_store store; /* of one result; NULL for the kernels' own type */
    int has_empty;   /* whether rows of a map with nothing in them become `empty`, not NaN */
    double empty;
    lse_sums given;        /* sums of the rows of a map; for LSE_SUMS, sums to add to; max may be NULL */
    lse_sums into;         /* for LSE_SUMS; its maxima are the output */
    int pairs;             /* of long doubles: weights are added to the elements */
    ptrdiff_t mask_stride; /* unless 0: row.where_stride is that of copies of the masks, which the task makes */
    ptrdiff_t together;    /* rows, or columns, in one task */
    ptrdiff_t panels;      /* tasks per block of columns */
    int *failed;           /* why it stops, see threads.h; any thread may set it */
} lse_plan;

static inline ptrdiff_t lse_least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t lse_most(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t lse_quotient_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/* plan.c: 0, or -1 where no kernel reads or writes a type. *failed receives the reason for stopping. */
int lse_make_plan(lse_plan *plan, const lse_request *request, int *failed);
/* The addresses of an outer row in the input and in the output, and its index in given sums. */
void lse_find_row(const lse_plan *plan, ptrdiff_t index, lse_row *row, char **out, ptrdiff_t *given);
lse_row lse_column_of(const lse_plan *plan, const lse_row *first, ptrdiff_t i);

/* Several rows, or neighbouring columns: their addresses, those of their results, and their indices in given sums. */
typedef struct {
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    ptrdiff_t given[LSE_BATCH];
    ptrdiff_t count;
} lse_members;

/* `count` columns of an outer block, from number first. */
void lse_find_columns(const lse_plan *plan, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count, lse_members *members);

/* pieces.c: the length of the next piece of a row; 0 at its end, or to stop. */
ptrdiff_t lse_next_piece(const lse_plan *plan, const lse_row *row, ptrdiff_t start);
/* The state of one piece of a row. */
void lse_piece_states(const lse_plan *plan, const lse_row *row, ptrdiff_t piece, lse_states *states);
/* strands.c: those of a whole row along whose first axis elements are neighbours in memory; 0, and nothing done, if there
 * is no memory for the sums of pieces. */
int lse_strand_states(const lse_plan *plan, const lse_row *row, int threads, lse_states *states);
/* States of count rows, or of count columns of which rows is the first. */
void lse_whole_states(const lse_plan *plan, const lse_row *rows, ptrdiff_t count, int columns, int threads,
                      lse_states *states);

/* results.c: log-sum-exps of no elements, count <= LSE_BATCH of them. */
void lse_store_nothing(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count);
/* results.c: from the states of some rows or columns to the output; rows and out have one for each. */
void lse_finish_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, lse_states *states,
                      int threads);
/* Whether softmax keeps the terms of rows of n elements. */
int lse_is_stored(const lse_plan *plan, ptrdiff_t n);

/* Likewise of short sums of which none cancels: what is asked for at its places in the output; 0, and nothing done,
 * where one does. */
int lse_store_short(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states);
/* Whether the results are log-sum-exps of the kernels' type and nothing else. */
int lse_has_plain_results(const lse_plan *plan);

/* differences.c: whether any of these rows of two elements is a difference; log|sum| = value + value_lo and the sign of
 * a row that is one, else 0; result i where that of the kernels is not accurate enough. */
int lse_hold_differences(const lse_plan *plan, const lse_row *rows, ptrdiff_t count);
int lse_take_difference(const lse_plan *plan, const lse_row *row, double *value, double *value_lo, double *sign);
void lse_refine_difference(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                           lse_results *results);

/* singles.c: whether all rows have one element, and are neighbours in runs; a task of plan->together of them. */
int lse_is_single(const lse_plan *plan);
void lse_singles_task(void *plan, ptrdiff_t index);

/* panels.c: a task of plan->together short sums. */
void lse_panels_task(void *plan, ptrdiff_t index);

/* maps.c: softmax of rows of at most LSE_STORED elements. */
void lse_map_stored(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count);
/* One value for the included elements of a row that is mapped; if there are none, everywhere. */
void lse_fill_included(const lse_plan *plan, const lse_row *row, char *out, double value);
/* Where a row is all NaN now, but its mask includes some elements: the results of all others. */
void lse_leave_out(const lse_plan *plan, const lse_row *row, char *out);

/* empty.c: before rows are mapped, whether any of them is to become plan->empty, and which; 0 if none shall. After
 * that, let them be so. */
int lse_find_empty(const lse_plan *plan, const lse_row *rows, ptrdiff_t count, unsigned char *are_empty);
void lse_put_empty(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count,
                   const unsigned char *are_empty);

/* maps.c: softmax or log-softmax of rows from their sums. What columns are mapped with, results `at` and on. The sums
 * that are given for some rows or columns. */
void lse_map_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, lse_states *states,
                   int threads);
void lse_finish_map(const lse_plan *plan, ptrdiff_t count, lse_states *states, lse_wide_results *to, ptrdiff_t at);
void lse_take_given(const lse_plan *plan, const lse_members *members, lse_states *states);

/* column_maps.c: softmax or log-softmax of columns of more than LSE_SHORT elements. */
void lse_map_columns_of(const lse_plan *plan, int threads);
/* Likewise of count of them, no more than the kernels' panel. */
void lse_map_some_columns(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, int threads);

/* Most elements of the rows of one task, if these are several. */
#define LSE_TOGETHER 32768

/* Largest task, in elements, that one thread computes alone: the calling thread notices an interrupt only while it
 * works itself, not while it waits for others. */
#define LSE_LONG ((ptrdiff_t)1 << 22)

/* tasks.c: calls task(context, i) for i < count on this many threads until told to stop. */
void lse_run_until_stopped(const lse_plan *plan, lse_task task, void *context, ptrdiff_t count, int threads);

/* tasks.c: how many columns to process together, if possible such that all threads are busy all the time. */
ptrdiff_t lse_width_for(const lse_plan *plan, ptrdiff_t widest, ptrdiff_t narrowest, int threads);

/* complex.c, long_double.c: the same for these types. */
void lse_run_complex(lse_plan *plan, const lse_request *request, int threads);
void lse_run_long_double(lse_plan *plan, const lse_request *request, int threads);

/* tasks.c, segments.c: the whole plan on this many threads: short sums, and others as the operation requires. */
void lse_run_short(lse_plan *plan, int threads);
void lse_run_rows(lse_plan *plan, const lse_request *request, int threads);
void lse_run_cumulative(lse_plan *plan, const lse_request *request, int threads);
void lse_run_segments(lse_plan *plan, const lse_request *request, int threads);

/* segments.c, for complex numbers too: segment i of a row consists of elements offsets[i] .. offsets[i + 1]. Strides in
 * bytes: from one element to the next, and in the output from one element of a map, or one result, to the next. */
typedef struct {
    const ptrdiff_t *offsets;
    ptrdiff_t count, stride, where_stride, weight_stride, out_stride;
    ptrdiff_t batches; /* of LSE_BATCH, of each row */
    int maps;
} lse_segments;

lse_segments lse_segments_of(const lse_request *request);
/* segment_values.c: log-sum-exps alone, or maps, of segments that are runs of the kernels' type and no longer than a
 * piece. Returns whether there are longer ones. */
int lse_run_segment_values(const lse_plan *plan, const lse_segments *segments, int threads);
static inline ptrdiff_t lse_segment_length(const lse_segments *s, ptrdiff_t i)
{ return s->offsets[i + 1] - s->offsets[i]; }

/* Segment i of a row whose results are in out. It may take the place of the row. */
static inline void lse_find_segment(const lse_segments *s, const lse_row *row, char *out, ptrdiff_t i, lse_row *segment,
                                    char **segment_out)
{
    const ptrdiff_t start = s->offsets[i];
    *segment = *row;
    segment->x += start * s->stride;
    if (segment->where) segment->where += start * s->where_stride;
    if (segment->weight) segment->weight += start * s->weight_stride;
    segment->n = lse_segment_length(s, i);
    *segment_out = out + (s->maps ? start : i) * s->out_stride;
}

#endif
