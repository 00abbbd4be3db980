# cython: language_level=3
"""The logarithm of a mixture's density, in Cython."""

cimport lse


def log_density(const double[:, ::1] log_terms, double[::1] out):
    """out[i] = log(sum_k exp(log_terms[i, k])), on one thread and without the GIL."""
    cdef int error
    if out.shape[0] != log_terms.shape[0]:
        raise ValueError("out must have a place for each row of log_terms")
    with nogil:
        error = lse.logsumexp_rows_f64(&log_terms[0, 0], log_terms.shape[1], 1, log_terms.shape[0], log_terms.shape[1],
                                       &out[0], 1)
    if error:
        raise RuntimeError(lse.error_message(error).decode())
