/* Operands of products: how they are read, and their factors. */
#include "engine/product_job.h"

#include <math.h>
#include <string.h>

#include "kernels/coefficients.h"

enum { CHUNK = 64 }; /* elements of each line of a panel that are converted together */

/* Reading ---------------------------------------------------------------------------------------------------- */

static ptrdiff_t magnitude(ptrdiff_t n) { return n < 0 ? -n : n; }

/* Elements of columns that are runs of floats or doubles: each run becomes a column. */
#define TURN(name, real)                                                                                               \
    static void name(const char *from, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, double *to,                \
                     ptrdiff_t pitch)                                                                                  \
    {                                                                                                                  \
        for (ptrdiff_t j = 0; j < columns; j++, from += stride)                                                        \
            for (ptrdiff_t i = 0; i < rows; i++) {                                                                     \
                real x;                                                                                                \
                memcpy(&x, from + i * (ptrdiff_t)sizeof x, sizeof x);                                                  \
                to[i * pitch + j] = (double)x;                                                                         \
            }                                                                                                          \
    }
TURN(turn_floats, float)
TURN(turn_doubles, double)
#undef TURN

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
    } else if (m->size != 0 && m->row_stride == m->size) {
        (m->element == LSE_F32 ? turn_floats : turn_doubles)(from, m->column_stride, rows, columns, to, pitch);
    } else {
        for (ptrdiff_t j = 0; j < columns; j++) {
            m->load(from + j * m->column_stride, m->row_stride, rows, line);
            for (ptrdiff_t i = 0; i < rows; i++) to[i * pitch + j] = line[i];
        }
    }
}

const void *lse_read_row(const lse_matrix *m, ptrdiff_t row, ptrdiff_t start, ptrdiff_t n, double *to, lse_type *type)
{
    const char *from = m->data + row * m->row_stride + start * m->column_stride;
    if (m->size != 0 && (m->column_stride == m->size || n == 1)) {
        *type = m->element;
        return from;
    }
    *type = LSE_F64;
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

const void *lse_see_row(const lse_job *p, const lse_matrix *m, ptrdiff_t row, double *buffer, double *anchor,
                        double *spread, lse_type *type)
{
    double max = -INFINITY, least = INFINITY, nan = 0.0;
    const void *x = buffer;
    for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
        n = lse_least(LSE_STRIP, p->steps - k);
        x = lse_read_row(m, row, k, n, buffer, type);
        p->k->join_extent[*type](x, n, &max, &least, &nan);
    }
    set_level(p->headroom, max, least, nan, anchor, spread);
    return x;
}

void lse_factor_rows(const lse_job *p, const lse_matrix *m, ptrdiff_t first, ptrdiff_t count, lse_factors *to)
{
    double buffer[LSE_STRIP];
    lse_type type = LSE_F64;
    for (ptrdiff_t i = 0; i < count && !lse_is_stopped(p->failed); i++) {
        const void *x = lse_see_row(p, m, first + i, buffer, &to->anchor[i], &to->spread[i], &type);
        for (ptrdiff_t k = 0, n; k < p->steps; k += n) {
            n = lse_least(LSE_STRIP, p->steps - k);
            if (p->steps > LSE_STRIP) x = lse_read_row(m, first + i, k, n, buffer, &type);
            p->k->factors_of_line[p->type][type](x, n, to->anchor[i], to->factors + i * to->pitch + k);
        }
    }
}

int lse_are_columns_readable(const lse_matrix *m)
{ return m->size != 0 && (m->column_stride == m->size || m->columns == 1) && m->row_stride % m->size == 0; }

enum { MOST = 32 }; /* lines of a panel */

/* `count` columns, rows step .. step + n, where they lie or, no more than MOST of CHUNK, in a buffer; their type. */
static const void *read_columns(const lse_matrix *m, ptrdiff_t step, ptrdiff_t n, ptrdiff_t first, ptrdiff_t count,
                                double *buffer, ptrdiff_t *pitch, lse_type *type)
{
    if (lse_are_columns_readable(m)) {
        *pitch = m->row_stride / m->size;
        *type = m->element;
        return m->data + step * m->row_stride + first * m->size;
    }
    *pitch = count;
    *type = LSE_F64;
    lse_read_block(m, step, n, first, count, buffer, count);
    return buffer;
}

