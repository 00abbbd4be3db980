/* The properties of each type that the kernels compute in, one row per type. */
#ifndef LSE_TYPES_H
#define LSE_TYPES_H

#include "kernels/kernels.h"

typedef struct {
    int size; /* bytes of an element */
    /* The largest magnitude of elements that the kernels handle unshifted; for weighted sums, of the exponents of
     * terms, x log2(e) + log2|b|. An exponent within the second limit implies an x within the first. */
    double most, most_weighted;
    double least_weighted;   /* a weighted sum below this, whose largest term is near 2^500, may have cancelled */
    ptrdiff_t parallel_from; /* below this many elements a second thread does not pay */
    void (*put)(void *values, ptrdiff_t i, double value);
} lse_type_facts;

extern const lse_type_facts lse_types[LSE_TYPES];

#endif
