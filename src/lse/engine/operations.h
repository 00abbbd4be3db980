/* The properties of each operation; the rows are in kernels/operations.h. */
#ifndef LSE_OPERATIONS_H
#define LSE_OPERATIONS_H

#include "engine/plan.h"

typedef struct {
    int is_map;      /* the output has the shape of the input; otherwise reduced axes are missing or of length 1 */
    int of_any_type; /* not only of real numbers that the kernels take: also of complex ones and long double */
    int has_panels;  /* short sums are processed many at a time */
    int in_order;    /* longer rows are processed from first to last element, also where they are columns */
    enum { LSE_GENERAL, LSE_COPIED, LSE_CONSTANT } of_one; /* of one element: as usual, the element, `constant` */
    double constant;
    void (*run)(lse_plan *plan, const lse_request *request, int threads); /* for longer rows, or all if no panels */
} lse_operation_facts;

extern const lse_operation_facts lse_operations[LSE_OPERATIONS];

#endif
