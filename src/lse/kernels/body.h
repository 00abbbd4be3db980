/* The algorithm, written once in terms of the vocabulary of the including file. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "coefficients.h"
#include "log_near_one.h"
#include "pair.h"
#include "state.h"
#include "wide.h"
#include "eighths.h"

#define LSE_JOIN_(a, b) a##_##b
#define LSE_JOIN(a, b) LSE_JOIN_(a, b)

/* FN(name) is name_f32 or name_f64; V is the vector type and VF(op) an operation on it, vf32_op or vf64_op. */
#define FN(name) LSE_JOIN(name, F)
#define VF(op) LSE_JOIN(V, op)

#define F f32
#define V vf32
#define REAL float
#define F_IS_DOUBLE 0
#include "define.h"
#include "exp.h"
#include "fetch.h"
#include "near.h"
#include "block.h"
#include "long.h"
#include "columns.h"
#include "weighted.h"
#include "weighted_columns.h"
#include "logs.h"
#include "softmax.h"
#include "inspect.h"
#include "map_columns.h"
#include "alone.h"
#include "panel.h"
#include "narrow.h"
#include "weighted_panel.h"
#include "terms.h"
#include "stored.h"
#include "log_sums.h"
#include "map_panel.h"
#include "cumulative_chunk.h"
#include "cumulative_row.h"
#include "cumulative_panel.h"
#include "gradients.h"
#include "extents.h"
#include "undefine.h"

#define F f64
#define V vf64
#define REAL double
#define F_IS_DOUBLE 1
#include "define.h"
#include "exp.h"
#include "fetch.h"
#include "near.h"
#include "block.h"
#include "long.h"
#include "columns.h"
#include "faint.h"
#include "weighted.h"
#include "weighted_columns.h"
#include "logs.h"
#include "softmax.h"
#include "inspect.h"
#include "map_columns.h"
#include "alone.h"
#include "panel.h"
#include "narrow.h"
#include "weighted_panel.h"
#include "terms.h"
#include "stored.h"
#include "log_sums.h"
#include "map_panel.h"
#include "cumulative_chunk.h"
#include "cumulative_row.h"
#include "cumulative_panel.h"
#include "gradients.h"
#include "extents.h"
#include "finish.h"
#include "products.h"
#include "few.h"
#include "angles.h"
#include "complex_lines.h"
#include "complex_terms.h"
#include "complex_states.h"
#include "complex_sums.h"
#include "complex_weights.h"
#include "complex_finish.h"
#include "complex_map.h"
#include "complex_cumulative.h"
#include "undefine.h"

#define F f32
#define V vf32
#define REAL float
#define F_IS_DOUBLE 0
#include "define.h"
#include "few.h"
#include "complex_lines.h"
#include "complex_terms.h"
#include "complex_sums.h"
#include "complex_weights.h"
#include "complex_finish.h"
#include "complex_map.h"
#include "complex_cumulative.h"
#include "undefine.h"

#include "pointwise.h"
#include "difference.h"
#include "exact.h"

