/* Compares every compiled table of kernels with the scalar one, bit for bit, on a machine without Python.
 * --names: only prints those that the processor can run, best first. SELFTEST_ALL: also tables that are not checked
 * against the processor (an emulated instruction set). */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

static uint64_t random_state = 88172645463325252u;
static long comparisons = 0;

static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) * 0x1p-53;
}

static double draw(void)
{
    static const double scale[] = {0.01, 1, 10, 100, 700}, level[] = {0, 0, 5, -300, 70000, 200000};
    const double u = uniform();
    if (u < 0.01) return -INFINITY;
    if (u < 0.0105) return NAN;
    if (u < 0.011) return INFINITY;
    return (uniform() - 0.5) * scale[(int)(uniform() * 5)] + level[uniform() < 0.9 ? 0 : (int)(uniform() * 6)];
}

static ptrdiff_t below(ptrdiff_t limit) { return (ptrdiff_t)(uniform() * (double)limit); }

/* Data of a panel: anything; numbers that need no recomputation; few different ones; -inf and occasionally NaN. */
typedef enum { ANY, TAME, FEW, BLEAK } kind_of_data;

static kind_of_data draw_kind(void)
{
    static const kind_of_data kinds[] = {TAME, TAME, TAME, TAME, TAME, FEW, FEW, ANY, ANY, BLEAK};
    return kinds[below(10)];
}

static double draw_for(kind_of_data kind)
{
    static const double wild[] = {NAN, INFINITY, -INFINITY};
    double x;
    if (kind == FEW) return uniform() < 0.1 ? -0.0 : (double)below(3);
    if (kind == BLEAK) return uniform() < 0.05 ? NAN : -INFINITY;
    if (kind == ANY) return uniform() < 0.02 ? wild[below(3)] : draw();
    do x = draw();
    while (!(x < 131000));
    return x;
}

/* Equal, or both NaN, whose bits may differ. */
static int same(double a, double b)
{
    comparisons++;
    return !memcmp(&a, &b, sizeof a) || (a != a && b != b);
}

static void compare(const double *a, const double *b, ptrdiff_t n, const char *what, const char *name, ptrdiff_t size)
{
    for (ptrdiff_t i = 0; i < n; i++)
        if (!same(a[i], b[i])) {
            printf("%s: %s of %td elements, index %td: %a, scalar %a\n", name, what, size, i, a[i], b[i]);
            exit(1);
        }
}

/* Numbers at unaligned addresses. */
static double real_at(const char *x, ptrdiff_t i, int is_double)
{
    double wide;
    float narrow;
    if (is_double) return memcpy(&wide, x + i * 8, sizeof wide), wide;
    return memcpy(&narrow, x + i * 4, sizeof narrow), (double)narrow;
}

static void put_real(char *x, ptrdiff_t i, int is_double, double value)
{
    const float narrow = (float)value;
    if (is_double) memcpy(x + i * 8, &value, sizeof value);
    else memcpy(x + i * 4, &narrow, sizeof narrow);
}

/* Memory that shows which bytes were written, and a number made of them. */
enum { UNTOUCHED = 0x5a };

static char *untouched_bytes(ptrdiff_t count)
{
    char *memory = (char *)malloc((size_t)count);
    if (!memory) exit(2);
    memset(memory, UNTOUCHED, (size_t)count);
    return memory;
}

static double untouched(ptrdiff_t size)
{
    char bytes[8];
    memset(bytes, UNTOUCHED, sizeof bytes);
    return real_at(bytes, 0, size == 8);
}

enum { MOST = 5000, COUNT = 64 };
static double data64[COUNT * MOST];
static float data32[COUNT * MOST];

typedef struct {
    lse_states rows, columns, weighted, weighted_columns;
    lse_results results, merged, weighted_results;
    double out[4][MOST], cumulated[MOST];
} outcome;

static lse_layout contiguous(ptrdiff_t n, ptrdiff_t size)
{
    lse_layout layout = {.ndim = 1, .direct = 1, .direct_weight = 1, .native_weight = 1};
    layout.shape[0] = n;
    layout.stride[0] = layout.weight_stride[0] = layout.weight_step = size;
    return layout;
}

/* Rows `pitch` bytes apart. */
static lse_layout strided(ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t size)
{
    lse_layout layout = contiguous(n, size);
    layout.direct = layout.direct_weight = 0;
    layout.stride[0] = layout.weight_stride[0] = pitch;
    layout.load = layout.load_weight = lse_load_for('f', (int)size, 0, (int)size);
    return layout;
}

