/* What the parts of the fuzz target share: the bytes of an input, arrays in memory of exact size, and outcomes. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>

#include "engine/engine.h"

/* One input: first come small numbers that say what is called, and how; all that is left are values. */
typedef struct {
    const uint8_t *at, *end;
} source;

unsigned next(source *s);
unsigned below(source *s, unsigned limit);
/* A length: mostly below 40, seldom a few hundred, or several pieces. */
ptrdiff_t length(source *s);

/* How the same input is run: by which table, from the arrays as the input lays them out or from contiguous copies, in
 * which modes of the floating-point unit (x86-64 alone). */
typedef struct {
    const lse_kernels *table;
    int plain, threads;
    unsigned modes;
} variant;

/* An array in a block that ends where its last element does; where its elements are, in C order. */
typedef struct {
    char *block;
    ptrdiff_t size, count;
    ptrdiff_t *offset;
    ptrdiff_t shape[LSE_MAX_DIMS], stride[LSE_MAX_DIMS];
    lse_array array;
} tensor;

enum { ALIGNED = 1, DISTINCT = 2 }; /* no element may be unaligned; no two in the same place */

/* Lays an array out as the input says; its elements are not set. */
void lay_out(source *s, tensor *t, int flags);
/* Values from the input, beginning at byte `start` of what is left; plain: in a contiguous native copy. */
void fill(source s, tensor *t, unsigned start);
void make_plain(tensor *t);
void release(tensor *t);
char *element_of(const tensor *t, ptrdiff_t index);
/* A tensor of the kind, with shape set and strides to come. */
tensor tensor_of(char kind, int size, int swapped, int ndim, const ptrdiff_t *shape);
/* A contiguous one, whose bytes are those of no element. */
tensor painted(char kind, int size, int ndim, const ptrdiff_t *shape);
/* One with the same strides. */
tensor beside(const tensor *t, char kind, int size);
/* Whether only elements were written. */
void check_paint(const tensor *t, const char *what);

/* What inputs looked like, to see that they still do. */
uint64_t digest(const tensor *t);

/* Numbers that must be the same in every variant. */
typedef struct {
    double *numbers;
    ptrdiff_t count, room;
    int vague; /* a part of the outcome is nobody's promise: it only must not crash */
} outcome;

void tell(outcome *o, double number);
void tell_all(outcome *o, const tensor *t);
void tell_sum(outcome *o, lse_sum sum);

void fail(const char *format, ...);

/* Between these the unit is in the modes of a variant; leave() fails where a mode or a flag has changed. */
void enter(const variant *v);
void leave(const variant *v);

/* calls.c, engine.c: run the input in one way. */
void run_calls(source s, const variant *v, outcome *o);
void run_states(source s, const variant *v, outcome *o);
void run_engine(source s, const variant *v, outcome *o);
void run_wrong_calls(source s, const variant *v, outcome *o);

#endif
