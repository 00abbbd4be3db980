/* The properties of each type that results are computed in, one row per type. For complex types the magnitudes are those
 * of the real parts. */
#ifndef LSE_TYPES_H
#define LSE_TYPES_H

#include "kernels/kernels.h"

typedef struct {
    char kind;     /* as NumPy's dtype.kind */
    int size;      /* bytes of an element */
    int loaded;    /* bytes of an element as it is loaded from another type, see lse_load_for; complex ones as pairs */
    int is_single; /* whether results, which are in double precision, are rounded to floats */
    /* The largest magnitude of elements, of complex ones of real parts, that the kernels handle unshifted; for weighted
     * complex sums, of the exponents of terms, x log2(e) + log2|b|, where 1.4 is less than log2(e). */
    double most, most_weighted;
    double least_weighted;   /* a weighted sum below this, whose largest term is near 2^500, may have cancelled */
    double least_in_double;  /* of these, one above this is first recomputed in double precision; others exactly */
    ptrdiff_t parallel_from; /* below this many elements a second thread does not pay */
    void (*put)(void *values, ptrdiff_t i, double value);
    double (*get)(const void *value); /* at any address; of real types only, as put */
} lse_type_facts;

extern const lse_type_facts lse_types[LSE_ALL_TYPES];

#endif
