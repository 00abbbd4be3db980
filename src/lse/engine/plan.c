/* From arrays to plans. */
#include "engine/operations.h"

static int is_native(const lse_array *a, const lse_type_facts *type)
{ return a->kind == type->kind && a->itemsize == type->size && !a->swapped; }

static int has_kernels(const lse_plan *plan) { return plan->kernels || plan->complex; }

static ptrdiff_t stride_of(const lse_array *a, int axis) { return a->data ? a->stride[axis] : 0; }

/* Appends an axis, merged with the last one if both are one axis in every array. */
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

/* An axis, in every array that has it. */
typedef struct {
    ptrdiff_t length, stride, where_stride, weight_stride, out_stride, given_stride;
} one_axis;

static ptrdiff_t size_of(ptrdiff_t stride) { return stride < 0 ? -stride : stride; }

/* Whether b is the inner axis: its stride is smaller than that of a, and not 0. */
static int is_inner(const one_axis *a, const one_axis *b)
{ return size_of(b->stride) < size_of(a->stride) && b->stride != 0; }

/* Inserts an axis where it belongs in the order of the input's memory. */
static void insert(one_axis *axes, int count, const one_axis *own)
{
    for (; count > 0 && is_inner(own, &axes[count - 1]); count--) axes[count] = axes[count - 1];
    axes[count] = *own;
}

/* Lays out the reduced axes, for maps also those of the output. */
static int lay_out_rows(lse_plan *plan, const lse_request *q)
{
    const int size = plan->itemsize, loaded = plan->type->loaded;
    plan->row.ndim = plan->out_row.ndim = 0;
    plan->n = 1;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        if (!(q->reduced >> axis & 1)) continue;
        const ptrdiff_t length = q->a.shape[axis];
        plan->n *= length;
        add_axis(&plan->row, length, q->a.stride[axis], stride_of(&q->where, axis), stride_of(&q->weights, axis));
        if (lse_is_map(plan->operation)) add_axis(&plan->out_row, length, q->out.stride[axis], 0, 0);
    }
    plan->row.load = lse_load_for(q->a.kind, q->a.itemsize, q->a.swapped, loaded);
    plan->row.native = is_native(&q->a, plan->type);
    plan->row.direct = plan->row.native && is_run(&plan->row, plan->row.stride, size);
    plan->out_row.store = q->out.data ? lse_store_for(q->out.kind, q->out.itemsize, loaded) : NULL;
    plan->out_row.native = is_native(&q->out, plan->type);
    plan->out_row.direct = plan->out_row.native && is_run(&plan->out_row, plan->out_row.stride, size);
    if (!plan->row.load || (q->out.data && !plan->out_row.store)) return -1;
    if (!q->weights.data) return 0;
    plan->row.load_weight = lse_load_for(q->weights.kind, q->weights.itemsize, q->weights.swapped, loaded);
    plan->row.native_weight = is_native(&q->weights, plan->type);
    plan->row.direct_weight = plan->row.native_weight && is_run(&plan->row, plan->row.weight_stride, size);
    return plan->row.load_weight ? 0 : -1;
}

/* The reduced axes of a map in the order of the input's memory: each element is mapped by itself. */
static void lay_out_mapped(lse_plan *plan, const lse_request *q)
{
    one_axis axes[LSE_MAX_DIMS];
    lse_layout *row = &plan->row_in_memory, *out = &plan->out_in_memory;
    int count = 0;
    plan->mapped_row = &plan->row;
    plan->mapped_out = &plan->out_row;
    if (!lse_is_map(plan->operation) || (plan->row.ndim < 2 && plan->out_row.ndim < 2)) return;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        const one_axis own = {
            .length = q->a.shape[axis],
            .stride = q->a.stride[axis],
            .where_stride = stride_of(&q->where, axis),
            .out_stride = q->out.stride[axis],
        };
        if (q->reduced >> axis & 1) insert(axes, count++, &own);
    }
    row->ndim = out->ndim = 0;
    for (int i = 0; i < count; i++) {
        add_axis(row, axes[i].length, axes[i].stride, axes[i].where_stride, 0);
        add_axis(out, axes[i].length, axes[i].out_stride, 0, 0);
    }
    row->load = plan->row.load;
    row->native = plan->row.native;
    row->direct = row->native && is_run(row, row->stride, plan->itemsize);
    out->store = plan->out_row.store;
    out->native = plan->out_row.native;
    out->direct = out->native && is_run(out, out->stride, plan->itemsize);
    plan->mapped_row = row;
    plan->mapped_out = out;
}

/* Whether a and b are one axis in every array. */
static int are_one(const one_axis *a, const one_axis *b)
{
    return a->stride == b->length * b->stride && a->where_stride == b->length * b->where_stride &&
           a->weight_stride == b->length * b->weight_stride && a->out_stride == b->length * b->out_stride &&
           a->given_stride == b->length * b->given_stride;
}

