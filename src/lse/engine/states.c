/* The states of lse.h: running sums in the caller's memory, and as bytes. */
#include "include/lse/lse.h"

#include <math.h>
#include <string.h>

#include "engine/api.h"
#include "engine/engine.h"
#include "engine/fp.h"

/* What lse_state holds. */
typedef struct {
    uint32_t magic, version;
    int64_t count; /* INT64_MAX where there were more */
    double plain[4], weighted[4];
} contents;
_Static_assert(sizeof(contents) <= sizeof(lse_state), "lse_state has room for what is in it");

enum { MAGIC = 0x6c736531, VERSION = 3 };

static contents contents_of(const lse_state *state)
{
    contents c;
    memcpy(&c, state, sizeof c);
    return c;
}

static void put_contents(lse_state *state, const contents *c)
{
    memset(state, 0, sizeof *state);
    memcpy(state, c, sizeof *c);
}

/* Whether it is one; then its contents. */
static int read_state(const lse_state *state, contents *c)
{
    if (!state) return 0;
    *c = contents_of(state);
    return c->magic == MAGIC && c->version == VERSION && c->count >= 0;
}

static lse_sums sums_of(double s[4]) { return (lse_sums){&s[0], &s[1], &s[2], &s[3]}; }
static lse_sum sum_of(const double s[4]) { return (lse_sum){s[0], s[1], s[2], s[3]}; }
static void put(double s[4], lse_sum sum) { lse_put_sum(sums_of(s), 0, sum); }
static int is_nothing(const double s[4]) { return s[0] == -INFINITY && s[1] == 0.0; }

static contents nothing(void)
{
    contents c = {.magic = MAGIC, .version = VERSION};
    put(c.plain, lse_no_sum());
    put(c.weighted, lse_no_sum());
    return c;
}

int lse_state_init(lse_state *state)
{
    if (!state) return LSE_ERROR_ARGUMENT;
    const contents c = nothing();
    put_contents(state, &c);
    return LSE_OK;
}

static void add_count(contents *c, int64_t n) { c->count = n > INT64_MAX - c->count ? INT64_MAX : c->count + n; }

static int update(int size, lse_state *state, const void *x, ptrdiff_t x_stride, const void *b, ptrdiff_t b_stride,
                  ptrdiff_t n)
{
    lse_sum sum;
    contents c;
    const lse_kernels *table = lse_chosen();
    if (!table) return LSE_ERROR_KERNELS;
    if (!read_state(state, &c)) return LSE_ERROR_STATE;
    const int error = lse_sum_row(size, x, x_stride, b, b_stride, n, &sum);
    if (error || n == 0) return error;
    double *into = b ? c.weighted : c.plain;
    put(into, is_nothing(into) ? sum : lse_merge_sum(table, b != NULL, sum_of(into), sum));
    add_count(&c, n);
    put_contents(state, &c);
    return LSE_OK;
}

int lse_state_update_f64(lse_state *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                         ptrdiff_t n)
{ return update(sizeof *x, state, x, x_stride, b, b_stride, n); }

int lse_state_update_f32(lse_state *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                         ptrdiff_t n)
{ return update(sizeof *x, state, x, x_stride, b, b_stride, n); }

int lse_state_merge(lse_state *into, const lse_state *from)
{
    const lse_kernels *table = lse_chosen();
    contents a, b;
    if (!table) return LSE_ERROR_KERNELS;
    if (!read_state(into, &a) || !read_state(from, &b)) return LSE_ERROR_STATE;
    put(a.plain, lse_merge_sum(table, 0, sum_of(a.plain), sum_of(b.plain)));
    put(a.weighted, lse_merge_sum(table, 1, sum_of(a.weighted), sum_of(b.weighted)));
    add_count(&a, b.count);
    put_contents(into, &a);
    return LSE_OK;
}

