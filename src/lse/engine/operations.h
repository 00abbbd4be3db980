/* What the engine knows of each operation; the rows are in kernels/operations.h. */
#ifndef LSE_OPERATIONS_H
#define LSE_OPERATIONS_H

#include "engine/plan.h"

typedef struct {
    int is_map; /* the output has the shape of the input; else it lacks the reduced axes, or has them with length 1 */
    int has_panels; /* short sums are done many at a time */
    int in_order;   /* longer rows are walked from their first element on, and columns are such rows */
    enum { LSE_GENERAL, LSE_COPIED, LSE_CONSTANT } of_one; /* of one element: nothing special, it, `constant` */
    double constant;
    void (*run)(lse_plan *plan, const lse_request *request, int threads); /* of what has no panels, or longer rows */
} lse_operation_facts;

extern const lse_operation_facts lse_operations[LSE_OPERATIONS];

#endif
