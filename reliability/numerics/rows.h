/* Rows of many kinds, case by case: the same row for the same case. */
#ifndef ROWS_H
#define ROWS_H

#include <float.h>

#include "double_double.h"
#include "figures.h"

enum { LONGEST = 6000 };
enum { NORMAL, CENTRED, EQUAL, ALL_BUT_ONE, RAMP, LARGE_AMONG_SMALL, TIES, TAIL, FAR_OUT, FEW, KINDS };

static const char *const kind_names[] = {[NORMAL] = "normal",    [CENTRED] = "centred",
                                         [EQUAL] = "equal",      [ALL_BUT_ONE] = "all_but_one_equal",
                                         [RAMP] = "ramp",        [LARGE_AMONG_SMALL] = "large_among_small",
                                         [TIES] = "nearly_tied", [TAIL] = "tail",
                                         [FAR_OUT] = "far_out",  [FEW] = "few_values"};

/* How weights may be: of one sign; of either; in pairs that cancel but for a little; or exactly. */
enum { POSITIVE, SIGNED, NEARLY, EXACTLY, WEIGHTS };

/* Of floats where `single` is set, elements and weights too; n is not 0, one weight at least is not 0. */
typedef struct {
    int64_t number;
    int single, kind, weights;
    ptrdiff_t n;
    double x[LONGEST], b[LONGEST];
} row;

/* The nearest number of the row's type. */
static inline double as(const row *r, double x) { return r->single ? (double)(float)x : x; }

static inline double next_above(const row *r, double x)
{ return r->single ? (double)nextafterf((float)x, INFINITY) : nextafter(x, INFINITY); }

static inline double next_normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(1 - next_uniform(state)));
    return radius * cos(6.283185307179586 * next_uniform(state));
}

static inline ptrdiff_t index_in(uint64_t *state, ptrdiff_t n) { return (ptrdiff_t)(next_bits(state) % (uint64_t)n); }

/* Mostly 1 to 300, short ones as often as long ones; some of thousands. */
static inline ptrdiff_t next_length(uint64_t *state)
{
    if (next_bits(state) % 512 == 0) return 300 + index_in(state, LONGEST - 300);
    return (ptrdiff_t)exp(between(state, 0, log(301)));
}

/* About 1 of `turns` lines of lanes is large, in all the others elements 37 (17 for floats) below it, whose
 * exponentials are about half a unit in the last place of what they are added to. */
static inline void large_among_small(row *r, uint64_t *state)
{
    const ptrdiff_t lanes = r->single ? 16 : 8, turns = 2 + index_in(state, 4);
    const double top = between(state, 1, 2) - log((double)r->n / (double)turns);
    double gaps[8];
    for (int i = 0; i < 8; i++) gaps[i] = r->single ? between(state, 14, 18) : between(state, 35, 38);
    for (ptrdiff_t i = 0; i < r->n; i++) r->x[i] = i / lanes % turns == 0 ? top : top - gaps[i / lanes % turns];
}

static inline void fill(row *r, uint64_t *state)
{
    const double scale = exp(between(state, -7, 7)),
                 step = exp(between(state, -5, 3.5)) * (index_in(state, 2) ? 1 : -1);
    const double level = between(state, -2.5, 2.5) - log((double)r->n), lowest = r->single ? -103 : -745;
    const double far = exp2(r->single ? between(state, 14, 100) : between(state, 40, 900));
    const ptrdiff_t values = 1 + index_in(state, 7), place = index_in(state, r->n);
    double few[8];
    for (int i = 0; i < 8; i++) few[i] = index_in(state, 9) ? next_normal(state) * scale : -INFINITY;
    if (r->kind == LARGE_AMONG_SMALL) large_among_small(r, state);
    for (ptrdiff_t i = 0; i < r->n; i++) switch (r->kind) {
        case NORMAL:
        case CENTRED: r->x[i] = next_normal(state) * scale; break;
        case EQUAL:
        case ALL_BUT_ONE: r->x[i] = level; break;
        case RAMP: r->x[i] = (double)i * step; break;
        case TIES: r->x[i] = i % 2 ? r->x[i - 1] : next_normal(state) * scale; break;
        case TAIL: r->x[i] = i == place ? 0 : between(state, lowest, -10); break;
        case FAR_OUT: r->x[i] = far * next_normal(state) + next_normal(state); break;
        case FEW: r->x[i] = few[index_in(state, values)]; break;
        default: break;
        }
    if (r->kind == FAR_OUT && next_bits(state) % 2)
        for (ptrdiff_t i = 0; i < r->n; i++) r->x[i] = far + next_normal(state) * scale;
    for (ptrdiff_t i = 0; i < r->n; i++) r->x[i] = as(r, r->x[i]);
    if (r->kind == TIES)
        for (ptrdiff_t i = 1; i < r->n; i += 2) r->x[i] = next_above(r, r->x[i - 1]);
    if (r->kind == ALL_BUT_ONE) r->x[place] = next_above(r, r->x[place]);
}

/* b[i] may cancel a[i - 1] exactly where the weights are EXACTLY; then the row is of even length. */
static inline void weigh(row *r, uint64_t *state)
{
    const double spread = index_in(state, 4) ? 0.5 : r->single ? 12 : 150, closeness = exp2(between(state, -50, 0));
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const double size = exp(fmin(fmax(next_normal(state), -4), 4) * spread);
        r->b[i] = as(r, r->weights != POSITIVE && next_bits(state) % 2 ? -size : size);
        if (next_bits(state) % 16 == 0) r->b[i] = 0;
    }
    for (ptrdiff_t i = 1; i < r->n && r->weights >= NEARLY; i += 2) {
        r->x[i] = r->x[i - 1];
        r->b[i] = as(r, -r->b[i - 1] * (r->weights == NEARLY ? 1 + closeness * next_normal(state) : 1));
    }
    if (r->weights != EXACTLY) r->b[index_in(state, r->n)] = 1.5;
}

/* Turns the row so that its elements come in another order. */
static inline void shuffle(row *r, uint64_t *state)
{
    for (ptrdiff_t i = r->n - 1; i > 0; i--) {
        const ptrdiff_t j = index_in(state, i + 1);
        const double x = r->x[i], b = r->b[i];
        r->x[i] = r->x[j], r->b[i] = r->b[j];
        r->x[j] = x, r->b[j] = b;
    }
}

static inline void row_of_case(int64_t number, row *r)
{
    uint64_t state = (uint64_t)number * 0x2545f4914f6cdd1du;
    r->number = number;
    r->single = (int)(next_bits(&state) % 2);
    r->kind = (int)index_in(&state, KINDS);
    r->weights = (int)index_in(&state, WEIGHTS);
    r->n = next_length(&state);
    if (r->weights == EXACTLY) r->n += r->n % 2;
    fill(r, &state);
    weigh(r, &state);
    if (r->weights >= NEARLY) shuffle(r, &state);
}

#endif
