/* The functions of one and two numbers, for selftest.c: any numbers, close ones, and pairs whose result is nearly 0. */
enum { PAIRS = 200 };

static void draw_pair(double *x, double *y)
{
    const double log2 = 0x1.62e42fefa39efp-1, off = (uniform() - 0.5) * ldexp(1, (int)-below(50));
    *x = draw();
    switch (below(4)) {
    case 0: *y = draw(); break;
    case 1: *y = *x + off; break;
    case 2:
        *x = -log2 + off;
        *y = -log2 - off;
        break;
    default: *x = ldexp(uniform() - 0.5, (int)-below(1070)); *y = *x < 0 ? -uniform() : uniform() * 800 - 800;
    }
}

static void check_pointwise(const lse_kernels *const *tables)
{
    static char args[3][8 * PAIRS], expected[8 * PAIRS];
    for (int turn = 0; turn < 400; turn++)
        for (int f = 0; f < LSE_POINTWISE; f++) {
            const int is_double = turn % 2, inputs = f == LSE_LOGADDEXP || f == LSE_LOGSUBEXP ? 2 : 1;
            const ptrdiff_t size = is_double ? 8 : 4, n = 1 + below(PAIRS);
            const ptrdiff_t steps[] = {below(5) ? size : 0, size, size};
            for (ptrdiff_t i = 0; i < PAIRS; i++) {
                double wide[2];
                draw_pair(&wide[0], &wide[1]);
                for (int j = 0; j < 2; j++) {
                    const float narrow = (float)wide[j];
                    memcpy(args[j] + i * size, is_double ? (void *)&wide[j] : (void *)&narrow, (size_t)size);
                }
            }
            char *own[] = {args[0], inputs == 2 ? args[1] : expected, expected};
            const lse_type type = is_double ? LSE_F64 : LSE_F32;
            lse_kernels_scalar()->real[type].pointwise[f](own, steps, n);
            for (int t = 0; tables[t]; t++) {
                own[inputs] = args[2];
                tables[t]->real[type].pointwise[f](own, steps, n);
                for (ptrdiff_t i = 0; i < n; i++) {
                    const double a = real_at(args[2], i, is_double), b = real_at(expected, i, is_double);
                    compare(&a, &b, 1, "function of numbers", tables[t]->name, f);
                }
            }
        }
}