#define LSE_REAL_KERNELS(F)                                     \
    {                                                           \
        .rows = rows_##F,                                       \
        .sum_part = sum_part_##F,                               \
        .transpose = transpose_##F,                             \
        .columns = columns_##F,                                 \
        .narrow_columns = narrow_columns_##F,                   \
        .weighted_rows = weighted_rows_##F,                     \
        .weighted_columns = weighted_columns_##F,               \
        .narrow_weighted_columns = narrow_weighted_columns_##F, \
        .maps = {                                                                                       \
            [LSE_SOFTMAX] = {softmax_row_##F, softmax_columns_##F, softmax_panel_##F},                  \
            [LSE_LOG_SOFTMAX] = {log_softmax_row_##F, log_softmax_columns_##F, log_softmax_panel_##F},  \
            [LSE_CUMULATE] = {.panel = cumulate_panel_##F},                                             \
        },                                                                                              \
        .copy_row = copy_row_##F,                               \
        .collect = collect_##F,                                 \
        .select_infinity = select_infinity_##F,                 \
        .is_present = is_present_##F,                           \
        .select_present = select_present_##F,                   \
        .cumulate_row = cumulate_row_##F,                       \
        .cumulate_columns = cumulate_columns_##F,               \
        .finish = finish_##F,                                   \
        .finish_scaled = finish_scaled_##F,                     \
        .finish_values = finish_values_##F,                     \
        .value_of_few = value_of_few_##F,                       \
        .log_softmax_of_few = log_softmax_of_few_##F,           \
        .copy_alone = copy_alone_##F,                           \
        .fill_alone = fill_alone_##F,                           \
        .sum_panel = sum_panel_##F,                             \
        .sum_weighted_panel = sum_weighted_panel_##F,           \
        .softmax_whole_row = softmax_whole_row_##F,             \
        .softmax_whole_columns = softmax_whole_columns_##F,     \
        .panel = PANEL_##F,                                     \
        .dot = dot_##F,                                         \
        .dot_line = dot_line_##F,                               \
        .sources_of_sums = sources_of_sums_##F,                 \
        .source_of_value = source_of_value_##F,                 \
        .softmax_gradient = softmax_gradient_##F,               \
        .log_softmax_gradient = log_softmax_gradient_##F,       \
        .logsumexp_gradient = logsumexp_gradient_##F,           \
        .softmax_gradient_rows = softmax_gradient_rows_##F,     \
        .log_softmax_gradient_rows = log_softmax_gradient_rows_##F, \
        .softmax_gradient_columns = softmax_gradient_columns_##F, \
        .log_softmax_gradient_columns = log_softmax_gradient_columns_##F, \
        .pointwise = {                                                                                  \
            [LSE_LOGADDEXP] = logaddexp_##F,                                                            \
            [LSE_LOGSUBEXP] = logsubexp_##F,                                                            \
            [LSE_LOG1PEXP] = log1pexp_##F,                                                              \
            [LSE_LOG1MEXP] = log1mexp_##F,                                                              \
            [LSE_LOGEXPM1] = logexpm1_##F,                                                              \
        },                                                                                              \
    }
#define LSE_COMPLEX_KERNELS(F, so_many)                         \
    {                                                           \
        .lanes = so_many,                                       \
        .turn = turn_runs_##F,                                  \
        .turn_back = turn_runs_back_##F,                        \
        .deal = deal_run_##F,                                   \
        .collect = collect_run_##F,                             \
        .sums = sum_complex_tile_##F,                           \
        .weighted_sums = sum_weighted_complex_tile_##F,         \
        .row = sum_complex_row_##F,                             \
        .start = start_complex_sum,                             \
        .add = add_complex_block_##F,                           \
        .add_weighted = add_weighted_complex_block_##F,         \
        .end = end_complex_sum,                                 \
        .merge = merge_complex,                                 \
        .merge_weighted = merge_weighted_complex,               \
        .are_in_range = are_sums_in_range,                      \
        .finish = finish_complex_##F,                           \
        .divide = divide_complex_##F,                           \
        .softmax_of_terms = softmax_of_terms_##F,               \
        .softmax = softmax_complex_##F,                         \
        .log_softmax = log_softmax_complex_##F,                 \
        .cumulate = cumulate_complex_##F,                       \
        .cumulate_rows = cumulate_complex_rows_##F,             \
        .direction = direction_of,                              \
    }
#ifndef LSE_HALVES
#define LSE_HALVES {{NULL, NULL}, {NULL, NULL}}
#endif
#define LSE_OF_ELEMENTS(name) {{name##_f32_f32, name##_f32_f64}, {name##_f64_f32, name##_f64_f64}}
#define LSE_TABLE(isa)                                                                                 \
    static const lse_kernels table = {                                                                 \
        .name = isa,                                                                                   \
        .products = {                                                                                  \
            .vector = vf64_width,                                                                      \
            .panel = LSE_PRODUCT_VECTORS * vf64_width,                                                 \
            .join_extent = {join_extent_f32, join_extent_f64},                                         \
            .join_extents = {join_extents_f32, join_extents_f64},                                      \
            .factors_of_line = LSE_OF_ELEMENTS(factors_of_line),                                       \
            .factors_of_lines = LSE_OF_ELEMENTS(factors_of_lines),                                     \
            .multiply = {multiply_f32, multiply_f64},                                                  \
            .dot_of_elements = LSE_OF_ELEMENTS(dot_of_elements),                                       \
            .dot_of_factors = {dot_of_factors_f32, dot_of_factors_f64},                                \
            .logs = {logs_of_products_f32, logs_of_products_f64},                                      \
            .are_safe = are_safe_products,                                                             \
            .sum_of_pairs = LSE_OF_ELEMENTS(sum_of_pairs),                                             \
            .logs_of_pairs = logs_of_pairs,                                                            \
        },                                                                                             \
        .merge = merge,                                                                                \
        .weighted_merge = weighted_merge,                                                              \
        .weighted_finish = weighted_finish,                                                            \
        .sum_exactly = sum_exactly,                                                                    \
        .difference = log_difference,                                                                  \
        .halves = LSE_HALVES,                                                                          \
        .exponentials = replace_by_exponentials,                                                       \
        .real = {[LSE_F32] = LSE_REAL_KERNELS(f32), [LSE_F64] = LSE_REAL_KERNELS(f64)},                \
        .of_complex = {LSE_COMPLEX_KERNELS(f32, 16), LSE_COMPLEX_KERNELS(f64, 8)},                     \
    };                                                                                                 \
    return &table
