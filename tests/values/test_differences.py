"""Two terms whose weights are each other's opposites: as accurate as log(expm1), wherever the result is near 0."""

import mpmath as mp
import numpy as np
import pytest

import lse
import oracle
from checks import same_bits

pytestmark = pytest.mark.usefixtures("kernel")

DTYPES = [np.float32, np.float64]
FLOOR = mp.mpf(2) ** -106  # absolute error of results that are next to 0


def exact(a, b):
    """log|b e^x - b e^y| to all digits that count."""
    with mp.workdps(60):
        x, y = mp.mpf(float(max(a))), mp.mpf(float(min(a)))
        return x + mp.log(abs(mp.mpf(float(b)))) + mp.log(-mp.expm1(y - x))


def error(computed, y):
    """In ulp of the result, however small."""
    with mp.workdps(60):
        return max(0, abs(mp.mpf(float(computed)) - y) - FLOOR) / mp.mpf(oracle.ulp(y, computed.dtype))


def differences(rng, dtype):
    """Pairs of elements and a weight: far apart, next to each other, of a result near 0, of every magnitude."""
    for _ in range(40):
        x, b = rng.uniform(-5, 5), 10 ** rng.uniform(-5, 5)
        yield (x, x + rng.normal() * 3), 1.0
        yield (x, x + rng.choice([-1, 1]) * 10 ** rng.uniform(-16, 0)), b
        y = rng.uniform(-30, 5)
        yield (np.logaddexp(y, 0), y), 1.0
        yield (np.logaddexp(y, -np.log(b)), y), b
        yield (0.0, rng.uniform(-80, 0)), 1.0
        yield (rng.normal() * 1e4, rng.normal() * 1e4), -b
        yield (np.nextafter(dtype(x), dtype(9)), x), 3.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_accuracy(dtype, rng):
    for pair, weight in differences(rng, dtype):
        a, b = np.array(pair, dtype), dtype(weight)
        if a[0] == a[1]:
            continue
        y = exact(a, b)
        for x, w in ((a, np.array([b, -b])), (a[::-1], np.array([-b, b]))):
            value, sign = lse.logsumexp(x, b=w, return_sign=True)
            assert error(value, y) <= 1.5, (x, w, value)
            assert sign == np.sign(w[0]) * np.sign(float(x[0]) - float(x[1]))
            same_bits(lse.logsumexp(x, b=w), value if sign > 0 else dtype(np.nan))
            total = lse.LogSumExp.of(x, b=w, dtype=np.float64)
            assert error(total.log_abs, y) <= 1.5, (x, w, total.log_abs)
            assert total.sign == sign


def test_known_values():
    for a, expected in (
        ([0.0, -40.0], -4.248354255291589e-18),
        ([1e-300, 0.0], -690.7755278982137),
        ([1.0, np.nextafter(1.0, 0.0)], -35.73680056967710),
        ([1e300, 1.0], 1e300),
        ([-745.0, -746.0], -745.4586751453871),
    ):
        for x, b in ((a, [1, -1]), (a[::-1], [-1, 1])):
            assert abs(lse.logsumexp(x, b=b) - expected) <= 2 * np.spacing(abs(expected))
    assert lse.logsumexp([np.log(2.0), 0.0], b=[1, -1]) == float(exact([np.log(2.0), 0.0], 1))
    assert lse.logsumexp([3.0, 3.0], b=[1, -1]) == -np.inf
    assert lse.logsumexp([np.inf, 3.0], b=[1, -1]) == np.inf
    assert np.isnan(lse.logsumexp([np.nan, 3.0], b=[1, -1]))
    assert lse.logsumexp([3.0, -np.inf], b=[1, -1]) == 3.0
    assert lse.logsumexp([3.0, 9.0], b=[1, -1], where=[True, False]) == 3.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 3, 70, 1000])
def test_rows_and_columns_have_the_same_bits(dtype, count, rng):
    rows = (rng.standard_normal((count, 2)) * rng.choice([1e-3, 1, 100], (count, 1))).astype(dtype)
    rows[::7, 1] = rows[::7, 0]
    for b in (np.array([1, -1], dtype), np.array([-0.3, 0.3], dtype)):
        many = rng.choice([-1, 1, 2], (count, 1)).astype(dtype) * b
        many[::5] = abs(many[::5])
        for w in (b, many):
            each = [
                lse.logsumexp(row, b=v, return_sign=True)
                for row, v in zip(rows, np.broadcast_to(w, rows.shape), strict=True)
            ]
            for x, v, axis in ((rows, w, 1), (np.ascontiguousarray(rows.T), w.T if w.ndim == 2 else w[:, None], 0)):
                value, sign = lse.logsumexp(x, axis, v, return_sign=True)
                same_bits(value, np.array([one for one, _ in each]))
                same_bits(sign, np.array([one for _, one in each]))
                same_bits(lse.logsumexp(x, axis, v), np.where(sign < 0, dtype(np.nan), value))
                total = lse.LogSumExp.of(x, axis, v)
                each_total = [
                    lse.LogSumExp.of(row, b=v).log_abs
                    for row, v in zip(rows, np.broadcast_to(w, rows.shape), strict=True)
                ]
                same_bits(total.log_abs, np.array(each_total))


def test_halves_are_rounded_once(rng):
    for _ in range(100):
        a = rng.standard_normal(2).astype(np.float16)
        if a[0] != a[1]:
            value, _ = lse.logsumexp(a, b=[1, -1], return_sign=True, dtype=np.float16)
            assert oracle.distance(value, exact(a, 1)) <= 0.51
