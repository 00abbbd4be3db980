/* Products of matrices in log space. Lines become factors (kernels/products.h), their products sums, tile by tile, and
 * sums logarithms. */
#include "engine/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/product_job.h"

/* One product ------------------------------------------------------------------------------------------------ */

/* n in as many pieces as pieces of `most` would be, as equal as they can be: the length of one. */
static ptrdiff_t share(ptrdiff_t n, ptrdiff_t most, ptrdiff_t unit)
{ return lse_round_up(lse_quotient_up(n, lse_quotient_up(n, most)), unit); }

/* How large a tile is. Where one of the operands is but a tile wide, the factors of the other are used once: so few
 * lines of it that these stay in the cache. There are tiles for all threads. */
static void cut(lse_job *p, int threads)
{
    enum { CACHED = 1 << 15 }; /* factors */
    const ptrdiff_t panel = p->k->panel, lines = lse_most(1, CACHED / p->steps);
    const int is_narrow = p->m <= LSE_TILE_PANELS * panel, is_low = p->n <= LSE_TILE_ROWS;
    p->rows = share(p->n, is_narrow && !is_low ? lse_least(LSE_TILE_ROWS, lse_most(16, lines)) : LSE_TILE_ROWS, 8);
    p->columns = share(
        p->m, is_low ? lse_least(LSE_TILE_PANELS * panel, lse_most(panel, lines)) : LSE_TILE_PANELS * panel, panel);
    while (threads > 1 && lse_quotient_up(p->n, p->rows) * lse_quotient_up(p->m, p->columns) < 2 * threads) {
        if (p->rows > 16 && p->rows >= p->columns / 2) p->rows = lse_round_up(p->rows / 2, 8);
        else if (p->columns > panel) p->columns = lse_round_up(p->columns / 2, panel);
        else break;
    }
}

/* Many rows of few elements become columns, whose factors are made side by side. The bits stay. */
static void turn(lse_job *p)
{
    const lse_matrix a = p->a;
    const ptrdiff_t n = p->n, row_stride = p->out_row_stride;
    if (p->of_a.factors || p->of_b.factors || p->is_thin || p->steps > LSE_FEW_STEPS || p->n <= p->m) return;
    p->a = lse_transposed(p->b);
    p->b = lse_transposed(a);
    p->n = p->m;
    p->m = n;
    p->out_row_stride = p->out_column_stride;
    p->out_column_stride = row_stride;
}

/* One product by so many threads. Factors are made once where more than one tile needs them. All that one thread works
 * with is one block: a process that frees more than its largest block at a time gives memory back to the system, and
 * has to get it again, which can take as long as the product. */
static void multiply(lse_job *p, int threads)
{
    turn(p);
    cut(p, threads);
    const ptrdiff_t down = lse_quotient_up(p->n, p->rows), across = lse_quotient_up(p->m, p->columns);
    const int make_a = !p->of_a.factors && across > 1, make_b = !p->of_b.factors && (down > 1 || p->is_thin);
    const ptrdiff_t of_a = make_a ? lse_room_of_left(p) : 0, of_b = make_b ? lse_room_of_right(p) : 0;
    const ptrdiff_t of_tile =
        threads == 1 ? lse_room_of_tile(p, make_a || p->of_a.factors, make_b || p->of_b.factors) : 0;
    void *block = NULL;
    double *room = of_a + of_b + of_tile ? lse_new_doubles(of_a + of_b + of_tile, &block, p->failed) : NULL;
    if (lse_is_stopped(p->failed)) {
        free(block);
        return;
    }
    p->room = threads == 1 ? room + of_a + of_b : NULL;
    if (make_a) lse_make_left(p, room, threads);
    if (make_b) lse_make_right(p, room + of_a, threads);
    if (!lse_is_stopped(p->failed)) p->run(lse_product_tile, p, down * across, threads);
    free(block);
}

/* Batches ---------------------------------------------------------------------------------------------------- */

static lse_matrix matrix_of(const lse_array *a)
{
    const int last = a->ndim - 1, is_double = a->itemsize == (int)sizeof(double);
    const int is_native = a->kind == 'f' && !a->swapped && (is_double || a->itemsize == (int)sizeof(float));
    return (lse_matrix){a->data,
                        a->shape[last - 1],
                        a->shape[last],
                        a->stride[last - 1],
                        a->stride[last],
                        is_native ? a->itemsize : 0,
                        is_double ? LSE_F64 : LSE_F32,
                        lse_load_for(a->kind, a->itemsize, a->swapped, sizeof(double))};
}

static void set_up(lse_job *p, const lse_product *q, int *failed)
{
    memset(p, 0, sizeof *p);
    p->k = &q->table->products;
    p->type = q->type;
    p->run = q->run;
    p->failed = failed;
}

