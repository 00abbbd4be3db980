/* The arrays that the functions of lse.h take, and requests for them: of api.c and api_segments.c. */
#ifndef LSE_API_ARRAYS_H
#define LSE_API_ARRAYS_H

#include <stdint.h>

#include "engine/api.h"
#include "engine/engine.h"
#include "engine/types.h"
#include "include/lse/lse.h"

enum { MOST_THREADS = 1 << 16 }; /* as for lse.set_num_threads */
#define MOST_ELEMENTS (PTRDIFF_MAX / 64)

/* Rows of elements, `size` bytes each, with strides in elements, and in bytes: 0 along an axis of one element. */
typedef struct {
    void *data;
    int size;
    ptrdiff_t shape[2], elements[2], stride[2];
} matrix;

static inline matrix matrix_of(const void *data, int size, ptrdiff_t rows, ptrdiff_t row_stride, ptrdiff_t n,
                               ptrdiff_t stride)
{ return (matrix){(void *)(uintptr_t)data, size, {rows, n}, {row_stride, stride}, {0, 0}}; }

static inline int is_empty(const matrix *m) { return m->shape[0] == 0 || m->shape[1] == 0; }

/* Whether the matrix can be in memory at a non-NULL address; if so, computes its strides in bytes. An axis of at most
 * MOST_ELEMENTS spans at most a quarter of the range of a ptrdiff_t, in bytes, so that two may be added. */
static inline int is_sound(matrix *m)
{
    const ptrdiff_t rows = m->shape[0], n = m->shape[1];
    if (rows < 0 || n < 0) return 0;
    if (is_empty(m)) return 1;
    if (!m->data || n > MOST_ELEMENTS / rows) return 0;
    for (int axis = 0; axis < 2; axis++) {
        if (m->shape[axis] == 1) continue;
        const ptrdiff_t most = MOST_ELEMENTS / (m->shape[axis] - 1);
        if (m->elements[axis] > most || m->elements[axis] < -most) return 0;
        m->stride[axis] = m->elements[axis] * m->size;
    }
    return 1;
}

static inline int has_no_overlap(const matrix *m)
{ return is_empty(m) || ((m->shape[0] == 1 || m->stride[0] != 0) && (m->shape[1] == 1 || m->stride[1] != 0)); }

/* A mask has one byte per element. */
static inline lse_array array_of(const matrix *m)
{ return (lse_array){m->data, 2, m->size == 1 ? 'b' : 'f', m->size, 0, m->shape, m->stride}; }

/* A request for the rows of x, which are sound and not empty; b and where may be NULL. */
static inline lse_request request_for(lse_operation operation, const matrix *x, const matrix *b, const matrix *where,
                                      int threads)
{
    lse_request q = {.operation = operation, .type = lse_type_of(x->size), .run = lse_run_tasks, .threads = threads};
    q.a = array_of(x);
    if (b) q.weights = array_of(b);
    if (where) q.where = array_of(where);
    q.reduced = 2; /* axis 1 */
    return q;
}

static inline int execute(lse_request *q)
{
    q->table = lse_chosen();
    if (!q->table) return LSE_ERROR_KERNELS;
    if (lse_watch_forks(1) != 0) return LSE_ERROR_MEMORY;
    switch (lse_execute(q)) {
    case 0: return LSE_OK;
    case LSE_NO_KERNEL: return LSE_ERROR_ARGUMENT;
    default: return LSE_ERROR_MEMORY;
    }
}

static inline int execute_into(lse_operation operation, const matrix *x, const matrix *b, const matrix *where,
                               const matrix *out, void *sign, int threads)
{
    lse_request q = request_for(operation, x, b, where, threads);
    q.out = array_of(out);
    q.sign = (char *)sign;
    return execute(&q);
}

static inline int is_runnable(int threads) { return threads >= 0 && threads <= MOST_THREADS; }

/* Stores a number that every type represents exactly. */
static inline void store(void *values, int size, ptrdiff_t i, double value)
{ lse_types[lse_type_of(size)].put(values, i, value); }

#endif
