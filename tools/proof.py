"""Prove the error bounds of the kernels' exponentials and logarithms: ``python tools/proof.py``.

Constants are read from src/lse/kernels/coefficients.h as a compiler reads them. All else is rational arithmetic, so
that the proof depends on no rounding and on no library. The range of each polynomial is divided into pieces. On each,
the error is at most the sum of

- the error of the polynomial with its rounded coefficients: its difference from the Taylor polynomial of the function,
  expanded around the middle of the piece, and the remainder of the Taylor series;
- the rounding error of each operation, half a unit in the last place of its greatest result, times what later
  operations make of it. A fused multiply-add rounds once.

The operations are those of the C functions; who changes one there changes it here. Sums of terms and whole functions
are not covered: `python -m reliability` searches for their errors.
"""

import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, log2
from pathlib import Path

KERNELS = Path(__file__).parents[1] / "src" / "lse" / "kernels"
FINE = 2**220  # irrational numbers are rounded to multiples of 1 / FINE, down or up
PIECES = 2**9  # to an interval of length 1
TERMS = 20  # of Taylor polynomials
ANY_LO = Fraction(1, 2**20)  # lo / hi in log_parts


class ProofError(Exception):
    """A step of an argument does not hold."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise ProofError(f"not proved: {what}")


# What the kernels compute with --------------------------------------------------------------------------------------


def power_below(x: Fraction) -> Fraction:
    """The greatest power of two that is not above x."""
    power = Fraction(2) ** (x.numerator.bit_length() - x.denominator.bit_length())
    return power if power <= x else power / 2


def quantum(x: Fraction) -> Fraction:
    """The greatest power of two of which x, a dyadic number other than 0, is a multiple."""
    return Fraction(x.numerator & -x.numerator, x.denominator)


@dataclass
class Real:
    """float or double, and the constants of the kernels for it."""

    tag: str
    digits: int  # of the significand
    least: int  # 2**least is the smallest positive number
    values: dict[str, Fraction]
    arrays: dict[str, list[Fraction]]

    def __getitem__(self, name: str) -> Fraction:
        return self.values[name if name in self.values else f"{name}_{self.tag}"]

    def array(self, name: str) -> list[Fraction]:
        return self.arrays[name if name in self.arrays else f"{name}_{self.tag}"]

    @property
    def u(self) -> Fraction:
        return Fraction(1, 2**self.digits)

    def half_ulp(self, most: Fraction) -> Fraction:
        """The greatest rounding error of an operation whose exact result has at most this magnitude."""
        return max(power_below(most) * self.u, Fraction(2) ** (self.least - 1)) if most else Fraction(0)


def number(literal: str) -> Fraction:
    """A hexadecimal literal of C, which is rounded to float if it has that suffix."""
    value = float.fromhex(literal.rstrip("f"))
    return Fraction(struct.unpack("f", struct.pack("f", value))[0] if literal.endswith("f") else value)


def read(tag: str, text: str | None = None) -> Real:
    """The type with this tag, f32 or f64; text is that of the headers."""
    if text is None:
        text = "".join((KERNELS / name).read_text("utf-8") for name in ("kernels.h", "coefficients.h"))
    literal = r"-?0x[0-9a-f.]+p[+-]?\d+f?"
    values = {name: number(x) for name, x in re.findall(rf"^#define (\w+) ({literal})", text, re.MULTILINE)}
    aliases = re.findall(r"^#define (\w+) (\w+)$", text, re.MULTILINE)
    values |= {name: values[other] for name, other in aliases if other in values}
    found = re.findall(r"^static const (float|double|int32_t) (\w+)\[\] = \{(.*?)\};", text, re.MULTILINE | re.DOTALL)
    arrays = {
        name: [
            Fraction(int(x, 16)) if kind == "int32_t" else number(x)
            for x in re.findall(r"0x[0-9a-f]+" if kind == "int32_t" else literal, body)
        ]
        for kind, name, body in found
    }
    digits, least = {"f32": (24, -149), "f64": (53, -1074)}[tag]
    return Real(tag, digits, least, values, arrays)


# Functions, within rational bounds ----------------------------------------------------------------------------------


def down(x: Fraction) -> Fraction:
    return Fraction(x.numerator * FINE // x.denominator, FINE)


def up(x: Fraction) -> Fraction:
    return -down(-x)


def exp_bounds(x: Fraction) -> tuple[Fraction, Fraction]:
    """Bounds of e**x for |x| < 1, by its series."""
    terms = 2 * TERMS
    total = sum((x**k / factorial(k) for k in range(terms)), Fraction(0))
    rest = 2 * abs(x) ** terms / factorial(terms)
    return down(total - rest), up(total + rest)


def log_bounds(x: Fraction) -> tuple[Fraction, Fraction]:
    """Bounds of log(x) for x from 1/2 to 2, by the series of 2 atanh((x - 1) / (x + 1))."""
    z, end = (x - 1) / (x + 1), 141
    total = 2 * sum((z**k / k for k in range(1, end, 2)), Fraction(0))
    rest = 3 * abs(z) ** end / end
    return down(total - rest), up(total + rest)


def away(x: Fraction, bounds: tuple[Fraction, Fraction]) -> Fraction:
    """The greatest distance of x from a number within these bounds."""
    return max(abs(x - bounds[0]), abs(x - bounds[1]))


LN2 = log_bounds(Fraction(2))
LOG2E = (1 / LN2[1], 1 / LN2[0])


# Polynomials on pieces ----------------------------------------------------------------------------------------------


@dataclass
class Piece:
    """An interval, and its greatest magnitude; 0 is not inside."""

    low: Fraction
    high: Fraction
    size: Fraction


def pieces(low: Fraction, high: Fraction) -> Iterator[Piece]:
    """[low, high], divided at the multiples of 1 / PIECES."""
    while low < high:
        end = min(Fraction(low.numerator * PIECES // low.denominator + 1, PIECES), high)
        yield Piece(low, end, max(abs(low), abs(end)))
        low = end


@dataclass
class Polynomial:
    """r**order (c0 + c1 r + ...) in place of the Taylor series from that order on, of which there are TERMS
    coefficients; the remainder is at most rest * |r|**(order + TERMS) for |r| < 1/2."""

    c: list[Fraction]
    taylor: list[Fraction]
    rest: Fraction

    def error(self, at: Piece) -> Fraction:
        """The greatest |series - polynomial| / |r|**order."""
        middle, half = (at.low + at.high) / 2, (at.high - at.low) / 2
        difference = [down(x) for x in self.taylor]
        for k, c in enumerate(self.c):
            difference[k] -= c
        for i in range(TERMS):
            for k in range(TERMS - 2, i - 1, -1):
                difference[k] = down(difference[k] + middle * difference[k + 1])
        # each rounding to 1 / FINE grows by a factor (1 + |middle| + half)**TERMS at most
        lost = Fraction(2 * TERMS**2 * 2**TERMS, FINE)
        return up(sum((abs(d) * half**k for k, d in enumerate(difference)), self.rest * at.size**TERMS + lost))

    def rounding(self, at: Piece, real: Real) -> tuple[Fraction, Fraction]:
        """The greatest magnitude of c0 + c1 r + ... by Horner's rule, and its rounding error."""
        least = most = self.c[-1]
        error = Fraction(0)
        for c in self.c[-2::-1]:
            corners = (least * at.low, least * at.high, most * at.low, most * at.high)
            least, most = c + min(corners), c + max(corners)
            error *= at.size
            error += real.half_ulp(max(abs(least), abs(most)) + error)
        return max(abs(least), abs(most)) + error, error


