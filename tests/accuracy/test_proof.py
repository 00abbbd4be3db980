"""tools/proof.py proves the error bounds of exponentials and logarithms that the comments of the kernels state."""

import contextlib
import dataclasses
import random
import sys
from fractions import Fraction

import pytest

from checks import ROOT

if not (ROOT / "tools").is_dir():
    pytest.skip("needs the sources", allow_module_level=True)
sys.path.append(str(ROOT / "tools"))

import proof

REALS = {tag: proof.read(tag) for tag in ("f32", "f64")}
HEADERS = "".join((proof.KERNELS / name).read_text("utf-8") for name in ("kernels.h", "coefficients.h"))


@pytest.mark.exhausts
@pytest.mark.parametrize("bound", proof.BOUNDS, ids=lambda bound: f"{bound.where}, {bound.tag}")
def test_bounds(bound):
    assert bound.value(REALS[bound.tag]) <= bound.stated


@pytest.mark.exhausts
@pytest.mark.parametrize(
    ("tag", "before", "after", "function"),
    [
        ("f64", "0x1.000000000000bp-1", "0x1.000000000000cp-1", proof.exp_parts),
        ("f64", "0x1.abc9e3b39803fp-56", "0x1.abc9e3b39903fp-56", proof.exp_parts),
        ("f32", "0x1.5554880000000p-3f", "0x1.5554400000000p-3f", proof.exp_parts),
        ("f32", "0x1.62e4300000000p-1f", "0x1.62e4280000000p-1f", proof.exp_parts),
        ("f32", "0x4e5be", "0x4e5bf", proof.eighths_exp),
        ("f64", "-0x1.fffffffffffd3p-2", "-0x1.ffffffffffe00p-2", proof.log_parts),
        ("f64", "0x1.5561fe8660000p-5", "0x1.5561fe8664000p-5", proof.log_parts),
        ("f64", "0x1.a62cea4410a9ep+1022", "0x1.a62cea4410aa0p+1022", proof.log_parts),
        ("f32", "0x1.62e4000000000p-1f", "0x1.62e4300000000p-1f", proof.log_parts),
    ],
)
def test_worse_constants_are_refused(tag, before, after, function):
    assert HEADERS.count(before) == 1
    (bound,) = (bound for bound in proof.BOUNDS if bound.proved is function and bound.tag == tag)
    worse = proof.read(tag, HEADERS.replace(before, after))
    with contextlib.suppress(proof.ProofError):
        assert bound.value(worse) > bound.stated


def test_a_failure_is_seen(capsys):
    bound = proof.Bound("expm1", "f64", 0.5, lambda real: real.u * Fraction(6, 10))
    with pytest.raises(SystemExit, match="less than"):
        proof.main([bound])
    assert "0.6000" in capsys.readouterr().out
    proof.main([dataclasses.replace(bound, stated=0.61)])


class Arithmetic:
    """The operations of a type, and the functions of exp.h and logs.h made of them."""

    def __init__(self, tag):
        self.real = REALS[tag]

    def rounded(self, x):
        if x == 0:
            return x
        unit = max(proof.power_below(abs(x)) * 2 * self.real.u, Fraction(2) ** self.real.least)
        return round(x / unit) * unit

    def fma(self, a, b, c):
        return self.rounded(a * b + c)

    def polynomial(self, name, r):
        *rest, p = self.real.array(name)
        for c in reversed(rest):
            p = self.fma(p, r, c)
        return p

    def exp_parts(self, x):
        """N and 1 + x."""
        real = self.real
        n = Fraction(round(x * real["LOG2E"]))
        r = self.fma(n, -real["LN2_LO"], self.fma(n, -real["LN2_HI"], x))
        return n, 1 + self.fma(self.rounded(r * r), self.polynomial("EXP", r), r)

    def log_parts(self, hi, lo):
        """The sum of both parts, for n = 0."""
        real = self.real
        a = self.rounded(hi * real["LOG_SPLIT"])
        power = proof.power_below(a)
        k, i = power.numerator.bit_length() - power.denominator.bit_length(), int(a / power * 16) - 16
        c, t = real.array("INVERSE")[i] / 2 ** (2 - real.digits - real.least) / power, real.array("LOG_OF")[i]
        r = self.fma(lo, c, self.fma(hi, c, -1))
        y = self.rounded(self.fma(k, real["LN2_HEAD"], t) + r)
        lost = self.rounded(self.rounded(t - self.fma(k, -real["LN2_HEAD"], y)) + r)
        rest = self.fma(k, real["LN2_TAIL"], lost)
        return y + self.fma(self.rounded(r * r), self.polynomial("LOG", r), rest)

    def error_of_exp(self, x):
        n, computed = self.exp_parts(x)
        exact = proof.exp_bounds(x - n * sum(proof.LN2) / 2)[0]
        return abs(computed - exact) / exact / self.real.u

    def errors_of_log(self, hi, lo):
        """Absolute, and relative to the logarithm."""
        exact = proof.log_bounds(hi + lo)[0]
        error = abs(self.log_parts(hi, lo) - exact)
        return error, error / abs(exact) if exact else Fraction(0)