/* Sums of one block of steps have no rests, nor, for results that are rounded to floats, those of 2^13; those of thin
 * products do. Sums of so many products of factors near 2^(2 headroom) do not overflow. What is lost, a product or a
 * factor times the greatest partner, is below 2^(headroom - 1021), and `least` is 2^58 times that of all steps. */
static void set_steps(lse_job *p, ptrdiff_t steps)
{
    p->steps = steps;
    p->has_rests = p->is_thin || steps > (p->type == LSE_F64 ? LSE_PRODUCT_STEPS : 1 << 20);
    p->headroom = steps <= 1 << 20 ? 500.0 : 480.0;
    p->least = (double)steps * ldexp(1.0, (int)p->headroom - 1021 + 58);
}

typedef struct {
    const lse_job *p;
    const lse_product *q;
} batch;

/* The product of one pair of matrices of many. */
static lse_job product_at(const batch *b, ptrdiff_t index)
{
    lse_job p = *b->p;
    const lse_product *q = b->q;
    for (int axis = q->out.ndim - 3; axis >= 0; axis--) {
        const ptrdiff_t at = index % q->out.shape[axis];
        index /= q->out.shape[axis];
        p.a.data += at * q->a.stride[axis];
        p.b.data += at * q->b.stride[axis];
        p.out += at * q->out.stride[axis];
    }
    return p;
}

static void batch_task(void *context, ptrdiff_t index)
{
    lse_job p = product_at((const batch *)context, index);
    if (!lse_is_stopped(p.failed)) multiply(&p, 1);
}

int lse_multiply(const lse_product *q)
{
    const int last = q->out.ndim - 1;
    int failed = 0;
    lse_job p;
    set_up(&p, q, &failed);
    p.a = matrix_of(&q->a);
    p.b = matrix_of(&q->b);
    p.n = p.a.rows;
    p.m = p.b.columns;
    p.is_thin = p.m <= LSE_THIN && p.a.columns > LSE_FEW_STEPS;
    set_steps(&p, p.a.columns);
    p.out = q->out.data;
    p.out_row_stride = q->out.stride[last - 1];
    p.out_column_stride = q->out.stride[last];
    p.store = lse_store_for(q->out.kind, q->out.itemsize, sizeof(double));
    if (!p.a.load || !p.b.load || !p.store) return LSE_NO_KERNEL;
    if (q->of_a) p.of_a = *q->of_a;
    if (q->of_b) p.of_b = *q->of_b;
    ptrdiff_t count = 1;
    for (int axis = 0; axis < last - 1; axis++) count *= q->out.shape[axis];
    /* a product costs some eight steps for each element that a reduction reads, and elements cost what they do there */
    const double work = (double)p.n * (double)p.m * (double)p.steps / 8.0 +
                        (double)p.steps * ((double)p.n + (double)p.m) + (double)p.n * (double)p.m;
    const double all = work * (double)count;
    const int threads = lse_threads_for(all < 1e9 ? (ptrdiff_t)all : (ptrdiff_t)1 << 30, 1 << 16, q->threads);
    const lse_question before = q->question ? lse_ask_meanwhile(q->question) : NULL;
    const lse_fp_state found = lse_fp_enter();
    const batch b = {&p, q};
    if (count >= threads) {
        q->run(batch_task, (void *)&b, count, threads);
    } else {
        for (ptrdiff_t i = 0; i < count && !lse_is_stopped(&failed); i++) {
            lse_job one = product_at(&b, i);
            multiply(&one, threads);
        }
    }
    lse_fp_leave(found);
    if (q->question) lse_ask_meanwhile(before);
    return failed;
}

/* Prepared operands ------------------------------------------------------------------------------------------ */

int lse_make_factors(lse_factors *factors, const lse_product *q, int right)
{
    int failed = 0;
    lse_job p;
    set_up(&p, q, &failed);
    p.a = p.b = matrix_of(right ? &q->b : &q->a);
    p.n = p.a.rows;
    p.m = p.b.columns;
    const ptrdiff_t steps = right ? p.b.rows : p.a.columns;
    p.is_thin = p.m <= LSE_THIN && steps > LSE_FEW_STEPS;
    set_steps(&p, steps);
    memset(factors, 0, sizeof *factors);
    if (!p.a.load) return LSE_NO_KERNEL;
    const int threads = lse_threads_for(p.n * p.m, 1 << 16, q->threads);
    const lse_fp_state found = lse_fp_enter();
    void *block;
    double *room = lse_new_doubles(right ? lse_room_of_right(&p) : lse_room_of_left(&p), &block, &failed);
    if (room && right) lse_make_right(&p, room, threads);
    else if (room) lse_make_left(&p, room, threads);
    lse_fp_leave(found);
    *factors = right ? p.of_b : p.of_a;
    factors->block = block;
    if (failed) lse_free_factors(factors);
    return failed;
}

void lse_free_factors(lse_factors *factors)
{
    free(factors->block);
    memset(factors, 0, sizeof *factors);
}