def of_exp(c: list[Fraction], order: int) -> Polynomial:
    taylor = [Fraction(1, factorial(k)) for k in range(order, order + TERMS)]
    return Polynomial(c, taylor, Fraction(2, factorial(order + TERMS)))


def of_log(c: list[Fraction]) -> Polynomial:
    taylor = [Fraction((-1) ** (k + 1), k) for k in range(2, 2 + TERMS)]
    return Polynomial(c, taylor, Fraction(2, TERMS))


# Exponentials -------------------------------------------------------------------------------------------------------


@dataclass
class Reduction:
    """r = x - n ln(2) / parts, where n is x parts LOG2E + bias, rounded, less bias, for |x| <= far and 1024 more, which
    floors may be beyond it."""

    real: Real
    far: Fraction
    parts: int = 1
    fused: bool = True  # or x parts LOG2E is rounded before, as in exponent_of

    def __post_init__(self) -> None:
        real, parts, log2e, hi = self.real, self.parts, self.real["LOG2E"], self.real["LN2_HI"]
        far = self.far + 1024
        of_n = Fraction(1, 2) + (0 if self.fused else real.half_ulp(parts * far * log2e))
        self.greatest_n = parts * far * log2e + of_n
        self.reach = up(LN2[1] / parts * (of_n + parts * far * away(log2e, LOG2E)))
        # bias is 1.5 * 2^(digits - 1) and an anchor within 1024 of some x log2(e)
        inside = 2 * self.greatest_n + 1024 * parts < 2 ** (real.digits - 2)
        require(inside, "the distance of adjacent numbers at bias + n is 1")
        # where n is not 0, both numbers are multiples of unit
        unit = min(power_below(1 / (2 * parts * log2e)) * 2 * real.u, quantum(hi / parts))
        of_hi = self.greatest_n * away(hi, LN2) / parts
        require(self.reach + of_hi < 2**real.digits * unit, "x - n LN2_HI is exact")

    def error(self, size: Fraction) -> Fraction:
        """Of r, at most this size, which is rounded once: when n LN2_LO is subtracted."""
        low = self.real["LN2_HI"] + self.real["LN2_LO"]
        return self.real.half_ulp(size + 4 * self.real.u) + self.greatest_n * away(low, LN2) / self.parts

    def pieces(self) -> Iterator[Piece]:
        reach = self.reach + 2 * self.error(self.reach)
        return pieces(-reach, reach)


