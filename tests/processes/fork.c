/* A child reduces on many threads after its parent ran an OpenMP region, before any call of lse. */
#include <lse/lse.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 64, N = 1 << 14 };
static double x[ROWS * N], values[ROWS];

int main(void)
{
    int members = 0, status;
#pragma omp parallel num_threads(4) reduction(+ : members)
    members += 1;
    const pid_t child = fork();
    if (child == 0) {
        alarm(30);
        _exit(lse_logsumexp_rows_f64(x, N, 1, ROWS, N, values, 4) == 0 && values[ROWS - 1] > 9.7 ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return 2;
    printf("%d %d\n", members, status);
    return 0;
}
