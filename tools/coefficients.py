"""Generate src/lse/kernels/coefficients.h: ``python tools/coefficients.py``.

Minimax polynomials by the Remez exchange in 60-digit arithmetic. The errors printed beside them are
those of the rounded coefficients, measured on a grid of 4001 points. With ``--check`` nothing is written.

Needs mpmath and NumPy.
"""

from collections.abc import Callable
from pathlib import Path

import mpmath as mp
import numpy as np
from generated import ROOT, main

mp.mp.dps = 60

HEADER = ROOT / "src" / "lse" / "kernels" / "coefficients.h"
POINTS = 1500
SPLIT = mp.mpf("1.46875")  # so that 1 is in the middle of an interval of the table of logarithms

Function = Callable[[mp.mpf], mp.mpf]


def round_to(x: mp.mpf, bits: int) -> mp.mpf:
    """Round x to a significand of `bits` bits."""
    with mp.workprec(bits):
        return +mp.mpf(x)


def extrema(grid: list[mp.mpf], errors: list[mp.mpf], count: int) -> list[mp.mpf]:
    """Pick `count` points of alternating sign, each the largest error of its run of equal signs."""
    runs: list[int] = []
    for i, error in enumerate(errors):
        if runs and (errors[runs[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[runs[-1]]):
                runs[-1] = i
        else:
            runs.append(i)
    while len(runs) > count:
        runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
    return [grid[i] for i in runs]


def remez(f: Function, weight: Function, degrees: list[int], lo: mp.mpf, hi: mp.mpf) -> list[mp.mpf]:
    """Coefficients c of sum(c[k] x**degrees[k]) that minimise max |weight (sum - f)| on [lo, hi]."""
    grid = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * i / POINTS) for i in range(POINTS + 1)]
    heaviest = max(map(weight, grid))
    grid = [x for x in grid if weight(x) > heaviest / 10**4]
    values = [f(x) for x in grid]
    weights = [weight(x) for x in grid]
    size = len(degrees) + 1
    nodes = [grid[round(i * (len(grid) - 1) / (size - 1))] for i in range(size)]
    for _ in range(30):
        rows = [[x**d for d in degrees] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)]
        *c, level = mp.lu_solve(mp.matrix(rows), mp.matrix([f(x) for x in nodes]))
        errors = [
            w * (sum(ck * x**d for ck, d in zip(c, degrees, strict=True)) - y)
            for x, y, w in zip(grid, values, weights, strict=True)
        ]
        nodes = extrema(grid, errors, size)
        if len(nodes) < size or max(map(abs, errors)) < abs(level) * (1 + mp.mpf(10) ** -6):
            break
    return c


def fit(f: Function, weight: Function, degree: int, lo: mp.mpf, hi: mp.mpf, bits: int) -> list[mp.mpf]:
    """Minimax polynomial, its coefficients then rounded to `bits` bits."""
    return [round_to(c, bits) for c in remez(f, weight, list(range(degree + 1)), lo, hi)]


def log2_error(f: Function, weight: Function, c: list[mp.mpf], lo: mp.mpf, hi: mp.mpf) -> float:
    grid = (lo + (hi - lo) * i / 4000 for i in range(4001))
    return float(mp.log(max(abs(weight(x) * (mp.polyval(c[::-1], x) - f(x))) for x in grid), 2))


def exp_coefficients(degree: int, bits: int) -> tuple[list[mp.mpf], float]:
    """c[2:] of e**r = 1 + r + c2 r**2 + ..., least relative error on |r| <= 0.3505.

    The interval exceeds ln(2)/2 by what the rounding of log2(e) can misplace for |x| up to LSE_FAR,
    the limit of the kernels.
    """
    half = mp.mpf("0.3505")

    def f(r: mp.mpf) -> mp.mpf:
        return mp.mpf(1) / 2 + r / 6 if abs(r) < mp.mpf(10) ** -20 else (mp.expm1(r) - r) / r**2

    def weight(r: mp.mpf) -> mp.mpf:
        return r**2 / mp.exp(r)

    c = fit(f, weight, degree - 2, -half, half, bits)
    return c, log2_error(f, weight, c, -half, half)