def after(error: Fraction, of_r: Fraction) -> Fraction:
    """The relative error of e**r, from that of the function of the computed r and from the error of the latter."""
    return (1 + error) * (1 + of_r + of_r**2) - 1


def expm1_on(at: Piece, f: Polynomial, real: Real) -> Fraction:
    """The error of r + r**2 p, relative to e**r."""
    square, (most, error) = at.size**2, f.rounding(at, real)
    total = square * (f.error(at) + error) + real.half_ulp(square) * most
    least, greatest = exp_bounds(at.low)[0], exp_bounds(at.high)[1]
    return (total + real.half_ulp(max(greatest - 1, 1 - least) + total)) / least


def expm1(real: Real) -> Fraction:
    """expm1 of exp.h for |r| <= ln(2) / 2, relative to e**r."""
    f, reach = of_exp(real.array("EXP"), 2), LN2[1] / 2
    return max(expm1_on(at, f, real) for at in pieces(-reach, reach))


def exp_parts(real: Real) -> Fraction:
    """exp_parts_at of exp.h, relative."""
    f, reduction = of_exp(real.array("EXP"), 2), Reduction(real, real["LSE_FAR"])
    return max(after(expm1_on(at, f, real), reduction.error(at.size)) for at in reduction.pieces())


def exp(real: Real) -> Fraction:
    """exp of exp.h, relative, if the result is normal."""
    return (1 + exp_parts(real)) * (1 + real.u) - 1


