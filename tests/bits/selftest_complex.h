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

static void draw_tile(kind_of_data kind, ptrdiff_t n, lse_complex_line *tile, lse_weight_line *weights)
{
    const int moderate = kind != ANY;
    for (ptrdiff_t k = 0; k < n; k++)
        for (int i = 0; i < LSE_LANES; i++) {
            tile[k].re[i] = draw_for(kind);
            tile[k].im[i] = moderate ? 8 * uniform() - 4 : draw_angle();
            weights[k].re[i] = moderate ? uniform() - 0.3 : draw_weight();
            weights[k].im[i] = moderate ? uniform() - 0.5 : draw_weight();
            weights[k].exponent[i] = 0.0;
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

/* Everything that becomes of one tile. */
typedef struct {
    lse_complex_line lines[7][LSE_SHORT];
    lse_complex_sums sums[4];
    lse_complex_results results[2];
    lse_complex_divisors divisors[2];
    double runs[LSE_LANES][2 * LSE_SHORT], run[2 * LSE_LANES * LSE_LINES];
    lse_complex_running running;
    double left;
} complex_outcome;

static void compute_complex(const lse_complex_kernels *k, ptrdiff_t n, const lse_complex_line *tile,
                            const lse_weight_line *given, complex_outcome *out)
{
    lse_weight_line weights[LSE_SHORT];
    lse_complex_sums lanes;
    char *runs[LSE_LANES];
    const size_t size = (size_t)n * sizeof *tile;
    const ptrdiff_t lines = n < LSE_LINES ? n : LSE_LINES, steps = n < LSE_STEPS ? n : LSE_STEPS;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 7; i++) memcpy(out->lines[i], tile, size);
    for (int i = 0; i < LSE_LANES; i++) runs[i] = (char *)out->runs[i];
    k->turn_back(tile, n, runs);
    k->turn((const char *const *)runs, n, out->lines[0]);
    k->collect(tile, LSE_LANES * lines - 3, (char *)out->run);
    k->deal((const char *)out->run, LSE_LANES * lines - 3, out->lines[0]);
    k->sums(out->lines[1], n, &out->sums[0]);
    memcpy(weights, given, (size_t)n * sizeof *given);
    k->weighted_sums(out->lines[2], weights, n, &out->sums[1]);
    k->finish(&out->sums[0], 0, 1, &out->results[0]);
    k->finish(&out->sums[1], 1, 1, &out->results[1]);
    k->divide(&out->sums[0], LSE_SOFTMAX, &out->divisors[0]);
    k->divide(&out->sums[0], LSE_LOG_SOFTMAX, &out->divisors[1]);
    k->softmax(out->lines[1], n, &out->divisors[0]);
    memcpy(out->lines[3], tile, size);
    k->log_softmax(out->lines[3], n, &out->divisors[1]);
    k->start(&out->sums[2]);
    k->add(out->lines[4], lines, &out->sums[2]);
    memcpy(out->lines[4], tile, size);
    k->start(&lanes);
    k->add(out->lines[4], steps, &lanes);
    k->merge(&out->sums[2], &lanes);
    k->start(&out->sums[3]);
    memcpy(weights, given, (size_t)n * sizeof *given);
    k->add_weighted(out->lines[5], weights, lines, &out->sums[3]);
    k->merge_weighted(&out->sums[3], &out->sums[3]);
    k->end(&out->sums[3], 3, &out->sums[1]);
    out->running.anchor = -INFINITY;
    out->left = (double)k->cumulate(out->lines[6], steps, &out->running);
    if (out->left != 0.0) {
        memcpy(out->lines[6], tile, size);
        k->cumulate(out->lines[6], steps, &out->running);
    }
    memcpy(out->lines[5], tile, size);
    const unsigned rows = k->cumulate_rows(out->lines[5], steps);
    out->left += 2.0 * rows;
    for (int i = 0; i < LSE_LANES; i++)
        for (ptrdiff_t j = 0; j < steps && rows >> i & 1u; j++) out->lines[5][j].re[i] = out->lines[5][j].im[i] = 0.0;
}

static void check_complex(const lse_kernels *table)
{
    static complex_outcome own, other;
    static lse_complex_line tile[LSE_SHORT];
    static lse_weight_line weights[LSE_SHORT];
    for (int round = 0; round < 300; round++) {
        const kind_of_data kind = draw_kind();
        const ptrdiff_t n = round < 40 ? round + 1 : 1 + below(LSE_SHORT);
        draw_tile(kind, n, tile, weights);
        compute_complex(&table->of_complex, n, tile, weights, &own);
        compute_complex(&lse_kernels_scalar()->of_complex, n, tile, weights, &other);
        check_doubles("complex", &own, &other, sizeof own);
    }
    for (int i = 0; i < 20000; i++) {
        double x[2], y[2];
        const double angle = draw_angle();
        table->of_complex.direction(angle, &x[0], &x[1]);
        lse_kernels_scalar()->of_complex.direction(angle, &y[0], &y[1]);
        check_doubles("a direction", x, y, sizeof x);
    }
}
