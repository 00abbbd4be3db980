/* Another library with OpenMP regions. */
#include <lse/lse.h>
#include <omp.h>

int region(int threads)
{
    int members = 0;
#pragma omp parallel num_threads(threads) reduction(+ : members)
    members += 1;
    return members;
}

/* Each of `threads` threads reduces all rows, and may use more threads; values has room for the rows of each thread. */
int nested(const lse_api *lse, int threads, const double *x, ptrdiff_t rows, ptrdiff_t n, double *values)
{
    int error = 0;
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(threads) reduction(| : error)
    error |= lse->logsumexp_rows_f64(x, n, 1, rows, n, values + rows * omp_get_thread_num(), 0);
    return error;
}
