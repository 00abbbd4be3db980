/* The properties of each type that results are computed in, one row per type. For complex types the magnitudes are those
 * of the real parts. */
#ifndef LSE_TYPES_H
#define LSE_TYPES_H

#include "kernels/kernels.h"

typedef struct {
    int size;                /* bytes of an element */
    double most;             /* the greatest magnitude of elements that the kernels take as they are */
    double least_weighted;   /* a weighted sum below this, beside a greatest term near 2^500, may have cancelled */
    ptrdiff_t parallel_from; /* elements below which a second thread costs more than it brings */
    void (*put)(void *values, ptrdiff_t i, double value);
} lse_type_facts;

extern const lse_type_facts lse_types[LSE_ALL_TYPES];

#endif
