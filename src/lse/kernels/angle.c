/* Great angles, brought into (-pi, pi] by integers (Payne and Hanek). */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "coefficients.h"
#include "kernels.h"
#include "pair.h"

/* Words of 1 / (2 pi) that matter, from the first whose product with the angle is no whole number of turns; of the
 * product of them and the angle's 53 bits; of the fraction of a turn that is kept. */
enum { WORDS = 7, PRODUCT = WORDS + 2, KEPT = 4 };

/* With |x| = m 2^e the product of m and the words is within 2^-140 of a turn. No double is nearer to a whole number of
 * turns than 2^-62, so that 2^-66 of the angle is left: below 0.5001 ulp. */
double lse_reduce_angle(double x)
{
    uint32_t words[PRODUCT] = {0}, fraction[KEPT];
    uint64_t bits, carry = 0;
    memcpy(&bits, &x, sizeof bits);
    const int e = (int)(bits >> 52 & 0x7ff) - 1075, first = e < 0 ? 0 : e / 32;
    const uint64_t m[2] = {bits & 0xffffffffu, (bits >> 32 & 0xfffffu) | 0x100000u};
    for (int i = 0; i < WORDS; i++, carry = 0) { /* the least word first */
        for (int j = 0; j < 2; j++) {
            carry += INVERSE_TURN[first + WORDS - 1 - i] * m[j] + words[i + j];
            words[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        words[i + 2] = (uint32_t)carry;
    }
    /* turns = words 2^(e - 32 first - 32 WORDS) */
    for (int i = 0; i < KEPT; i++) {
        const int low = 32 * (WORDS - KEPT + i) - (e - 32 * first);
        const uint64_t two = (uint64_t)words[low / 32 + 1] << 32 | words[low / 32];
        fraction[i] = (uint32_t)(two >> low % 32);
    }
    const int more_than_half = (int)(fraction[KEPT - 1] >> 31);
    carry = (uint64_t)more_than_half;
    for (int i = 0; i < KEPT; i++) { /* less one turn, and the sign is turned */
        carry += more_than_half ? ~fraction[i] : fraction[i];
        fraction[i] = (uint32_t)carry;
        carry >>= 32;
    }
    const pair high = two_sum(fraction[3] * 0x1p-32, fraction[2] * 0x1p-64);
    const pair low = two_sum(fraction[1] * 0x1p-96, fraction[0] * 0x1p-128);
    const pair turns = two_sum(high.hi, low.hi + high.lo), two_pi = {2.0 * PI_HI, 2.0 * PI_LO};
    const pair angle = product((pair){turns.hi, turns.lo + low.lo}, two_pi);
    const double size = angle.hi + angle.lo;
    return (more_than_half != 0) == (x < 0) ? size : -size;
}
