/* Operands of products: how they are read, and their factors. */
#include "engine/product_job.h"

#include <math.h>

#include "kernels/coefficients.h"

enum { CHUNK = 64 }; /* elements of each line of a panel that are converted together */

/* Reading ---------------------------------------------------------------------------------------------------- */

static ptrdiff_t magnitude(ptrdiff_t n) { return n < 0 ? -n : n; }

void lse_read_block(const lse_matrix *m, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, double *to,
                    ptrdiff_t pitch)
{
    const char *from = m->data + row * m->row_stride + column * m->column_stride;
    double line[CHUNK];
    if (columns == 1 && pitch == 1) {
        m->load(from, m->row_stride, rows, to);
    } else if (magnitude(m->column_stride) <= magnitude(m->row_stride) || rows > CHUNK) {
        for (ptrdiff_t i = 0; i < rows; i++)
            m->load(from + i * m->row_stride, m->column_stride, columns, to + i * pitch);
    } else {
        for (ptrdiff_t j = 0; j < columns; j++) {
            m->load(from + j * m->column_stride, m->row_stride, rows, line);
            for (ptrdiff_t i = 0; i < rows; i++) to[i * pitch + j] = line[i];
        }
    }
}

const double *lse_read_row(const lse_matrix *m, ptrdiff_t row, ptrdiff_t start, ptrdiff_t n, double *to)
{
    const char *from = m->data + row * m->row_stride + start * m->column_stride;
    if (m->native && m->column_stride == (ptrdiff_t)sizeof(double)) return (const double *)(const void *)from;
    m->load(from, m->column_stride, n, to);
    return to;
}

/* Factors ---------------------------------------------------------------------------------------------------- */

/* The anchor of a line, and how far its elements lie apart; of a line that the kernels cannot take, infinitely. */
static void set_level(double headroom, double max, double least, double nan, double *anchor, double *spread)
{
    const int usual = max <= LSE_FAR_f64 && nan == 0.0 && !(max > -INFINITY && max < -LSE_FAR_f64);
    const double n = usual && max > -INFINITY ? max * LOG2E_f64 : 0.0;
    *anchor = ((n + 0x1.8p52) - 0x1.8p52) - headroom;
    *spread = !usual ? (double)INFINITY : least <= max ? max - least : 0.0;
}

const double *lse_see_row(const lse_job *p, const lse_matrix *m, ptrdiff_t row, double *buffer, double *anchor,
                          double *spread)
{
    double max = -INFINITY, least = INFINITY, nan = 0.0;
    const double *x = buffer;
    for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
        n = lse_least(LSE_STRIP, p->steps - k);
        x = lse_read_row(m, row, k, n, buffer);
        p->k->join_extent(x, n, &max, &least, &nan);
    }
    set_level(p->headroom, max, least, nan, anchor, spread);
    return x;
}

void lse_factor_rows(const lse_job *p, const lse_matrix *m, ptrdiff_t first, ptrdiff_t count, lse_factors *to)
{
    double buffer[LSE_STRIP];
    for (ptrdiff_t i = 0; i < count && !lse_is_stopped(p->failed); i++) {
        const double *x = lse_see_row(p, m, first + i, buffer, &to->anchor[i], &to->spread[i]);
        for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
            n = lse_least(LSE_STRIP, p->steps - k);
            if (p->steps > LSE_STRIP) x = lse_read_row(m, first + i, k, n, buffer);
            p->k->factors_of_line[p->type](x, n, to->anchor[i], to->factors + i * to->pitch + k);
        }
    }
}

/* `count` columns of a panel, rows step .. step + n, where they lie or in a tile of whole vectors. */
static const double *read_panel(const lse_matrix *m, ptrdiff_t step, ptrdiff_t n, ptrdiff_t first, ptrdiff_t count,
                                ptrdiff_t width, double *tile, ptrdiff_t *pitch)
{
    const ptrdiff_t size = sizeof(double);
    if (count == width && m->native && m->column_stride == size && m->row_stride % size == 0) {
        *pitch = m->row_stride / size;
        return (const double *)(const void *)(m->data + step * m->row_stride + first * size);
    }
    *pitch = width;
    lse_read_block(m, step, n, first, count, tile, width);
    return tile;
}

