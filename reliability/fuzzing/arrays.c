/* Arrays of a fuzz target: laid out in memory of exact size as an input says, and filled from its bytes. */
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAINT = 0xa5 };

static void *allocated(ptrdiff_t size)
{
    void *memory = malloc((size_t)size);
    if (!memory && size) fail("no memory for %td bytes", size);
    return memory;
}

char *element_of(const tensor *t, ptrdiff_t index) { return t->array.data + t->offset[index]; }

/* Where the elements are, counting from the last axis up. */
static void find_elements(tensor *t)
{
    ptrdiff_t at = 0, index[LSE_MAX_DIMS] = {0};
    t->offset = (ptrdiff_t *)allocated(t->count * (ptrdiff_t)sizeof *t->offset);
    for (ptrdiff_t i = 0; i < t->count; i++) {
        t->offset[i] = at;
        for (int axis = t->array.ndim - 1; axis >= 0; axis--) {
            at += t->stride[axis];
            if (++index[axis] < t->shape[axis]) break;
            at -= index[axis] * t->stride[axis];
            index[axis] = 0;
        }
    }
}

tensor tensor_of(char kind, int size, int swapped, int ndim, const ptrdiff_t *shape)
{
    tensor t = {.array = {NULL, ndim, kind, size, swapped, NULL, NULL}};
    memcpy(t.shape, shape, (size_t)ndim * sizeof *shape);
    return t;
}

/* Memory for strides that are set; the first element is `offset` bytes from where memory is aligned. */
static void allocate(tensor *t, ptrdiff_t offset)
{
    ptrdiff_t low = 0, high = t->array.itemsize;
    t->count = 1;
    for (int axis = 0; axis < t->array.ndim; axis++) {
        t->count *= t->shape[axis];
        const ptrdiff_t reach = (t->shape[axis] - 1) * t->stride[axis];
        if (reach < 0) low -= reach;
        else high += reach;
    }
    t->size = t->count == 0 ? 0 : offset + low + high;
    t->block = (char *)allocated(t->size);
    t->array.data = t->size ? t->block + offset + low : t->block;
    memset(t->block, PAINT, (size_t)t->size);
    find_elements(t);
}

/* From the innermost axis, which may be any, outwards: steps over more than there is, backwards, or on the spot. */
void lay_out(source *s, tensor *t, int flags)
{
    const int ndim = t->array.ndim, turn = ndim ? (int)below(s, (unsigned)ndim) : 0;
    const unsigned unaligned = next(s);
    ptrdiff_t step = t->array.itemsize;
    for (int i = ndim - 1; i >= 0; i--) {
        const int axis = (i + turn) % ndim;
        const unsigned how = next(s);
        if (t->shape[axis] == 1) {
            t->stride[axis] = ((ptrdiff_t)how - 128) * t->array.itemsize;
            continue;
        }
        t->stride[axis] = how & 1 ? -step : step;
        if (how & 2) t->stride[axis] *= 1 + (int)(how >> 6);
        if ((how & 12) == 12 && !(flags & DISTINCT)) t->stride[axis] = 0;
        if ((how & 48) == 48 && !(flags & ALIGNED)) t->stride[axis] += how & 1 ? -1 : 1;
        const ptrdiff_t size = t->stride[axis] < 0 ? -t->stride[axis] : t->stride[axis];
        if (size) step = size * (t->shape[axis] ? t->shape[axis] : 1);
    }
    allocate(t, flags & ALIGNED ? 0 : (ptrdiff_t)(unaligned % 8));
}

tensor beside(const tensor *t, char kind, int size)
{
    tensor other = *t;
    other.array.kind = kind;
    other.array.itemsize = size;
    allocate(&other, 0);
    return other;
}

void release(tensor *t)
{
    free(t->block);
    free(t->offset);
    t->block = NULL;
    t->offset = NULL;
}

tensor painted(char kind, int size, int ndim, const ptrdiff_t *shape)
{
    tensor t = tensor_of(kind, size, 0, ndim, shape);
    ptrdiff_t step = size;
    for (int axis = ndim - 1; axis >= 0; axis--) {
        t.stride[axis] = step;
        step *= t.shape[axis];
    }
    allocate(&t, 0);
    return t;
}

