/* What lse.h declares of segments and of groups. */
#include <math.h>
#include <stdlib.h>

#include "engine/api_arrays.h"
#include "engine/groups.h"

static int are_offsets(const ptrdiff_t *offsets, ptrdiff_t segments, ptrdiff_t n)
{
    if (segments < 0 || segments > MOST_ELEMENTS || !offsets || offsets[0] < 0 || offsets[segments] > n) return 0;
    for (ptrdiff_t i = 0; i < segments; i++)
        if (offsets[i] > offsets[i + 1]) return 0;
    return 1;
}

/* Elements along a row, or a column, of one array: x, and its weights and mask, whose data may be NULL. */
typedef struct {
    matrix x, b, where;
} terms;

static terms terms_of(int size, const void *x, ptrdiff_t stride, const void *b, ptrdiff_t b_stride, const void *where,
                      ptrdiff_t where_stride, ptrdiff_t n)
{
    return (terms){matrix_of(x, size, 1, 0, n, stride), matrix_of(b, size, 1, 0, n, b_stride),
                   matrix_of(where, 1, 1, 0, n, where_stride)};
}

static int are_sound(terms *t)
{ return is_sound(&t->x) && (!t->b.data || is_sound(&t->b)) && (!t->where.data || is_sound(&t->where)); }

static lse_request request_for_segments(lse_operation operation, const terms *t, const ptrdiff_t *offsets,
                                        ptrdiff_t segments, int threads)
{
    lse_request q = request_for(operation, &t->x, t->b.data ? &t->b : NULL, t->where.data ? &t->where : NULL, threads);
    q.offsets = offsets;
    q.segments = segments;
    return q;
}

/* Into arrays without gaps; there are elements. */
static int sum_segments(const terms *t, const ptrdiff_t *offsets, ptrdiff_t segments, void *values, void *signs,
                        int threads)
{
    const matrix first = matrix_of(values, t->x.size, 1, 0, 1, 0);
    lse_request q = request_for_segments(LSE_LOGSUMEXP, t, offsets, segments, threads);
    q.out = array_of(&first);
    q.sign = (char *)signs;
    q.segment_stride = t->x.size;
    return execute(&q);
}

static void store_empty_sums(int size, ptrdiff_t count, void *values, void *signs)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        store(values, size, i, -INFINITY);
        if (signs) store(signs, size, i, 0.0);
    }
}

static int logsumexp_segments(terms t, const ptrdiff_t *offsets, ptrdiff_t segments, void *values, void *signs,
                              int threads)
{
    const ptrdiff_t n = t.x.shape[1];
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!are_sound(&t) || !is_runnable(threads) || !are_offsets(offsets, segments, n)) return LSE_ERROR_ARGUMENT;
    if (segments == 0) return LSE_OK;
    if (!values) return LSE_ERROR_ARGUMENT;
    if (n > 0) return sum_segments(&t, offsets, segments, values, signs, threads);
    store_empty_sums(t.x.size, segments, values, signs);
    return LSE_OK;
}

static int map_segments(lse_operation operation, terms t, const ptrdiff_t *offsets, ptrdiff_t segments, void *out,
                        ptrdiff_t out_stride, int threads)
{
    const ptrdiff_t n = t.x.shape[1];
    matrix to = matrix_of(out, t.x.size, 1, 0, n, out_stride);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!are_sound(&t) || !is_sound(&to) || !has_no_overlap(&to) || !is_runnable(threads) ||
        !are_offsets(offsets, segments, n))
        return LSE_ERROR_ARGUMENT;
    if (n == 0 || segments == 0) return LSE_OK;
    lse_request q = request_for_segments(operation, &t, offsets, segments, threads);
    q.out = array_of(&to);
    return execute(&q);
}

/* Groups --------------------------------------------------------------------------------------------------- */

/* Groups of elements, and these in their order: copies, unless they have it already. */
typedef struct {
    lse_groups groups;
    terms sorted;
    void *copies[3], *offsets;
} sorted_terms;

static void free_sorted(sorted_terms *s)
{
    lse_free_groups(&s->groups);
    for (int i = 0; i < 3; i++) free(s->copies[i]);
    free(s->offsets);
}