def wide_coefficients(degree: int) -> tuple[list[mp.mpf], float]:
    """c of e**r = 1 + r (c0 + c1 r + ...), least relative error on |r| <= ln(2)/2, for floats in double precision."""
    half = mp.mpf("0.3467")

    def f(r: mp.mpf) -> mp.mpf:
        return 1 + r / 2 if abs(r) < mp.mpf(10) ** -20 else mp.expm1(r) / r

    def weight(r: mp.mpf) -> mp.mpf:
        return abs(r) / mp.exp(r)

    c = fit(f, weight, degree - 1, -half, half, 53)
    return c, log2_error(f, weight, c, -half, half)


def eighths_coefficients(degree: int) -> tuple[list[mp.mpf], float]:
    """c[2:] of e**r = 1 + r + c2 r**2 + ..., least relative error on |r| <= ln(2)/16."""
    half = mp.mpf("0.04335")

    def f(r: mp.mpf) -> mp.mpf:
        return mp.mpf(1) / 2 + r / 6 if abs(r) < mp.mpf(10) ** -20 else (mp.expm1(r) - r) / r**2

    def weight(r: mp.mpf) -> mp.mpf:
        return r**2 / mp.exp(r)

    c = fit(f, weight, degree - 2, -half, half, 24)
    return c, log2_error(f, weight, c, -half, half)


def eighths_table() -> tuple[list[int], float, float]:
    """Eight floats near c 2**(j / 8) whose relative errors are as equal as can be, less what the shift of j adds to
    their bits; the factor 1 / c, errors included; and how far the errors are from equal, in units of 2**-24."""
    powers = np.array([float(mp.mpf(2) ** (mp.mpf(j) / 8)) for j in range(8)])
    steps = np.arange(0, int((2**0.125 - 1) * 2**23) * 8, dtype=np.float64)
    best: tuple[float, float, np.ndarray, float] = (np.inf, 1.0, powers, 0.0)
    for start in range(0, len(steps), 400_000):
        c = 1 + steps[start : start + 400_000] * 2.0**-26
        exact = np.outer(c, powers)
        rounded = exact.astype(np.float32).astype(np.float64)
        errors = (rounded - exact) / exact * 2**24
        spread = (errors.max(1) - errors.min(1)) / 2
        i = int(spread.argmin())
        if spread[i] < best[0]:
            best = (float(spread[i]), float(c[i]), rounded[i], float(errors[i].max() + errors[i].min()) / 2)
    spread, c, table, middle = best
    bits = [int(x) - 0x3F800000 - (j << 20) for j, x in enumerate(table.astype(np.float32).view(np.uint32))]
    return bits, float(1 / (mp.mpf(c) * (1 + mp.mpf(middle) * mp.mpf(2) ** -24))), spread


def atanh_coefficients(degree: int) -> tuple[list[mp.mpf], float]:
    """c of atanh(z) = z + z s (c0 + c1 s + ...), s = z**2, for (1 - z)/(1 + z) within sqrt(2) of 1."""
    top = (mp.mpf("0.1716")) ** 2

    def f(s: mp.mpf) -> mp.mpf:
        z = mp.sqrt(s)
        return mp.mpf(1) / 3 + s / 5 if s < mp.mpf(10) ** -20 else (mp.atanh(z) / z - 1) / s

    def weight(s: mp.mpf) -> mp.mpf:
        return s + top / 100

    c = fit(f, weight, degree, mp.mpf(0), top, 53)
    return c, log2_error(f, weight, c, mp.mpf(0), top)


def series_coefficients(
    f: Function, series: Function, degree: int, top: mp.mpf, order: int, bits: int
) -> tuple[list[mp.mpf], float]:
    """c of c0 + c1 s + ... = f(s) for s in [0, top], least error times s**order; `series` is f near 0."""

    def near(s: mp.mpf) -> mp.mpf:
        return series(s) if s < mp.mpf(10) ** -20 else f(s)

    def weight(s: mp.mpf) -> mp.mpf:
        return s**order + top**order / 100

    c = fit(near, weight, degree, mp.mpf(0), top, bits)
    return c, log2_error(near, weight, c, mp.mpf(0), top)


