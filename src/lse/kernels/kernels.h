/* The functions of one instruction set, as a table; all tables give the same bits.
 *
 * Nothing here allocates, starts threads or depends on Python. Pointers to data are char pointers with strides in
 * bytes, because data may be unaligned. */
#ifndef LSE_KERNELS_H
#define LSE_KERNELS_H

#include <stddef.h>

#include "kernels/operations.h"

enum {
    LSE_FEW = 16,         /* elements of a row that is a whole call */
    LSE_SHORT = 256,      /* elements of a row whose maximum is found first; of a block of longer rows */
    LSE_STORED = 4096,    /* elements of a row whose softmax keeps the terms */
    LSE_TILE_LINES = 64,  /* lines of each of several tiles that are filled together */
    LSE_NARROW = 64,      /* bytes of neighbouring columns below which they are transposed into rows */
    LSE_BATCH = 64,       /* rows or columns whose states are kept and finished together */
    LSE_WIDE = 512,       /* neighbouring columns that are mapped together */
    LSE_EXPONENTIALS = 32, /* computed at once, or fewer */
    LSE_GRADIENTS = 512,  /* neighbouring columns whose gradients are computed together; whole steps of vectors */
    LSE_LANES = 8,        /* sums of doubles side by side, whatever the width of the registers */
    LSE_COMPLEX_LANES = 16, /* of a complex tile of floats; half as many of doubles */
    LSE_LINES = 128,      /* of a block of a long complex row */
    LSE_STEPS = 32,       /* likewise of a cumulative sum, of consecutive elements in each lane */
    LSE_SEARCHED = 1 << 15, /* elements of a sum that cancels that are searched for equal ones at a time */
    LSE_PIECE = 1 << 16,  /* elements of a row that make one state; states of longer rows are merged from such pieces */
    LSE_PART_ROOM = 96,   /* doubles that hold a running sum of any kernel */
    LSE_MAX_DIMS = 64     /* as many as a NumPy array can have */
};

/* The types that results are computed in. */
typedef enum { LSE_F32, LSE_F64, LSE_TYPES, LSE_C64 = LSE_TYPES, LSE_C128, LSE_LD, LSE_CLD, LSE_ALL_TYPES } lse_type;
enum { LSE_COMPLEX_TYPES = LSE_LD - LSE_TYPES };
enum { LSE_LONGDOUBLE = 0 }; /* in place of a size: long double, which may have that of another type */

/* Doubles that sum_exactly takes beside n elements and weights: as many and a table, of 4 n entries of 16 bits. */
static inline ptrdiff_t lse_room_for(ptrdiff_t n) { return 2 * (n < LSE_SEARCHED ? n : LSE_SEARCHED); }

/* Angles from which sines and cosines are computed; larger ones are reduced to (-pi, pi] first. */
#define LSE_FAR_ANGLE_f32 0x1p17f
#define LSE_FAR_ANGLE_f64 0x1p20

/* The kernels handle elements of larger magnitude only as x - shift. */
#define LSE_FAR_f32 0x1p17
#define LSE_FAR_f64 0x1p46

/* Running states of up to LSE_BATCH log-sum-exps, each the greatest element, how often it was there, and the sum over
 * all others: sum(exp(x)) = count exp(max) + (tail + tail_lo) * 2^(nearest(max log2(e)) - 500). With weights max is the
 * greatest exponent of a term, an integer, and no term is kept aside: sum(b exp(x)) = (tail + tail_lo) * 2^(max - 500),
 * count is 0. Either, where
 * - it is nothing: (-inf, 0, 0, 0);
 * - there was NaN: tail is NaN, max -inf;
 * - tail_lo is inf and max finite: it is e^(max + count) tail 2^-500, too great or too small for the above; of plain
 *   sums that is where max is beyond LSE_FAR_f64, and count is 0; of integers that doubles cannot hold, weighted, count
 *   is what max lacks;
 * - tail_lo and max are inf: an infinite sum; tail is the number of its terms that are +inf, or of weighted ones its
 *   sign. */
typedef struct {
    double max[LSE_BATCH];
    double count[LSE_BATCH];
    double tail[LSE_BATCH];
    double tail_lo[LSE_BATCH];
} lse_states;

