/* Angles of complex numbers, in double precision. */

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

/* The same to float precision, within 2^-30 of itself, of any x and y whose quotient of the lesser by the greater is no
 * subnormal number that matters. */
LSE_INLINE vf64 short_angle_of(vf64 x, vf64 y)
{
    enum { TERMS = sizeof ATAN_SHORT / sizeof ATAN_SHORT[0] };
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), two = vf64_set(2.0), minus = vf64_set(-1.0);
    const vf64 width = vf64_abs(x), height = vf64_abs(y), sign_x = vf64_with_sign(one, x);
    const vf64 most = vf64_max(width, height), least = vf64_min(width, height);
    const vf64 border = vf64_mul(most, vf64_set(0x1.a827999fcef32p-2)); /* tan(pi / 8) */
    const vf64 up = vf64_select(border, least, least, vf64_sub(least, most));
    const vf64 down = vf64_select(border, least, most, vf64_add(least, most));
    const vf64 z = vf64_div(up, down), s = vf64_mul(z, z);
    vf64 p = vf64_set(ATAN_SHORT[TERMS - 1]);
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--) p = vf64_fma(p, s, vf64_set(ATAN_SHORT[k]));
    /* side atan(z) + eighths pi / 4 */
    vf64 eighths = vf64_select(border, least, zero, one), side = vf64_select(width, height, one, minus);
    eighths = vf64_select(width, height, eighths, vf64_sub(two, eighths));
    eighths = vf64_select(sign_x, zero, eighths, vf64_sub(vf64_set(4.0), eighths));
    side = vf64_mul(side, sign_x);
    const vf64 angle = vf64_fma(vf64_fma(vf64_mul(z, s), p, z), side, vf64_mul(eighths, vf64_set(0.25 * PI_HI)));
    return vf64_select(zero, most, zero, vf64_mul(angle, vf64_with_sign(one, y)));
}

/* An angle below 2^22 in two parts, brought into (-pi, pi]. */
LSE_INLINE vf64 within_a_turn(vf64 angle, vf64 angle_lo, vf64 *lo)
{
    const vf64 magic = vf64_set(0x1.8p52), zero = vf64_set(0.0), pi = vf64_set(PI_HI);
    const vf64 turns = vf64_sub(vf64_fma(angle, vf64_set(0.25 * TWO_OVER_PI_f64), magic), magic);
    const vf64 n = vf64_select(pi, vf64_abs(angle), zero, vf64_mul(turns, vf64_set(-4.0)));
    vf64 lost;
    const vf64 first = vf64_fma(n, vf64_set(HALF_PI_1_f64), angle), second = vf64_mul(n, vf64_set(HALF_PI_2_f64));
    const vf64 whole = two_sum_f64(first, second, &lost);
    const vf64 sum = two_sum_f64(whole, vf64_add(lost, vf64_fma(n, vf64_set(HALF_PI_3_f64), angle_lo)), lo);
    return vf64_min(vf64_max(sum, vf64_set(-PI_HI)), pi);
}