def circular_coefficients() -> list[tuple[list[mp.mpf], float]]:
    """c of sin r = r + r s (c0 + c1 s + ...) and cos r = 1 - s / 2 + s**2 (c0 + c1 s + ...), s = r**2, for |r| a little
    beyond pi/4, for doubles and for floats, and of atan z = z + z s (c0 + c1 s + ...) for z up to tan(pi/8), of full
    and of float precision."""

    def sine(s: mp.mpf) -> mp.mpf:
        return (mp.sin(mp.sqrt(s)) / mp.sqrt(s) - 1) / s

    def cosine(s: mp.mpf) -> mp.mpf:
        return (mp.cos(mp.sqrt(s)) - 1 + s / 2) / s**2

    def atan(s: mp.mpf) -> mp.mpf:
        return (mp.atan(mp.sqrt(s)) / mp.sqrt(s) - 1) / s

    def of_sine(s: mp.mpf) -> mp.mpf:
        return -mp.mpf(1) / 6 + s / 120

    def of_cosine(s: mp.mpf) -> mp.mpf:
        return mp.mpf(1) / 24 - s / 720

    def of_atan(s: mp.mpf) -> mp.mpf:
        return -mp.mpf(1) / 3 + s / 5

    far, farther, half = mp.mpf("0.7855") ** 2, mp.mpf("0.8") ** 2, mp.mpf("0.41422") ** 2
    return [
        series_coefficients(sine, of_sine, 5, far, 1, 53),
        series_coefficients(cosine, of_cosine, 5, far, 2, 53),
        series_coefficients(sine, of_sine, 2, farther, 1, 24),
        series_coefficients(cosine, of_cosine, 2, farther, 2, 24),
        series_coefficients(atan, of_atan, 10, half, 1, 53),
        series_coefficients(atan, of_atan, 4, half, 1, 53),
    ]


def angle_constants() -> str:
    """Pi in pieces, and the digits of 1 / (2 pi)."""
    with mp.workprec(1400):
        quarter = mp.pi / 2
        first = round_to(quarter, 31)
        second = round_to(quarter - first, 31)
        words = [int(mp.floor(mp.ldexp(1 / (2 * mp.pi), 32 * (i + 1)))) % 2**32 for i in range(40)]
        pairs = {
            "PI_HI": round_to(mp.pi, 53),
            "PI_LO": round_to(mp.pi - round_to(mp.pi, 53), 53),
            "TWO_OVER_PI_f64": round_to(2 / mp.pi, 53),
            "HALF_PI_1_f64": first,
            "HALF_PI_2_f64": second,
            "HALF_PI_3_f64": round_to(quarter - first - second, 53),
        }
        first, floats = round_to(quarter, 24), {"TWO_OVER_PI_f32": round_to(2 / mp.pi, 24)}
        second = round_to(quarter - first, 24)
        floats |= {"HALF_PI_1_f32": first, "HALF_PI_2_f32": second}
        floats |= {"HALF_PI_3_f32": round_to(quarter - first - second, 24)}
    lines = [", ".join(f"0x{x:08x}u" for x in words[i : i + 8]) for i in range(0, len(words), 8)]
    return (
        "/* pi in two parts; pi / 2 in three, of doubles so short ones that products with |n| < 2^22 are exact. */\n"
        + "".join(f"#define {name} {float(x).hex()}\n" for name, x in pairs.items())
        + "".join(f"#define {name} {float(x).hex()}f\n" for name, x in floats.items())
        + "/* 1 / (2 pi) = sum(INVERSE_TURN[i] 2^(-32 (i + 1))) */\nstatic const uint32_t INVERSE_TURN[] = {\n    "
        + ",\n    ".join(lines)
        + ",\n};\n"
    )


def inverse_factorials(terms: int, pairs: int) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """1/k! for k < terms, and for k < pairs what rounding it to a double loses."""
    exact = [1 / mp.factorial(k) for k in range(terms)]
    hi = [round_to(x, 53) for x in exact]
    return hi, [round_to(x - y, 53) for x, y in zip(exact[:pairs], hi, strict=False)]


def log_coefficients(degree: int, bits: int, half: mp.mpf, power: int) -> tuple[list[mp.mpf], float]:
    """c of log(1 + r) = r + r**2 (c0 + c1 r + ...), least error on |r| <= half, divided by |r|**power."""

    def f(r: mp.mpf) -> mp.mpf:
        return -mp.mpf(1) / 2 + r / 3 if abs(r) < mp.mpf(10) ** -20 else (mp.log1p(r) - r) / r**2

    def weight(r: mp.mpf) -> mp.mpf:
        return abs(r) ** (2 - power)

    c = fit(f, weight, degree, -half, half, bits)
    return c, log2_error(f, weight, c, -half, half)


