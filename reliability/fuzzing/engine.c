/* Requests to the engine as the Python package makes them: arrays of any kind and dimension, masks, weights, segments,
 * cumulative and running sums. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

typedef struct {
    lse_operation operation;
    int segmented, single, ndim, every, in_place;
    unsigned long long reduced;
    ptrdiff_t shape[LSE_MAX_DIMS], kept[LSE_MAX_DIMS];
    int kept_ndim, axis; /* that of segments and cumulative sums */
    char out_kind;
    int out_size;
    tensor a, where, weights;
    uint64_t seen[3];
} job;

static int maps(const job *j) { return lse_is_map(j->operation); }

/* Shapes --------------------------------------------------------------------------------------------------- */

static void choose_shape(source *s, job *j)
{
    ptrdiff_t all = 1;
    const unsigned dims = next(s);
    const int many = dims >= 240;
    j->ndim = many ? (int)(dims % 8) * 9 + 1 : 1 + (int)(dims % 4);
    if (j->operation == LSE_SUMS && j->ndim == LSE_MAX_DIMS) j->ndim--; /* they have an axis more */
    for (int axis = 0; axis < j->ndim; axis++) {
        const ptrdiff_t n = many ? 1 + (int)below(s, 3) : length(s), most = many ? 200 : all > 2 ? 1500 : 200000;
        j->shape[axis] = n < 1 || n > most / all ? 1 : n;
        all *= j->shape[axis];
    }
}

/* What is left of the shape: without the reduced axes, or with length 1 in their place. */
static void choose_axes(source *s, job *j)
{
    const int one = j->operation == LSE_CUMULATE || j->segmented;
    j->axis = (int)below(s, (unsigned)j->ndim);
    j->reduced = one ? 1ull << j->axis : (next(s) * 0x0101010101010101ull) & (~0ull >> (64 - j->ndim));
    j->every = next(s) & 1 && j->operation != LSE_SUMS;
    for (int axis = 0; axis < j->ndim; axis++) {
        const int reduced = j->reduced >> axis & 1;
        if (!reduced || j->every) j->kept[j->kept_ndim++] = reduced ? 1 : j->shape[axis];
    }
}

/* Arrays --------------------------------------------------------------------------------------------------- */

typedef struct {
    char kind;
    int size;
} kind;

static const kind KINDS[] = {{'f', 8}, {'f', 4}, {'f', 2}, {'V', 2}, {'b', 1}, {'i', 1}, {'i', 2}, {'i', 4},
                             {'i', 8}, {'u', 1}, {'u', 2}, {'u', 4}, {'u', 8}, {'f', 8}, {'f', 4}, {'f', 4}};

static void make_array(source *s, tensor *t, const job *j, kind k, int flags, int plain, unsigned start)
{
    const int swapped = next(s) > 200 && k.size > 1;
    *t = tensor_of(k.kind, k.size, swapped && !(flags & DISTINCT), j->ndim, j->shape);
    lay_out(s, t, flags);
    fill(*s, t, start);
    if (plain) make_plain(t);
}

static void make_inputs(source *s, job *j, const variant *v)
{
    const unsigned flags = next(s), start = next(s);
    kind of_a = KINDS[below(s, 16)], of_weights = KINDS[below(s, 16)];
    j->single = flags & 1;
    j->in_place = flags & 2 && maps(j);
    j->out_kind = (flags & 12) == 12 && !j->single ? 'V' : 'f';
    j->out_size = j->single ? 4 : flags & 8 ? 2 : 8;
    if (j->in_place) of_a = (kind){j->out_kind, j->out_size};
    if (j->single && of_weights.size > 4) of_weights.size = 4;
    make_array(s, &j->a, j, of_a, j->in_place ? DISTINCT | ALIGNED : 0, v->plain, 0);
    if (flags & 16 && j->operation != LSE_CUMULATE) make_array(s, &j->where, j, (kind){'b', 1}, 0, v->plain, start);
    if (flags & 32 && (j->operation == LSE_LOGSUMEXP || j->operation == LSE_SUMS))
        make_array(s, &j->weights, j, of_weights, 0, v->plain, start + 1);
    j->seen[0] = digest(&j->a);
    j->seen[1] = digest(&j->where);
    j->seen[2] = digest(&j->weights);
}

static void release_inputs(job *j)
{
    if ((!j->in_place && digest(&j->a) != j->seen[0]) || digest(&j->where) != j->seen[1] ||
        digest(&j->weights) != j->seen[2])
        fail("operation %d changed an input", j->operation);
    release(&j->a);
    release(&j->where);
    release(&j->weights);
}