/* The first results as those of a wide group of columns. */
static void widen(const lse_results *results, ptrdiff_t count, lse_wide_results *wide)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        wide->shift[i] = 0;
        wide->value[i] = results->value[i];
        wide->value_lo[i] = results->value_lo[i];
        wide->scale[i] = results->scale[i];
        wide->scale_lo[i] = results->scale_lo[i];
        wide->anchor[i] = results->anchor[i];
    }
}

static void compute(const lse_kernels *k, int is_double, ptrdiff_t n, ptrdiff_t count, outcome *o)
{
    const lse_real_kernels *r = &k->real[is_double ? LSE_F64 : LSE_F32];
    const ptrdiff_t size = is_double ? 8 : 4, panel = count < r->panel ? count : r->panel;
    const char *x = is_double ? (const char *)data64 : (const char *)data32;
    const lse_layout row = contiguous(n, size), column = strided(n, panel * size, size);
    lse_row rows[COUNT];
    static float out32[MOST];
    static lse_wide_results wide;
    lse_running running;
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_row at = {x + i * n * size, NULL, x + (COUNT * MOST / 2 + i * n) * size, n};
        rows[i] = at;
    }
    memset(o, 0, sizeof *o);
    r->weighted_rows(&row, rows, 0, n, count, &o->weighted);
    r->weighted_columns(&column, rows, 0, n, panel, &o->weighted_columns);
    k->weighted_merge(&o->weighted_columns, &o->weighted, panel);
    k->weighted_finish(&o->weighted_columns, panel, &o->weighted_results);
    for (ptrdiff_t i = 0; i < panel; i++) /* not meaningful for smaller sums */
        if (!(fabs(o->weighted_columns.tail[i]) >= 0x1p492)) o->weighted_results.value[i] = 0;
    for (ptrdiff_t i = 0; i < count; i++) /* nor is the exponent if a weight is infinite */
        if (o->weighted.tail[i] != o->weighted.tail[i]) o->weighted.max[i] = o->weighted.tail_lo[i] = 0;
    for (ptrdiff_t i = 0; i < panel; i++)
        if (o->weighted_columns.tail[i] != o->weighted_columns.tail[i]) o->weighted_columns.tail_lo[i] = 0;
    r->rows(&row, rows, 0, n, count, &o->rows);
    r->columns(&column, rows, 0, n, panel, &o->columns);
    k->merge(&o->columns, &o->rows, panel);
    r->finish_scaled(&o->rows, count, &o->results);
    r->finish(&o->columns, panel, &o->merged);
    r->cumulate_row(&row, &rows[0], &row, is_double ? (char *)o->cumulated : (char *)out32, 0, n, &running);
    for (ptrdiff_t i = 0; i < n && !is_double; i++) o->cumulated[i] = out32[i];
    for (int f = 0; f < 2; f++) {
        char *out = is_double ? (char *)o->out[f] : (char *)out32;
        r->maps[f ? LSE_LOG_SOFTMAX : LSE_SOFTMAX].row(&row, &rows[0], &row, out, 0, n, 0, &o->results, 0);
        for (ptrdiff_t i = 0; i < n && !is_double; i++) o->out[f][i] = out32[i];
        const ptrdiff_t high = n * panel <= MOST ? n : MOST / panel;
        const lse_layout low = strided(high, panel * size, size);
        out = is_double ? (char *)o->out[2 + f] : (char *)out32;
        widen(&o->results, panel, &wide);
        r->maps[f ? LSE_LOG_SOFTMAX : LSE_SOFTMAX].columns(&low, &rows[0], &low, out, 0, high, panel, &wide);
        for (ptrdiff_t i = 0; i < high * panel && !is_double; i++) o->out[2 + f][i] = out32[i];
    }
}

