/* The part of golden.c that is the same for both types, included once for each: TYPE is its name, REAL the type, FN(f)
 * the name of f for it, LSE(f) that of a function of lse.h. */

static void FN(fill)(REAL *x, REAL *b, ptrdiff_t n)
{
    for (int r = 0; r < ROWS; r++)
        for (ptrdiff_t i = 0; i < n; i++) {
            const uint64_t at = (uint64_t)(r * n + i), w = word((uint64_t)n, at);
            x[r * n + i] = r == 10 ? FN(raw)(w) : (REAL)element(r, n, i, w);
            b[r * n + i] = (REAL)weight(r, word((uint64_t)n + 1000000, at));
        }
}

static void FN(transpose)(const REAL *x, ptrdiff_t rows, ptrdiff_t n, REAL *out)
{
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t i = 0; i < n; i++) out[i * rows + r] = x[r * n + i];
}

static void FN(row_by_row)(digest *d, const REAL *x, const REAL *b, ptrdiff_t n)
{
    for (int r = 0; r < ROWS; r++) {
        const REAL *row = x + r * n, *weights = b + r * n;
        REAL found[2];
        double sum[2];
        lse_state state;
        check(LSE(logsumexp_weighted)(row, 1, weights, 1, n, &found[0], &found[1]));
        FN(add)(&d[WEIGHTED], found, 2);
        check(lse_state_init(&state));
        check(LSE(state_update)(&state, row, 1, NULL, 0, n / 3));
        check(LSE(state_update)(&state, row + n / 3, 1, NULL, 0, n - n / 3));
        check(lse_state_finish(&state, &sum[0], &sum[1]));
        add_f64(&d[STATE], sum, 2);
    }
}

static void FN(one_size)(digest *d, ptrdiff_t n, int threads)
{
    const size_t count = (size_t)(ROWS * n);
    REAL *x = (REAL *)allocated(count, sizeof(REAL)), *turned = (REAL *)allocated(count, sizeof(REAL));
    REAL *b = (REAL *)allocated(count, sizeof(REAL)), *out = (REAL *)allocated(count, sizeof(REAL));
    REAL *back = (REAL *)allocated(count, sizeof(REAL));
    FN(fill)(x, b, n);
    FN(transpose)(x, ROWS, n, turned);
    check(LSE(logsumexp_rows)(x, n, 1, ROWS, n, out, threads));
    FN(add)(&d[LOGSUMEXP], out, ROWS);
    check(LSE(logsumexp_rows)(turned, 1, ROWS, ROWS, n, out, threads));
    FN(add)(&d[COLUMNS], out, ROWS);
    check(LSE(softmax_rows)(x, n, 1, ROWS, n, out, n, 1, threads));
    FN(add)(&d[SOFTMAX], out, ROWS * n);
    check(LSE(softmax_rows)(turned, 1, ROWS, ROWS, n, out, 1, ROWS, threads));
    FN(transpose)(out, n, ROWS, back);
    FN(add)(&d[SOFTMAX_COLUMNS], back, ROWS * n);
    check(LSE(log_softmax_rows)(x, n, 1, ROWS, n, out, n, 1, threads));
    FN(add)(&d[LOG_SOFTMAX], out, ROWS * n);
    FN(row_by_row)(d, x, b, n);
    free(x), free(turned), free(b), free(out), free(back);
}

static void FN(print)(int threads)
{
    digest d[NAMES];
    memset(d, 0, sizeof d);
    for (ptrdiff_t n = 1; n < SHORT; n++) FN(one_size)(d, n, threads);
    for (size_t i = 0; i < sizeof LONGER / sizeof *LONGER; i++) FN(one_size)(d, LONGER[i], threads);
    for (int i = 0; i < NAMES; i++) printf("%016llx %s %s\n", (unsigned long long)d[i].sum, TYPE, NAME[i]);
}
