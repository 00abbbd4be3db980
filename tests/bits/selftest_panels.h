/* Part of selftest.c: short sums in panels of all forms, by every table, compared with the scalar one's sums of one row
 * at a time. Input, output and mask end where their memory ends, for memory checkers. */

/* The places of count sums of n elements, in memory of their own. */
typedef struct {
    lse_form form;
    ptrdiff_t n, count, size, pitch, bytes, shift;
    ptrdiff_t at[COUNT], offset[LSE_SHORT];
    lse_layout layout;
    char *memory, *base;
} places;

/* One panel, and the results of each of its sums alone; the first output is softmax, the second log-softmax. */
typedef struct {
    int is_double, masked, in_place;
    ptrdiff_t n, count;
    places in, out;
    unsigned char *mask;
    ptrdiff_t where_at[COUNT], where_offset[LSE_SHORT];
    double x[COUNT][LSE_SHORT];
    lse_states states;
    double values[COUNT], results[2][COUNT][LSE_SHORT];
} panel_case;

/* Sums side by side, or one after another, with gaps, in both directions; staged: in double precision. */
static void lay_out(places *p, lse_form form, int is_double, ptrdiff_t n, ptrdiff_t count)
{
    const ptrdiff_t own = is_double ? 8 : 4, gap = below(3) * below(2);
    const int lines = form == LSE_BY_LINES, apart = form == LSE_GATHERED || (lines && uniform() < 0.5);
    const int after = form == LSE_BY_ROWS || (form != LSE_BY_COLUMNS && !lines && uniform() < 0.5);
    memset(p, 0, sizeof *p);
    p->form = form;
    p->n = n;
    p->count = count;
    p->size = form == LSE_STAGED || (lines && uniform() < 0.5) ? 8 : own;
    p->shift = below(2) * below(4);
    const ptrdiff_t step = p->size * (after ? 1 + apart : count * (1 + apart) + gap);
    const ptrdiff_t next = p->size * (after ? n * (1 + apart) + gap : 1 + apart);
    const int back = form != LSE_BY_COLUMNS && uniform() < 0.3, upwards = form != LSE_BY_COLUMNS || uniform() < 0.7;
    for (ptrdiff_t k = 0; k < count; k++) p->at[k] = next * (back ? count - 1 - k : k);
    for (ptrdiff_t i = 0; i < n; i++) p->offset[i] = step * (upwards ? i : n - 1 - i);
    p->pitch = uniform() < 0.2 ? 0 : back ? -next : next;
    p->bytes = p->shift + (count - 1) * next + (n - 1) * step + p->size;
    p->layout.ndim = 1;
    p->layout.native = p->size == own;
    p->layout.direct = p->layout.native && step == own;
    p->layout.load = lse_load_for('f', (int)p->size, 0, (int)own);
    p->layout.store = lse_store_for('f', (int)p->size, (int)own);
    p->layout.shape[0] = n;
    p->layout.stride[0] = step;
    p->layout.where_stride[0] = 1;
    if (n % 3 == 0 && !p->layout.direct) { /* the same as two axes */
        p->layout.ndim = 2;
        p->layout.shape[0] = n / 3;
        p->layout.shape[1] = p->layout.where_stride[0] = 3;
        p->layout.stride[0] = 3 * step;
        p->layout.stride[1] = step;
        p->layout.where_stride[1] = 1;
    }
}

static void allocate(places *p)
{
    p->memory = untouched_bytes(p->bytes);
    p->base = p->memory + p->shift;
}

static void put(const places *p, ptrdiff_t k, ptrdiff_t i, double value)
{ put_real(p->base + p->at[k] + p->offset[i], 0, p->size == 8, value); }

static double get(const places *p, ptrdiff_t k, ptrdiff_t i)
{ return real_at(p->base + p->at[k] + p->offset[i], 0, p->size == 8); }

static int is_absent(const panel_case *c, ptrdiff_t k, ptrdiff_t i)
{ return c->masked && !c->mask[c->where_at[k] + c->where_offset[i]]; }

/* The elements of sum k as in the definition: if there are infinities, which are counted, each is 0 and all else -inf;
 * NaN if all are -inf. */
static double elements_of(const panel_case *c, ptrdiff_t k, double *x, double *count)
{
    double infinities = 0, finite = 0, nan = 0;
    for (ptrdiff_t i = 0; i < c->n; i++) {
        x[i] = is_absent(c, k, i) ? -INFINITY : c->x[k][i];
        nan += x[i] != x[i];
        infinities += x[i] == INFINITY;
        finite += fabs(x[i]) <= DBL_MAX;
    }
    for (ptrdiff_t i = 0; i < c->n && infinities > 0; i++) x[i] = x[i] == INFINITY ? 0 : -INFINITY;
    *count = infinities;
    return nan > 0 || (infinities == 0 && finite == 0) ? NAN : 0;
}

