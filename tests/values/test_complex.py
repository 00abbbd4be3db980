"""Complex data and weights: the principal value, infinities as C99's log(sum(exp)), the phase, accuracy."""

import itertools

import numpy as np
import pytest

import lse
import oracle
from checks import same

INF, NAN, PI = np.inf, np.nan, np.pi
NATIVE = [np.complex64, np.complex128]
DTYPES = [*NATIVE, np.clongdouble]
FACTOR = 8  # half ulps of the sum of |b e^a|: a complex exponential and a complex product round several times

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")


def real(dtype):
    return dtype(0).real.dtype


# Special values ---------------------------------------------------------------------------------------------

QUARTERS = [
    (complex(INF, s * y), complex(INF, s * angle))
    for y, angle in ((0.7533, PI / 4), (PI / 2, PI / 4), (2.3562, 3 * PI / 4))
    for s in (1, -1)
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "value"),
    [
        ([], -INF),
        ([complex(-INF, 0)], -INF),
        ([complex(-INF, 2.3562), complex(-INF, 3.9)], -INF),  # an empty sum has no direction
        ([complex(-INF, INF), complex(-INF, -INF)], -INF),
        ([complex(-INF, INF), 2 + 1j], 2 + 1j),
        ([complex(INF, 0)], INF),
        ([complex(INF, -0.0), 5 + 2j], INF),
        ([complex(INF, 0), complex(-INF, 1)], INF),
        ([complex(INF, 0), complex(INF, 0.7533)], complex(INF, PI / 4)),
        *(([x], y) for x, y in QUARTERS if x.imag not in (PI / 2, -PI / 2)),
        ([complex(INF, 0.7533), complex(INF, 2.3562)], complex(INF, NAN)),  # inf - inf, and inf
        ([complex(INF, INF)], complex(INF, NAN)),
        ([complex(INF, -INF), 1], complex(INF, NAN)),
        ([complex(1, INF)], complex(NAN, NAN)),
        ([3 - 1j], 3 - 1j),
        ([1000 + 4j], complex(1000, 4 - 2 * PI)),
    ],
    ids=str,
)
def test_values_of_c99(dtype, a, value):
    a = np.array(a, dtype)
    got, expected = lse.logsumexp(a), dtype(value)
    assert got.dtype == dtype
    same(got.real, expected.real)
    assert np.isnan(got.imag) == np.isnan(expected.imag)
    digits = min(real(dtype), np.dtype(float), key=lambda d: -np.finfo(d).eps)  # PI has those of float64
    assert not abs(got.imag - expected.imag) > 2 * np.spacing(abs(expected.imag.astype(digits)))
    more = np.array([*a, NAN, INF], dtype)
    same(lse.logsumexp(more, where=[True] * a.size + [False] * 2), got)
    weighted = lse.logsumexp(more, b=np.array([1] * a.size + [0] * 2, real(dtype)))  # another computation
    same(np.isnan([weighted.real, weighted.imag]), np.isnan([got.real, got.imag]))
    assert weighted.real == got.real or not abs(weighted.real - got.real) > np.spacing(abs(got.real))
    assert not abs(weighted.imag - expected.imag) > 2 * np.spacing(abs(expected.imag.astype(digits)))


def test_the_direction_of_infinity_is_by_components():
    """The cosine of the double nearest to pi/2 is not 0."""
    for x, value in QUARTERS:
        got = lse.logsumexp(np.array([x]))
        assert got.real == INF
        assert abs(got.imag - value.imag) <= np.spacing(abs(value.imag))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "a", [[NAN], [complex(NAN, 1), 2], [complex(1, NAN)], [complex(INF, 0), NAN], [complex(-INF, 0), complex(NAN, 0)]],
    ids=str,
)  # fmt: skip
def test_nan(dtype, a):
    value, phase = lse.logsumexp(np.array(a, dtype), return_sign=True)
    assert np.isnan(value)
    assert np.isnan(phase)
    assert np.isnan(lse.logsumexp(np.array(a, dtype)))
    assert np.isnan(lse.logsumexp(np.array(a, dtype), axis=0, b=1j))