void lse_see_columns(const lse_job *p, const lse_matrix *b, ptrdiff_t first, ptrdiff_t count, double *anchor,
                     double *spread)
{
    enum { SO_MANY = LSE_TILE_PANELS * MOST };
    double buffer[CHUNK * MOST], max[SO_MANY], least[SO_MANY], nan[SO_MANY];
    const ptrdiff_t most = lse_are_columns_readable(b) ? (ptrdiff_t)SO_MANY : (ptrdiff_t)MOST;
    for (ptrdiff_t j = 0, m; j < count; j += m) {
        m = lse_least(most, count - j);
        const ptrdiff_t width = lse_round_up(m, p->k->vector);
        for (ptrdiff_t i = 0; i < width; i++) {
            max[i] = -INFINITY;
            least[i] = INFINITY;
            nan[i] = 0.0;
        }
        for (ptrdiff_t k = 0, n; k < p->steps && !lse_is_stopped(p->failed); k += n) {
            ptrdiff_t pitch;
            lse_type type;
            n = lse_least(CHUNK, p->steps - k);
            const void *x = read_columns(b, k, n, first + j, m, buffer, &pitch, &type);
            p->k->join_extents[type](x, pitch, n, m, max, least, nan);
        }
        for (ptrdiff_t i = 0; i < width; i++)
            set_level(p->headroom, max[i], least[i], nan[i], &anchor[j + i], &spread[j + i]);
    }
}

void lse_factor_panel(const lse_job *p, const lse_matrix *b, ptrdiff_t first, ptrdiff_t width, ptrdiff_t step,
                      ptrdiff_t steps, const double *anchor, double *factors)
{
    double buffer[CHUNK * MOST];
    const ptrdiff_t count = lse_least(width, b->columns - first);
    for (ptrdiff_t k = 0, n; k < steps; k += n) {
        ptrdiff_t pitch;
        lse_type type;
        n = lse_least(CHUNK, steps - k);
        const void *x = read_columns(b, step + k, n, first, count, buffer, &pitch, &type);
        p->k->factors_of_lines[p->type][type](x, pitch, n, count, anchor, factors + k * width);
    }
}

/* All factors ------------------------------------------------------------------------------------------------ */

ptrdiff_t lse_room_of_lines(ptrdiff_t lines, ptrdiff_t pitch)
{
    const ptrdiff_t padded = lse_round_up(lines, 8);
    return padded < PTRDIFF_MAX / 64 / (pitch + 2) ? padded * (pitch + 2) : PTRDIFF_MAX / 64 + 1;
}

void lse_place_lines(const lse_job *p, ptrdiff_t lines, ptrdiff_t pitch, double *room, lse_factors *to)
{
    const ptrdiff_t padded = lse_round_up(lines, 8);
    to->lines = lines;
    to->steps = p->steps;
    to->pitch = pitch;
    to->factors = room;
    to->anchor = room + padded * pitch;
    to->spread = to->anchor + padded;
}

/* Columns as rows, or in panels. */
static ptrdiff_t pitch_of_right(const lse_job *p) { return p->is_thin ? lse_pitch_of(p->steps) : p->steps; }

ptrdiff_t lse_room_of_left(const lse_job *p) { return lse_room_of_lines(p->n, lse_pitch_of(p->steps)); }
ptrdiff_t lse_room_of_right(const lse_job *p) { return lse_room_of_lines(p->m, pitch_of_right(p)); }

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
    const ptrdiff_t first = index * LINES, count = lse_least(LINES, p->m - first);
    const lse_factors some = lse_some_factors(&p->of_b, first);
    lse_see_columns(p, &p->b, first, count, some.anchor, some.spread);
    for (ptrdiff_t j = 0; j < count && !lse_is_stopped(p->failed); j += p->k->panel)
        lse_factor_panel(p, &p->b, first + j, lse_width_at(p, first + j), 0, p->steps, some.anchor + j,
                         some.factors + j * p->steps);
}

void lse_make_left(lse_job *p, double *room, int threads)
{
    lse_place_lines(p, p->n, lse_pitch_of(p->steps), room, &p->of_a);
    p->run(rows_task, p, lse_quotient_up(p->n, LINES), threads);
}

void lse_make_right(lse_job *p, double *room, int threads)
{
    const lse_matrix turned = lse_transposed(p->b);
    lse_place_lines(p, p->m, pitch_of_right(p), room, &p->of_b);
    if (p->is_thin) lse_factor_rows(p, &turned, 0, p->m, &p->of_b);
    else p->run(panels_task, p, lse_quotient_up(p->m, LINES), threads);
}