def of(text):
    return Fraction(float.fromhex(text))


def within(least, value, most):
    """The largest error known is at least this, as its comment says, and not above the bound."""
    assert least <= value <= most


@pytest.mark.parametrize(
    ("tag", "x", "least", "most"),
    [("f64", "-0x1.1fe37e19296d4p+2", 0.765, 0.79), ("f32", "-0x1.b475fp+14", 0.725, 0.77)],
)
def test_worst_known_exponentials(tag, x, least, most):
    within(least, Arithmetic(tag).error_of_exp(of(x)), most)


@pytest.mark.parametrize(
    ("tag", "hi", "lo", "least", "most"),
    [
        ("f64", "0x1.5cfff43c94d28p-1", "-0x1.51f46de249b5p-56", -57.65, -57.5),
        ("f32", "0x1.5c991ap+0", "0x1.1386a2p-24", -28.25, -28.1),
    ],
)
def test_worst_known_logarithms(tag, hi, lo, least, most):
    within(2**least, Arithmetic(tag).errors_of_log(of(hi), of(lo))[0], 2**most)


@pytest.mark.parametrize(
    ("tag", "hi", "lo", "least", "most"),
    [
        ("f64", "0x1.f7ebb59a01bf7p-1", "-0x1.901c25501a2dcp-55", 1.065, 1.14),
        ("f64", "0x1.f7eb612b57952p-1", "0", 2**-3.55, 2**-3),
        ("f32", "0x1.f7fddp-1", "-0x1.380244p-25", 1.445, 1.62),
        ("f32", "0x1.0519cp+0", "0", 2**-0.95, 2**-0.7),
    ],
)
def test_worst_known_logarithms_near_0(tag, hi, lo, least, most):
    arithmetic = Arithmetic(tag)
    within(least, arithmetic.errors_of_log(of(hi), of(lo))[1] / arithmetic.real.u, most)


@pytest.mark.exhausts
@pytest.mark.parametrize(
    ("tag", "of_exp", "of_log", "near_0"), [("f64", 0.79, 2**-57.5, 1.14), ("f32", 0.77, 2**-28.1, 1.62)]
)
def test_random_arguments(tag, of_exp, of_log, near_0):
    arithmetic, numbers = Arithmetic(tag), random.Random(1)
    real, split = arithmetic.real, arithmetic.real["LOG_SPLIT"]
    for _ in range(200):
        size = 2.0 ** numbers.randint(-3, int(real["LSE_FAR"]).bit_length() - 1)
        x = arithmetic.rounded(Fraction(numbers.uniform(-size, size)))
        assert arithmetic.error_of_exp(x) <= of_exp
        hi = arithmetic.rounded(Fraction(numbers.uniform(0.8, 2.5)) / split)
        lo = arithmetic.rounded(hi * Fraction(numbers.uniform(-1, 1)) * numbers.choice([real.u, proof.ANY_LO]))
        error, relative = arithmetic.errors_of_log(hi, lo)
        assert error <= of_log
        if abs(hi - 1) < 0.02:
            assert relative <= near_0 * real.u