/* The kept axes in the order of the input's memory, merged where they are one axis in every array, so that the same
 * memory is processed in the same way whatever its shape. Returns how many. */
static int find_kept(const lse_request *q, one_axis *kept)
{
    const int every = q->out.ndim == q->a.ndim; /* out has the reduced axes, mapped or of length 1 */
    const int sums = q->operation == LSE_SUMS;  /* the sums are the output */
    int out_axis = -1, sum_axis = -1, count = 0, merged = 0;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        const int is_kept = !(q->reduced >> axis & 1);
        out_axis += every || is_kept;
        if (!is_kept) continue;
        sum_axis++;
        if (q->a.shape[axis] == 1) continue;
        const ptrdiff_t sum_stride = q->sum_stride ? q->sum_stride[sum_axis] : 0;
        const ptrdiff_t out_stride = sums ? sum_stride * (ptrdiff_t)sizeof(double) : q->out.stride[out_axis];
        const one_axis own = {
            .length = q->a.shape[axis],
            .stride = q->a.stride[axis],
            .where_stride = stride_of(&q->where, axis),
            .weight_stride = stride_of(&q->weights, axis),
            .out_stride = out_stride,
            .given_stride = sum_stride,
        };
        insert(kept, count++, &own);
    }
    for (int i = 0; i < count; i++) {
        if (merged > 0 && are_one(&kept[merged - 1], &kept[i])) {
            const ptrdiff_t length = kept[merged - 1].length * kept[i].length;
            kept[merged - 1] = kept[i];
            kept[merged - 1].length = length;
        } else {
            kept[merged++] = kept[i];
        }
    }
    return merged;
}

/* Lays out the kept axes: those of columns, if these are neighbours and the elements of a row are not, and the
 * others. */
static void lay_out_rest(lse_plan *plan, const lse_request *q)
{
    one_axis kept[LSE_MAX_DIMS];
    const int maps = lse_is_map(plan->operation), size = plan->itemsize;
    int count = find_kept(q, kept);
    const one_axis *last = count > 0 ? &kept[count - 1] : NULL;
    plan->columns = 0;
    plan->outer = 1;
    plan->kept_length = 1;
    plan->kept_stride = plan->kept_where_stride = plan->kept_weight_stride = plan->kept_out_stride = 0;
    const int side_by_side = last && !plan->row.direct && has_kernels(plan) &&
                             (plan->is_short || !lse_operations[plan->operation].in_order) &&
                             is_native(&q->a, plan->type) && last->stride == size &&
                             (!maps || (last->out_stride == size && is_native(&q->out, plan->type)));
    if (side_by_side) {
        plan->columns = last->length;
        plan->out_column_stride = last->out_stride;
        plan->given_column_stride = last->given_stride;
        plan->row.where_step = last->where_stride;
        plan->row.weight_step = last->weight_stride;
    }
    if (last && (plan->columns || plan->is_short)) {
        plan->kept_length = last->length;
        plan->kept_stride = last->stride;
        plan->kept_where_stride = last->where_stride;
        plan->kept_weight_stride = last->weight_stride;
        plan->kept_out_stride = last->out_stride;
        count--;
    }
    for (int i = 0; i < count; i++) {
        plan->outer_shape[i] = kept[i].length;
        plan->outer_stride[i] = kept[i].stride;
        plan->outer_where_stride[i] = kept[i].where_stride;
        plan->outer_weight_stride[i] = kept[i].weight_stride;
        plan->outer_out_stride[i] = kept[i].out_stride;
        plan->outer_given_stride[i] = kept[i].given_stride;
        plan->outer *= kept[i].length;
    }
    plan->outer_ndim = count;
}

/* The layout of sums: each is one run (direct); the elements of an index are one run (across), or at equal distances
 * smaller than those within a row (lines). Direct and gathered sums have no mask. */
static lse_form form_of(int direct, int across, int lines, int native, int masked)
{
    if (direct && !masked) return LSE_BY_ROWS;
    if (across) return LSE_BY_COLUMNS;
    if (lines) return LSE_BY_LINES;
    return native && !masked ? LSE_GATHERED : LSE_STAGED;
}

/* Whether the sums are closer to each other than the elements of a row. */
static int are_lines(const lse_layout *layout, const ptrdiff_t *strides, ptrdiff_t kept)
{
    int nearer = 1;
    for (int axis = 0; axis < layout->ndim; axis++) nearer &= size_of(kept) < size_of(strides[axis]);
    return nearer;
}

