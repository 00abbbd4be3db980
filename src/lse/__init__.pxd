# `cimport lse`: see _core.pxd.

from lse._core cimport (
    State, error_message, kernels_in_use, logsumexp_f64, logsumexp_f32, logsumexp_strided_f64, logsumexp_strided_f32,
    logsumexp_weighted_f64, logsumexp_weighted_f32, logsumexp_rows_f64, logsumexp_rows_f32, softmax_rows_f64,
    softmax_rows_f32, log_softmax_rows_f64, log_softmax_rows_f32, state_init, state_update_f64, state_update_f32,
    state_merge, state_finish, integrand, filter_footprint,
)
