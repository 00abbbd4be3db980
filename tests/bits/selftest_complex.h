/* The complex kernels of a table and of the scalar one, on tiles of anything. */

static double draw_angle(void)
{
    static const double sizes[] = {0.0, 1.0, 4.0, 1e3, 1e6, 1e20, 1e300};
    const double u = uniform();
    if (u < 0.01) return INFINITY;
    return (2 * uniform() - 1) * sizes[below(7)];
}

static double draw_weight(void)
{
    static const double sizes[] = {0.0, 1.0, 1.0, 1e-320, 1e308, 1e150};
    return (2 * uniform() - 1) * sizes[below(6)];
}

/* A tile of either type, from the same numbers. */
static void draw_tile(kind_of_data kind, int is_double, ptrdiff_t n, lse_complex_line *tile, lse_weight_line *weights)
{
    const int moderate = kind != ANY;
    for (ptrdiff_t k = 0; k < n; k++)
        for (int i = 0; i < (is_double ? LSE_LANES : LSE_COMPLEX_LANES); i++) {
            const double re = draw_for(kind), im = moderate ? 8 * uniform() - 4 : draw_angle();
            const double b_re = moderate ? uniform() - 0.3 : draw_weight();
            const double b_im = moderate ? uniform() - 0.5 : draw_weight();
            if (is_double) {
                tile[k].f64.re[i] = re;
                tile[k].f64.im[i] = im;
                weights[k].f64.re[i] = b_re;
                weights[k].f64.im[i] = b_im;
                weights[k].f64.exponent[i] = 0.0;
            } else {
                tile[k].f32.re[i] = (float)re;
                tile[k].f32.im[i] = fabs(im) < 1e38 ? (float)im : (float)INFINITY;
                weights[k].f32.re[i] = fabs(b_re) < 1e38 ? (float)b_re : 1e38f;
                weights[k].f32.im[i] = fabs(b_im) < 1e38 ? (float)b_im : -3e38f;
                weights[k].f32.exponent[i] = 0.0f;
            }
        }
}

static void check_doubles(const char *what, const void *own, const void *other, size_t size)
{
    const double *a = (const double *)own, *b = (const double *)other;
    for (size_t i = 0; i < size / sizeof(double); i++)
        if (!same(a[i], b[i])) {
            printf("%s differs at %d: %a and %a\n", what, (int)i, a[i], b[i]);
            exit(1);
        }
}

static void check_elements(const char *what, const void *own, const void *other, size_t size, int is_double)
{
    const float *a = (const float *)own, *b = (const float *)other;
    if (is_double) {
        check_doubles(what, own, other, size);
        return;
    }
    for (size_t i = 0; i < size / sizeof(float); i++)
        if (!same((double)a[i], (double)b[i])) {
            printf("%s of floats differs at %d: %a and %a\n", what, (int)i, (double)a[i], (double)b[i]);
            exit(1);
        }
}

/* Everything that becomes of one tile. */
typedef struct {
    lse_complex_line lines[10][LSE_SHORT], runs[LSE_SHORT], run[LSE_LINES];
    lse_complex_sums sums[6];
    lse_complex_results results[2];
    lse_complex_divisors divisors[3];
    lse_complex_running running;
    double left;
} complex_outcome;

