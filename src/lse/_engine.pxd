# The C interface of the engine; see kernels/kernels.h and engine/*.h. lse.h is in _lse_h.pxd.

from libc.stdint cimport int64_t

cdef extern from "kernels/kernels.h" nogil:
    enum:
        LSE_SHORT
        LSE_BATCH
        LSE_PIECE
        LSE_MAX_DIMS

    ctypedef enum lse_type:
        LSE_F32
        LSE_F64
        LSE_C64
        LSE_C128
        LSE_LD
        LSE_CLD

    enum:
        LSE_LONGDOUBLE

    ctypedef struct lse_kernels:
        const char *name

    ctypedef void (*lse_store)(char *, ptrdiff_t, ptrdiff_t, const void *) noexcept nogil
    lse_store lse_store_for(char kind, int size, int source) noexcept
    const lse_kernels *lse_available(int index) noexcept
    const lse_kernels *lse_chosen() noexcept
    const lse_kernels *lse_choose(const char *wanted) noexcept

    ctypedef enum lse_function:
        LSE_LOGADDEXP
        LSE_LOGSUBEXP
        LSE_LOG1PEXP
        LSE_LOG1MEXP
        LSE_LOGEXPM1
        LSE_POINTWISE


cdef extern from "engine/pointwise.h" nogil:
    ctypedef struct lse_loop:
        lse_function function
        int size

    int lse_inputs(lse_function function) noexcept
    void lse_run_loop(
        const lse_kernels *table, const lse_loop *loop, char **args, const ptrdiff_t *steps, ptrdiff_t n) noexcept


cdef extern from "engine/threads.h" nogil:
    ctypedef void (*lse_task)(void *context, ptrdiff_t index) noexcept nogil
    ctypedef void (*lse_run)(lse_task task, void *context, ptrdiff_t count, int threads) noexcept nogil

    ctypedef int (*lse_question)() noexcept nogil
    const int LSE_NO_KERNEL

    int lse_watch_forks(int late) noexcept
    void lse_note_fork() noexcept
    void lse_run_tasks(lse_task task, void *context, ptrdiff_t count, int threads) noexcept
    int lse_limit_threads(int wanted, int environment) noexcept
    int lse_limit_own_threads(int limit) noexcept
    int lse_available_threads() noexcept
    int lse_openmp_version() noexcept
    const char *lse_compiler() noexcept
    long long lse_progress() noexcept


cdef extern from "engine/fp.h" nogil:
    ctypedef struct lse_fp_state:
        pass
    lse_fp_state lse_fp_enter() noexcept
    void lse_fp_leave(lse_fp_state found) noexcept


cdef extern from "engine/sums.h" nogil:
    ctypedef struct lse_sum:
        double max
        double tail
        double tail_lo
        double count

    ctypedef struct lse_sums:
        double *max
        double *tail
        double *tail_lo
        double *count

    ctypedef struct lse_results:
        double value[LSE_BATCH]
        double value_lo[LSE_BATCH]
        double sign[LSE_BATCH]

    lse_sum lse_sum_at(lse_sums sums, ptrdiff_t i) noexcept
    double lse_log_of_count(const lse_kernels *table, ptrdiff_t count, double *lo) noexcept
    lse_sum lse_merge_sum(const lse_kernels *table, int weighted, lse_sum a, lse_sum b) noexcept
    void lse_merge_sums(
        const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count,
        lse_run run) noexcept
    void lse_finish_sums(
        const lse_kernels *table, lse_type type, lse_sums plain, lse_sums weighted, ptrdiff_t count,
        lse_results *results) noexcept
    void lse_put_sum(lse_sums sums, ptrdiff_t i, lse_sum sum) noexcept
    lse_sums lse_sums_from(lse_sums sums, ptrdiff_t i) noexcept


