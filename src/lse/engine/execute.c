/* The entry to the engine. */
#include <fenv.h>

#include "engine/fp.h"
#include "engine/operations.h"

/* The state of the unit that computes long doubles, which lse_fp_enter leaves alone. */
static int enter_extended(const lse_request *q, fenv_t *found)
{
    if (q->type < LSE_LD && !lse_is_extended(&q->a) && !lse_is_extended(&q->weights)) return 0;
    fegetenv(found);
    fesetenv(FE_DFL_ENV);
    return 1;
}

int lse_execute(const lse_request *q)
{
    fenv_t unit;
    lse_plan plan;
    int failed = 0;
    const lse_fp_state found = lse_fp_enter();
    if ((q->type >= LSE_TYPES && !lse_operations[q->operation].of_any_type) || lse_make_plan(&plan, q, &failed) != 0) {
        lse_fp_leave(found);
        return LSE_NO_KERNEL;
    }
    const ptrdiff_t elements = plan.outer * plan.n * plan.kept_length;
    const int threads = lse_threads_for(elements, plan.type->parallel_from, q->threads);
    const lse_question before = q->question ? lse_ask_meanwhile(q->question) : NULL;
    const int extended = enter_extended(q, &unit);
    if (plan.complex) lse_run_complex(&plan, q, threads);
    else if (!plan.kernels) lse_run_long_double(&plan, q, threads);
    else if (q->offsets) lse_run_segments(&plan, q, threads);
    else if (plan.is_short) lse_run_short(&plan, threads);
    else lse_operations[q->operation].run(&plan, q, threads);
    if (extended) fesetenv(&unit);
    lse_fp_leave(found);
    if (q->question) lse_ask_meanwhile(before);
    return failed;
}
