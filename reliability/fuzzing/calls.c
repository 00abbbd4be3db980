/* Calls of lse.h: right ones, running sums, and wrong ones, whose error is told by what lse.h says of arguments. */
#include <lse/lse.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { VALUE, STRIDED, WEIGHTED, ROWS, SOFTMAX, LOG_SOFTMAX, CUMULATE, UPDATE, FUNCTIONS };

/* Of any function; one that has no rows has one. */
typedef struct {
    unsigned function;
    int single, threads;
    const void *x, *b;
    void *out, *sign;
    ptrdiff_t rows, n, row_stride, stride, b_stride, out_row_stride, out_stride;
    lse_state *state;
} arguments;

#define FOR_TYPE(F, REAL)                                                                                              \
    static int call_##F(const arguments *q)                                                                            \
    {                                                                                                                  \
        const lse_api *api = lse_get_api();                                                                            \
        const REAL *x = (const REAL *)q->x, *b = (const REAL *)q->b;                                                   \
        REAL *out = (REAL *)q->out, *sign = (REAL *)q->sign;                                                           \
        switch (q->function) {                                                                                         \
        case VALUE: return api->logsumexp_##F(x, q->n, out);                                                           \
        case STRIDED: return api->logsumexp_strided_##F(x, q->stride, q->n, out);                                      \
        case WEIGHTED: return api->logsumexp_weighted_##F(x, q->stride, b, q->b_stride, q->n, out, sign);              \
        case ROWS: return api->logsumexp_rows_##F(x, q->row_stride, q->stride, q->rows, q->n, out, q->threads);        \
        case SOFTMAX:                                                                                                  \
            return api->softmax_rows_##F(x, q->row_stride, q->stride, q->rows, q->n, out, q->out_row_stride,           \
                                         q->out_stride, q->threads);                                                   \
        case LOG_SOFTMAX:                                                                                              \
            return api->log_softmax_rows_##F(x, q->row_stride, q->stride, q->rows, q->n, out, q->out_row_stride,       \
                                             q->out_stride, q->threads);                                               \
        case CUMULATE:                                                                                                 \
            return api->logcumsumexp_rows_##F(x, q->row_stride, q->stride, q->rows, q->n, out, q->out_row_stride,      \
                                              q->out_stride, q->threads);                                              \
        default: return api->state_update_##F(q->state, x, q->stride, b, q->b_stride, q->n);                           \
        }                                                                                                              \
    }
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)

static int call(const arguments *q, const variant *v)
{
    enter(v);
    const int error = (q->single ? call_f32 : call_f64)(q);
    leave(v);
    return error;
}

static int maps(const arguments *q) { return q->function >= SOFTMAX && q->function <= CUMULATE; }
static int has_rows(const arguments *q) { return q->function == ROWS || maps(q); }

/* The arrays of a call. */
typedef struct {
    arguments q;
    tensor x, b, out, sign;
    int in_place;
} request;

static ptrdiff_t in_elements(const tensor *t, int axis) { return t->stride[axis] / t->array.itemsize; }

/* An array of the request: laid out as the input says, or contiguous. */
static void make_array(source *s, tensor *t, const request *r, int flags, int plain, unsigned start)
{
    const ptrdiff_t shape[] = {r->q.rows, r->q.n};
    *t = tensor_of('f', r->q.single ? 4 : 8, 0, 2, shape);
    lay_out(s, t, flags | ALIGNED);
    fill(*s, t, start);
    if (plain) make_plain(t);
}

static void point_to_arrays(request *r, int signless)
{
    arguments *q = &r->q;
    q->x = r->x.array.data;
    q->row_stride = in_elements(&r->x, 0);
    q->stride = in_elements(&r->x, 1);
    q->b = r->b.array.data;
    q->b_stride = in_elements(&r->b, 1);
    q->out = r->in_place ? r->x.array.data : r->out.array.data;
    q->out_row_stride = in_elements(r->in_place ? &r->x : &r->out, 0);
    if (maps(q)) q->out_stride = in_elements(r->in_place ? &r->x : &r->out, 1);
    q->sign = signless ? NULL : r->sign.array.data;
}