/* Results of states: log|sum| = value + value_lo; the sign of the sum (-1, 0, 1 or NaN) if there are weights; 1 /
 * sum(exp(x)) = (scale + scale_lo) 2^-anchor. */
typedef struct {
    double value[LSE_BATCH];
    double value_lo[LSE_BATCH];
    double sign[LSE_BATCH];
    double scale[LSE_BATCH];
    double scale_lo[LSE_BATCH];
    double anchor[LSE_BATCH];
} lse_results;

/* Results that up to LSE_WIDE neighbouring columns are mapped with, and what their elements are less before: 0, or a
 * maximum that is too far out. Of +inf the elements that are that become 0, all others -inf. */
typedef struct {
    double shift[LSE_WIDE];
    double value[LSE_WIDE];
    double value_lo[LSE_WIDE];
    double scale[LSE_WIDE];
    double scale_lo[LSE_WIDE];
    double anchor[LSE_WIDE];
} lse_wide_results;

/* Complex numbers are computed as floats or doubles, 64 bytes of them at a time: a tile has a line of sixteen or eight
 * for each step. They are one element of each of so many sums, or consecutive elements of one sum. */
typedef union {
    struct {
        float re[LSE_COMPLEX_LANES], im[LSE_COMPLEX_LANES];
    } f32;
    struct {
        double re[LSE_LANES], im[LSE_LANES];
    } f64;
} lse_complex_line;

/* Their weights: 2^exponent (re + i im), where the kernels have been at them. */
typedef union {
    struct {
        float re[LSE_COMPLEX_LANES], im[LSE_COMPLEX_LANES], exponent[LSE_COMPLEX_LANES];
    } f32;
    struct {
        double re[LSE_LANES], im[LSE_LANES], exponent[LSE_LANES];
    } f64;
} lse_weight_line;

/* As many sums as there are lanes. re + i im is the element with the greatest real part, the first of these, in line
 * `at`, and x + i y all others, over the direction of it:
 * sum(exp(z)) = e^(i im) (e^re + (x + x_lo + i (y + y_lo)) 2^(nearest(re log2(e)) - 500)).
 * With weights re is the greatest exponent of a term, an integer, and no term is kept aside: sum(b exp(z)) =
 * (x + x_lo + i (y + y_lo)) 2^(re - 500). Nothing is -inf and zeros. NaN of an element or a weight is NaN in x or y; an
 * infinite weight is NaN or infinity there.
 *
 * Of one long sum x and y are those of lanes, to be added up, and not turned; re, the same in all, and im[0] are of all
 * of them. */
typedef struct {
    double re[LSE_COMPLEX_LANES], im[LSE_COMPLEX_LANES];
    double x[LSE_COMPLEX_LANES], x_lo[LSE_COMPLEX_LANES], y[LSE_COMPLEX_LANES], y_lo[LSE_COMPLEX_LANES];
    int at[LSE_COMPLEX_LANES];
} lse_complex_sums;

/* Their logarithms, log + log_lo + i (angle + angle_lo), and e^(i angle), 0 of a sum of 0. */
typedef struct {
    double log[LSE_COMPLEX_LANES], log_lo[LSE_COMPLEX_LANES], angle[LSE_COMPLEX_LANES], angle_lo[LSE_COMPLEX_LANES];
    double sign_re[LSE_COMPLEX_LANES], sign_im[LSE_COMPLEX_LANES];
} lse_complex_results;

/* What maps elements z: those kept aside, in lines `at` or nowhere, -1; the logarithm of the sums over them; or the
 * softmax of what is kept aside, and the factor that makes it of the terms of all others. NaN is added to all that has
 * no result. */
typedef struct {
    double re[LSE_COMPLEX_LANES], im[LSE_COMPLEX_LANES];
    double log[LSE_COMPLEX_LANES], log_lo[LSE_COMPLEX_LANES], angle[LSE_COMPLEX_LANES], angle_lo[LSE_COMPLEX_LANES];
    double kept_re[LSE_COMPLEX_LANES], kept_im[LSE_COMPLEX_LANES];
    double factor_re[LSE_COMPLEX_LANES], factor_im[LSE_COMPLEX_LANES];
    double nan[LSE_COMPLEX_LANES];
    int at[LSE_COMPLEX_LANES];
} lse_complex_divisors;