def eighths_exp(real: Real) -> Fraction:
    """eighths_exp of eighths.h, relative, including its table."""
    f, reduction = of_exp(real.array("EXP_EIGHTHS"), 2), Reduction(real, real["LSE_FAR"], 8)
    of_p = max(after(expm1_on(at, f, real), reduction.error(at.size)) for at in reduction.pieces())
    of_table = Fraction(0)
    for j, bits in enumerate(real.array("EIGHTHS")):
        entry = 1 + (j * 2**20 + bits) / 2**23
        power = (entry * real["EIGHTHS_FACTOR"]) ** 8 / 2**j  # the eighth power of 1 plus the error
        bound = up(abs(power - 1) / 8 + (power - 1) ** 2)
        require((1 - bound) ** 8 <= power <= (1 + bound) ** 8, "the eighth root of an entry")
        of_table = max(of_table, bound)
    return (1 + of_p) * (1 + of_table) - 1


def exp_of_floats(real: Real, name: str, *, with_lo: bool) -> Fraction:
    """1 + r (c0 + c1 r + ...) for |x| within the range of floats, relative: exp_wide of wide.h, which does not subtract
    n LN2_LO, and make_factors of products.h."""
    f, reduction = of_exp(real.array(name), 1), Reduction(real, real["LSE_FAR_f32"])
    of_lo = Fraction(0) if with_lo else reduction.greatest_n * abs(real["LN2_LO"])
    reach, worst = reduction.reach + 2 * (reduction.error(reduction.reach) + of_lo), Fraction(0)
    for at in pieces(-reach, reach):
        least, greatest = exp_bounds(at.low)[0], exp_bounds(at.high)[1]
        total = at.size * (f.error(at) + f.rounding(at, real)[1])
        error = (total + real.half_ulp(greatest + total)) / least
        worst = max(worst, after(error, reduction.error(at.size) + of_lo))
    return worst


def exp_of_rests(real: Real) -> Fraction:
    """exp_of_rests of finish.h, both parts together, relative."""
    f, reduction = of_exp(real.array("EXP"), 2), Reduction(real, real["LSE_FAR"], fused=False)
    of_n = reduction.greatest_n * abs(real["LN2_LO"])
    of_constants = reduction.greatest_n * away(real["LN2_HI"] + real["LN2_LO"], LN2) + real.half_ulp(of_n)
    worst = Fraction(0)
    for at in reduction.pieces():
        # the two parts of r are all of it where the first summand is the greater one
        of_parts = Fraction(0) if min(abs(at.low), abs(at.high)) > 3 * of_n else 2 * real.half_ulp(4 * of_n)
        of_r = of_constants + of_parts
        r_lo, sum_lost = real.half_ulp(at.size + real.u) + of_parts, real.half_ulp(1 + at.size)
        least, greatest = exp_bounds(at.low)[0], exp_bounds(at.high)[1]
        square, (most, error) = at.size**2, f.rounding(at, real)
        total = square * (f.error(at) + error) + real.half_ulp(square) * most
        # r_lo times the rounded 1 + r, in place of e**r (e**r_lo - 1)
        beyond = greatest - 1 - at.high if at.high > 0 else exp_bounds(at.low)[1] - 1 - at.low
        product = r_lo * (1 + at.size + sum_lost)
        total += r_lo * (beyond + sum_lost) + r_lo**2 * greatest + real.half_ulp(product)
        small = (square + real.half_ulp(square)) * most + product + real.half_ulp(product)
        total += real.half_ulp(small) + real.half_ulp(small + real.half_ulp(small) + sum_lost)
        worst = max(worst, after(total / (least * (1 - r_lo)), of_r))
    return worst


# The logarithm ------------------------------------------------------------------------------------------------------


@dataclass
class Entry:
    """Of the table of log_parts: c and t, the least and the greatest r, and the rounding error of r."""

    c: Fraction
    t: Fraction
    low: Fraction
    high: Fraction
    of_r: Fraction

    @property
    def size(self) -> Fraction:
        return max(-self.low, self.high)