static void check(const lse_kernels *k, int is_double, ptrdiff_t n, ptrdiff_t count, const outcome *scalar)
{
    static outcome a;
    const ptrdiff_t panel = k->real[is_double ? LSE_F64 : LSE_F32].panel, columns = count < panel ? count : panel;
    compute(k, is_double, n, count, &a);
    compare(a.rows.max, scalar->rows.max, count, "max", k->name, n);
    compare(a.rows.count, scalar->rows.count, count, "count", k->name, n);
    compare(a.rows.tail, scalar->rows.tail, count, "tail", k->name, n);
    compare(a.rows.tail_lo, scalar->rows.tail_lo, count, "tail_lo", k->name, n);
    compare(a.columns.max, scalar->columns.max, columns, "merged max", k->name, n);
    compare(a.columns.count, scalar->columns.count, columns, "merged count", k->name, n);
    compare(a.columns.tail, scalar->columns.tail, columns, "merged tail", k->name, n);
    compare(a.columns.tail_lo, scalar->columns.tail_lo, columns, "merged tail_lo", k->name, n);
    compare(a.merged.value, scalar->merged.value, columns, "merged value", k->name, n);
    compare(a.weighted.max, scalar->weighted.max, count, "weighted exponent", k->name, n);
    compare(a.weighted.tail, scalar->weighted.tail, count, "weighted sum", k->name, n);
    compare(a.weighted.tail_lo, scalar->weighted.tail_lo, count, "weighted sum_lo", k->name, n);
    compare(a.weighted_columns.tail, scalar->weighted_columns.tail, columns, "merged weighted sum", k->name, n);
    compare(a.weighted_columns.tail_lo, scalar->weighted_columns.tail_lo, columns, "merged weighted sum_lo", k->name,
            n);
    compare(a.weighted_results.value, scalar->weighted_results.value, columns, "weighted value", k->name, n);
    compare(a.results.value, scalar->results.value, count, "value", k->name, n);
    compare(a.results.value_lo, scalar->results.value_lo, count, "value_lo", k->name, n);
    compare(a.results.scale, scalar->results.scale, count, "scale", k->name, n);
    compare(a.results.scale_lo, scalar->results.scale_lo, count, "scale_lo", k->name, n);
    compare(a.cumulated, scalar->cumulated, n, "cumulated", k->name, n);
    for (int f = 0; f < 4; f++) compare(a.out[f], scalar->out[f], MOST, "softmax", k->name, n);
}

static void copy_state(lse_states *into, ptrdiff_t to, const lse_states *from, ptrdiff_t i)
{
    into->max[to] = from->max[i];
    into->count[to] = from->count[i];
    into->tail[to] = from->tail[i];
    into->tail_lo[to] = from->tail_lo[i];
}

/* Equal states, except for the sign of a zero maximum, and for sums whose maximum is infinite or out of range. */
static int same_state(const lse_states *a, const lse_states *b, ptrdiff_t i, int is_double)
{
    const double far = is_double ? LSE_FAR_f64 : LSE_FAR_f32;
    if (!same(a->max[i] + 0.0, b->max[i] + 0.0)) return 0;
    if (fabs(a->max[i]) > far && a->max[i] > -INFINITY) return 1;
    if (!same(a->tail[i], b->tail[i])) return 0;
    return a->tail[i] != a->tail[i] || (same(a->count[i], b->count[i]) && same(a->tail_lo[i], b->tail_lo[i]));
}

#include "selftest_complex.h"
#include "selftest_panels.h"
#include "selftest_pointwise.h"
#include "selftest_whole.h"

/* One case on every table, compared with the scalar one. */
static void check_all(const lse_kernels *const *tables, int is_double, ptrdiff_t n, ptrdiff_t count)
{
    static outcome scalar;
    compute(lse_kernels_scalar(), is_double, n, count, &scalar);
    for (; *tables; tables++) check(*tables, is_double, n, count, &scalar);
}

static void check_tables(const lse_kernels *const *tables)
{
    static const ptrdiff_t counts[] = {1, 2, 7, 33, 64}, sizes[] = {511, 513, 2047, 2048, 2049, 4097, MOST};
    for (int is_double = 0; is_double < 2; is_double++) {
        for (ptrdiff_t n = 1; n <= 140; n++)
            for (int c = 0; c < 5; c++) check_all(tables, is_double, n, counts[c]);
        for (int i = 0; i < 7; i++) check_all(tables, is_double, sizes[i], 3);
    }
    check_panels(tables);
    check_wholes(tables);
    check_pointwise(tables);
    for (int i = 0; tables[i]; i++) check_complex(tables[i]);
    for (int i = 0; tables[i]; i++) printf("%s: equal to scalar\n", tables[i]->name);
    printf("scalar: %ld numbers equal to its own\n", comparisons);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--names")) {
        for (int i = 0; lse_available(i); i++) printf("%s ", lse_available(i)->name);
        return 0;
    }
    for (ptrdiff_t i = 0; i < COUNT * MOST; i++) {
        data64[i] = draw();
        data32[i] = (float)data64[i];
    }
    const lse_kernels *tables[8];
    int count = 0;
#ifdef SELFTEST_ALL
    const lse_kernels *all[] = {lse_kernels_avx512(), lse_kernels_avx2(), lse_kernels_neon()};
    for (int i = 0; i < 3; i++)
        if (all[i]) tables[count++] = all[i];
#else
    for (int i = 0; lse_available(i); i++)
        if (lse_available(i) != lse_kernels_scalar()) tables[count++] = lse_available(i);
#endif
    tables[count] = NULL;
    check_tables(tables);
    return 0;
}
