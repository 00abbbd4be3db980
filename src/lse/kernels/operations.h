/* One row per operation: its constant, its name in Python, and its properties (engine/operations.h). The kernels of
 * maps are in the tables of body.h. Nothing else in the engine depends on the operation, except where softmax and
 * log-softmax differ. */
#ifndef LSE_KERNELS_OPERATIONS_H
#define LSE_KERNELS_OPERATIONS_H

#define LSE_EACH_OPERATION(ROW)                                                                                      \
    ROW(LSE_LOGSUMEXP, "logsumexp", .of_any_type = 1, .has_panels = 1, .of_one = LSE_COPIED, .run = lse_run_rows)    \
    ROW(LSE_SOFTMAX, "softmax", .is_map = 1, .of_any_type = 1, .has_panels = 1, .of_one = LSE_CONSTANT,              \
        .constant = 1.0, .run = lse_run_rows)                                                                        \
    ROW(LSE_LOG_SOFTMAX, "log_softmax", .is_map = 1, .of_any_type = 1, .has_panels = 1, .of_one = LSE_CONSTANT,      \
        .constant = 0.0, .run = lse_run_rows)                                                                        \
    ROW(LSE_CUMULATE, "logcumsumexp", .is_map = 1, .of_any_type = 1, .has_panels = 1, .in_order = 1,                 \
        .run = lse_run_cumulative)                                                                                   \
    /* running sums are updated; there are no results */                                                             \
    ROW(LSE_SUMS, "sums", .of_any_type = 1, .has_panels = 1, .run = lse_run_rows)

#define LSE_CONSTANT_OF(constant, ...) constant,
typedef enum { LSE_EACH_OPERATION(LSE_CONSTANT_OF) LSE_OPERATIONS } lse_operation;
#undef LSE_CONSTANT_OF

#endif