static void compute_complex(const lse_complex_kernels *k, int is_double, ptrdiff_t n, const lse_complex_line *tile,
                            const lse_weight_line *given, complex_outcome *out)
{
    lse_weight_line weights[LSE_SHORT];
    lse_complex_sums lanes;
    char *runs[LSE_COMPLEX_LANES];
    const size_t size = (size_t)n * sizeof *tile;
    const ptrdiff_t lines = n < LSE_LINES ? n : LSE_LINES, steps = n < LSE_STEPS ? n : LSE_STEPS;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 10; i++) memcpy(out->lines[i], tile, size);
    for (int i = 0; i < k->lanes; i++) runs[i] = (char *)out->runs + (size_t)i * sizeof out->runs / (size_t)k->lanes;
    k->turn_back(tile, n, runs);
    k->turn((const char *const *)runs, n, out->lines[0]);
    k->collect(tile, k->lanes * lines - 3, (char *)out->run);
    k->deal((const char *)out->run, k->lanes * lines - 3, out->lines[0]);
    k->sums(out->lines[1], n, 1, &out->sums[0]);
    k->sums(out->lines[3], n, 0, &out->sums[1]);
    k->row(out->lines[7], n, 1, &out->sums[4]);
    memcpy(weights, given, (size_t)n * sizeof *given);
    k->weighted_sums(out->lines[2], weights, n, &out->sums[2]);
    k->finish(&out->sums[0], 0, 1, &out->results[0]);
    k->finish(&out->sums[2], 1, 1, &out->results[1]);
    k->divide(&out->sums[0], LSE_SOFTMAX, &out->divisors[0]);
    k->divide(&out->sums[0], LSE_LOG_SOFTMAX, &out->divisors[1]);
    k->divide(&out->sums[4], LSE_SOFTMAX, &out->divisors[2]);
    k->softmax_of_terms(out->lines[1], n, &out->divisors[0]);
    k->softmax_of_terms(out->lines[7], n, &out->divisors[2]);
    k->softmax(out->lines[8], n, &out->divisors[2]);
    k->log_softmax(out->lines[3], n, 0, &out->divisors[1]);
    k->log_softmax(out->lines[9], n, 1, &out->divisors[1]);
    k->start(&out->sums[3]);
    k->add(out->lines[4], lines, &out->sums[3]);
    memcpy(out->lines[4], tile, size);
    k->start(&lanes);
    k->add(out->lines[4], steps, &lanes);
    k->merge(&out->sums[3], &lanes);
    k->end(&out->sums[3], 0, 2, &out->sums[1]);
    k->start(&out->sums[5]);
    memcpy(weights, given, (size_t)n * sizeof *given);
    k->add_weighted(out->lines[5], weights, lines, &out->sums[5]);
    k->merge_weighted(&out->sums[5], &out->sums[5]);
    k->end(&out->sums[5], 1, 3, &out->sums[2]);
    out->running.anchor = -INFINITY;
    out->left = (double)k->cumulate(out->lines[6], steps, &out->running);
    if (out->left != 0.0) {
        memcpy(out->lines[6], tile, size);
        k->cumulate(out->lines[6], steps, &out->running);
    }
    memcpy(out->lines[5], tile, size);
    const unsigned rows = k->cumulate_rows(out->lines[5], steps);
    out->left += 2.0 * rows;
    for (int i = 0; i < k->lanes; i++)
        for (ptrdiff_t j = 0; j < steps && rows >> i & 1u; j++) {
            if (is_double) out->lines[5][j].f64.re[i] = out->lines[5][j].f64.im[i] = 0.0;
            else out->lines[5][j].f32.re[i] = out->lines[5][j].f32.im[i] = 0.0f;
        }
}

static void check_complex(const lse_kernels *table)
{
    static complex_outcome own, other;
    static lse_complex_line tile[LSE_SHORT];
    static lse_weight_line weights[LSE_SHORT];
    for (int round = 0; round < 600; round++) {
        const kind_of_data kind = draw_kind();
        const int type = round % 2, number = round / 2;
        const ptrdiff_t n = number < 40 ? number + 1 : 1 + below(LSE_SHORT);
        draw_tile(kind, type, n, tile, weights);
        compute_complex(&table->of_complex[type], type, n, tile, weights, &own);
        compute_complex(&lse_kernels_scalar()->of_complex[type], type, n, tile, weights, &other);
        check_elements("complex", own.lines, other.lines, offsetof(complex_outcome, sums), type);
        check_doubles("complex sums", own.sums, other.sums, sizeof own - offsetof(complex_outcome, sums));
    }
    for (int i = 0; i < 20000; i++) {
        double x[2], y[2];
        const double angle = draw_angle();
        table->of_complex[1].direction(angle, &x[0], &x[1]);
        lse_kernels_scalar()->of_complex[1].direction(angle, &y[0], &y[1]);
        check_doubles("a direction", x, y, sizeof x);
    }
}