/* The results of the scalar table for each sum alone. */
static void refer(panel_case *c)
{
    static const ptrdiff_t start[1] = {0};
    const lse_real_kernels *r = &lse_kernels_scalar()->real[c->is_double ? LSE_F64 : LSE_F32];
    const lse_layout layout = contiguous(c->n, c->is_double ? 8 : 4);
    for (ptrdiff_t k = 0; k < c->count; k++) {
        double x64[LSE_SHORT], out64[LSE_SHORT];
        float x32[LSE_SHORT], out32[LSE_SHORT];
        lse_states one;
        lse_results results;
        const lse_row row = {c->is_double ? (char *)x64 : (char *)x32, NULL, NULL, c->n};
        const lse_panel alone = {.n = c->n,
                                 .count = 1,
                                 .form = LSE_BY_ROWS,
                                 .out_form = LSE_BY_ROWS,
                                 .x = row.x,
                                 .out = c->is_double ? (char *)out64 : (char *)out32,
                                 .at = start,
                                 .out_at = start};
        for (ptrdiff_t i = 0; i < c->n; i++) {
            x64[i] = is_absent(c, k, i) ? -INFINITY : c->x[k][i];
            x32[i] = (float)x64[i];
        }
        r->rows(&layout, &row, 0, c->n, 1, &one);
        copy_state(&c->states, k, &one, 0);
        r->finish(&one, 1, &results);
        c->values[k] = c->is_double ? results.value[0] : (double)(float)results.value[0];
        double infinities;
        int present = 0;
        for (ptrdiff_t i = 0; i < c->n; i++) present |= !is_absent(c, k, i);
        const double nan = elements_of(c, k, x64, &infinities);
        for (ptrdiff_t i = 0; i < c->n; i++) x32[i] = (float)x64[i];
        for (int log = 0; log < 2; log++) {
            (log ? r->maps[LSE_LOG_SOFTMAX].panel : r->maps[LSE_SOFTMAX].panel)(&alone);
            for (ptrdiff_t i = 0; i < c->n; i++) {
                const double own = c->is_double ? out64[i] : (double)out32[i], none = log ? -INFINITY : 0;
                c->results[log][k][i] = present && is_absent(c, k, i) ? none : nan == 0 ? own : NAN;
                if (!log && nan == 0 && infinities > 0)
                    c->results[0][k][i] = x64[i] < 0     ? 0
                                          : c->is_double ? 1 / infinities
                                                         : (double)(float)(1 / infinities);
            }
        }
    }
}

static void make_case(panel_case *c, int is_double, ptrdiff_t n, ptrdiff_t count)
{
    const lse_form form = (lse_form)below(5), to = (lse_form)below(5);
    const kind_of_data kind = draw_kind();
    c->is_double = is_double;
    c->n = n;
    c->count = count;
    c->masked = (form == LSE_BY_COLUMNS || form == LSE_BY_LINES || form == LSE_STAGED) && uniform() < 0.5;
    c->in_place = uniform() < 0.3;
    lay_out(&c->in, form, is_double, n, count);
    lay_out(&c->out, to, is_double, n, count);
    for (ptrdiff_t k = 0; k < count; k++) c->where_at[k] = form == LSE_BY_COLUMNS ? k : k * n;
    for (ptrdiff_t i = 0; i < n; i++) c->where_offset[i] = form == LSE_BY_COLUMNS ? i * count : i;
    c->mask = (unsigned char *)untouched_bytes(n * count);
    for (ptrdiff_t i = 0; i < n * count; i++) c->mask[i] = uniform() < 0.8 ? (unsigned char)(1 + below(255)) : 0;
    for (ptrdiff_t k = 0; k < count; k++)
        for (ptrdiff_t i = 0; i < n; i++) {
            c->x[k][i] = draw_for(kind);
            if (!is_double) c->x[k][i] = (double)(float)c->x[k][i];
        }
    refer(c);
}

static void fail(const panel_case *c, const char *name, const char *what, ptrdiff_t k, ptrdiff_t i)
{
    printf("%s: %s of %td sums of %td elements, f%d, form %d to %d%s%s: sum %td, element %td\n", name, what, c->count,
           c->n, c->is_double ? 64 : 32, (int)c->in.form, (int)c->out.form, c->masked ? ", with a mask" : "",
           c->in_place ? ", in place" : "", k, i);
    exit(1);
}