static void prepare(source *s, request *r, const variant *v)
{
    const unsigned flags = next(s);
    const ptrdiff_t one = 1;
    r->q.single = flags & 1;
    r->q.threads = v->threads;
    r->q.n = length(s);
    r->q.rows = has_rows(&r->q) ? length(s) : 1;
    if (r->q.n > 1 << 10) r->q.rows %= 3;
    else if (r->q.n * r->q.rows > 1 << 12) r->q.n %= r->q.rows > 1 << 10 ? 3 : 8;
    r->in_place = maps(&r->q) && flags & 2;
    make_array(s, &r->x, r, r->in_place ? DISTINCT : 0, v->plain || r->q.function == VALUE, 0);
    make_array(s, &r->b, r, 0, v->plain, flags >> 3);
    r->out = painted('f', r->q.single ? 4 : 8, 1, &r->q.rows);
    if (maps(&r->q)) {
        release(&r->out);
        make_array(s, &r->out, r, DISTINCT, v->plain, 0);
        memset(r->out.block, 0xa5, (size_t)r->out.size);
    }
    r->sign = painted('f', r->q.single ? 4 : 8, 1, &one);
    point_to_arrays(r, (int)(flags & 4));
}

static void release_all(request *r)
{
    release(&r->x);
    release(&r->b);
    release(&r->out);
    release(&r->sign);
}

void run_calls(source s, const variant *v, outcome *o)
{
    request r = {.q.function = below(&s, UPDATE)};
    prepare(&s, &r, v);
    const uint64_t x = digest(&r.x), b = digest(&r.b);
    const int error = call(&r.q, v);
    if (error != LSE_OK && error != LSE_ERROR_MEMORY) fail("function %u: error %d", r.q.function, error);
    if ((!r.in_place && digest(&r.x) != x) || digest(&r.b) != b) fail("function %u: an input changed", r.q.function);
    const tensor *out = r.in_place ? &r.x : &r.out;
    check_paint(out, "the output");
    tell_all(o, out);
    if (r.q.function == WEIGHTED && r.q.sign) tell_all(o, &r.sign);
    release_all(&r);
}

/* Running sums --------------------------------------------------------------------------------------------- */

enum { HEAD = 16, SUM = 32 }; /* of the bytes of a state, which have the count in their second half, then sums */

static void tell_bytes(const lse_state *state, outcome *o)
{
    unsigned char bytes[LSE_STATE_BYTES];
    size_t size;
    int64_t count;
    if (lse_state_to_bytes(state, bytes, &size) != LSE_OK || lse_state_count(state, &count) != LSE_OK) fail("no bytes");
    tell(o, (double)count);
    for (size_t at = HEAD; at < size; at += SUM) {
        double s[4];
        memcpy(s, bytes + at, sizeof s); /* little-endian, as those who fuzz */
        tell_sum(o, (lse_sum){s[0], s[1], s[2], s[3]});
    }
    lse_state again;
    if (lse_state_from_bytes(&again, bytes, size) != LSE_OK || memcmp(&again, state, sizeof again) != 0)
        fail("bytes make another state");
}

static void finish(const lse_state *state, const variant *v, outcome *o, int signless)
{
    double value, sign = 2.0;
    const lse_state before = *state;
    enter(v);
    const int error = lse_state_finish(state, &value, signless ? NULL : &sign);
    leave(v);
    if (error != LSE_OK || memcmp(state, &before, sizeof before)) fail("finish: error %d, or the state changed", error);
    tell(o, value);
    tell(o, sign);
    tell_bytes(state, o);
}

/* Bytes of another process, which are a state by their looks. */
static void read_state(source *s, lse_state *state, outcome *o)
{
    unsigned char bytes[LSE_STATE_BYTES] = {'l', 's', 'e', 3, sizeof(double)};
    const int weighted = (int)below(s, 2);
    const int64_t count = INT64_MAX - (int64_t)next(s);
    bytes[5] = (unsigned char)weighted;
    memcpy(bytes + 8, &count, sizeof count);
    for (int k = 0; k < (1 + weighted) * SUM; k++) bytes[HEAD + k] = (unsigned char)next(s);
    const int error = lse_state_from_bytes(state, bytes, (size_t)(HEAD + (1 + weighted) * SUM));
    if (error != LSE_OK && error != LSE_ERROR_STATE) fail("from_bytes: error %d", error);
    o->vague = 1; /* such numbers may be no sum */
}

void run_states(source s, const variant *v, outcome *o)
{
    lse_state states[2];
    for (int i = 0; i < 2; i++)
        if (lse_state_init(&states[i]) != LSE_OK) fail("init failed");
    for (unsigned steps = 1 + below(&s, 6); steps > 0; steps--) {
        const unsigned step = next(&s), which = step & 1, other = step >> 1 & 1;
        if (step % 5 == 4) {
            if (step > 240) read_state(&s, &states[which], o);
            else if (lse_state_merge(&states[which], &states[other]) != LSE_OK) fail("merge failed");
            continue;
        }
        request r = {.q = {.function = UPDATE, .state = &states[which]}};
        prepare(&s, &r, v);
        if (step & 4) r.q.b = NULL;
        const int error = call(&r.q, v);
        if (error != LSE_OK && error != LSE_ERROR_MEMORY) fail("update: error %d", error);
        release_all(&r);
    }
    finish(&states[0], v, o, 0);
    finish(&states[1], v, o, 1);
}