/* A matrix of one row for a copy of another one; its data is NULL where there is no memory, or nothing to copy. */
static matrix twin_of(const matrix *m, void **copy)
{
    if (m->data) *copy = malloc((size_t)m->shape[1] * (size_t)m->size);
    matrix twin = matrix_of(*copy, m->size, 1, 0, m->shape[1], 1);
    twin.stride[1] = m->size;
    return twin;
}

static int sort_matrix(lse_groups *g, const matrix *m, matrix *twin)
{
    const lse_array from = array_of(m), to = array_of(twin);
    if (!m->data) return 0;
    return twin->data ? lse_sort_by_groups(g, &from, &to, 1, 0) : LSE_NO_MEMORY;
}

static int error_of_groups(int failed)
{
    switch (failed) {
    case 0: return LSE_OK;
    case LSE_NO_KERNEL:
    case LSE_WRONG_LABEL: return LSE_ERROR_ARGUMENT;
    default: return LSE_ERROR_MEMORY;
    }
}

/* Sorts n > 0 elements by labels; LSE_OK, or an error and nothing to free. */
static int sort_terms(const terms *t, const ptrdiff_t *index, ptrdiff_t groups, int threads, sorted_terms *s)
{
    *s =
        (sorted_terms){.groups = {.labels = index, .n = t->x.shape[1], .count = groups, .rows = 1, .threads = threads}};
    s->groups.label_size = sizeof *index;
    s->groups.run = lse_run_tasks;
    if (lse_watch_forks(1) != 0) return LSE_ERROR_MEMORY;
    s->offsets = malloc((size_t)(groups + 1) * sizeof(ptrdiff_t));
    s->groups.offsets = (ptrdiff_t *)s->offsets;
    s->sorted.x = twin_of(&t->x, &s->copies[0]);
    int failed = s->offsets && s->sorted.x.data ? 0 : LSE_NO_MEMORY;
    if (!failed) {
        const lse_array from = array_of(&t->x), to = array_of(&s->sorted.x);
        failed = lse_group(&s->groups, &from, &to, 1);
    }
    if (!failed && s->groups.in_order) {
        s->sorted = *t;
    } else if (!failed) {
        s->sorted.b = twin_of(&t->b, &s->copies[1]);
        s->sorted.where = twin_of(&t->where, &s->copies[2]);
        failed = sort_matrix(&s->groups, &t->b, &s->sorted.b);
        if (!failed) failed = sort_matrix(&s->groups, &t->where, &s->sorted.where);
    }
    if (failed) free_sorted(s);
    return error_of_groups(failed);
}

/* An array of one axis. */
static lse_array row_of(const matrix *m)
{
    lse_array row = array_of(m);
    row.ndim = 1;
    row.shape++;
    row.stride++;
    return row;
}

/* Carries out a request but for the arrays, for which the terms and `out` go; whether the engine takes it. */
static int execute_groups(lse_request q, const terms *t, const matrix *out, const ptrdiff_t *index, int *error)
{
    q.a = row_of(&t->x);
    q.weights = row_of(&t->b);
    q.where = row_of(&t->where);
    q.out = row_of(out);
    q.reduced = 1;
    q.table = lse_chosen();
    *error = LSE_ERROR_MEMORY;
    if (lse_watch_forks(1) != 0) return 1;
    const int failed = lse_execute_groups(&q, index, sizeof *index, t->x.shape[1]);
    *error = error_of_groups(failed);
    return failed != LSE_NOT_TAKEN;
}

static int logsumexp_groups(terms t, const ptrdiff_t *index, ptrdiff_t groups, void *values, void *signs, int threads)
{
    const ptrdiff_t n = t.x.shape[1];
    sorted_terms s;
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!are_sound(&t) || !is_runnable(threads) || groups < 0 || groups > MOST_ELEMENTS || (n > 0 && !index) ||
        (groups > 0 && !values))
        return LSE_ERROR_ARGUMENT;
    if (n == 0) {
        store_empty_sums(t.x.size, groups, values, signs);
        return LSE_OK;
    }
    int error;
    const matrix first = matrix_of(values, t.x.size, 1, 0, 1, 0);
    lse_request q = request_for_segments(LSE_LOGSUMEXP, &t, NULL, groups, threads);
    q.sign = (char *)signs;
    q.segment_stride = t.x.size;
    if (execute_groups(q, &t, &first, index, &error)) return error;
    error = sort_terms(&t, index, groups, threads, &s);
    if (error) return error;
    error = sum_segments(&s.sorted, s.groups.offsets, groups, values, signs, threads);
    free_sorted(&s);
    return error;
}

