/* Sines, cosines and angles, in double precision. */

/* For |x| < 2^21: x = n pi/2 + r, whose sine and cosine are turned n times. Within 1.4 of 2^-53, 1.32 at the worst x
 * known, 0x1.a3b2f062d99c9p+11; next to 0 within 3.2 of 2^-53 of themselves, the cosine of 0x1.65a1dd290660fp+16 at
 * 3.15. Those of small x are x and 1. */
LSE_INLINE void sine_and_cosine(vf64 x, vf64 *sine, vf64 *cosine)
{
    enum { SINES = sizeof SINE / sizeof SINE[0], COSINES = sizeof COSINE / sizeof COSINE[0] };
    const vf64 magic = vf64_set(0x1.8p52), one = vf64_set(1.0);
    const vf64 t = vf64_fma(x, vf64_set(TWO_OVER_PI), magic), n = vf64_sub(t, magic);
    vf64 r = vf64_fma(n, vf64_set(-HALF_PI_1), x);
    r = vf64_fma(n, vf64_set(-HALF_PI_2), r);
    r = vf64_fma(n, vf64_set(-HALF_PI_3), r);
    const vf64 s = vf64_mul(r, r), half = vf64_mul(s, vf64_set(0.5)), rest = vf64_sub(one, half);
    vf64 p = vf64_set(SINE[SINES - 1]), q = vf64_set(COSINE[COSINES - 1]);
    LSE_UNROLL for (int k = SINES - 2; k >= 0; k--) p = vf64_fma(p, s, vf64_set(SINE[k]));
    LSE_UNROLL for (int k = COSINES - 2; k >= 0; k--) q = vf64_fma(q, s, vf64_set(COSINE[k]));
    p = vf64_fma(vf64_mul(r, s), p, r);
    q = vf64_add(rest, vf64_fma(vf64_mul(s, s), q, vf64_sub(vf64_sub(one, rest), half)));
    *sine = vf64_turn_sign(vf64_by_odd(t, q, p), t);
    *cosine = vf64_turn_sign(vf64_by_odd(t, p, q), vf64_add(t, one));
}

/* The angle of x + x_lo + i (y + y_lo), in two parts: +pi where y is 0 and x negative, 0 where both are 0. The greater
 * of x and y is a normal number, and so is its inverse. Within 2^-55.5 of itself: 2^-55.7 at
 * 1 - i 0x1.b281843c4544bp-2.
 *
 * By a division and two reflections it becomes that of 1 + i z with |z| <= tan(pi / 8). */
LSE_INLINE void angle_of(vf64 x, vf64 x_lo, vf64 y, vf64 y_lo, vf64 *angle, vf64 *angle_lo)
{
    enum { TERMS = sizeof ATAN / sizeof ATAN[0] };
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), two = vf64_set(2.0), minus = vf64_set(-1.0);
    const vf64 sign_x = vf64_with_sign(one, x), sign_y = vf64_with_sign(one, y);
    const vf64 width = vf64_abs(x), height = vf64_abs(y);
    const vf64 width_lo = vf64_mul(x_lo, sign_x), height_lo = vf64_mul(y_lo, sign_y);
    const vf64 most = vf64_max(width, height), least = vf64_min(width, height);
    const vf64 most_lo = vf64_select(width, height, width_lo, height_lo);
    const vf64 least_lo = vf64_select(width, height, height_lo, width_lo);
    const vf64 border = vf64_mul(most, vf64_set(0x1.a827999fcef32p-2)); /* tan(pi / 8) */
    vf64 up_lo, down_lo, lost, more;
    const vf64 difference = two_sum_f64(least, vf64_sub(zero, most), &up_lo), sum = two_sum_f64(most, least, &down_lo);
    const vf64 up = vf64_select(border, least, least, difference), down = vf64_select(border, least, most, sum);
    up_lo = vf64_select(border, least, least_lo, vf64_add(up_lo, vf64_sub(least_lo, most_lo)));
    down_lo = vf64_select(border, least, most_lo, vf64_add(down_lo, vf64_add(least_lo, most_lo)));
    const vf64 inverse = vf64_div(one, down), z = vf64_mul(up, inverse), s = vf64_mul(z, z);
    const vf64 rest = vf64_sub(vf64_fma(vf64_sub(zero, z), down, up), vf64_fma(z, down_lo, vf64_sub(zero, up_lo)));
    const vf64 z_lo = vf64_mul(rest, inverse);
    vf64 p = vf64_set(ATAN[TERMS - 1]);
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--) p = vf64_fma(p, s, vf64_set(ATAN[k]));
    const vf64 tail = vf64_fma(vf64_mul(z, s), p, vf64_fma(vf64_sub(zero, z_lo), s, z_lo));
    /* side (z + tail) + eighths pi / 4 */
    vf64 eighths = vf64_select(border, least, zero, one), side = one;
    side = vf64_select(width, height, side, minus);
    eighths = vf64_select(width, height, eighths, vf64_sub(two, eighths));
    eighths = vf64_select(sign_x, zero, eighths, vf64_sub(vf64_set(4.0), eighths));
    side = vf64_mul(side, sign_x);
    const vf64 base = vf64_mul(eighths, vf64_set(0.25 * PI_HI));
    const vf64 base_lo = vf64_fma(eighths, vf64_set(0.25 * PI_LO),
                                  vf64_fma(eighths, vf64_set(0.25 * PI_HI), vf64_sub(zero, base)));
    vf64 whole = two_sum_f64(base, vf64_mul(side, z), &lost);
    whole = two_sum_f64(whole, vf64_add(lost, vf64_fma(side, tail, base_lo)), &more);
    const vf64 is_zero = vf64_select(zero, most, zero, one);
    whole = vf64_mul(whole, sign_y);
    *angle = vf64_select(is_zero, one, whole, zero);
    *angle_lo = vf64_select(is_zero, one, vf64_mul(more, sign_y), zero);
}

/* An angle below 2^22 in two parts, brought into (-pi, pi]. */
LSE_INLINE vf64 within_a_turn(vf64 angle, vf64 angle_lo, vf64 *lo)
{
    const vf64 magic = vf64_set(0x1.8p52), zero = vf64_set(0.0), pi = vf64_set(PI_HI);
    const vf64 turns = vf64_sub(vf64_fma(angle, vf64_set(0.25 * TWO_OVER_PI), magic), magic);
    const vf64 n = vf64_select(pi, vf64_abs(angle), zero, vf64_mul(turns, vf64_set(-4.0)));
    vf64 lost;
    const vf64 whole = two_sum_f64(vf64_fma(n, vf64_set(HALF_PI_1), angle), vf64_mul(n, vf64_set(HALF_PI_2)), &lost);
    const vf64 sum = two_sum_f64(whole, vf64_add(lost, vf64_fma(n, vf64_set(HALF_PI_3), angle_lo)), lo);
    return vf64_min(vf64_max(sum, vf64_set(-PI_HI)), pi);
}