static tensor make_output(source *s, const job *j, const ptrdiff_t *shape, int ndim, int plain)
{
    tensor out = tensor_of(j->out_kind, j->out_size, 0, ndim, shape);
    lay_out(s, &out, ALIGNED | DISTINCT);
    if (plain) make_plain(&out);
    return out;
}

/* Execution ------------------------------------------------------------------------------------------------ */

static lse_array array_of(const tensor *t)
{
    lse_array array = t->array;
    array.shape = t->shape;
    array.stride = t->stride;
    return array;
}

static lse_request request_of(const job *j, lse_operation operation, const variant *v)
{
    lse_request q = {.operation = operation, .table = v->table, .run = lse_run_tasks, .threads = v->threads};
    q.a = array_of(&j->a);
    if (j->where.block) q.where = array_of(&j->where);
    if (j->weights.block) q.weights = array_of(&j->weights);
    q.reduced = j->reduced;
    q.type = j->single ? LSE_F32 : LSE_F64;
    return q;
}

static void execute(const lse_request *q, const variant *v)
{
    enter(v);
    const int error = lse_execute(q);
    leave(v);
    if (error) fail("error %d", error);
}

static void reduce(source *s, job *j, const variant *v, outcome *o)
{
    const unsigned flags = next(s);
    lse_request q = request_of(j, j->operation, v);
    tensor out = maps(j) ? j->in_place ? j->a : make_output(s, j, j->shape, j->ndim, v->plain)
                         : make_output(s, j, j->kept, j->kept_ndim, v->plain);
    tensor sign = beside(&out, j->out_kind, j->out_size), low = beside(&out, 'f', 8);
    const int signs = flags & 1 && !maps(j), lows = flags & 2 && signs && j->out_size == 8;
    q.out = array_of(&out);
    q.sign = signs ? sign.array.data : NULL;
    q.low = lows ? low.array.data : NULL;
    execute(&q, v);
    check_paint(&out, "the output");
    tell_all(o, &out);
    if (signs) tell_all(o, &sign);
    if (lows) tell_all(o, &low);
    release(&sign);
    release(&low);
    if (!j->in_place) release(&out);
}

/* Segments ------------------------------------------------------------------------------------------------- */

static void segments(source *s, job *j, const variant *v, outcome *o)
{
    const ptrdiff_t n = j->shape[j->axis], count = below(s, 100);
    const int axis = j->axis;
    ptrdiff_t shape[LSE_MAX_DIMS], *offsets = (ptrdiff_t *)malloc((size_t)(count + 1) * sizeof *offsets);
    if (!offsets) fail("no memory for offsets");
    for (ptrdiff_t i = 0; i <= count; i++) {
        const ptrdiff_t before = i ? offsets[i - 1] : 0, step = next(s) % 64, wide = step == 63 ? n : step / 4;
        offsets[i] = before + wide > n ? n : before + wide;
    }
    if (maps(j)) offsets[0] = 0, offsets[count] = n; /* what is in no segment is left as it is */
    memcpy(shape, j->shape, sizeof shape);
    shape[axis] = maps(j) ? n : count;
    tensor out = j->in_place ? j->a : make_output(s, j, shape, j->ndim, v->plain), first = out;
    tensor sign = beside(&out, j->out_kind, j->out_size);
    const int signs = next(s) & 1 && !maps(j);
    for (int i = axis; i < first.array.ndim - 1 && !maps(j); i++) {
        first.shape[i] = out.shape[i + 1];
        first.stride[i] = out.stride[i + 1];
    }
    if (!maps(j)) first.array.ndim--;
    lse_request q = request_of(j, j->operation, v);
    q.out = array_of(&first);
    q.sign = signs ? sign.array.data : NULL;
    q.offsets = offsets;
    q.segments = count;
    q.segment_stride = maps(j) ? 0 : out.stride[axis];
    if (count > 0) execute(&q, v);
    check_paint(&out, "the output");
    if (!maps(j) || count > 0) tell_all(o, &out);
    if (signs && count > 0) tell_all(o, &sign);
    release(&sign);
    if (!j->in_place) release(&out);
    free(offsets);
}

/* Running sums --------------------------------------------------------------------------------------------- */

