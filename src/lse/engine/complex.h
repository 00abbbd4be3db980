/* Complex sums: how elements come to the kernels, eight sums or one at a time, and what becomes of those that are out
 * of range. */
#ifndef LSE_COMPLEX_H
#define LSE_COMPLEX_H

#include "engine/plan.h"
#include "kernels/pair.h"

/* A sum, and how its elements are read: with the real part less shift, or, where there are infinite ones that share all
 * there is, 0 in place of +inf and -inf in place of all else. */
typedef struct {
    lse_row row;
    char *out;
    double shift;
    int infinite;
} lse_member;

enum {
    LSE_PAIR = 2 * sizeof(double),                     /* bytes of a complex element, twice those of one of floats */
    LSE_BLOCK_BYTES = LSE_PAIR * LSE_LANES * LSE_LINES /* of a block of a long row */
};

/* The logarithm of a sum, and its direction. */
typedef struct {
    double log, log_lo, angle, angle_lo, sign_re, sign_im;
} lse_complex_value;

/* What the real or the imaginary part of a sum has seen: NaN, +inf, -inf. */
typedef struct {
    int nan, plus, minus;
} lse_component;

/* A cumulative sum so far: as the kernels have it, or where it is far (x + i y) e^max. */
typedef struct {
    lse_complex_running running;
    lse_component seen_x, seen_y;
    int is_far;
    double max;
    pair x, y;
} lse_complex_prefix;

/* complex_lines.c: sums number first, first + 1, ... of all. */
void lse_find_members(const lse_plan *plan, ptrdiff_t first, ptrdiff_t count, lse_member *members);
/* Elements start .. start + n, and their weights, as pairs of floats or doubles where they lie or in the buffer. What
 * is left out is -inf, and its weight 0. */
const char *lse_fetch_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, void *buffer);
const char *lse_fetch_weight_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                                   void *buffer);
/* No more than LSE_SHORT of either as doubles. */
void lse_fetch_doubles(const lse_plan *plan, const lse_member *m, int weights, ptrdiff_t start, ptrdiff_t n,
                       double *to);
/* The reverse, of results of a map; where those from start on lie in a run, or NULL. */
void lse_put_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, const void *pairs);
void lse_put_result(const lse_plan *plan, const lse_member *m, ptrdiff_t at, const double *element);
char *lse_place_of_run(const lse_plan *plan, const lse_member *m, ptrdiff_t start);
/* count <= lanes sums of n <= LSE_SHORT elements at most, padded with -inf, as a tile; and their weights. */
void lse_fill_tile(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                   lse_complex_line *tile);
void lse_fill_weights(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                      lse_weight_line *weights);
void lse_put_tile(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                  const lse_complex_line *tile);

/* Number i of these pairs. */
void lse_set_real_pair(const lse_plan *plan, char *pairs, ptrdiff_t i, double value);
/* An element in all lanes of a line; that of a lane. */
void lse_put_element(const lse_plan *plan, const double *element, lse_complex_line *line);
void lse_take_element(const lse_plan *plan, const lse_complex_line *line, ptrdiff_t lane, double *element);

/* For members whose mapped results are NaN: what is left out becomes 0 or -inf, if there is anything else. */
void lse_put_left_out(const lse_plan *plan, const lse_member *m, double value);

/* complex_sums.c: a sum of any length, in all lanes; and count <= lanes sums of one length of more than LSE_SHORT
 * elements, by so many threads. */
void lse_sum_member(const lse_plan *plan, const lse_member *m, int threads, lse_complex_sums *sums);
void lse_sum_long(const lse_plan *plan, const lse_member *members, ptrdiff_t count, int threads,
                  lse_complex_sums *sums);
/* Sum i in all lanes. */
void lse_put_sum_in_all(const lse_complex_sums *from, int i, lse_complex_sums *to);
/* Whether sum i, or count sums, are within the range that the kernels handle. */
int lse_is_in_range(const lse_plan *plan, const lse_complex_sums *sums, int i);
int lse_are_in_range(const lse_plan *plan, const lse_complex_sums *sums, ptrdiff_t count);
/* complex_careful.c: of a sum that is out of range: its logarithm; or how to read it for a map, where its elements
 * decide, 0 where all results are NaN. */
void lse_careful_value(const lse_plan *plan, const lse_member *m, int threads, lse_complex_value *value);
int lse_careful_member(const lse_plan *plan, lse_member *m);

/* Whether an element can be added by the kernels, alone if need be; and what to do with one that cannot. */
int lse_is_near(const lse_plan *plan, const lse_complex_prefix *p, double re);
void lse_careful_prefix(const lse_plan *plan, lse_complex_prefix *p, const double *a, lse_complex_value *value);

/* complex_cumulative.c, complex_segments.c */
void lse_run_complex_cumulative(lse_plan *plan, int threads);
void lse_cumulate_group(const lse_plan *plan, const lse_member *members, ptrdiff_t count); /* of LSE_STEPS at most */
void lse_run_complex_segments(lse_plan *plan, const lse_request *request, int threads);
/* complex.c: count <= lanes sums of n <= LSE_SHORT elements at most, reduced or mapped; and longer ones of one length
 * mapped, whose sums are known. */
void lse_reduce_members(const lse_plan *plan, lse_member *members, ptrdiff_t count, ptrdiff_t n);
void lse_map_members(const lse_plan *plan, lse_member *members, ptrdiff_t count, ptrdiff_t n);
void lse_map_long(const lse_plan *plan, lse_member *members, ptrdiff_t count, const lse_complex_sums *sums,
                  int threads);
/* complex.c: the logarithms of count <= lanes sums, to where they belong. */
void lse_put_complex_values(const lse_plan *plan, const lse_member *members, ptrdiff_t count,
                            const lse_complex_sums *sums, int threads);

#endif