@pytest.mark.parametrize("dtype", DTYPES)
def test_negative_sums_have_the_phase_pi(dtype):
    pi = np.arctan2(real(dtype).type(0), real(dtype).type(-1))
    for a, b in (([0j], [-1.0]), ([complex(0, -0.0)], [-1.0]), ([1 + 0j, 2], [3, -4.0]), ([2j, 2j], [0, 0.0])):
        got = lse.logsumexp(np.array(a, dtype), b=np.array(b, real(dtype)))
        assert got.imag == (pi if b[1:] != [0.0] else 0)
        assert not np.signbit(got.imag)
    got = lse.logsumexp(np.array([0j, -1], dtype), axis=(), b=np.array([-1, 1], dtype))
    same(got, np.array([1j * pi, -1], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("b", [None, [1, 0, 1]], ids=str)
def test_the_phase_of_real_sums(dtype, b):
    a = np.array([1, NAN if b else -INF, 2 + 0j], dtype)
    value, phase = lse.logsumexp(a, b=b and np.array(b, dtype), return_sign=True)
    assert value.dtype == real(dtype)
    same(phase, dtype(1))
    same(lse.logsumexp(a, b=b and np.array(b, dtype)), dtype(value))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_cancellation(dtype):
    for a, b in (
        ([5 + 1j] * 2, [1, -1]),
        ([800j, 3, 800j, 3], [2 + 1j, 1j, -2 - 1j, -1j]),
        ([], []),
        ([INF, NAN], [0j, 0]),
    ):
        a, b = np.array(a, dtype), np.array(b, dtype)
        value, phase = lse.logsumexp(a, b=b, return_sign=True)
        same(value, real(dtype).type(-INF))
        same(phase, dtype(0))
        same(lse.logsumexp(a, b=b), dtype(-INF))
    for order in ([0, 1, 2], [0, 2, 1], [2, 1, 0]):
        got = lse.logsumexp(np.array([800, 800, 0], dtype)[order], b=np.array([1j, -1j, 1], dtype)[order])
        same(got, dtype(0))


def test_weights_of_any_size():
    for a, b in (
        ([0, -1000], [1e-300, 1e300j]), ([0j, 0], [1e308 + 1e308j] * 2), ([0, 1j], [5e-324, 5e-324j]),
        ([0j, -1e3], [1, 1e300]), ([700, 1j], [5e-324, -1e-310]), ([-0.25j * PI], [1.7e308 * (1 + 1j)]),
        ([-1500, 0], [1.7e308, 1e-320]), ([0.3j] * 3, [1.7e308 - 1.7e308j, 5e-324, -1.7e308]),
    ):  # fmt: skip
        a, b = np.array(a, complex), np.array(b, complex)
        assert oracle.error_of_sum(lse.logsumexp(a, b=b), 1.0, a, b, FACTOR) <= 1
    assert abs(lse.logsumexp([0, -1000], b=[1e-300 + 0j, 1e300]) + 309.22447210178) < 1e-10


@pytest.mark.parametrize("where", [None, [True, True]], ids=str)
def test_infinite_weights_are_those_of_real_sums(where):
    for a in ([0.5, 0.0], [-INF, 0.5], [INF, 1.0], [-INF, -INF], [NAN, 1.0], [-1e300, 1e17]):
        for b in ([INF, 1], [-INF, 1], [INF, -INF], [1, NAN], [INF, 0], [-INF, INF], [0, -INF], [0.0, NAN]):
            expected, sign = lse.logsumexp(a, b=b, return_sign=True, where=where or True)
            value, phase = lse.logsumexp(a, b=b, return_sign=True, where=where or True, dtype=complex)
            same(value, expected)
            same(phase.real, sign)
            for weights in (np.array(b, complex), b):
                got = lse.logsumexp(np.array(a, complex), b=weights, where=where or True)
                same(got.real, expected)
                assert np.isnan(sign) == np.isnan(got.imag)
                assert np.isnan(sign) or got.imag == (PI if sign < 0 else 0)


def test_the_sign_of_zero():
    """A sum of positive terms is never at -0, nor a negative one at -pi, wherever the kernels find their zeros."""
    for a in ([0j, complex(-1e300, PI)], [complex(0, -0.0)], [complex(-3, -0.0), -3], [complex(-INF, -0.0)]):
        for got in (lse.logsumexp(a), lse.logsumexp(a, b=[1.0] * len(a)), *lse.logcumsumexp(a)[1:]):
            assert got.imag == 0
            assert not np.signbit(got.imag)
    for b in ([-1.0], [-1 + 0j], [complex(-1, -0.0)]):
        for a in ([0j], [complex(2, -0.0)]):
            assert lse.logsumexp(a, b=b).imag == PI
    same(lse.softmax([complex(1e300, -0.0)]), np.array([1 + 0j]))
    assert not np.signbit(lse.softmax([complex(1e300, -0.0)]).imag)
    assert not np.signbit(lse.log_softmax([complex(1e300, -0.0)]).imag)


# Accuracy ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 17, 64, 100, 300])
def test_random_rows(dtype, n, rng):
    for scale, turns in ((1, 1), (1, 40), (30, 1e3), (1e-3, 1e6), (0, 2e8 if dtype is np.complex64 else 1e15)):
        a = (rng.standard_normal(n) * scale + 1j * rng.standard_normal(n) * turns).astype(dtype)
        b = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype)
        for w in (None, b, b.real):
            got = lse.logsumexp(a, b=w)
            assert got.dtype == dtype
            assert abs(got.imag) <= real(dtype).type(PI)
            assert oracle.error_of_sum(got, dtype(1).real, a, w, FACTOR) <= 1
            value, phase = lse.logsumexp(a, b=w, return_sign=True)
            assert (value.dtype, phase.dtype) == (real(dtype), dtype)
            assert abs(abs(phase) - 1) <= 4 * np.finfo(dtype).eps
            assert oracle.error_of_sum(value, phase, a, w, FACTOR) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_real_data_as_complex_is_as_accurate(dtype, rng):
    for scale in (1e-3, 1, 30):
        a = (rng.standard_normal(100) * scale).astype(real(dtype))
        got = lse.logsumexp(a.astype(dtype))
        assert got.imag == 0
        assert oracle.shortfall(got.real, oracle.weighted(a)) <= 2


def test_tails_keep_their_digits():
    got = lse.logsumexp(np.array([0j, -40]))
    assert oracle.distance(got.real, oracle.weighted([0.0, -40.0])) <= 2
    assert got.imag == 0
    got = lse.logsumexp(np.array([0j, 2.2204460492503132e-17j]))  # SciPy's issue 21709
    assert abs(got.imag / 1.1102230246251566e-17 - 1) <= 1e-15


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax(dtype, rng):
    a = (rng.standard_normal((4, 30)) * 3 + 1j * rng.standard_normal((4, 30)) * 2).astype(dtype)
    p, logs = lse.softmax(a, axis=1), lse.log_softmax(a, axis=1)
    assert p.dtype == logs.dtype == dtype
    for row, got, log in zip(a, p, logs, strict=True):
        total, magnitude = oracle.sums(row)
        for x, y, z in zip(row, got, log, strict=True):
            with oracle.mp.workdps(oracle.DIGITS):
                exact = oracle.mp.exp(oracle.exact(x)) / total
                allowed = FACTOR * np.finfo(dtype).eps * abs(exact) * (1 + magnitude / abs(total))
                assert abs(oracle.exact(y) - exact) <= allowed
                assert abs(oracle.mp.exp(oracle.exact(z)) - exact) <= allowed * (1 + abs(oracle.exact(z)))


def test_softmax_of_any_size():
    for far in (1e17, -1e17, 2.0**53, 1e300, -1e300):
        for angle in (0, 1, 1e15, -1e300):
            n = 3
            row = np.full(n, complex(far, angle))
            assert np.all(abs(lse.softmax(row) - 1 / n) <= 2e-16)
            assert np.all(abs(lse.log_softmax(row) + np.log(n)) <= 4e-16)
            same(lse.softmax(row[:1]), np.array([1 + 0j]))
            same(lse.log_softmax(row[:1]), np.array([0j]))
            same(lse.softmax([row[0], -INF, complex(-INF, NAN)]), np.array([1 + 0j, 0, 0]))
            same(lse.log_softmax([row[0], -INF]), np.array([0j, -INF]))
            wide = lse.log_softmax(np.array(row[:1], np.clongdouble))
            assert abs(wide[0]) <= 4 * np.finfo(np.longdouble).eps


def test_the_derivative_of_a_softmax_by_complex_steps(rng):
    """The imaginary parts are right by themselves, for they are the derivative: that of a saturated one is tiny."""
    got = lse.softmax([1e-20j, -40])
    assert oracle.distance(got[0].imag, oracle.mp.mpf("4.248354255291588995329234782858658e-38")) <= 4
    assert oracle.distance(got[1].imag, -oracle.mp.mpf("4.248354255291588995329234782858658e-38")) <= 4
    for scale in (1, 10, 100):
        x, t = rng.standard_normal(9) * scale, rng.standard_normal(9)
        got, log = lse.softmax(x + 1e-30j * t), lse.log_softmax(x + 1e-30j * t)
        with oracle.mp.workdps(oracle.DIGITS):
            p = oracle.softmax(x)
            mean = oracle.mp.fsum(y * float(u) for y, u in zip(p, t, strict=True))
            size = oracle.mp.fsum(y * abs(float(u)) for y, u in zip(p, t, strict=True))
            for y, u, z, w in zip(p, t, got, log, strict=True):
                allowed = 8 * 2.0**-53 * (abs(float(u)) + size)
                assert abs(oracle.exact(z.imag) - y * (float(u) - mean) * 1e-30) <= y * allowed * 1e-30
                assert abs(oracle.exact(w.imag) - (float(u) - mean) * 1e-30) <= allowed * 1e-30


def test_softmax_of_cancelling_sums():
    """1 + e^(i pi) is 1.2e-16 i, of which no digit is lost."""
    with oracle.mp.workdps(oracle.DIGITS):
        for row in ([0j, 1j * PI], [1, complex(1, PI), -30], [1, complex(1, PI), -700]):
            total, _ = oracle.sums(np.array(row))
            for x, y in zip(row, lse.softmax(row), strict=True):
                exact = oracle.mp.exp(oracle.exact(np.complex128(x))) / total
                assert abs(oracle.exact(y) - exact) <= 2.0**-50 * abs(exact) * (1 + 4 / abs(total))


@pytest.mark.parametrize("dtype", NATIVE)
def test_great_angles(dtype, rng):
    powers = rng.uniform(0, 308 if dtype is np.complex128 else 38, 60)
    angles = (rng.standard_normal(60) * 10**powers).astype(real(dtype))
    angles = np.concatenate([angles, np.array([2.0**20, 2.0**20 - 0.06, 1e15, 1e22, 3e38, -3e38], real(dtype))])
    with oracle.mp.workdps(400):
        for angle in angles:
            exact = oracle.mp.arg(oracle.mp.expj(float(angle)))
            for x in (0, -3, 1e30):
                got = lse.logsumexp(np.array([complex(x, angle)], dtype))
                assert got.real == dtype(x).real
                assert oracle.distance(got.imag, exact) <= (0.51 if dtype is np.complex128 else 0.501)
    for n in (2, 7, 60):
        a = (rng.standard_normal(n) + 1j * rng.permuted(angles)[:n]).astype(dtype)
        assert oracle.error_of_sum(lse.logsumexp(a), dtype(1).real, a, None, FACTOR) <= 1
        b = rng.standard_normal(n).astype(real(dtype))
        assert oracle.error_of_sum(lse.logsumexp(a, b=b), dtype(1).real, a, b, FACTOR) <= 1


@pytest.mark.parametrize("dtype", NATIVE)
@pytest.mark.parametrize("n", [3, 300, 5000])
def test_softmax_of_great_angles(dtype, n, rng):
    a = (rng.standard_normal(n) + 1j * rng.standard_normal(n) * 1e30).astype(dtype)
    less = a.real + 1j * np.array([lse.logsumexp([x]).imag for x in a], real(dtype))
    p, logs, expected = lse.softmax(a), lse.log_softmax(a), lse.softmax(less)
    assert np.all(abs(p - expected) <= 16 * np.finfo(dtype).eps * np.sum(abs(expected)) * abs(expected))
    assert np.all(abs(np.exp(logs.astype(complex)) - p) <= 64 * np.finfo(dtype).eps * abs(p))


@pytest.mark.parametrize("far", [2.0**46, 2.0**46 + 1, 1e17, -1e17, 1e300, -1e300])
def test_far_elements(far, rng):
    step = np.spacing(abs(far))
    a = far + step * np.array([-1, 0, 0, -2, 0, -3, -1e3]) + 1j * rng.standard_normal(7)
    a = np.concatenate([a, [complex(-1e305, 1)]])
    for rows in (a, np.tile(a, 100)):
        less = np.where((rows - far).real < -1e6, -INF, (rows - far).real) + 1j * rows.imag
        for b in (None, rng.standard_normal(rows.size) + 1j):
            got, expected = lse.logsumexp(rows, b=b), lse.logsumexp(less, b=b)
            assert got.real == far + expected.real
            assert abs(got.imag - expected.imag) <= 1e-15
        assert np.max(np.abs(lse.softmax(rows) - lse.softmax(less))) <= 1e-16
        got, expected = lse.logcumsumexp(rows)[1:], lse.logcumsumexp(less)[1:]
        assert np.all(np.abs(got.real - (far + expected.real)) <= step)
        assert np.max(np.abs(got.imag - expected.imag)) <= 1e-14


@pytest.mark.parametrize("dtype", NATIVE)
def test_the_first_prefix_is_the_element(dtype):
    for first in (0.3 + 1j, 450.1 - 2j, -1e300 + 3j, 1e10 + 1e-30j):
        first = dtype(first) if abs(first) < 1e38 or dtype is np.complex128 else dtype(-3e38 + 3j)
        for rest in ([], [450.1 - 2j], [-700, 1j], [1e30]):
            for before in ([], [-INF], [complex(-INF, NAN)] * 300):
                got = lse.logcumsumexp(np.array([*before, first, *rest], dtype))
                same(got[len(before)], first)
                assert np.all(got[: len(before)] == -INF)


def ramps(n, rng):
    i = np.arange(n)
    yield rng.standard_normal(n) + 3j * rng.standard_normal(n)
    yield 0.01 * i + 0.3j * i
    yield -20.0 * i + 1j
    yield 37.0 * i + 2j * i
    yield 2000.0 * i * (-1.0) ** i + 0.5j
    yield np.where(rng.random(n) < 0.3, -INF, rng.standard_normal(n) * 300) + 1j * rng.standard_normal(n) * 1e5
    yield rng.integers(0, 2, n) * 1j * PI


@pytest.mark.parametrize("dtype", NATIVE)
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 60, 255, 300])
def test_cumulative_sums(dtype, n, rng):
    for row in ramps(n, rng):
        a = row.astype(dtype)
        sums = lse.logcumsumexp(a)
        for k in {0, 1, 2, n // 3, n // 2, n - 1} & set(range(n)):
            assert abs(sums[k].imag) <= real(dtype).type(PI)
            assert oracle.error_of_sum(sums[k], dtype(1).real, a[: k + 1], None, FACTOR) <= 1
        same(lse.logcumsumexp(a[::-1], reverse=True), sums[::-1])
        same(lse.logcumsumexp(np.stack([a, a]), axis=1), np.stack([sums, sums]))
        same(lse.logcumsumexp(np.stack([a, a], axis=1), axis=0), np.stack([sums, sums], axis=1))
        same(lse.logcumsumexp(a, out=a), sums)


@pytest.mark.parametrize("dtype", NATIVE)
def test_special_cumulative_sums(dtype):
    def check(a, expected):
        same(lse.logcumsumexp(np.array(a, dtype)), np.array(expected, dtype))

    nan = complex(NAN, NAN)
    check([1, NAN, 2, INF], [1, nan, nan, lse.logsumexp(np.array([NAN, INF], dtype))])
    check([1, complex(1, INF), 2], [1, nan, nan])
    check([-INF, INF, 1, -INF], [-INF, INF, INF, INF])
    check([0, complex(INF, NAN), 1], [0, complex(INF, NAN), complex(INF, NAN)])
    check([complex(-INF, NAN), 0j, -INF, complex(-INF, INF)], [-INF, 0, 0, 0])
    check([-1e30, -1e30 + 0j, 1j, 1e30, 1j, -INF], [-1e30, complex(-1e30), 1j, 1e30, 1e30, 1e30])
    check([0j, -1e30, 1e20, 1e30], [0j, 0j, 1e20, 1e30])
    edge = 2.0**46 + np.array([0, 1, -1, 2, -20, 0.5])
    for sign in (1, -1):
        a = (sign * edge + 1j * np.arange(6)).astype(dtype)
        less = (a - a[0]).real + 1j * a.imag
        got, expected = lse.logcumsumexp(a), lse.logcumsumexp(less)
        unit = np.finfo(dtype).eps
        assert np.all(abs(got.real - (a[0].real + expected.real)) <= 2 * unit * 2.0**46)
        assert np.all(abs(got.imag - expected.imag) <= 8 * unit)


@pytest.mark.parametrize("dtype", NATIVE)
def test_segments(dtype, rng):
    a = (rng.standard_normal((3, 2000)) * 30 + 1j * rng.standard_normal((3, 2000)) * 5).astype(dtype)
    a[1, 700], a[2, 5] = INF, NAN
    offsets = np.cumsum([0, *rng.integers(0, 60, 50), 0, 300, 0, 0, 1])
    got = lse.segment_logsumexp(a, offsets)
    for i, (start, stop) in enumerate(itertools.pairwise(offsets)):
        same(got[:, i], lse.logsumexp(a[:, start:stop], axis=1))
    same(lse.segment_logsumexp(np.ascontiguousarray(a.T), offsets, axis=0), got.T)
    same(lse.segment_logsumexp(a[0], np.zeros(2000, int)), np.full(1999, -INF, dtype))


@pytest.mark.parametrize("dtype", NATIVE)
@pytest.mark.parametrize("n", [3, 300, 1500])
def test_means_with_weights(dtype, n, rng):
    a = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype)
    for b in (rng.random(n), rng.standard_normal(n) + 1j, -rng.random(n), np.full(n, 1e-30)):
        b = b.astype(dtype if b.dtype.kind == "c" else real(dtype))
        with oracle.mp.workdps(oracle.DIGITS):
            (over, size), (under, scale) = oracle.sums(a, b), oracle.sums(np.zeros(n), b)
            exact = over / under if under else 0
            allowed = (
                FACTOR * np.finfo(dtype).eps * (size / abs(over) + scale / abs(under)) * abs(exact) if under else 0
            )
            got = lse.logmeanexp(a, b=b)
            assert not under or abs(oracle.mp.exp(oracle.exact(got)) - exact) <= allowed
            assert abs(got.imag) <= real(dtype).type(PI)
    chosen = rng.random(n) < 0.7
    chosen[0] = True
    got, expected = lse.logmeanexp(a, where=chosen), lse.logmeanexp(a[chosen])
    assert abs(got - expected) <= 4 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", NATIVE)