static int map_groups(lse_operation operation, terms t, const ptrdiff_t *index, ptrdiff_t groups, void *out,
                      ptrdiff_t out_stride, int threads)
{
    matrix to = matrix_of(out, t.x.size, 1, 0, t.x.shape[1], out_stride);
    sorted_terms s;
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!are_sound(&t) || !is_sound(&to) || !has_no_overlap(&to) || !is_runnable(threads) || groups < 0 ||
        groups > MOST_ELEMENTS || (!is_empty(&t.x) && !index))
        return LSE_ERROR_ARGUMENT;
    if (is_empty(&t.x)) return LSE_OK;
    int error;
    lse_request q = request_for_segments(operation, &t, NULL, groups, threads);
    if (execute_groups(q, &t, &to, index, &error)) return error;
    error = sort_terms(&t, index, groups, threads, &s);
    if (error) return error;
    q = request_for_segments(operation, &s.sorted, s.groups.offsets, groups, threads);
    q.out = array_of(s.groups.in_order ? &to : &s.sorted.x);
    error = execute(&q);
    if (!error && !s.groups.in_order) {
        const lse_array plain = array_of(&to), sorted = array_of(&s.sorted.x);
        const int failed = lse_sort_by_groups(&s.groups, &plain, &sorted, 1, 1);
        error = error_of_groups(failed);
    }
    free_sorted(&s);
    return error;
}

/* For both types ------------------------------------------------------------------------------------------- */

#define MAP_SEGMENTS(name, OPERATION, F, REAL)                                                                         \
    int lse_##name##_segments_##F(const REAL *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,              \
                                  ptrdiff_t segments, REAL *out, ptrdiff_t out_stride, int threads)                    \
    {                                                                                                                  \
        return map_segments(OPERATION, terms_of(sizeof *x, x, stride, NULL, 0, NULL, 0, n), offsets, segments, out,    \
                            out_stride, threads);                                                                      \
    }                                                                                                                  \
    int lse_##name##_groups_##F(const REAL *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n,                  \
                                ptrdiff_t groups, REAL *out, ptrdiff_t out_stride, int threads)                        \
    {                                                                                                                  \
        return map_groups(OPERATION, terms_of(sizeof *x, x, stride, NULL, 0, NULL, 0, n), index, groups, out,          \
                          out_stride, threads);                                                                        \
    }

#define FOR_TYPE(F, REAL)                                                                                              \
    int lse_logsumexp_segments_##F(const REAL *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,             \
                                   ptrdiff_t segments, REAL *values, int threads)                                      \
    {                                                                                                                  \
        return logsumexp_segments(terms_of(sizeof *x, x, stride, NULL, 0, NULL, 0, n), offsets, segments, values,      \
                                  NULL, threads);                                                                      \
    }                                                                                                                  \
    int lse_logsumexp_segments_weighted_##F(const REAL *x, ptrdiff_t stride, const REAL *b, ptrdiff_t b_stride,        \
                                            const unsigned char *where, ptrdiff_t where_stride, ptrdiff_t n,           \
                                            const ptrdiff_t *offsets, ptrdiff_t segments, REAL *values, REAL *signs,   \
                                            int threads)                                                               \
    {                                                                                                                  \
        return logsumexp_segments(terms_of(sizeof *x, x, stride, b, b_stride, where, where_stride, n), offsets,        \
                                  segments, values, signs, threads);                                                   \
    }                                                                                                                  \
    int lse_logsumexp_groups_##F(const REAL *x, ptrdiff_t stride, const REAL *b, ptrdiff_t b_stride,                   \
                                 const unsigned char *where, ptrdiff_t where_stride, const ptrdiff_t *index,           \
                                 ptrdiff_t n, ptrdiff_t groups, REAL *values, REAL *signs, int threads)                \
    {                                                                                                                  \
        return logsumexp_groups(terms_of(sizeof *x, x, stride, b, b_stride, where, where_stride, n), index, groups,    \
                                values, signs, threads);                                                               \
    }                                                                                                                  \
    MAP_SEGMENTS(softmax, LSE_SOFTMAX, F, REAL)                                                                        \
    MAP_SEGMENTS(log_softmax, LSE_LOG_SOFTMAX, F, REAL)
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)
