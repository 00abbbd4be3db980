/* Figures, printed for whoever merges them: a line with kind, name, value and witness for each. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>
#include <stdio.h>

/* The greatest value seen, and what showed it. */
typedef struct {
    double value, witness;
} greatest;

static inline void see(greatest *figure, double value, double witness)
{
    if (value <= figure->value || figure->value != figure->value) return; /* NaN is greater than all */
    figure->value = value;
    figure->witness = witness;
}

static inline void print_greatest(const char *name, const greatest *figure)
{ printf("greatest %s %.17g %a\n", name, figure->value, figure->witness); }

/* How often, and one that showed it. */
typedef struct {
    int64_t times;
    double witness;
} count;

static inline void happened(count *figure, double witness)
{
    if (figure->times++ == 0) figure->witness = witness;
}

static inline void print_count(const char *name, const count *figure)
{ printf("count %s %lld %a\n", name, (long long)figure->times, figure->witness); }

/* Numbers that look random, the same for the same seed (Steele, Lea and Flood's SplitMix64). */
static inline uint64_t next_bits(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In [0, 1). */
static inline double next_uniform(uint64_t *state) { return (double)(next_bits(state) >> 11) * 0x1p-53; }

static inline double between(uint64_t *state, double low, double high)
{ return low + (high - low) * next_uniform(state); }

#endif
