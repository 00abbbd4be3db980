/* How many elements a mask keeps. */
#include <math.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/plan.h"

/* An axis of a mask: from one of its elements to the next in the mask, in bytes, and among the counts; 0 there if it is
 * reduced. */
typedef struct {
    ptrdiff_t length, stride, step;
} mask_axis;

enum { BYTE_MOST = 255 };

static int64_t count_run(const char *at, ptrdiff_t n)
{
    int64_t total = 0;
    for (ptrdiff_t i = 0; i < n; i += BYTE_MOST) { /* of one vector of bytes a lane holds no more */
        const ptrdiff_t end = n - i < BYTE_MOST ? n : i + BYTE_MOST;
        unsigned char some = 0;
        for (ptrdiff_t j = i; j < end; j++) some = (unsigned char)(some + (at[j] != 0));
        total += some;
    }
    return total;
}

/* Along one axis, times a factor. */
static void count_axis(const mask_axis *axis, const char *at, int64_t factor, int64_t *counts)
{
    const ptrdiff_t n = axis->length, stride = axis->stride, step = axis->step;
    if (step == 1 && stride == 1 && factor == 1) { /* of these the compiler makes vectors */
        for (ptrdiff_t i = 0; i < n; i++) counts[i] += at[i] != 0;
        return;
    }
    if (step != 0) {
        for (ptrdiff_t i = 0; i < n; i++) counts[i * step] += (at[i * stride] != 0) * factor;
        return;
    }
    int64_t total = 0;
    if (stride == 1) total = count_run(at, n);
    else
        for (ptrdiff_t i = 0; i < n; i++) total += at[i * stride] != 0;
    *counts += total * factor;
}

/* The counts of neighbours, along the second axis, each in a byte. If they are few, and what is counted is one run, some
 * of its rows are taken for one. */
static void count_columns(const mask_axis *axes, const char *at, int64_t factor, int64_t *counts)
{
    enum { ROOM = 256 };
    const ptrdiff_t n = axes[0].length, rows = axes[1].length, pitch = axes[1].stride;
    const ptrdiff_t most = pitch == n && n <= ROOM ? lse_least(ROOM / n, rows) : 1;
    for (ptrdiff_t first = 0; first < n; first += ROOM) {
        const ptrdiff_t width = lse_least(ROOM, n - first);
        for (ptrdiff_t row = 0, times, many; row < rows; row += many * times) {
            unsigned char some[ROOM] = {0};
            const char *own = at + first + row * pitch;
            times = lse_least(most, rows - row);
            many = lse_least(BYTE_MOST, (rows - row) / times);
            for (ptrdiff_t r = 0; r < many; r++, own += times * pitch)
                for (ptrdiff_t j = 0; j < times * width; j++) some[j] = (unsigned char)(some[j] + (own[j] != 0));
            for (ptrdiff_t j = 0; j < times * width; j++)
                counts[(first + j % width) * axes[0].step] += some[j] * factor;
        }
    }
}

/* The axes of a mask, those of one element left out and those that are one run put together, the shortest stride first;
 * *factor: how often each element is there, in reduced axes that repeat. Returns how many. */
static int find_axes(const lse_array *where, unsigned long long reduced, mask_axis *axes, int64_t *factor)
{
    int count = 0;
    ptrdiff_t step = 1;
    *factor = 1;
    for (int i = where->ndim - 1; i >= 0; i--) { /* the last first */
        const int is_reduced = (int)(reduced >> i & 1);
        const mask_axis axis = {where->shape[i], where->stride[i], is_reduced ? 0 : step};
        if (!is_reduced) step *= axis.length;
        if (is_reduced && (axis.stride == 0 || axis.length == 1)) {
            *factor *= axis.length;
            continue;
        }
        if (axis.length == 1) continue;
        int at = count++;
        for (; at > 0 && axes[at - 1].stride > axis.stride; at--) axes[at] = axes[at - 1];
        axes[at] = axis;
    }
    int merged = 0;
    for (int i = 0; i < count; i++) {
        mask_axis *last = &axes[merged > 0 ? merged - 1 : 0];
        if (merged > 0 && axes[i].stride == last->stride * last->length && axes[i].step == last->step * last->length)
            last->length *= axes[i].length;
        else axes[merged++] = axes[i];
    }
    return merged;
}

void lse_count_mask(const lse_array *where, unsigned long long reduced, int64_t *counts)
{
    mask_axis axes[LSE_MAX_DIMS], one = {1, 1, 0};
    ptrdiff_t index[LSE_MAX_DIMS] = {0};
    int64_t factor;
    const int count = find_axes(where, reduced, axes, &factor);
    const mask_axis *first = count > 0 ? &axes[0] : &one;
    const int columns = count > 1 && first->stride == 1 && first->step != 0 && axes[1].step == 0;
    const char *at = where->data;
    for (int axis = 0; axis < where->ndim; axis++)
        if (where->shape[axis] == 0) return;
    for (;;) {
        int axis = columns ? 2 : 1;
        if (columns) count_columns(axes, at, factor, counts);
        else count_axis(first, at, factor, counts);
        for (; axis < count; axis++) {
            at += axes[axis].stride;
            counts += axes[axis].step;
            if (++index[axis] < axes[axis].length) break;
            at -= axes[axis].stride * axes[axis].length;
            counts -= axes[axis].step * axes[axis].length;
            index[axis] = 0;
        }
        if (axis >= count) return;
    }
}

static void log_each(const lse_kernels *table, const int64_t *counts, ptrdiff_t count, double *parts)
{
    for (ptrdiff_t start = 0; start < count; start += LSE_BATCH) {
        const ptrdiff_t some = count - start < LSE_BATCH ? count - start : LSE_BATCH;
        const size_t size = (size_t)some * sizeof(double);
        lse_states states;
        lse_results results;
        for (ptrdiff_t i = 0; i < some; i++) {
            states.max[i] = counts[start + i] > 0 ? 0.0 : -INFINITY;
            states.tail[i] = (double)counts[start + i] * 0x1p500;
            states.tail_lo[i] = states.count[i] = 0.0;
        }
        table->weighted_finish(&states, some, &results);
        memcpy(parts + start, results.value, size);
        memcpy(parts + count + start, results.value_lo, size);
        memcpy(parts + 2 * count + start, results.sign, size);
    }
}

void lse_log_counts(const lse_kernels *table, const int64_t *counts, ptrdiff_t count, double *parts)
{
    const lse_fp_state found = lse_fp_enter();
    int64_t most = 0, numbers[LSE_SHORT + 1];
    double logs[3 * (LSE_SHORT + 1)];
    for (ptrdiff_t i = 0; i < count; i++) most = counts[i] > most ? counts[i] : most;
    if (most <= LSE_SHORT && most < count) { /* that of each number once */
        const ptrdiff_t all = (ptrdiff_t)most + 1;
        for (ptrdiff_t i = 0; i < all; i++) numbers[i] = i;
        log_each(table, numbers, all, logs);
        for (int part = 0; part < 3; part++)
            for (ptrdiff_t i = 0; i < count; i++) parts[part * count + i] = logs[part * all + counts[i]];
    } else {
        log_each(table, counts, count, parts);
    }
    lse_fp_leave(found);
}