/* Copies count elements, stride bytes apart, to a contiguous buffer of floats, doubles or pairs of doubles, and the
 * reverse. */
typedef void (*lse_load)(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst);
typedef void (*lse_store)(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src);

/* The memory layout of a row, its mask and its weights: nested axes, the last one fastest. native: of the kernel's own
 * type; direct: also one contiguous run. Otherwise load, load_weight and store convert. */
typedef struct {
    int ndim;
    int native, direct, native_weight, direct_weight;
    int ones; /* the weights alone are summed, as if all elements were 0, whatever they are */
    ptrdiff_t shape[LSE_MAX_DIMS];
    ptrdiff_t stride[LSE_MAX_DIMS];
    ptrdiff_t where_stride[LSE_MAX_DIMS];
    ptrdiff_t weight_stride[LSE_MAX_DIMS];
    ptrdiff_t where_step, weight_step; /* from one column to the next */
    lse_load load, load_weight;
    lse_store store;
} lse_layout;

/* One row of n elements, or the first of several columns. Elements whose byte in where is 0 are excluded; where and
 * weight may be NULL. */
typedef struct {
    const char *x, *where, *weight;
    ptrdiff_t n;
} lse_row;

/* The layout of the sums of a panel. By rows: each is a contiguous run of the kernel's type. By columns: they are side
 * by side, and the elements of one index are a run. By lines: as columns, but of any type and equal distance. Gathered:
 * the kernel's type at any distances. Staged: anything else, copied according to layout. */
typedef enum { LSE_BY_ROWS, LSE_BY_COLUMNS, LSE_BY_LINES, LSE_GATHERED, LSE_STAGED } lse_form;
/* Whether the sums of a panel must be one run. */
static inline int lse_is_across(lse_form form) { return form == LSE_BY_COLUMNS || form == LSE_BY_LINES; }

/* count <= LSE_BATCH sums of n <= LSE_SHORT elements each: element i of sum k is at x + at[k] + offset[i]. */
typedef struct lse_panel {
    ptrdiff_t n, count;
    lse_form form, out_form;
    const char *x, *where; /* where: NULL, or by columns also a run */
    char *out;
    const ptrdiff_t *at, *where_at, *out_at;             /* count of each */
    const ptrdiff_t *offset, *where_offset, *out_offset; /* n of each */
    ptrdiff_t pitch, out_pitch;                          /* from one row to the next, 0 where that varies */
    const lse_layout *layout, *out_layout;
    const struct lse_panel *weights; /* NULL, or that of the weights, which then has the mask; excluded weights are 0 */
    int are_weights, are_the_same;   /* this is a panel of weights; all sums have the weights of the first */
} lse_panel;

/* The states of all sums. */
typedef void (*lse_sum_panel)(const lse_panel *panel, lse_states *states);
/* Softmax, log-softmax or cumulative sums of the whole panel, whatever its values. */
typedef void (*lse_map_panel)(const lse_panel *panel);

/* States of count <= LSE_BATCH rows, elements start .. start + n <= start + LSE_PIECE of each, as far as it reaches. */
typedef void (*lse_reduce_rows)(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n,
                                ptrdiff_t count, lse_states *states);
/* The same for count <= panel neighbouring columns; layout tells how the rows lie. */
typedef void (*lse_reduce_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                   ptrdiff_t count, lse_states *states);
/* Writes elements start .. start + n of one row, mapped with result number index. */
typedef void (*lse_map_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index);
/* The same for count <= LSE_WIDE columns, neighbours both in the input and in the output. */
typedef void (*lse_map_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_wide_results *results);

/* The kernels of a map: for long rows and columns, from their results, and for a panel of short sums. */
typedef struct {
    lse_map_row row;
    lse_map_columns columns;
    lse_map_panel panel;
} lse_map_kernels;