def entries(real: Real, greatest_lo: Fraction) -> list[Entry]:
    """For |lo| <= greatest_lo hi."""
    found, split, u = [], real["LOG_SPLIT"], real.u
    for i, (inverse, t) in enumerate(zip(real.array("INVERSE"), real.array("LOG_OF"), strict=True)):
        c = inverse / 2 ** (2 - real.digits - real.least)
        # hi LOG_SPLIT is rounded before it selects the entry
        low = Fraction(16 + i, 16) / split * (1 - u) * c - 1
        high = Fraction(17 + i, 16) / split * (1 + u) * c - 1
        of_hi = Fraction(0) if c == 1 else real.half_ulp(max(-low, high))  # hi - 1 is exact
        of_lo = greatest_lo * (1 + high) + u  # and its rounding errors
        entry = Entry(c, t, down(low - of_lo), up(high + of_lo), of_hi)
        entry.of_r += real.half_ulp(entry.size)
        found.append(entry)
    return found


def require_exact_sums(real: Real, table: list[Entry], greatest_k: int) -> None:
    """In log_parts, what y lacks of k LN2_HEAD + t + r is computed exactly: k LN2_HEAD + t is a number, and either 0 or
    greater than r, as Dekker's sum requires, and y - k LN2_HEAD is a number."""
    head, t, r = real["LN2_HEAD"], max(abs(e.t) for e in table), max(e.size for e in table)
    unit = min(quantum(x) for x in (head, *(e.t for e in table)) if x)
    require(greatest_k * head + t < 2**real.digits * unit, "k LN2_HEAD + t is exact")
    greater = head - t > r and all(e.t == 0 or abs(e.t) > e.size for e in table)
    require(greater, "k LN2_HEAD + t is 0 or greater than r")
    last = min(power_below(head - t - r) * 2 * real.u, quantum(head))  # y and k LN2_HEAD are multiples of it
    most = t + r + real.half_ulp(greatest_k * head + t + r)
    require(most < 2**real.digits * last, "y - k LN2_HEAD is exact")


def log_parts(real: Real, greatest_lo: Fraction = ANY_LO) -> Fraction:
    """log_parts of logs.h, for exponents |k + n| < 4096 or 256, absolute."""
    f, table, greatest_k = of_log(real.array("LOG")), entries(real, greatest_lo), {24: 256, 53: 4096}[real.digits]
    require_exact_sums(real, table, greatest_k)
    head, tail = real["LN2_HEAD"], real["LN2_TAIL"]
    rest = real.half_ulp(greatest_k * head + 1) + greatest_k * abs(tail)  # the greatest t
    of_k = greatest_k * away(head + tail, LN2) + real.half_ulp(rest)
    worst = Fraction(0)
    for entry in table:
        of_entry = away(-entry.t, log_bounds(entry.c)) + of_k + entry.of_r / (1 + entry.low)
        for at in pieces(entry.low, entry.high):
            square, (most, error) = at.size**2, f.rounding(at, real)
            of_square = real.half_ulp(square)
            of_sum = real.half_ulp((square + of_square) * most + rest + real.half_ulp(rest))
            worst = max(worst, of_entry + square * (f.error(at) + error) + of_square * most + of_sum)
    return worst


def log_short(real: Real) -> Fraction:
    """logs_of_products_f32 of products.h, absolute, for sums whose logarithm is below 16."""
    f, greatest_k = of_log(real.array("LOG_SHORT")), 32
    of_k, worst = greatest_k * away(real["LN2_HI"], LN2), Fraction(0)
    for entry in entries(real, Fraction(0)):
        of_entry = away(-entry.t, log_bounds(entry.c)) + of_k + entry.of_r / (1 + entry.low)
        for at in pieces(entry.low, entry.high):
            square, (most, error) = at.size**2, f.rounding(at, real)
            of_sums = real.half_ulp(1) + real.half_ulp(32) + real.half_ulp(32) + real.half_ulp(square) * most
            worst = max(worst, of_entry + square * (f.error(at) + error) + of_sums)
    return worst


