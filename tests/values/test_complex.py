"""Complex data and weights: the principal value, infinities as C99's log(sum(exp)), the phase, accuracy."""

import warnings

import numpy as np
import pytest

import lse
import oracle
from checks import same

INF, NAN, PI = np.inf, np.nan, np.pi
DTYPES = [np.complex64, np.complex128]
FACTOR = 8  # half ulps of the sum of |b e^a|: a complex exponential and a complex product round several times


@pytest.fixture(autouse=True)
def _no_floating_point_errors():
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


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
    assert not abs(got.imag - expected.imag) > 2 * np.spacing(abs(expected.imag))
    more = np.array([*a, NAN, INF], dtype)
    same(lse.logsumexp(more, where=[True] * a.size + [False] * 2), got)
    same(lse.logsumexp(more, b=np.array([1] * a.size + [0] * 2, real(dtype))), got)


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
    pi = real(dtype).type(PI)
    for a, b in (([0j], [-1.0]), ([complex(0, -0.0)], [-1.0]), ([1 + 0j, 2], [3, -4.0]), ([2j, 2j], [0, 0.0])):
        got = lse.logsumexp(np.array(a, dtype), b=np.array(b, real(dtype)))
        assert got.imag == (pi if b[1:] != [0.0] else 0)
        assert not np.signbit(got.imag)
    got = lse.logsumexp(np.array([0j, -1], dtype), axis=(), b=np.array([-1, 1], dtype))
    same(got, np.array([complex(0, PI), -1], dtype))


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
        ([0j, -1e3], [1, 1e300]), ([700, 1j], [5e-324, -1e-310]),
    ):  # fmt: skip
        a, b = np.array(a, complex), np.array(b, complex)
        assert oracle.error_of_sum(lse.logsumexp(a, b=b), 1.0, a, b, FACTOR) <= 1
    assert abs(lse.logsumexp([0, -1000], b=[1e-300 + 0j, 1e300]) + 309.22447210178) < 1e-10


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
            assert abs(abs(complex(phase)) - 1) <= 4 * np.finfo(dtype).eps
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