/* A panel of columns: `width` of them, of which those beyond the matrix are 0. */
static void factor_panel(const lse_job *p, ptrdiff_t first, ptrdiff_t width, double *factors, double *anchor,
                         double *spread)
{
    enum { MOST = 32 };
    double tile[CHUNK * MOST], max[MOST], least[MOST], nan[MOST];
    const ptrdiff_t count = lse_least(width, p->m - first);
    const double *x = tile;
    ptrdiff_t pitch = width;
    for (ptrdiff_t j = 0; j < width; j++) {
        max[j] = -INFINITY;
        least[j] = INFINITY;
        nan[j] = 0.0;
    }
    for (ptrdiff_t i = 0; i < CHUNK * width && count < width; i++) tile[i] = -INFINITY;
    for (ptrdiff_t k = 0, n; k < p->steps && !lse_is_stopped(p->failed); k += n) {
        n = lse_least(CHUNK, p->steps - k);
        x = read_panel(&p->b, k, n, first, count, width, tile, &pitch);
        p->k->join_extents(x, pitch, n, width, max, least, nan);
    }
    for (ptrdiff_t j = 0; j < width; j++) set_level(p->headroom, max[j], least[j], nan[j], &anchor[j], &spread[j]);
    for (ptrdiff_t k = 0, n; k < p->steps && !lse_is_stopped(p->failed); k += n) {
        n = lse_least(CHUNK, p->steps - k);
        if (p->steps > CHUNK) x = read_panel(&p->b, k, n, first, count, width, tile, &pitch);
        p->k->factors_of_lines[p->type](x, pitch, n, width, anchor, factors + k * width);
    }
}

void lse_factor_panels(const lse_job *p, ptrdiff_t first, ptrdiff_t count, lse_factors *to)
{
    for (ptrdiff_t j = 0; j < count; j += p->k->panel)
        factor_panel(p, first + j, lse_width_at(p, first + j), to->factors + j * p->steps, to->anchor + j,
                     to->spread + j);
}

int lse_new_lines(const lse_job *p, ptrdiff_t lines, ptrdiff_t pitch, lse_factors *to)
{
    const ptrdiff_t padded = lse_round_up(lines, p->k->vector);
    to->lines = lines;
    to->steps = p->steps;
    to->pitch = pitch;
    to->factors = padded < PTRDIFF_MAX / 16 / (pitch + 2) ? lse_new_doubles(padded * (pitch + 2), p->failed) : NULL;
    if (!to->factors) {
        LSE_STORE(p->failed, LSE_NO_MEMORY);
        return 0;
    }
    to->anchor = to->factors + padded * pitch;
    to->spread = to->anchor + padded;
    return 1;
}

enum { LINES = 48 }; /* of a task that makes factors: whole panels of every width */

static void rows_task(void *context, ptrdiff_t index)
{
    const lse_job *p = (const lse_job *)context;
    lse_factors some = lse_some_factors(&p->of_a, index * LINES);
    lse_factor_rows(p, &p->a, index * LINES, lse_least(LINES, p->n - index * LINES), &some);
}

static void panels_task(void *context, ptrdiff_t index)
{
    const lse_job *p = (const lse_job *)context;
    lse_factors some = lse_some_factors(&p->of_b, index * LINES);
    lse_factor_panels(p, index * LINES, lse_least(LINES, p->m - index * LINES), &some);
}

void lse_make_left(lse_job *p, int threads)
{
    if (lse_new_lines(p, p->n, lse_pitch_of(p->steps), &p->of_a))
        p->run(rows_task, p, lse_quotient_up(p->n, LINES), threads);
}

void lse_make_right(lse_job *p, int threads)
{
    const lse_matrix turned = lse_transposed(p->b);
    if (!lse_new_lines(p, p->m, p->is_thin ? lse_pitch_of(p->steps) : p->steps, &p->of_b)) return;
    if (p->is_thin) lse_factor_rows(p, &turned, 0, p->m, &p->of_b);
    else p->run(panels_task, p, lse_quotient_up(p->m, LINES), threads);
}