def log_near_0(real: Real, greatest_lo: Fraction = ANY_LO) -> Fraction:
    """The same where k + n = 0 and c = 1, so that y is r, relative. If lo is 0, r is exact."""
    f, u, worst = of_log(real.array("LOG")), real.u, Fraction(0)
    (entry,) = (entry for entry in entries(real, greatest_lo) if entry.t == 0)
    require(entry.c == 1, "hi - 1 is exact")
    subnormal = 3 * Fraction(2) ** (real.least // 2)  # what is lost of r**2 below the normal numbers, divided by r
    for at in pieces(entry.low, entry.high):
        most, error = f.rounding(at, real)
        of_rest = at.size * (f.error(at) + error + u * most * (2 + u)) + subnormal
        of_r = u / (1 + at.low) if greatest_lo else Fraction(0)
        worst = max(worst, (of_r + of_rest * (1 + u)) * (1 + max(at.high, Fraction(0))))
    return worst


# What is stated in the comments of the kernels ----------------------------------------------------------------------


@dataclass
class Bound:
    """Of the error of a C function: what its comment states, in 2**-53 or 2**-24, or as a power of two if negative."""

    where: str
    tag: str
    stated: float
    proved: Callable[[Real], Fraction]

    def value(self, real: Real) -> float:
        """What is proved, rounded up, in the unit of what is stated."""
        proved = up(self.proved(real))
        shown = log2(proved) if self.stated < 0 else float(proved / real.u)
        return shown + abs(shown) * 2.0**-40


BOUNDS = [
    Bound("expm1 (exp.h)", "f64", 0.54, expm1),
    Bound("expm1 (exp.h)", "f32", 0.51, expm1),
    Bound("exp_parts_at (exp.h)", "f64", 0.79, exp_parts),
    Bound("exp_parts_at (exp.h)", "f32", 0.77, exp_parts),
    Bound("exp (exp.h)", "f64", 1.79, exp),
    Bound("exp (exp.h)", "f32", 1.77, exp),
    Bound("eighths_exp (eighths.h)", "f32", 0.12, eighths_exp),
    Bound("exp_wide_at (wide.h)", "f64", -28.8, lambda real: exp_of_floats(real, "EXP_WIDE", with_lo=False)),
    Bound("make_factors (products.h)", "f64", -40.1, lambda real: exp_of_floats(real, "EXP_SHORT", with_lo=True)),
    Bound("exp_of_rests (finish.h)", "f64", 0.29, exp_of_rests),
    Bound("log_parts (logs.h)", "f64", -57.5, log_parts),
    Bound("log_parts (logs.h)", "f32", -28.1, log_parts),
    Bound("logs_of_products (products.h)", "f64", -37, log_short),
    Bound("log_parts (logs.h), near 0", "f64", 1.14, log_near_0),
    Bound("log_parts (logs.h), near 0", "f32", 1.62, log_near_0),
    Bound("log_parts (logs.h), near 0, lo = 0", "f64", -56, lambda real: log_near_0(real, Fraction(0))),
    Bound("log_parts (logs.h), near 0, lo = 0", "f32", -24.7, lambda real: log_near_0(real, Fraction(0))),
]


def main(bounds: Iterable[Bound] = BOUNDS) -> None:
    reals, failed = {tag: read(tag) for tag in ("f32", "f64")}, False
    print(f"{'function':<38} {'type':<4} {'stated':>8} {'proved':>9}")
    for bound in bounds:
        value = bound.value(reals[bound.tag])
        failed |= value > bound.stated
        power = "2^" if bound.stated < 0 else ""
        print(f"{bound.where:<38} {bound.tag:<4} {f'{power}{bound.stated}':>8} {f'{power}{value:.4f}':>9}", flush=True)
    if failed:
        sys.exit("what is stated is less than what is proved")


if __name__ == "__main__":
    main()