/* What a cumulative sum takes from one piece of a row to the next, of any precision. */
typedef union {
    double aligned;
    char bytes[96];
} lse_running;
/* Writes log(sum(exp(x[0 .. i]))) for i in start .. start + n, a whole number of blocks (16 KiB) or the rest of the
 * row; out may be the row itself. */
typedef void (*lse_cumulate)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                             ptrdiff_t start, ptrdiff_t n, lse_running *running);

/* The same for count rows side by side, no more than 64 bytes of them, with a running sum each: their elements are of
 * the kernel's type, and those of an index a run, in the output too. */
typedef void (*lse_cumulate_columns)(const lse_layout *layout, const char *x, const lse_layout *out_layout, char *out,
                                     ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, lse_running *running);

/* into = into + from, element by element, for sums of which tail_lo is not inf. */
typedef void (*lse_merge)(lse_states *into, const lse_states *from, ptrdiff_t count);
typedef void (*lse_finish)(const lse_states *states, ptrdiff_t count, lse_results *results);

/* What decides the gradients of the elements of up to LSE_GRADIENTS rows, in double and in the type of the kernel. */
typedef union {
    float f32[LSE_GRADIENTS];
    double f64[LSE_GRADIENTS];
} lse_source;
typedef struct {
    double sum[LSE_GRADIENTS];
    lse_source minus_sum, value, scale, scale_lo;
} lse_sources;
typedef void (*lse_gradient_run)(const char *x, const char *grad, ptrdiff_t n, const lse_sources *of, int each,
                                 char *out);

/* Of maps of count rows of n elements: without gaps and `pitch` bytes apart, or no more than LSE_GRADIENTS neighbours,
 * their elements `pitch` bytes apart. */
typedef struct {
    ptrdiff_t y, grad, out;
} lse_gradient_pitch;
typedef void (*lse_gradient_rows)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                  const lse_gradient_pitch *pitch, char *out);

/* The functions of one and two numbers. */
typedef enum {
    LSE_LOGADDEXP,
    LSE_LOGSUBEXP,
    LSE_LOG1PEXP,
    LSE_LOG1MEXP,
    LSE_LOGEXPM1,
    LSE_POINTWISE
} lse_function;

/* One of them for n elements: args are the inputs and then the output, steps bytes apart. The output may be an input,
 * but must not overlap with one otherwise. */
typedef void (*lse_pointwise)(char *const *args, const ptrdiff_t *steps, ptrdiff_t n);

/* The sum of a piece that comes in parts, contiguous runs of it from `start` on: whole blocks of LSE_SHORT elements, but
 * for the last part, which puts state 0. Returns 0, and the sum means nothing, where the piece is beyond the kernels or
 * its sum faint, so that it needs `rows`. */
typedef struct {
    double room[LSE_PART_ROOM];
} lse_part_sum;
typedef int (*lse_sum_part)(lse_part_sum *sum, const char *x, ptrdiff_t start, ptrdiff_t n, int is_last,
                            lse_states *states);

