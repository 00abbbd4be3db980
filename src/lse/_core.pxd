# The face of the C kernels; see kernels/kernels.h.

cdef extern from "kernels/kernels.h" nogil:
    const int LSE_BATCH
    const int LSE_PIECE
    const int LSE_MAX_DIMS
    const double LSE_FAR_f32
    const double LSE_FAR_f64

    ctypedef struct lse_states:
        double max[64]
        double tail[64]
        double tail_lo[64]

    ctypedef struct lse_results:
        double value[64]
        double value_lo[64]
        double scale[64]
        double scale_lo[64]
        double anchor[64]

    ctypedef void (*lse_load)(const char *, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
    ctypedef void (*lse_store)(char *, ptrdiff_t, ptrdiff_t, const void *) noexcept nogil

    ctypedef struct lse_layout:
        int ndim
        ptrdiff_t shape[64]
        ptrdiff_t stride[64]
        lse_load load
        lse_store store

    ctypedef void (*lse_map_row)(
        const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
        ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index) noexcept nogil
    ctypedef void (*lse_map_columns)(
        const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out,
        ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_results *results) noexcept nogil

    ctypedef struct lse_real_kernels:
        void (*rows)(
            const lse_layout *layout, const char *const *base, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
            const double *shift, lse_states *states) noexcept nogil
        void (*columns)(
            const lse_layout *layout, const char *base, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
            lse_states *states) noexcept nogil
        lse_map_row softmax_row
        lse_map_row log_softmax_row
        lse_map_columns softmax_columns
        lse_map_columns log_softmax_columns
        void (*census)(
            const lse_layout *layout, const char *base, ptrdiff_t n, ptrdiff_t *nans,
            ptrdiff_t *infinities) noexcept nogil
        void (*select_infinity)(
            const lse_layout *layout, const char *base, const lse_layout *out_layout, char *out, ptrdiff_t n,
            double at_infinity, double elsewhere) noexcept nogil
        ptrdiff_t panel

    ctypedef struct lse_kernels:
        const char *name
        void (*merge)(lse_states *into, const lse_states *other, ptrdiff_t count) noexcept nogil
        void (*finish)(const lse_states *states, ptrdiff_t count, lse_results *results) noexcept nogil
        void (*finish_scaled)(const lse_states *states, ptrdiff_t count, lse_results *results) noexcept nogil
        lse_real_kernels f32
        lse_real_kernels f64

    lse_load lse_load_for(char kind, int size, int swapped) noexcept
    lse_store lse_store_for(int size) noexcept
    const lse_kernels *lse_available(int index) noexcept


cdef extern from "threads.h" nogil:
    int lse_omp_max_threads() noexcept
    int lse_omp_in_parallel() noexcept
    int lse_omp_version() noexcept
    int lse_affinity() noexcept
    int lse_watch_forks() noexcept
    int lse_is_forked_child
    long long lse_progress
    void lse_add_progress(long long n) noexcept