static lse_sums sums_in(const tensor *t)
{
    const ptrdiff_t size = t->count / 4;
    double *first = (double *)(void *)t->block;
    return (lse_sums){first, first + size, first + 2 * size, first + 3 * size};
}

static const ptrdiff_t *strides_of(const tensor *sums, ptrdiff_t *stride)
{
    for (int axis = 1; axis < sums->array.ndim; axis++)
        stride[axis - 1] = sums->stride[axis] / (ptrdiff_t)sizeof(double);
    return stride;
}

/* The sums of a, added to those given, if any. */
static tensor sums_of(const job *j, const tensor *given, const variant *v)
{
    ptrdiff_t shape[LSE_MAX_DIMS + 1] = {4}, stride[LSE_MAX_DIMS];
    memcpy(shape + 1, j->kept, (size_t)j->kept_ndim * sizeof *shape);
    tensor sums = painted('f', 8, j->kept_ndim + 1, shape);
    lse_request q = request_of(j, LSE_SUMS, v);
    q.into = sums_in(&sums);
    q.sum_stride = strides_of(&sums, stride);
    if (given) q.given = sums_in(given);
    execute(&q, v);
    return sums;
}

static void tell_sums(const job *j, const tensor *sums, const variant *v, outcome *o)
{
    const ptrdiff_t size = sums->count / 4;
    const lse_sums all = sums_in(sums);
    for (ptrdiff_t start = 0; start < size; start += LSE_BATCH) {
        const ptrdiff_t count = size - start < LSE_BATCH ? size - start : LSE_BATCH;
        lse_sums none = {NULL, NULL, NULL, NULL}, some = lse_sums_from(all, start), plain = some;
        tensor nothing = painted('f', 8, 1, (const ptrdiff_t[]){4 * LSE_BATCH});
        lse_results results;
        plain = sums_in(&nothing);
        for (ptrdiff_t i = 0; i < LSE_BATCH; i++) lse_put_sum(plain, i, lse_no_sum());
        if (j->weights.block) lse_finish_sums(v->table, LSE_F64, plain, some, count, &results);
        else lse_finish_sums(v->table, LSE_F64, some, none, count, &results);
        for (ptrdiff_t i = 0; i < count; i++) {
            tell(o, results.value[i]);
            tell(o, results.sign[i]);
            tell_sum(o, lse_sum_at(all, start + i));
        }
        release(&nothing);
    }
}

/* A softmax from sums that are known. */
static void map_given(source *s, job *j, const tensor *sums, const variant *v, outcome *o)
{
    ptrdiff_t stride[LSE_MAX_DIMS];
    lse_request q = request_of(j, next(s) & 1 ? LSE_SOFTMAX : LSE_LOG_SOFTMAX, v);
    tensor out = make_output(s, j, j->shape, j->ndim, v->plain);
    q.out = array_of(&out);
    q.given = sums_in(sums);
    q.sum_stride = strides_of(sums, stride);
    execute(&q, v);
    check_paint(&out, "the output");
    tell_all(o, &out);
    release(&out);
}

static void running(source *s, job *j, const variant *v, outcome *o)
{
    tensor once = sums_of(j, NULL, v), twice = sums_of(j, &once, v), both = beside(&once, 'f', 8);
    enter(v);
    lse_merge_sums(v->table, j->weights.block != NULL, sums_in(&both), sums_in(&once), sums_in(&twice), once.count / 4,
                   lse_run_tasks);
    leave(v);
    tell_sums(j, &once, v, o);
    tell_sums(j, &twice, v, o);
    tell_sums(j, &both, v, o);
    if (!j->weights.block && !j->where.block) map_given(s, j, &once, v, o);
    release(&once);
    release(&twice);
    release(&both);
}

void run_engine(source s, const variant *v, outcome *o)
{
    static const lse_operation operations[] = {LSE_LOGSUMEXP, LSE_SOFTMAX,   LSE_LOG_SOFTMAX,
                                               LSE_CUMULATE,  LSE_LOGSUMEXP, LSE_SUMS};
    const unsigned which = below(&s, 6);
    job j = {.operation = operations[which], .segmented = which == 4};
    if (j.segmented) j.operation = operations[next(&s) % 3];
    choose_shape(&s, &j);
    choose_axes(&s, &j);
    make_inputs(&s, &j, v);
    if (j.operation == LSE_SUMS) running(&s, &j, v, o);
    else if (j.segmented) segments(&s, &j, v, o);
    else reduce(&s, &j, v, o);
    release_inputs(&j);
}