typedef struct {
    lse_reduce_rows rows;
    lse_sum_part sum_part;
    /* Element j of run i of a matrix becomes element i of run j of another one; runs are pitch bytes apart. */
    void (*transpose)(const char *from, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t columns, char *to,
                      ptrdiff_t to_pitch);
    lse_reduce_columns columns, narrow_columns; /* the latter for less than LSE_NARROW bytes of columns */
    lse_reduce_rows weighted_rows;
    lse_reduce_columns weighted_columns, narrow_weighted_columns;
    lse_map_kernels maps[LSE_OPERATIONS]; /* of those that write as many elements as they read */
    /* All of these are of elements start .. start + n of a row:
     * a run of them, -inf where they are left out */
    void (*copy_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, void *to);
    /* n elements and weights as doubles; the weight of an element left out is 0 */
    void (*collect)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, double *x,
                    double *weight);
    /* out = x is +inf ? at_infinity : elsewhere */
    void (*select_infinity)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double at_infinity, double elsewhere);
    /* for a row with a mask: whether any element is included; out = excluded ? absent : present */
    int (*is_present)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n);
    void (*select_present)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                           ptrdiff_t start, ptrdiff_t n, double present, double absent);
    lse_cumulate cumulate_row;
    lse_cumulate_columns cumulate_columns;
    lse_finish finish, finish_scaled; /* value and value_lo alone, or the scale too */
    /* The values alone, of whole vectors of states up to count, as floats or doubles, every NaN the same one. */
    void (*finish_values)(const lse_states *states, ptrdiff_t count, void *values);
    /* Of n <= LSE_FEW elements in one run; 0 where they need recomputation. */
    int (*value_of_few)(const char *x, ptrdiff_t n, void *value);
    int (*log_softmax_of_few)(const char *x, ptrdiff_t n, void *out);
    /* For count sums of one element each, with x and out contiguous: the elements; value, or NaN for -inf and NaN. */
    void (*copy_alone)(const char *x, char *out, ptrdiff_t count);
    void (*fill_alone)(const char *x, char *out, ptrdiff_t count, double value);
    lse_sum_panel sum_panel, sum_weighted_panel;
    /* Softmax of a row, and of count <= panel columns, of no more than LSE_STORED elements: 0, or NaN in nan, where all
     * is NaN now; of columns 0, and nothing is written, where less than LSE_NARROW bytes are better done one by one. */
    int (*softmax_whole_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out);
    int (*softmax_whole_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                 ptrdiff_t count, double *nan);
    ptrdiff_t panel; /* maximum number of columns */
    /* Derivatives (gradients.h): lanes of a sum += a b, or b where a is NULL; a lane of each of n sums likewise; */
    void (*dot)(const char *a, const char *b, ptrdiff_t n, double *lanes);
    void (*dot_line)(const char *a, const char *b, ptrdiff_t n, double *sums);
    /* from the lanes, step doubles apart, of the sums of a map the sources of count rows, or from a log-sum-exp that is
     * finite or NaN, and its gradient, that of row r; */
    void (*sources_of_sums)(lse_sources *of, const double *lanes, ptrdiff_t step, ptrdiff_t count);
    void (*source_of_value)(lse_sources *of, ptrdiff_t r, double value, double grad);
    /* from results or elements, of row 0 or of one row each, the gradients; out may be an input. */
    lse_gradient_run softmax_gradient, log_softmax_gradient, logsumexp_gradient;
    lse_gradient_rows softmax_gradient_rows, log_softmax_gradient_rows;
    lse_gradient_rows softmax_gradient_columns, log_softmax_gradient_columns;
    lse_pointwise pointwise[LSE_POINTWISE];
} lse_real_kernels;

/* The kernels of products of matrices in log space (products.h), in doubles. A line is a row of the left operand or a
 * column of the right one; a panel is some lines side by side, whole vectors of them. */
enum { LSE_CHAIN = 16, LSE_PRODUCT_STEPS = 128 };
/* The logarithm of a sum: shift + shift_lo + log(hi + lo). */
typedef struct {
    double shift, shift_lo, hi, lo;
} lse_pair_sum;

