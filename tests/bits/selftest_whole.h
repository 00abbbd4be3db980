/* Part of selftest.c: sums of columns, and softmax of whole rows and columns of at most LSE_STORED elements, by every
 * table, compared with the scalar one's of one contiguous row at a time. */

/* count columns of n elements, rows `pitch` elements apart in the input and in the output. */
typedef struct {
    int is_double, masked, in_place;
    ptrdiff_t n, count, pitch, out_pitch;
    lse_layout layout, out_layout;
    char *x;
    unsigned char *mask;
    lse_states states;
    double expected[COUNT][LSE_STORED];
    int status[COUNT];
} whole_case;

static ptrdiff_t size_of_whole(const whole_case *c, ptrdiff_t pitch)
{ return ((c->n - 1) * pitch + c->count) * (c->is_double ? 8 : 4); }

/* The results of the scalar table for each column. */
static void refer_whole(whole_case *c)
{
    const lse_real_kernels *r = &lse_kernels_scalar()->real[c->is_double ? LSE_F64 : LSE_F32];
    const ptrdiff_t size = c->is_double ? 8 : 4;
    const lse_layout layout = contiguous(c->n, size);
    static double x[LSE_STORED], out[LSE_STORED];
    const lse_row row = {(char *)x, NULL, NULL, c->n};
    lse_states one;
    for (ptrdiff_t k = 0; k < c->count; k++) {
        for (ptrdiff_t i = 0; i < c->n; i++) {
            const int left_out = c->masked && !c->mask[i * c->count + k];
            const double value = left_out ? -INFINITY : real_at(c->x, i * c->pitch + k, c->is_double);
            put_real((char *)x, i, c->is_double, value);
        }
        r->rows(&layout, &row, 0, c->n, 1, &one);
        copy_state(&c->states, k, &one, 0);
        c->status[k] = r->softmax_whole_row(&layout, &row, &layout, (char *)out);
        for (ptrdiff_t i = 0; i < c->n; i++) c->expected[k][i] = real_at((char *)out, i, c->is_double);
    }
}

static void fail_whole(const whole_case *c, const char *name, const char *what, ptrdiff_t k, ptrdiff_t i)
{
    printf("%s: %s of %td columns of %td elements, f%d%s%s: column %td, element %td\n", name, what, c->count, c->n,
           c->is_double ? 64 : 32, c->masked ? ", with a mask" : "", c->in_place ? ", in place" : "", k, i);
    exit(1);
}

/* Column k is what it should be, or untouched where columns were left to be done one by one. */
static void check_column(const whole_case *c, const char *name, const char *out, ptrdiff_t k, int done)
{
    const ptrdiff_t size = c->is_double ? 8 : 4;
    for (ptrdiff_t i = 0; i < c->n; i++) {
        const double before = c->in_place ? real_at(c->x, i * c->pitch + k, c->is_double) : untouched(size);
        if (!same(real_at(out, i * (c->in_place ? c->pitch : c->out_pitch) + k, c->is_double),
                  done ? c->expected[k][i] : before))
            fail_whole(c, name, done ? "softmax" : "what is left", k, i);
    }
}

static void check_whole(whole_case *c, const lse_kernels *table)
{
    const lse_real_kernels *r = &table->real[c->is_double ? LSE_F64 : LSE_F32];
    const ptrdiff_t size = c->is_double ? 8 : 4, bytes = size_of_whole(c, c->pitch);
    const lse_layout *to = c->in_place ? &c->layout : &c->out_layout;
    const ptrdiff_t out_bytes = c->in_place ? bytes : size_of_whole(c, c->out_pitch);
    double nan[COUNT];
    lse_states states, one;
    const lse_row first = {c->x, c->masked ? (const char *)c->mask : NULL, NULL, c->n};
    r->columns(&c->layout, &first, 0, c->n, c->count, &states);
    for (ptrdiff_t k = 0; k < c->count; k++)
        if (!same_state(&states, &c->states, k, c->is_double)) fail_whole(c, table->name, "states", k, -1);
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        char *x = untouched_bytes(bytes), *out = c->in_place ? x : untouched_bytes(out_bytes);
        memcpy(x, c->x, (size_t)bytes);
        lse_row row = {x, c->masked ? (const char *)c->mask : NULL, NULL, c->n};
        int done = 1;
        if (!one_by_one) { /* few columns may be left for one-by-one processing */
            done = r->softmax_whole_columns(&c->layout, &row, to, out, c->count, nan);
            if (!done && c->count * size >= LSE_NARROW) fail_whole(c, table->name, "columns that are left", -1, -1);
        }
        for (ptrdiff_t k = 0; k < c->count; k++) {
            row.x = x + k * size;
            if (c->masked) row.where = (const char *)c->mask + k;
            if (one_by_one) {
                r->rows(&c->layout, &row, 0, c->n, 1, &one);
                copy_state(&states, k, &one, 0);
                if (!same_state(&states, &c->states, k, c->is_double)) fail_whole(c, table->name, "state", k, -1);
            }
            if (one_by_one && r->softmax_whole_row(&c->layout, &row, to, out + k * size) != c->status[k])
                fail_whole(c, table->name, "status", k, -1);
            if (!one_by_one && done && (nan[k] != nan[k]) != (c->status[k] == 0))
                fail_whole(c, table->name, "NaN", k, -1);
            check_column(c, table->name, out, k, one_by_one || done);
        }
        if (!c->in_place) free(out);
        free(x);
    }
}

static void check_whole_of(const lse_kernels *const *tables, int is_double, ptrdiff_t n, ptrdiff_t count)
{
    static whole_case c;
    const ptrdiff_t size = is_double ? 8 : 4;
    const kind_of_data kind = draw_kind();
    const int rising = uniform() < 0.3;
    c.is_double = is_double;
    c.n = n;
    c.count = count;
    c.masked = uniform() < 0.4;
    c.in_place = uniform() < 0.4;
    c.pitch = count + below(2) * below(20);
    c.out_pitch = count + below(2) * below(20);
    c.layout = strided(n, c.pitch * size, size);
    c.layout.native = 1;
    c.layout.where_stride[0] = count;
    c.layout.where_step = 1;
    c.layout.store = lse_store_for('f', (int)size, (int)size);
    c.out_layout = strided(n, c.out_pitch * size, size);
    c.out_layout.store = c.layout.store;
    c.x = untouched_bytes(size_of_whole(&c, c.pitch));
    c.mask = (unsigned char *)untouched_bytes(n * count);
    for (ptrdiff_t i = 0; i < n * count; i++) c.mask[i] = uniform() < 0.8;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t k = 0; k < count; k++)
            put_real(c.x, i * c.pitch + k, is_double, draw_for(kind) + (rising ? (double)(i * (k % 9)) : 0));
    refer_whole(&c);
    for (; *tables; tables++) check_whole(&c, *tables);
    check_whole(&c, lse_kernels_scalar());
    free(c.x);
    free(c.mask);
}

static void check_wholes(const lse_kernels *const *tables)
{
    static const ptrdiff_t sizes[] = {2, 7, 8, 9, 16, 17, 100, 256, 257, 1000, LSE_STORED};
    for (int is_double = 0; is_double < 2; is_double++)
        for (int i = 0; i < 11; i++)
            for (int j = 0; j < (sizes[i] < 300 ? 12 : 3); j++)
                check_whole_of(tables, is_double, sizes[i], 1 + below(lse_kernels_scalar()->real[LSE_F64].panel));
}