def test_what_is_left_out_of_softmax(dtype):
    a, where = np.array([[1, NAN, 2j], [NAN, 1, INF]], dtype), np.array([[True, False, True], [True, True, False]])
    for function, absent in ((lse.softmax, 0), (lse.log_softmax, -INF)):
        got = function(a, axis=1, where=where)
        same(got[0], np.array([function(a[0, ::2])[0], absent, function(a[0, ::2])[1]], dtype))
        same(got[1], np.array([complex(NAN, NAN), complex(NAN, NAN), absent], dtype))
        assert np.all(np.isnan(function(a, axis=1, where=False)))
        wide, mask = np.tile(a, 200), np.tile(where, 200)
        same(function(wide, axis=1, where=mask)[1, 2::3], np.full(200, absent, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_means_and_cumulative_sums(dtype, rng):
    a = (rng.standard_normal(50) + 1j * rng.standard_normal(50)).astype(dtype)
    with oracle.mp.workdps(oracle.DIGITS):
        mean = oracle.exact(lse.logmeanexp(a)) + oracle.mp.log(50)
        total, magnitude = oracle.sums(a)
        assert abs(oracle.mp.exp(mean) - total) <= FACTOR * np.finfo(dtype).eps * magnitude
    for k, got in enumerate(lse.logcumsumexp(a), 1):
        assert abs(got.imag) <= real(dtype).type(PI)
        assert oracle.error_of_sum(got, dtype(1).real, a[:k], None, FACTOR) <= 1
    ends = lse.segment_logsumexp(a, [0, 20, 20, 50])
    same(ends, np.array([lse.logsumexp(a[:20]), -INF, lse.logsumexp(a[20:])], dtype))