typedef struct {
    ptrdiff_t vector, panel; /* doubles of a vector, lines of a panel at most */
    /* more elements of one line, and of `count` lines side by side, `steps` rows of them: the greatest and the least
     * finite one so far, and infinity in nan where one is NaN. By the type of elements, as all that reads them. */
    void (*join_extent[LSE_TYPES])(const void *x, ptrdiff_t n, double *max, double *least, double *nan);
    void (*join_extents[LSE_TYPES])(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t count, double *max,
                                    double *least, double *nan);
    /* e^x 2^-anchor of these, for results of each type; those of lines in rows of whole vectors */
    void (*factors_of_line[LSE_TYPES][LSE_TYPES])(const void *x, ptrdiff_t n, double anchor, double *out);
    void (*factors_of_lines[LSE_TYPES][LSE_TYPES])(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t count,
                                                   const double *anchor, double *out);
    /* sums of products of no more than LSE_PRODUCT_STEPS steps, added to hi + lo, or as their start; lo may be NULL */
    void (*multiply[LSE_TYPES])(const double *a, ptrdiff_t a_pitch, ptrdiff_t rows, const double *b, ptrdiff_t steps,
                                ptrdiff_t width, double *hi, double *lo, ptrdiff_t pitch, int start);
    /* the sum of products of a line, of elements or of factors, and of the factors of another one, as hi + lo */
    void (*dot_of_elements[LSE_TYPES][LSE_TYPES])(const void *x, ptrdiff_t n, double anchor, const double *y,
                                                  double *hi, double *lo);
    void (*dot_of_factors[LSE_TYPES])(const double *x, ptrdiff_t n, const double *y, double *hi, double *lo);
    /* of whole vectors of sums in a row: their logarithms; whether all are at least what row and columns ask for */
    void (*logs[LSE_TYPES])(const double *hi, const double *lo, ptrdiff_t count, double row_anchor,
                            const double *anchor, double *out);
    int (*are_safe)(const double *hi, ptrdiff_t count, double row_least, const double *least);
    /* log sum_k e^(a_k + b_k), whatever they hold, or no NaN and +inf */
    void (*sum_of_pairs[LSE_TYPES][LSE_TYPES])(const void *a, const double *b, ptrdiff_t n, int are_usual,
                                               lse_pair_sum *sum);
    void (*logs_of_pairs)(const lse_pair_sum *sums, ptrdiff_t count, double *out);
} lse_product_kernels;
/* A cumulative sum of complex elements: (x + x_lo + i (y + y_lo)) 2^(anchor - 500), nothing where anchor is -inf. */
typedef struct {
    double anchor, x, x_lo, y, y_lo;
} lse_complex_running;

/* Of pairs of floats, sixteen lanes, or of doubles, eight. */
typedef struct {
    ptrdiff_t lanes;
    /* As many runs of n pairs as there are lanes become n lines, and back. */
    void (*turn)(const char *const *runs, ptrdiff_t n, lse_complex_line *tile);
    void (*turn_back)(const lse_complex_line *tile, ptrdiff_t n, char *const *runs);
    /* One run of n pairs, dealt to the lanes; what is beyond the last is -inf. */
    void (*deal)(const char *run, ptrdiff_t n, lse_complex_line *tile);
    void (*collect)(const lse_complex_line *tile, ptrdiff_t n, char *run);
    /* Sums of n <= LSE_SHORT elements. Great angles become small in the tile, or with `keep` all elements become their
     * terms; weights are overwritten. */
    void (*sums)(lse_complex_line *tile, ptrdiff_t n, int keep, lse_complex_sums *sums);
    void (*weighted_sums)(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n, lse_complex_sums *sums);
    /* Likewise one sum, dealt to n lines, in all lanes. */
    void (*row)(lse_complex_line *tile, ptrdiff_t n, int keep, lse_complex_sums *sums);
    /* One sum: from nothing, n <= LSE_LINES lines are added to it, and it becomes sum i of others. */
    void (*start)(lse_complex_sums *sum);
    void (*add)(lse_complex_line *tile, ptrdiff_t n, lse_complex_sums *sum);
    void (*add_weighted)(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n, lse_complex_sums *sum);
    void (*end)(const lse_complex_sums *sum, int weighted, int i, lse_complex_sums *sums);
    /* sum = sum + other, one sum each. */
    void (*merge)(lse_complex_sums *sum, const lse_complex_sums *other);
    void (*merge_weighted)(lse_complex_sums *sum, const lse_complex_sums *other);
    /* Whether all re are no larger than `most`, all im finite, and all sums finite and no smaller than `least`. */
    int (*are_in_range)(const lse_complex_sums *sums, ptrdiff_t lanes, double most, double least);
    void (*finish)(const lse_complex_sums *sums, int weighted, int signs, lse_complex_results *results);
    void (*divide)(const lse_complex_sums *sums, lse_operation operation, lse_complex_divisors *divisors);
    /* Of terms; and of elements of one sum, whose divisors are in all lanes; the logarithms also of elements of as many
     * sums as there are lanes, unless `fresh` says that great angles are as they were. */
    void (*softmax_of_terms)(lse_complex_line *tile, ptrdiff_t n, const lse_complex_divisors *divisors);
    void (*softmax)(lse_complex_line *tile, ptrdiff_t n, const lse_complex_divisors *divisors);
    void (*log_softmax)(lse_complex_line *tile, ptrdiff_t n, int fresh, const lse_complex_divisors *divisors);
    /* The logarithm of each prefix of one sum in place of its last element: element i is in line i mod lines of lane
     * i / lines, lines <= LSE_STEPS; what is beyond the last is -inf. 0, and nothing but angles is changed, where an
     * element is neither finite nor -inf, or too far out, or where the first prefixes might vanish beside the greatest
     * element, as none does that is alone. */
    int (*cumulate)(lse_complex_line *tile, ptrdiff_t lines, lse_complex_running *running);
    /* Likewise of rows of n <= LSE_STEPS elements; a bit for each that is not done. */
    unsigned (*cumulate_rows)(lse_complex_line *tile, ptrdiff_t n);
    void (*direction)(double angle, double *cosine, double *sine); /* for angles of any size */
} lse_complex_kernels;

