/* Columns of doubles whose sums are faint: all but the maximum, which is within 2^-20 of 0, is small. As sum_faint of
 * long.h, a vector at a time. */

/* The greatest elements below these maxima. */
static vf64 seconds_of_columns(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                               ptrdiff_t count, vf64 max)
{
    const vf64 none = vf64_set(-(double)INFINITY);
    column_block_f64 block;
    vf64 second = none;
    for (ptrdiff_t done = 0; done < n; done += LSE_SHORT) {
        const ptrdiff_t some = n - done < LSE_SHORT ? n - done : LSE_SHORT;
        columns_fetch_f64(layout, first, start + done, some, count, vf64_width, NULL, &block);
        const char *x = block.x;
        for (ptrdiff_t r = 0; r < some; r++, x += block.pitch) {
            const vf64 own = vf64_load(x);
            second = vf64_max(vf64_select(own, max, none, own), second);
        }
    }
    return second;
}

/* Of these maxima, on the grid of the greatest elements below them. */
static void start_faint(column_sums_f64 *c, vf64 max, vf64 second)
{
    columns_start_f64(c);
    columns_raise_f64(c, max);
    const vf64 exponent = vf64_max(vf64_sub(vf64_exponent_of(second), c->anchor[0]), vf64_set(-600.0));
    c->offset = vf64_mul(vf64_set(LSE_OFFSET * 0x1p-500), vf64_ldexp1(exponent));
}

/* The states of count columns, no more than a vector, again. */
static void sum_columns_again(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                              ptrdiff_t count, vf64 max, lse_states *states)
{
    column_block_f64 block;
    column_sums_f64 c;
    start_faint(&c, max, seconds_of_columns(layout, first, start, n, count, max));
    for (ptrdiff_t done = 0; done < n; done += LSE_SHORT) {
        const ptrdiff_t some = n - done < LSE_SHORT ? n - done : LSE_SHORT;
        columns_fetch_f64(layout, first, start + done, some, count, vf64_width, NULL, &block);
        columns_add_f64(&c, block.x, block.pitch, some, 1, block.ahead);
    }
    columns_end_f64(&c, 0, states);
}

static void sum_faint_columns_f64(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                                  ptrdiff_t count, lse_states *states)
{
    for (ptrdiff_t c = 0; c < count; c += vf64_width) {
        const ptrdiff_t some = count - c < vf64_width ? count - c : vf64_width;
        lse_states own;
        lse_row column = *first;
        int any = 0;
        for (ptrdiff_t i = c; i < c + some; i++) any |= is_faint(row_sum_at(states, i));
        if (!any) continue;
        column.x += c * (ptrdiff_t)sizeof(double);
        if (column.where) column.where += c * layout->where_step;
        const vf64 max = vf64_load_some(states->max + c, some, vf64_set(0.0));
        sum_columns_again(layout, &column, start, n, some, max, &own);
        for (ptrdiff_t i = 0; i < some; i++) {
            if (!is_faint(row_sum_at(states, c + i))) continue;
            states->tail[c + i] = own.tail[i];
            states->tail_lo[c + i] = own.tail_lo[i];
        }
    }
}

/* The two greatest elements of each column; 0 where the second is too great for some sum to be surely faint. */
static int find_top_twos(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                         vf64 *max, vf64 *second)
{
    const ptrdiff_t width = whole_vectors_f64(count), vectors = width / vf64_width;
    column_block_f64 block;
    for (ptrdiff_t v = 0; v < vectors; v++) max[v] = second[v] = vf64_set(-(double)INFINITY);
    for (ptrdiff_t done = 0; done < n; done += LSE_SHORT) {
        const ptrdiff_t some = n - done < LSE_SHORT ? n - done : LSE_SHORT;
        columns_fetch_f64(layout, first, start + done, some, count, width, NULL, &block);
        for (ptrdiff_t v = 0; v < vectors; v++) {
            const char *x = block.x + v * (ptrdiff_t)sizeof(vf64);
            vf64 top = max[v], next = second[v];
            for (ptrdiff_t r = 0; r < some; r++, x += block.pitch) {
                const vf64 own = vf64_load(x);
                next = vf64_max(vf64_min(own, top), next);
                top = vf64_max(own, top);
            }
            max[v] = top;
            second[v] = next;
            if (vf64_any_at_least(next, vf64_set(SURELY_FAINT))) return 0;
        }
    }
    return 1;
}

/* The states of count columns, no more than a panel, if all their sums are surely faint; else 0. */
static int sum_surely_faint_columns_f64(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                                        ptrdiff_t count, lse_states *states)
{
    enum { MOST = PANEL_f64 / vf64_width };
    const ptrdiff_t width = whole_vectors_f64(count), vectors = width / vf64_width;
    double top[PANEL_f64], next[PANEL_f64];
    column_block_f64 block;
    column_sums_f64 c[MOST];
    vf64 max[MOST], second[MOST];
    if (!find_top_twos(layout, first, start, n, count, max, second)) return 0;
    for (ptrdiff_t v = 0; v < vectors; v++) {
        vf64_store(top + v * vf64_width, max[v]);
        vf64_store(next + v * vf64_width, second[v]);
        start_faint(&c[v], max[v], second[v]);
    }
    for (ptrdiff_t i = 0; i < count; i++)
        if (!are_surely_faint((top_two){top[i], next[i]}, n)) return 0;
    for (ptrdiff_t done = 0; done < n; done += LSE_SHORT) {
        const ptrdiff_t some = n - done < LSE_SHORT ? n - done : LSE_SHORT;
        columns_fetch_f64(layout, first, start + done, some, count, width, NULL, &block);
        for (ptrdiff_t v = 0; v < vectors; v++)
            columns_add_f64(&c[v], block.x + v * (ptrdiff_t)sizeof(vf64), block.pitch, some, 1, block.ahead);
    }
    for (ptrdiff_t v = 0; v < vectors; v++) columns_end_f64(&c[v], v * vf64_width, states);
    for (ptrdiff_t i = 0; i < count; i++)
        if (!is_faint(row_sum_at(states, i))) return 0; /* there is NaN */
    return 1;
}