/* Chooses how the short sums of a panel are read and written; a mask goes with the weights, if there are any. */
static void choose_forms(lse_plan *plan, const lse_request *q)
{
    const int masked = q->where.data != NULL, weighted = q->weights.data != NULL, size = plan->itemsize;
    const int wide = plan->kept_length * size >= 64, can_mask = !masked || plan->kept_where_stride == 1;
    const int across = wide && plan->columns > 0, weights_across = wide && plan->kept_weight_stride == size;
    const int out_native = is_native(&q->out, plan->type);
    const int lines = wide && are_lines(&plan->row, plan->row.stride, plan->kept_stride);
    const int weight_lines = wide && are_lines(&plan->row, plan->row.weight_stride, plan->kept_weight_stride);
    const int out_lines = wide && are_lines(&plan->out_row, plan->out_row.stride, plan->kept_out_stride);
    plan->form =
        form_of(plan->row.direct, across && (weighted || can_mask), lines, plan->row.native, masked && !weighted);
    plan->weight_form = form_of(plan->row.direct_weight, weights_across && plan->row.native_weight && can_mask,
                                weight_lines, plan->row.native_weight, masked);
    plan->out_form = form_of(plan->out_row.direct, out_lines && out_native && plan->kept_out_stride == size, out_lines,
                             out_native, 0);
}

/* Masks of rows, whose bytes are not a run, are copied for all rows of a task where they are read twice, by a map, or
 * are neighbours. */
static void choose_masks(lse_plan *plan, const lse_request *q)
{
    plan->mask_stride = 0;
    if (!q->where.data || !plan->kernels) return;
    const int last = plan->outer_ndim - 1, neighbours = last >= 0 && size_of(plan->outer_where_stride[last]) == 1;
    const int twice = lse_is_map(plan->operation) && !lse_is_stored(plan, plan->n);
    const int rows = !plan->columns && !plan->is_short && !q->offsets && !lse_operations[plan->operation].in_order;
    const int one = plan->row.ndim == 1 && plan->mapped_row == &plan->row && plan->n <= LSE_TOGETHER;
    if (!rows || !one || !(twice || neighbours)) return;
    if (plan->row.where_stride[0] == 0 || plan->row.where_stride[0] == 1) return;
    plan->mask_stride = plan->row.where_stride[0];
    plan->row.where_stride[0] = 1;
}

int lse_make_plan(lse_plan *plan, const lse_request *q, int *failed)
{
    const lse_type_facts *type = &lse_types[q->type];
    plan->operation = q->operation;
    plan->type = type;
    plan->table = q->table;
    plan->kernels = q->type < LSE_TYPES ? &q->table->real[q->type] : NULL;
    plan->map = plan->kernels ? &plan->kernels->maps[q->operation] : NULL;
    plan->complex = plan->kernels == NULL && q->type < LSE_LD ? &q->table->of_complex[q->type - LSE_TYPES] : NULL;
    plan->run = q->run;
    plan->itemsize = type->size;
    plan->first.x = q->a.data;
    plan->first.where = q->where.data;
    plan->first.weight = q->weights.data;
    plan->out = q->operation == LSE_SUMS ? (char *)q->into.max : q->out.data;
    plan->sign = q->sign;
    plan->low = q->low;
    plan->has_empty = q->has_empty;
    plan->empty = q->empty;
    plan->given = q->given;
    plan->into = q->into;
    plan->store = NULL;
    plan->failed = failed;
    plan->row.direct_weight = plan->row.native_weight = 0;
    if (lay_out_rows(plan, q) != 0) return -1;
    lay_out_mapped(plan, q);
    plan->is_short = plan->n <= LSE_SHORT && lse_operations[plan->operation].has_panels && !q->offsets &&
                     !(lse_is_map(plan->operation) && q->given.max) && has_kernels(plan);
    lay_out_rest(plan, q);
    choose_forms(plan, q);
    choose_masks(plan, q);
    plan->first.n = plan->n;
    plan->divisor = plan->divisor_lo = 0.0;
    plan->divisors = q->divisors;
    plan->divisor_count = q->divisor_count;
    plan->out_size = q->out.itemsize;
    plan->row.ones = q->ones;
    plan->pairs = q->pairs;
    if (q->mean && plan->n > 1) plan->divisor = lse_log_of_count(plan->table, plan->n, &plan->divisor_lo);
    if (q->out.data && !is_native(&q->out, plan->type)) plan->store = lse_store_for(q->out.kind, q->out.itemsize, 8);
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

void lse_find_columns(const lse_plan *plan, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count, lse_members *m)
{
    m->count = count;
    lse_find_row(plan, block, &m->rows[0], &m->out[0], &m->given[0]);
    m->rows[0] = lse_column_of(plan, &m->rows[0], first);
    m->out[0] += first * plan->out_column_stride;
    m->given[0] += first * plan->given_column_stride;
    for (ptrdiff_t i = 1; i < count; i++) {
        m->rows[i] = lse_column_of(plan, &m->rows[0], i);
        m->out[i] = m->out[0] + i * plan->out_column_stride;
        m->given[i] = m->given[0] + i * plan->given_column_stride;
    }
}
