/* From arrays to plans. */
#include "engine/plan.h"

int lse_maps(lse_operation operation)
{ return operation == LSE_SOFTMAX || operation == LSE_LOG_SOFTMAX || operation == LSE_CUMULATE; }

static int by_rows_alone(lse_operation operation) { return operation == LSE_CUMULATE || operation == LSE_SEGMENTS; }

static int is_native(const lse_array *a, int itemsize)
{ return a->kind == 'f' && a->itemsize == itemsize && !a->swapped; }

static ptrdiff_t stride_of(const lse_array *a, int axis) { return a->data ? a->stride[axis] : 0; }

/* Appends an axis, merged with the last one where the two are one run in everything. */
static void add_axis(lse_layout *layout, ptrdiff_t length, ptrdiff_t stride, ptrdiff_t where_stride,
                     ptrdiff_t weight_stride)
{
    int last = layout->ndim - 1;
    if (length == 1) return;
    if (last >= 0 && layout->stride[last] == length * stride && layout->where_stride[last] == length * where_stride &&
        layout->weight_stride[last] == length * weight_stride) {
        layout->shape[last] *= length;
    } else {
        layout->shape[++last] = length;
        layout->ndim = last + 1;
    }
    layout->stride[last] = stride;
    layout->where_stride[last] = where_stride;
    layout->weight_stride[last] = weight_stride;
}

static int is_run(const lse_layout *layout, const ptrdiff_t *strides, int itemsize)
{ return layout->ndim == 0 || (layout->ndim == 1 && strides[0] == itemsize); }

/* The reduced axes; those of a mapped output too. */
static int lay_out_rows(lse_plan *plan, const lse_request *q)
{
    const int size = plan->itemsize;
    plan->row.ndim = plan->out_row.ndim = 0;
    plan->n = 1;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        if (!(q->reduced >> axis & 1)) continue;
        const ptrdiff_t length = q->a.shape[axis];
        plan->n *= length;
        add_axis(&plan->row, length, q->a.stride[axis], stride_of(&q->where, axis), stride_of(&q->weights, axis));
        if (lse_maps(plan->operation)) add_axis(&plan->out_row, length, q->out.stride[axis], 0, 0);
    }
    plan->row.load = lse_load_for(q->a.kind, q->a.itemsize, q->a.swapped, size);
    plan->row.native = is_native(&q->a, size);
    plan->row.direct = plan->row.native && is_run(&plan->row, plan->row.stride, size);
    plan->out_row.store = lse_store_for(q->out.kind, q->out.itemsize, size);
    plan->out_row.direct = is_native(&q->out, size) && is_run(&plan->out_row, plan->out_row.stride, size);
    if (!plan->row.load || !plan->out_row.store) return -1;
    if (!q->weights.data) return 0;
    plan->row.load_weight = lse_load_for(q->weights.kind, q->weights.itemsize, q->weights.swapped, size);
    plan->row.native_weight = is_native(&q->weights, size);
    plan->row.direct_weight = plan->row.native_weight && is_run(&plan->row, plan->row.weight_stride, size);
    return plan->row.load_weight ? 0 : -1;
}

/* The axes kept: one of columns where their elements are neighbours and those of a row are not, and the others. */
static void lay_out_rest(lse_plan *plan, const lse_request *q)
{
    const int mapped = lse_maps(plan->operation), size = plan->itemsize;
    const int every = q->out.ndim == q->a.ndim; /* it has the reduced axes, mapped or of length 1 */
    const int by_columns = !plan->row.direct && !by_rows_alone(plan->operation) && is_native(&q->a, size);
    int out_axis = -1, kept_axis = -1, at = 0;
    plan->columns = 0;
    plan->outer = 1;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        const int kept = !(q->reduced >> axis & 1);
        out_axis += every || kept;
        if (!kept) continue;
        kept_axis++;
        const ptrdiff_t length = q->a.shape[axis], step = q->out.stride[out_axis];
        const ptrdiff_t given = q->given_stride ? q->given_stride[kept_axis] : 0;
        if (by_columns && plan->columns == 0 && length > 1 && q->a.stride[axis] == size &&
            (!mapped || (step == size && is_native(&q->out, size)))) {
            plan->columns = length;
            plan->out_column_stride = step;
            plan->given_column_stride = given;
            plan->row.where_step = stride_of(&q->where, axis);
            plan->row.weight_step = stride_of(&q->weights, axis);
            continue;
        }
        plan->outer_shape[at] = length;
        plan->outer_stride[at] = q->a.stride[axis];
        plan->outer_where_stride[at] = stride_of(&q->where, axis);
        plan->outer_weight_stride[at] = stride_of(&q->weights, axis);
        plan->outer_out_stride[at] = step;
        plan->outer_given_stride[at] = given;
        plan->outer *= length;
        at++;
    }
    plan->outer_ndim = at;
}

int lse_make_plan(lse_plan *plan, const lse_request *q)
{
    plan->operation = q->operation;
    plan->table = q->table;
    plan->kernels = q->single ? &q->table->f32 : &q->table->f64;
    plan->run = q->run;
    plan->threads = q->threads;
    plan->far = q->single ? LSE_FAR_f32 : LSE_FAR_f64;
    if (q->weights.data) plan->far = q->single ? plan->far * 1.4 - 200.0 : plan->far * 1.4 - 1100.0;
    plan->itemsize = q->single ? 4 : 8;
    plan->first.x = q->a.data;
    plan->first.where = q->where.data;
    plan->first.weight = q->weights.data;
    plan->out = q->out.data;
    plan->sign = plan->low = NULL;
    plan->given = q->given;
    plan->store = NULL;
    if (lay_out_rows(plan, q) != 0) return -1;
    lay_out_rest(plan, q);
    plan->first.n = plan->n;
    if (!is_native(&q->out, plan->itemsize)) plan->store = lse_store_for(q->out.kind, q->out.itemsize, 8);
    return 0;
}

void lse_find_row(const lse_plan *plan, ptrdiff_t index, lse_row *row, char **out, ptrdiff_t *given)
{
    *row = plan->first;
    *out = plan->out;
    *given = 0;
    for (int axis = plan->outer_ndim - 1; axis >= 0; axis--) {
        const ptrdiff_t i = axis == 0 ? index : index % plan->outer_shape[axis];
        index = axis == 0 ? 0 : index / plan->outer_shape[axis];
        row->x += i * plan->outer_stride[axis];
        *out += i * plan->outer_out_stride[axis];
        if (row->where) row->where += i * plan->outer_where_stride[axis];
        if (row->weight) row->weight += i * plan->outer_weight_stride[axis];
        *given += i * plan->outer_given_stride[axis];
    }
}

lse_row lse_column_of(const lse_plan *plan, const lse_row *first, ptrdiff_t i)
{
    lse_row row = *first;
    row.x += i * plan->itemsize;
    if (row.where) row.where += i * plan->row.where_step;
    if (row.weight) row.weight += i * plan->row.weight_step;
    return row;
}