int lse_state_finish(const lse_state *state, double *value, double *sign)
{
    const lse_kernels *table = lse_chosen();
    contents c;
    if (!table) return LSE_ERROR_KERNELS;
    if (!read_state(state, &c)) return LSE_ERROR_STATE;
    if (!value) return LSE_ERROR_ARGUMENT;
    const lse_fp_state found = lse_fp_enter();
    lse_results results;
    const lse_sums none = {NULL, NULL, NULL, NULL};
    lse_finish_sums(table, LSE_F64, sums_of(c.plain), is_nothing(c.weighted) ? none : sums_of(c.weighted), 1, &results);
    lse_fp_leave(found);
    *value = !sign && isless(results.sign[0], 0.0) ? NAN : results.value[0]; /* NaN raises no flag in isless */
    if (sign) *sign = results.sign[0];
    return LSE_OK;
}

int lse_state_count(const lse_state *state, int64_t *count)
{
    contents c;
    if (!read_state(state, &c)) return LSE_ERROR_STATE;
    if (!count) return LSE_ERROR_ARGUMENT;
    *count = c.count;
    return LSE_OK;
}

/* Bytes -------------------------------------------------------------------------------------------------- */

/* Bytes of states, little-endian: "lse", the version, the size of the dtype, whether there are weighted sums, how many
 * axes there are and 0; the count; the length of each axis; the plain sums, and the weighted ones where there are some,
 * each as all maxima, tails, their low parts and counts. Those of C are float64 and have no axis. */
enum { HEAD = 16, SUM = 4 * sizeof(double) };

static unsigned char *put_bytes(unsigned char *to, uint64_t bits)
{
    for (int i = 0; i < 8; i++) *to++ = (unsigned char)(bits >> 8 * i);
    return to;
}

static uint64_t bits_at(const unsigned char *from)
{
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits |= (uint64_t)from[i] << 8 * i;
    return bits;
}

static unsigned char *put_sum_bytes(unsigned char *to, const double s[4])
{
    for (int i = 0; i < 4; i++) {
        uint64_t bits;
        memcpy(&bits, &s[i], sizeof bits);
        to = put_bytes(to, bits);
    }
    return to;
}

/* Whether they are a sum that may be. */
static int read_sum_bytes(const unsigned char *from, double s[4])
{
    for (int i = 0; i < 4; i++) {
        const uint64_t bits = bits_at(from + 8 * i);
        memcpy(&s[i], &bits, sizeof bits);
    }
    return !isnan(s[0]) && !isinf(s[1]) && isfinite(s[3]) && isgreaterequal(s[3], 0.0);
}

int lse_state_to_bytes(const lse_state *state, void *bytes, size_t *size)
{
    contents c;
    if (!read_state(state, &c)) return LSE_ERROR_STATE;
    if (!bytes || !size) return LSE_ERROR_ARGUMENT;
    const int weighted = !is_nothing(c.weighted);
    const unsigned char head[8] = {'l', 's', 'e', VERSION, sizeof(double), (unsigned char)weighted, 0, 0};
    unsigned char *to = (unsigned char *)bytes;
    memcpy(to, head, sizeof head);
    to = put_sum_bytes(put_bytes(to + sizeof head, (uint64_t)c.count), c.plain);
    if (weighted) to = put_sum_bytes(to, c.weighted);
    *size = (size_t)(to - (unsigned char *)bytes);
    return LSE_OK;
}

int lse_state_from_bytes(lse_state *state, const void *bytes, size_t size)
{
    const unsigned char *from = (const unsigned char *)bytes;
    contents c = nothing();
    if (!state || !bytes) return LSE_ERROR_ARGUMENT;
    const int weighted = size == HEAD + 2 * SUM;
    const unsigned char head[8] = {'l', 's', 'e', VERSION, sizeof(double), (unsigned char)weighted, 0, 0};
    if ((!weighted && size != HEAD + SUM) || memcmp(from, head, sizeof head) != 0) return LSE_ERROR_STATE;
    c.count = (int64_t)bits_at(from + sizeof head);
    if (c.count < 0 || !read_sum_bytes(from + HEAD, c.plain)) return LSE_ERROR_STATE;
    if (weighted && !read_sum_bytes(from + HEAD + SUM, c.weighted)) return LSE_ERROR_STATE;
    put_contents(state, &c);
    return LSE_OK;
}