cdef extern from "engine/engine.h" nogil:
    ctypedef struct lse_array:
        char *data
        int ndim
        char kind
        int itemsize
        int swapped
        const ptrdiff_t *shape
        const ptrdiff_t *stride

    ctypedef enum lse_operation:
        LSE_LOGSUMEXP
        LSE_SOFTMAX
        LSE_LOG_SOFTMAX
        LSE_CUMULATE
        LSE_SUMS
        LSE_OPERATIONS

    ctypedef struct lse_request:
        lse_operation operation
        lse_type type
        const lse_kernels *table
        lse_run run
        lse_question question
        unsigned long long reduced
        lse_array a, where, weights, out
        char *sign
        char *low
        int has_empty
        double empty
        int mean, pairs, ones
        const double *divisors
        ptrdiff_t divisor_count
        lse_sums into, given
        const ptrdiff_t *sum_stride
        const ptrdiff_t *offsets
        ptrdiff_t segments, segment_stride

    int lse_is_map(lse_operation operation) noexcept
    const char *lse_operation_name(lse_operation operation) noexcept
    void lse_count_mask(const lse_array *where, unsigned long long reduced, int64_t *counts) noexcept
    void lse_log_counts(const lse_kernels *table, const int64_t *counts, ptrdiff_t count, double *parts) noexcept
    int lse_execute(const lse_request *request) noexcept
    double lse_divide(double value, double low, double divisor, double divisor_lo) noexcept
    double lse_divide_by(
        double value, double low, double sign, const double *divisors, ptrdiff_t count, ptrdiff_t i) noexcept
    int lse_quick_value(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value) noexcept
    void lse_quick_mean(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value) noexcept
    const void *lse_quick_run(const lse_array *a, lse_type type, void *buffer) noexcept
    int lse_quick_map(
        const lse_kernels *table, lse_type type, lse_operation operation, const void *data, ptrdiff_t n,
        void *out) noexcept
    int lse_quick_weighted(
        const lse_request *request, ptrdiff_t n, double *value, double *value_lo, double *sign) noexcept
    void lse_quick_sum(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, lse_sum *sum) noexcept


cdef extern from "engine/gradients.h" nogil:
    ctypedef struct lse_gradient:
        lse_operation operation
        lse_type type
        const lse_kernels *table
        ptrdiff_t outer, inner, n
        const char *x
        const char *grad
        char *out
        ptrdiff_t x_stride[3]
        ptrdiff_t grad_stride[3]
        ptrdiff_t out_stride[3]

    void lse_differentiate(const lse_gradient *gradient) noexcept

    enum:
        LSE_CUMULATIVE_PART

    ctypedef struct lse_cumulative_gradient:
        const lse_kernels *table
        int forward
        ptrdiff_t rows, n
        const double *x
        const double *given
        double *out
        double *room

    void lse_differentiate_cumulative(const lse_cumulative_gradient *gradient) noexcept


cdef extern from "engine/groups.h" nogil:
    enum:
        LSE_WRONG_LABEL
        LSE_NOT_TAKEN

    ctypedef struct lse_groups:
        const void *labels
        int label_size
        ptrdiff_t n, count, rows
        ptrdiff_t *offsets
        int in_order
        ptrdiff_t wrong
        lse_run run
        lse_question question

    int lse_group(lse_groups *groups, const lse_array *plain, const lse_array *sorted, int axis) noexcept
    void lse_free_groups(lse_groups *groups) noexcept
    int lse_execute_groups(const lse_request *request, const void *labels, int label_size, ptrdiff_t n) noexcept
    int lse_sort_by_groups(
        lse_groups *groups, const lse_array *plain, const lse_array *sorted, int axis, int back) noexcept


cdef extern from "engine/products.h" nogil:
    ctypedef struct lse_factors:
        ptrdiff_t lines, steps, pitch
        double *factors

    ctypedef struct lse_product:
        const lse_kernels *table
        lse_type type
        lse_run run
        int threads
        lse_question question
        lse_array a, b, out
        const lse_factors *of_a
        const lse_factors *of_b

    int lse_make_factors(lse_factors *factors, const lse_product *of, int right) noexcept
    void lse_free_factors(lse_factors *factors) noexcept
    int lse_multiply(const lse_product *product) noexcept