def log_table(bits: int, step: int, stride: int, error: int) -> tuple[list[mp.mpf], list[mp.mpf], mp.mpf]:
    """Reciprocals c[i] for f in [1 + i / 16, 1 + (i + 1) / 16) / SPLIT, their t = -log(c), and the largest |c f - 1|.

    t is a multiple of 2**-step that was chosen so that log of the rounded c differs from it by less than 2**-error
    (Gal's accurate tables).
    """
    reciprocals, logs, worst = [], [], mp.mpf(0)
    for i in range(16):
        lo, hi = (mp.mpf(16 + i) / 16 / SPLIT, mp.mpf(17 + i) / 16 / SPLIT)
        middle = mp.nint(mp.log((lo + hi) / 2) * 2**step)
        for j in range(10**4):
            t = (middle + (stride * (j // 2) if j % 2 else -stride * (j // 2))) / 2**step
            c = round_to(mp.exp(-t), bits)
            if abs(mp.log(c) + t) < mp.mpf(2) ** -error:
                break
        else:
            raise ValueError("no accurate entry")
        reciprocals.append(c)
        logs.append(t)
        worst = max(worst, abs(c * lo - 1), abs(c * hi - 1))
    return reciprocals, logs, worst


def sixteenths_table() -> tuple[list[mp.mpf], list[mp.mpf]]:
    """2**(-j / 16) as doubles, and the logarithms of what rounding them loses."""
    exact = [mp.mpf(2) ** (-mp.mpf(j) / 16) for j in range(16)]
    rounded = [round_to(x, 53) for x in exact]
    return rounded, [mp.log(x / y) for x, y in zip(exact, rounded, strict=True)]


def power_series(f: Function, degree: int, half: mp.mpf, power: int) -> tuple[list[mp.mpf], float]:
    """Minimax polynomial of f on |r| <= half for least error times |r|**power, as doubles."""

    def weight(r: mp.mpf) -> mp.mpf:
        return abs(r) ** power

    c = fit(f, weight, degree, -half, half, 53)
    return c, log2_error(f, weight, c, -half, half)


def exp_rest(r: mp.mpf, terms: int) -> mp.mpf:
    """(e**r - 1 - r)/r**2, or with three terms ((e**r - 1 - r)/(r**2/2) - 1)/r."""
    with mp.workdps(120):
        two = (mp.expm1(r) - r) / r**2 if r else mp.mpf(1) / 2
        return two if terms == 2 else (2 * two - 1) / r if r else mp.mpf(1) / 3


def log_rest(r: mp.mpf, terms: int) -> mp.mpf:
    """(log(1 + r) - r)/r**2, or with three terms ((log(1 + r) - r)/(-r**2/2) - 1)/r."""
    with mp.workdps(120):
        two = (mp.log1p(r) - r) / r**2 if r else -mp.mpf(1) / 2
        return two if terms == 2 else (-2 * two - 1) / r if r else -mp.mpf(2) / 3


def limbs(name: str, numbers: list[int], words: int, comment: str) -> str:
    """Numbers of 64-bit words, the least significant first."""
    rows = ["{" + ", ".join(f"0x{x >> 64 * i & (2**64 - 1):016x}" for i in range(words)) + "}" for x in numbers]
    body = ",\n    ".join(rows)
    return f"/* {comment} */\nstatic const uint64_t {name}[][{words}] = {{\n    {body},\n}};\n"


def fixed_point() -> list[str]:
    """What kernels/log_near_one.c needs."""
    with mp.workdps(120):
        ln2 = int(mp.floor(mp.log(2) * mp.mpf(2) ** 256))
        factorials = [int(mp.nint(mp.mpf(2) ** 190 / mp.factorial(k + 1))) for k in range(36)]
    words = ", ".join(f"0x{ln2 >> 64 * i & (2**64 - 1):016x}" for i in range(4))
    return [
        f"/* ln(2) 2^256, the least significant word first. */\nstatic const uint64_t LN2_WORDS[] = {{{words}}};\n",
        limbs("FACTORIAL_WORDS", factorials, 3, "2^190 / (k + 1)!"),
    ]


def array(name: str, real: str, c: list[mp.mpf], comment: str) -> str:
    suffix = "f" if real == "float" else ""
    body = ",\n    ".join(float(x).hex() + suffix for x in c)
    return f"/* {comment} */\nstatic const {real} {name}[] = {{\n    {body},\n}};\n"


def constants(real: str, tag: str, bits: int) -> str:
    suffix = "f" if real == "float" else ""
    ln2 = mp.log(2)
    hi = round_to(ln2, bits)
    pairs = {
        f"LOG2E_{tag}": round_to(1 / ln2, bits),
        f"LN2_HI_{tag}": hi,
        f"LN2_LO_{tag}": round_to(ln2 - hi, bits),
    }
    return "".join(f"#define {name} {float(x).hex()}{suffix}\n" for name, x in pairs.items())


SINES, COSINES, ATANS = (
    "sin(r) = r + r s (c0 + c1 s + ...), s = r^2, |r| <= {}, relative",
    "cos(r) = 1 - s / 2 + s^2 (c0 + c1 s + ...), s = r^2, |r| <= {},",
    "atan(z) = z + z s (c0 + c1 s + ...), s = z^2, z <= tan(pi / 8), relative",
)
CIRCULAR = (
    ("SINE_f64", "double", SINES.format(0.7855)),
    ("COSINE_f64", "double", COSINES.format(0.7855)),
    ("SINE_f32", "float", SINES.format(0.8)),
    ("COSINE_f32", "float", COSINES.format(0.8)),
    ("ATAN", "double", ATANS),
    ("ATAN_SHORT", "double", ATANS),
)


def generate() -> dict[Path, str]:
    exp32, error32 = exp_coefficients(6, 24)
    exp64, error64 = exp_coefficients(11, 53)
    wide, error_wide = wide_coefficients(6)
    factor_terms, error_factor = wide_coefficients(8)
    eighths, error_eighths = eighths_coefficients(4)
    table, factor, spread = eighths_table()
    atanh, error_atanh = atanh_coefficients(7)
    circular = circular_coefficients()
    factorials, factorials_lo = inverse_factorials(24, 14)
    ln2_short = round_to(mp.log(2), 40)
    ln2_middle = round_to(mp.log(2) - ln2_short, 40)
    ln2_short32 = round_to(mp.log(2), 16)
    c32, t32, worst32 = log_table(24, 16, 1, 31)
    c64, t64, worst64 = log_table(53, 41, 4099, 60)
    log32, error_log32 = log_coefficients(2, 24, worst32, 1)
    log64, error_log64 = log_coefficients(7, 53, worst64, 1)
    log_short, error_log_short = log_coefficients(3, 53, worst64, 0)
    sixteenths, sixteenths_lo = sixteenths_table()
    logs_lo = [-mp.log(c) - t for c, t in zip(c64, t64, strict=True)]
    narrow = mp.log(2) / 32 * (1 + mp.mpf(2) ** -20)
    exp_fine, error_exp_fine = power_series(lambda r: exp_rest(r, 3), 6, narrow, 3)
    exp_brief, error_exp_brief = power_series(lambda r: exp_rest(r, 2), 4, narrow, 2)
    log_fine, error_log_fine = power_series(lambda r: log_rest(r, 3), 9, worst64, 3)
    log_brief, error_log_brief = power_series(lambda r: log_rest(r, 2), 5, worst64, 2)
    log_comment = "log(1 + r) = r + r^2 (c0 + c1 r + ...), {} error 2^{:.2f} for |r| <= {}"
    text = "\n".join(
        [
            "/* Generated by tools/coefficients.py; edit that instead. */\n#ifndef LSE_COEFFICIENTS_H"
            "\n#define LSE_COEFFICIENTS_H\n\n#include <stdint.h>\n",
            "/* log2(e), and ln(2) as the sum of two numbers. */\n"
            + constants("float", "f32", 24)
            + constants("double", "f64", 53),
            "/* ln(2) in three parts, the first two so short that their products with |k| < 4096 are exact. */\n"
            f"#define LN2_SHORT {float(ln2_short).hex()}\n"
            f"#define LN2_MIDDLE {float(ln2_middle).hex()}\n"
            f"#define LN2_LEAST {float(mp.log(2) - ln2_short - ln2_middle).hex()}\n",
            array("EXP_f32", "float", exp32, f"e^r = 1 + r + r^2 (c0 + c1 r + ...), relative error 2^{error32:.2f}"),
            array("EXP_f64", "double", exp64, f"e^r = 1 + r + r^2 (c0 + c1 r + ...), relative error 2^{error64:.2f}"),
            array("EXP_WIDE", "double", wide, f"e^r = 1 + r (c0 + c1 r + ...), relative error 2^{error_wide:.2f}"),
            array(
                "EXP_SHORT", "double", factor_terms, f"the same, with more terms, relative error 2^{error_factor:.2f}"
            ),
            "/* The bits of c 2^(j / 8), less those of 1 and j 2^20. The eight floats err alike, so that c, which is\n"
            f" * 1 / EIGHTHS_FACTOR, makes up for it but for {spread:.3f} of 2^-24. */\n"
            "static const int32_t EIGHTHS[] = {\n    " + ",\n    ".join(f"0x{x:05x}" for x in table) + ",\n};\n"
            f"#define EIGHTHS_FACTOR {factor.hex()}\n",
            array(
                "EXP_EIGHTHS",
                "float",
                eighths,
                f"e^r = 1 + r + r^2 (c0 + c1 r + ...), |r| <= ln(2) / 16, relative error 2^{error_eighths:.2f}",
            ),
            array(
                "ATANH",
                "double",
                atanh,
                f"atanh(z) = z + z s (c0 + c1 s + ...), s = z^2, relative error 2^{error_atanh:.2f}",
            ),
            *(
                array(name, real, c, f"{text} error 2^{error:.2f}")
                for (name, real, text), (c, error) in zip(CIRCULAR, circular, strict=True)
            ),
            angle_constants(),
            array("INVERSE_FACTORIAL", "double", factorials, "1 / k!"),
            array("INVERSE_FACTORIAL_LO", "double", factorials_lo, "1 / k! - INVERSE_FACTORIAL[k]"),
            "/* Entry i serves f in [1 + i / 16, 1 + (i + 1) / 16) / LOG_SPLIT: log f = LOG_OF + log(1 + r), where\n"
            " * r = f INVERSE - 1, but for INVERSE's power of two. LOG_OF is a multiple of 2^-16 or 2^-41, exact to\n"
            " * 2^-31 or 2^-60. */\n"
            f"#define LOG_SPLIT {float(SPLIT).hex()}\n"
            f"#define LN2_HEAD_f32 {float(ln2_short32).hex()}f /* exact times |k| < 256 */\n"
            f"#define LN2_TAIL_f32 {float(mp.log(2) - ln2_short32).hex()}f\n"
            f"#define LN2_HEAD_f64 LN2_SHORT\n#define LN2_TAIL_f64 {float(mp.log(2) - ln2_short).hex()}\n",
            array("INVERSE_f32", "float", [c * mp.mpf(2) ** 127 for c in c32], "2^127 / f"),
            array("LOG_OF_f32", "float", t32, "log f"),
            array("LOG_f32", "float", log32, log_comment.format("relative", error_log32, mp.nstr(worst32, 3))),
            array("INVERSE_f64", "double", [c * mp.mpf(2) ** 1023 for c in c64], "2^1023 / f"),
            array("LOG_OF_f64", "double", t64, "log f"),
            array("LOG_f64", "double", log64, log_comment.format("relative", error_log64, mp.nstr(worst64, 3))),
            array("LOG_SHORT", "double", log_short, f"the same, with fewer terms, error 2^{error_log_short:.2f}"),
            array("LOG_OF_LO", "double", logs_lo, "log f - LOG_OF_f64, for the INVERSE_f64 that is there"),
            "/* For the functions of one and two numbers: |r| <= ln(2) / 32 in exponentials. */\n"
            + array("SIXTEENTHS", "double", sixteenths, "2^(-j / 16)"),
            array("SIXTEENTHS_LO", "double", sixteenths_lo, "log(2^(-j / 16) / SIXTEENTHS[j])"),
            array(
                "EXP_FINE",
                "double",
                exp_fine,
                f"e^r = 1 + r + r^2 / 2 (1 + r (c0 + c1 r + ...)), error 2^{error_exp_fine - 1:.2f}",
            ),
            array(
                "EXP_BRIEF", "double", exp_brief, f"e^r = 1 + r + r^2 (c0 + c1 r + ...), error 2^{error_exp_brief:.2f}"
            ),
            array(
                "LOG_FINE",
                "double",
                log_fine,
                f"log(1 + r) = r - r^2 / 2 (1 + r (c0 + c1 r + ...)), error 2^{error_log_fine - 1:.2f}",
            ),
            array(
                "LOG_BRIEF",
                "double",
                log_brief,
                f"log(1 + r) = r + r^2 (c0 + c1 r + ...), error 2^{error_log_brief:.2f}",
            ),
            *fixed_point(),
            "#endif\n",
        ]
    )
    return {HEADER: text}


if __name__ == "__main__":
    main(__doc__, generate)
