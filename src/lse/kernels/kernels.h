/* What one instruction set offers: a table of functions, the same for all, giving the same bits in all.
 *
 * Nothing here allocates, starts a thread or knows of Python. Pointers to data are char pointers with
 * strides in bytes, because data may be unaligned. */
#ifndef LSE_KERNELS_H
#define LSE_KERNELS_H

#include <stddef.h>

enum {
    LSE_BATCH = 64,       /* rows or columns whose states are kept and finished together */
    LSE_PIECE = 1 << 16,  /* elements of a row that make one state; longer rows are merged of such pieces */
    LSE_MAX_DIMS = 64     /* of a NumPy array */
};

/* The kernels take elements of greater magnitude only as x - shift. */
#define LSE_FAR_f32 0x1p17
#define LSE_FAR_f64 0x1p46

/* Running states of up to LSE_BATCH log-sum-exps, each the pair of the greatest element and the sum over
 * all others: sum(exp(x)) = exp(max) + (tail + tail_lo) * 2^(nearest(max log2(e)) - 500).
 * An empty state is (-inf, 0, 0). NaN in the data is NaN in the tail. */
typedef struct {
    double max[LSE_BATCH];
    double tail[LSE_BATCH];
    double tail_lo[LSE_BATCH];
} lse_states;

/* What becomes of states: log(sum(exp(x))) = value + value_lo and 1 / sum(exp(x)) = (scale + scale_lo) 2^-anchor. */
typedef struct {
    double value[LSE_BATCH];
    double value_lo[LSE_BATCH];
    double scale[LSE_BATCH];
    double scale_lo[LSE_BATCH];
    double anchor[LSE_BATCH];
} lse_results;

/* Copies count elements, stride bytes apart, into a contiguous float or double buffer, and the reverse. */
typedef void (*lse_load)(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst);
typedef void (*lse_store)(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src);

/* How the elements of a row lie in memory: nested axes, the last one fastest. load is NULL where the row
 * is one contiguous run in the kernel's own type, and store likewise. */
typedef struct {
    int ndim;
    ptrdiff_t shape[LSE_MAX_DIMS];
    ptrdiff_t stride[LSE_MAX_DIMS];
    lse_load load;
    lse_store store;
} lse_layout;

typedef struct {
    /* states of count <= LSE_BATCH rows, elements start .. start + n <= start + LSE_PIECE of each.
     * shift: NULL, or one number for each row that is subtracted from its elements first. */
    void (*rows)(const lse_layout *layout, const char *const *base, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                 const double *shift, lse_states *states);
    /* the same for count <= panel neighbouring columns; layout tells how the rows lie. */
    void (*columns)(const lse_layout *layout, const char *base, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                    lse_states *states);
    /* out = exp(x - value), elements start .. start + n of one row */
    void (*softmax_row)(const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
                        ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index);
    /* out = x - value */
    void (*log_softmax_row)(const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index);
    /* the same for count <= panel neighbouring columns, both in the input and in the output */
    void (*softmax_columns)(const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_results *results);
    void (*log_softmax_columns)(const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_results *results);
    /* how many of the n elements of a row are NaN, and how many +inf; layout has a load */
    void (*census)(const lse_layout *layout, const char *base, ptrdiff_t n, ptrdiff_t *nans, ptrdiff_t *infinities);
    /* out = x is +inf ? at_infinity : elsewhere; both layouts have a load and a store */
    void (*select_infinity)(const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
                            ptrdiff_t n, double at_infinity, double elsewhere);
    ptrdiff_t panel; /* columns at most */
} lse_real_kernels;

typedef struct {
    const char *name;
    /* into = into + from, element by element */
    void (*merge)(lse_states *into, const lse_states *from, ptrdiff_t count);
    /* value and value_lo alone, or all of the results */
    void (*finish)(const lse_states *states, ptrdiff_t count, lse_results *results);
    void (*finish_scaled)(const lse_states *states, ptrdiff_t count, lse_results *results);
    lse_real_kernels f32, f64;
} lse_kernels;

/* The tables, NULL where the compiler or the architecture lacks the instruction set. */
const lse_kernels *lse_kernels_avx512(void);
const lse_kernels *lse_kernels_avx2(void);
const lse_kernels *lse_kernels_neon(void);
const lse_kernels *lse_kernels_scalar(void);

/* load.c: how to copy elements of a type, `size` bytes of kind 'f', 'i', 'u' or 'b' (as NumPy's dtype.kind),
 * into float (float32 alone) or double; NULL for a type there is none for. The reverse is for float and double. */
lse_load lse_load_for(char kind, int size, int swapped);
lse_store lse_store_for(int size);

/* dispatch.c: the tables that this processor can run, best first; NULL at the end. */
const lse_kernels *lse_available(int index);

#endif
