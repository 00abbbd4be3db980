/* log(sum(exp(x))) of numbers from the command line, in C. */
#include <lse/lse.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const int n = argc - 1;
    double value, *x = malloc(((size_t)n + 1) * sizeof *x);
    if (!x) return 1;
    for (int i = 0; i < n; i++) x[i] = atof(argv[i + 1]);
    const int error = lse_logsumexp_f64(x, n, &value);
    free(x);
    if (error) {
        fprintf(stderr, "%s\n", lse_error_message(error));
        return 1;
    }
    printf("%.17g\n", value);
    return 0;
}