static void swap(char *p, int size)
{
    for (int i = 0; i < size / 2; i++) {
        const char c = p[i];
        p[i] = p[size - 1 - i];
        p[size - 1 - i] = c;
    }
}

void make_plain(tensor *t)
{
    const int size = t->array.itemsize;
    tensor copy = painted(t->array.kind, size, t->array.ndim, t->shape);
    for (ptrdiff_t i = 0; i < t->count; i++) {
        char *to = copy.block + i * size;
        memcpy(to, element_of(t, i), (size_t)size);
        if (t->array.swapped) swap(to, size);
    }
    release(t);
    *t = copy;
}

void check_paint(const tensor *t, const char *what)
{
    char *block = (char *)allocated(t->size);
    memcpy(block, t->block, (size_t)t->size);
    for (ptrdiff_t i = 0; i < t->count; i++)
        memset(block + (element_of(t, i) - t->block), PAINT, (size_t)t->array.itemsize);
    for (ptrdiff_t i = 0; i < t->size; i++)
        if ((unsigned char)block[i] != PAINT) fail("%s: byte %td between elements was written", what, i);
    free(block);
}

uint64_t digest(const tensor *t)
{
    uint64_t sum = 14695981039346656037u;
    for (ptrdiff_t i = 0; i < t->size; i++) sum = (sum ^ (unsigned char)t->block[i]) * 1099511628211u;
    return sum;
}

/* Values --------------------------------------------------------------------------------------------------- */

static const double SPECIAL[] = {0.0,
                                 -0.0,
                                 1.0,
                                 -1.0,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 0x1p-1074,
                                 -0x1p-1060,
                                 0x1p-1022,
                                 0x1p-149,
                                 0x1p-126,
                                 0x1p17,
                                 -0x1p17,
                                 0x1.000002p17,
                                 0x1p46,
                                 -0x1p46,
                                 0x1.8p46,
                                 0x1p52,
                                 0x1p53,
                                 0x1p63,
                                 0x1.fffffep127,
                                 -0x1.fffffep127,
                                 0x1.fffffffffffffp1023,
                                 -0x1.fffffffffffffp1023,
                                 0x1p-24,
                                 -0x1p-14,
                                 65504.0,
                                 709.78,
                                 -745.13,
                                 88.7,
                                 -103.9};

/* A value of byte c, in ways that make ties, cancelling terms, ramps and special values likely. */
static double valued(unsigned way, uint8_t c, ptrdiff_t i)
{
    const int8_t of_c = (int8_t)c;
    switch (way) {
    case 0: return of_c / 8.0;
    case 1: return SPECIAL[c % (sizeof SPECIAL / sizeof *SPECIAL)];
    case 2: return of_c * 16.0 + (double)i;
    case 3: return c & 0xe0 ? of_c / 4.0 : SPECIAL[c % 32];
    case 4: return (c & 1 ? 0x1p18 : -0x1p47) + (c >> 1);
    default: return ldexp(of_c, c & 3 ? of_c : 8 * of_c);
    }
}

static void put(char *to, char kind, int size, double value)
{
    if (kind == 'f' || kind == 'V') {
        lse_store_for(kind, size, 8)(to, 0, 1, &value);
        return;
    }
    const int64_t number = fabs(value) < 0x1p62 ? (int64_t)value : 1;
    memcpy(to, &number, (size_t)size); /* little-endian; elsewhere another number */
}

void fill(source s, tensor *t, unsigned start)
{
    const unsigned way = next(&s) % 12;
    const ptrdiff_t left = s.end - s.at, size = t->array.itemsize;
    for (ptrdiff_t i = 0; i < t->count; i++) {
        char element[8] = {0};
        if (way > 5 && left)
            for (ptrdiff_t k = 0; k < size; k++) element[k] = (char)s.at[(start + i * size + k) % left];
        else put(element, t->array.kind, (int)size, valued(way, left ? s.at[(start + i) % left] : 0, i));
        if (t->array.swapped) swap(element, (int)size);
        memcpy(element_of(t, i), element, (size_t)size);
    }
}