/* It is stopped(context) whether to go on is asked of, now and then; if not, the results mean nothing. */
typedef int (*lse_stopped)(void *context);

typedef struct {
    const char *name;
    lse_product_kernels products;
    lse_merge merge, weighted_merge;
    lse_finish weighted_finish; /* value, value_lo and sign */
    /* log|sum(b exp(a))| = value + value_lo and its sign (-1, 0, 1 or NaN), whatever cancels. a and b, n elements each,
     * are overwritten, and so is room for lse_room_for(n) more. */
    void (*sum_exactly)(double *a, double *b, ptrdiff_t n, double *room, lse_stopped stopped, void *context,
                        double *value, double *value_lo, double *sign);
    /* log|sum| = value + value_lo and the sign of the sum of two terms, whose weights are finite and each other's
     * opposites; 0, and nothing, where they are not, or elements are equal or not finite. */
    int (*difference)(const double *x, const double *weights, double *value, double *value_lo, double *sign);
    /* of binary16, to the types and from them; NULL where those of load.c are used */
    struct {
        lse_load load[LSE_TYPES];
        lse_store store[LSE_TYPES];
    } halves;
    /* e^x in place, for x < 512; that of the elements up to the next multiple of LSE_EXPONENTIALS is computed too. */
    void (*exponentials)(double *x, ptrdiff_t n);
    lse_real_kernels real[LSE_TYPES];
    lse_complex_kernels of_complex[LSE_COMPLEX_TYPES];
} lse_kernels;

/* The tables; NULL where the compiler or the architecture lacks the instruction set. */
const lse_kernels *lse_kernels_avx512(void);
const lse_kernels *lse_kernels_avx2(void);
const lse_kernels *lse_kernels_neon(void);
const lse_kernels *lse_kernels_scalar(void);

/* load.c: copies elements of `size` bytes and kind 'f', 'i', 'u' or 'b' (as NumPy's dtype.kind) or 'V' (bfloat16) to
 * float (to = 4), double (to = 8) or long double (to = LSE_LONGDOUBLE, also one part of numbers of kind 'c'), and these or
 * kind 'c' to pairs of doubles (to = 16); NULL for unsupported types. The reverse is for kinds 'f'
 * and 'V', of long doubles for their own type alone, and from pairs for kind 'c', rounded once. */
lse_load lse_load_for(char kind, int size, int swapped, int to);
lse_store lse_store_for(char kind, int size, int from);
/* Copies count bytes, stride apart. */
void lse_load_bytes(const char *src, ptrdiff_t stride, ptrdiff_t count, char *dst);

/* angle.c: a finite angle of LSE_FAR_ANGLE_f32 and more, reduced to (-pi, pi]. */
double lse_reduce_angle(double x);

/* dispatch.c: the tables that this processor can run, best first; NULL at the end. */
const lse_kernels *lse_available(int index);
/* The first of them, or the one named by the environment variable LSE_KERNELS; NULL if that names none of them. The
 * same at every call. */
const lse_kernels *lse_chosen(void);
/* For tests only, while nothing is being computed: selects and returns the table of this name; returns NULL and changes
 * nothing if there is none. */
const lse_kernels *lse_choose(const char *wanted);

#endif