/* The output is that of the sums alone, and all other bytes are untouched. */
static void check_results(panel_case *c, const places *out, const char *name, int log)
{
    for (ptrdiff_t k = 0; k < c->count; k++)
        for (ptrdiff_t i = 0; i < c->n; i++)
            if (!same(get(out, k, i), c->results[log][k][i])) fail(c, name, log ? "log-softmax" : "softmax", k, i);
    for (ptrdiff_t k = 0; k < c->count; k++)
        for (ptrdiff_t i = 0; i < c->n; i++)
            memset(out->base + out->at[k] + out->offset[i], UNTOUCHED, (size_t)out->size);
    for (ptrdiff_t i = 0; i < out->bytes; i++)
        if (out->memory[i] != UNTOUCHED) fail(c, name, "something beside the", -1, i);
}

static void fill(places *p, const panel_case *c)
{
    allocate(p);
    for (ptrdiff_t k = 0; k < c->count; k++)
        for (ptrdiff_t i = 0; i < c->n; i++) put(p, k, i, c->x[k][i]);
}

/* A panel without its optional members: an output of sums, offsets of rows in the input, and those of a single row. */
static lse_panel panel_of(const panel_case *c, const places *in, const places *out)
{
    lse_panel panel = {.n = c->n, .count = c->count, .form = in->form, .out_form = c->out.form, .x = in->base};
    panel.where = c->masked ? (const char *)c->mask : NULL;
    panel.at = in->at;
    panel.where_at = c->where_at;
    panel.offset = in->form == LSE_BY_ROWS ? NULL : in->offset;
    panel.where_offset = c->where_offset;
    panel.pitch = in->pitch;
    panel.layout = &in->layout;
    if (!out) return panel;
    panel.out = out->base;
    panel.out_at = out->at;
    panel.out_form = out->form;
    panel.out_pitch = out->pitch;
    panel.out_layout = &out->layout;
    const int one_row = c->count == 1 && in->form == LSE_BY_ROWS && out->form == LSE_BY_ROWS;
    panel.out_offset = one_row ? NULL : out->offset;
    return panel;
}

static void check_values(const panel_case *c, const lse_kernels *table, const lse_states *states)
{
    double values[COUNT];
    table->real[c->is_double ? LSE_F64 : LSE_F32].finish_values(states, c->count, values);
    for (ptrdiff_t k = 0; k < c->count; k++)
        if (!same(real_at((const char *)values, k, c->is_double), c->values[k])) fail(c, table->name, "values", k, -1);
}

static void check_panel(panel_case *c, const lse_kernels *table)
{
    const lse_real_kernels *r = &table->real[c->is_double ? LSE_F64 : LSE_F32];
    lse_states states;
    fill(&c->in, c);
    lse_panel panel = panel_of(c, &c->in, NULL);
    r->sum_panel(&panel, &states);
    for (ptrdiff_t k = 0; k < c->count; k++)
        if (!same_state(&states, &c->states, k, c->is_double)) fail(c, table->name, "states", k, -1);
    check_values(c, table, &states);
    for (int log = 0; log < 2; log++) {
        places *out = c->in_place ? &c->in : &c->out;
        if (!c->in_place) allocate(out);
        panel = panel_of(c, &c->in, out);
        (log ? r->maps[LSE_LOG_SOFTMAX].panel : r->maps[LSE_SOFTMAX].panel)(&panel);
        check_results(c, out, table->name, log);
        free(out->memory);
        if (c->in_place) fill(out, c);
    }
    free(c->in.memory);
}

static void check_panels_of(const lse_kernels *const *tables, int is_double, ptrdiff_t n, ptrdiff_t count)
{
    static panel_case c;
    make_case(&c, is_double, n, count);
    for (; *tables; tables++) check_panel(&c, *tables);
    check_panel(&c, lse_kernels_scalar());
    free(c.mask);
}

/* Every length, with some numbers of sums; the shortest with every number. */
static void check_panels(const lse_kernels *const *tables)
{
    for (int is_double = 0; is_double < 2; is_double++)
        for (ptrdiff_t n = 1; n <= LSE_SHORT; n++) {
            for (ptrdiff_t count = 1; count <= COUNT && n <= 17; count++) check_panels_of(tables, is_double, n, count);
            for (int i = 0; i < (n <= 64 ? 12 : 4); i++) check_panels_of(tables, is_double, n, 1 + below(COUNT));
        }
}
