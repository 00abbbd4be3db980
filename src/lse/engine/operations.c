#include "engine/operations.h"

const lse_operation_facts lse_operations[LSE_OPERATIONS] = {
    [LSE_LOGSUMEXP] = {.has_panels = 1, .of_one = COPIED, .run = lse_run_rows},
    [LSE_SOFTMAX] = {.is_map = 1, .has_panels = 1, .of_one = CONSTANT, .constant = 1.0, .run = lse_run_rows},
    [LSE_LOG_SOFTMAX] = {.is_map = 1, .has_panels = 1, .of_one = CONSTANT, .constant = 0.0, .run = lse_run_rows},
    [LSE_CUMULATE] = {.is_map = 1, .has_panels = 1, .in_order = 1, .run = lse_run_cumulative},
    [LSE_SEGMENTS] = {.in_order = 1, .run = lse_run_segments},
    [LSE_SUMS] = {.has_panels = 1, .run = lse_run_rows},
};

int lse_is_map(lse_operation operation) { return lse_operations[operation].is_map; }
