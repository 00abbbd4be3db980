/* A libFuzzer target: each input is a call of lse.h or of the engine beneath it, made by every table of kernels that the
 * processor runs, from arrays of any layout, with any number of threads and in any mode of the floating-point unit. What
 * comes out must have the bits of the scalar table, on contiguous copies and one thread; inputs, and what lies between
 * the elements of outputs, must be as before. */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned next(source *s) { return s->at < s->end ? *s->at++ : 0; }
unsigned below(source *s, unsigned limit) { return next(s) % limit; }

ptrdiff_t length(source *s)
{
    const unsigned kind = next(s), number = next(s);
    if (kind < 200) return number % 40;
    if (kind < 254 || number < 128) return kind & 1 ? number : 4 * (ptrdiff_t)number;
    return LSE_PIECE * (ptrdiff_t)(number == 255 ? 2 : 1) - 8 + number % 16;
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

/* Outcomes ------------------------------------------------------------------------------------------------- */

void tell(outcome *o, double number)
{
    if (o->count == o->room) {
        o->room = 2 * o->room + 64;
        o->numbers = (double *)realloc(o->numbers, (size_t)o->room * sizeof(double));
        if (!o->numbers) fail("no memory for an outcome");
    }
    o->numbers[o->count++] = number;
}

void tell_all(outcome *o, const tensor *t)
{
    const lse_load load = lse_load_for(t->array.kind, t->array.itemsize, t->array.swapped, 8);
    for (ptrdiff_t i = 0; i < t->count; i++) {
        double number;
        load(element_of(t, i), 0, 1, &number);
        tell(o, number);
    }
}

/* Of NaN there are several. */
void tell_sum(outcome *o, lse_sum sum)
{
    tell(o, sum.tail);
    tell(o, sum.tail == sum.tail ? sum.max : 0.0);
    tell(o, sum.tail == sum.tail ? sum.tail_lo : 0.0);
    tell(o, sum.tail == sum.tail ? sum.count : 0.0);
}

static void compare(const outcome *a, const outcome *b, const variant *v)
{
    if (a->vague || b->vague) return;
    if (a->count != b->count) fail("%s: %td numbers, not %td", v->table->name, a->count, b->count);
    for (ptrdiff_t i = 0; i < a->count; i++) {
        const double x = a->numbers[i], y = b->numbers[i];
        if (memcmp(&x, &y, sizeof x) && !(x != x && y != y))
            fail("%s, %d threads, modes %x: number %td is %a, of the scalar table %a", v->table->name, v->threads,
                 v->modes, i, x, y);
    }
}

/* Modes ---------------------------------------------------------------------------------------------------- */

#ifdef __SSE__
#include <xmmintrin.h>
static unsigned outside;
void enter(const variant *v)
{
    outside = _mm_getcsr();
    _mm_setcsr(v->modes);
}
void leave(const variant *v)
{
    const unsigned found = _mm_getcsr();
    _mm_setcsr(outside);
    if (found != v->modes) fail("the floating-point state was %x and is %x", v->modes, found);
}
#else
void enter(const variant *v) { (void)v; }
void leave(const variant *v) { (void)v; }
#endif

/* Flags, rounding, flushing of subnormal numbers, and traps: all but the reserved bits. */
static unsigned modes_of(source *s)
{
    const unsigned low = next(s), modes = low | next(s) << 8;
    return modes & 1 ? modes : 0x1f80;
}

/* The target ----------------------------------------------------------------------------------------------- */

static const lse_kernels *chosen;

/* What the engine calls in place of lse_chosen: see fuzz.py. */
const lse_kernels *__wrap_lse_chosen(void);
const lse_kernels *__wrap_lse_chosen(void) { return chosen; }

static void run(source s, const variant *v, outcome *o)
{
    static void (*const runs[])(source, const variant *, outcome *) = {run_calls, run_states, run_engine,
                                                                       run_wrong_calls};
    static const int which[] = {2, 2, 2, 2, 0, 0, 1, 3};
    chosen = v->table;
    *o = (outcome){0};
    runs[which[below(&s, 8)]](s, v, o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source s = {data, data + size};
    const variant reference = {lse_kernels_scalar(), 1, 1, 0x1f80};
    variant v = {.threads = 1 + (int)below(&s, 4)};
    v.modes = modes_of(&s);
    outcome expected, found;
    run(s, &reference, &expected);
    for (int i = 0; (v.table = lse_available(i)) != NULL; i++) {
        run(s, &v, &found);
        compare(&found, &expected, &v);
        free(found.numbers);
    }
    free(expected.numbers);
    return 0;
}