/* Wrong calls ---------------------------------------------------------------------------------------------- */

static int is_great(ptrdiff_t number) { return number >= (ptrdiff_t)1 << 58 || number <= -((ptrdiff_t)1 << 58); }

/* Whether rows of n elements cannot be: no memory has them, or a pointer that must not be is NULL. */
static int is_unsound(const void *data, ptrdiff_t rows, ptrdiff_t n, ptrdiff_t row_stride, ptrdiff_t stride)
{
    if (rows < 0 || n < 0) return 1;
    if (rows == 0 || n == 0) return 0;
    return !data || is_great(rows) || is_great(n) || (rows > 1 && is_great(row_stride)) || (n > 1 && is_great(stride));
}

static int is_state(const lse_state *s)
{
    lse_state good;
    lse_state_init(&good);
    return s && s->opaque[0] == good.opaque[0] && (int64_t)s->opaque[1] >= 0;
}

/* The error that lse.h promises. */
static int promised(const arguments *q)
{
    const ptrdiff_t rows = q->rows, n = q->n, stride = q->function == VALUE ? 1 : q->stride;
    if (q->function == UPDATE && !is_state(q->state)) return LSE_ERROR_STATE;
    int wrong = is_unsound(q->x, rows, n, q->row_stride, stride);
    if (q->function == WEIGHTED || (q->function == UPDATE && q->b)) wrong |= is_unsound(q->b, 1, n, 0, q->b_stride);
    if (q->function <= WEIGHTED) wrong |= !q->out;
    if (q->function == ROWS) wrong |= is_unsound(q->out, rows, 1, 1, 0);
    if (maps(q)) {
        wrong |= is_unsound(q->out, rows, n, q->out_row_stride, q->out_stride);
        wrong |= rows > 0 && n > 0 && ((rows > 1 && q->out_row_stride == 0) || (n > 1 && q->out_stride == 0));
    }
    if (has_rows(q)) wrong |= q->threads < 0 || q->threads > 65536;
    return wrong ? LSE_ERROR_ARGUMENT : LSE_OK;
}

static void spoil(source *s, arguments *q)
{
    static const ptrdiff_t great[] = {PTRDIFF_MAX, PTRDIFF_MIN,     (ptrdiff_t)1 << 58, -((ptrdiff_t)1 << 61),
                                      -1,          PTRDIFF_MIN + 1, (ptrdiff_t)1 << 62, PTRDIFF_MAX - 1};
    const unsigned what = below(s, 14);
    const ptrdiff_t number = great[below(s, 8)];
    switch (what) {
    case 0: q->x = NULL; break;
    case 1: q->b = NULL; break;
    case 2: q->out = NULL; break;
    case 3: q->n = number; break;
    case 4: q->rows = has_rows(q) ? number : 1; break;
    case 5: q->stride = number == -1 ? 1 : number; break;
    case 6: q->row_stride = number == -1 ? 1 : number; break;
    case 7: q->b_stride = number == -1 ? 0 : number; break;
    case 8: q->threads = number > 0 ? 65537 + (int)(number & 0xffff) : (int)(-1 - (number & 0xffff)); break;
    case 9: q->out_stride = 0; break;
    case 10: q->out_row_stride = 0; break;
    case 11: q->out_stride = number == -1 ? 1 : number; break;
    case 12: q->out_row_stride = number == -1 ? 0 : number; break;
    default:
        if (next(s) & 1) q->state = NULL;
        else if (q->state) ((unsigned char *)q->state)[below(s, 16)] ^= (unsigned char)(1 + below(s, 255));
    }
}

/* Two faults at most, of which one may make up for the other. */
void run_wrong_calls(source s, const variant *v, outcome *o)
{
    lse_state state, before;
    request r = {.q = {.function = below(&s, FUNCTIONS), .state = &state}};
    const unsigned faults = below(&s, 2) + 1;
    lse_state_init(&state);
    prepare(&s, &r, &(variant){.plain = 1, .threads = v->threads});
    for (unsigned i = 0; i < faults; i++) spoil(&s, &r.q);
    before = state;
    const int error = promised(&r.q);
    if (error != LSE_OK) {
        const uint64_t out = digest(&r.out), sign = digest(&r.sign), x = digest(&r.x);
        const int returned = call(&r.q, v);
        if (returned != error) fail("function %u: error %d, not %d", r.q.function, returned, error);
        if (out != digest(&r.out) || sign != digest(&r.sign) || x != digest(&r.x) ||
            memcmp(&state, &before, sizeof state))
            fail("function %u: something was written in spite of error %d", r.q.function, error);
    }
    tell(o, error);
    release_all(&r);
}
