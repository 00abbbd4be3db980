"""Every dtype: half precision rounded once, longdouble by SciPy's formula, `dtype`, integers, byte order."""

import re

import numpy as np
import pytest
from scipy import special

import lse
import oracle
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

ml_dtypes = pytest.importorskip("ml_dtypes")

INF, NAN = np.inf, np.nan
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
HALVES = [np.dtype(np.float16), BFLOAT16]
LONG = np.longdouble
REAL = [*HALVES, np.dtype(np.float32), np.dtype(np.float64), np.dtype(LONG)]
COMPLEX = [np.dtype(np.complex64), np.dtype(np.complex128), np.dtype(np.clongdouble)]
LENGTHS = [1, 2, 3, 8, 17, 64, 100, 300]


def segments(a, **kwargs):
    return lse.segment_logsumexp(a, [0, np.shape(a)[-1]], **kwargs)


FUNCTIONS = [lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax, lse.logcumsumexp, segments]


def cast(a, dtype):
    """Cast to a narrower dtype; NumPy's own cast may underflow."""
    with np.errstate(all="ignore"):
        return np.asarray(a).astype(dtype)


def rows(dtype, n, rng):
    """Rows at several scales and levels, and shifted so that the result is near 0, where the sum's own error shows."""
    for scale, level in ((1e-2, 0), (1, 0), (4, 300), (30, 0), (1, -2000)):
        row = cast(rng.standard_normal(n) * scale + level, dtype)
        yield row
        yield cast(row.astype(np.float64) - float(oracle.weighted(row)), dtype)


def worst(distance, computed, exact):
    return max(distance(g, e) for g, e in zip(np.atleast_1d(computed), np.atleast_1d(exact), strict=True))


# float16 and bfloat16 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("n", LENGTHS)
def test_halves_are_rounded_once(dtype, n, rng):
    for a in rows(dtype, n, rng):
        assert worst(oracle.distance, lse.logsumexp(a), oracle.weighted(a)) <= 0.51
        assert worst(oracle.distance, lse.logmeanexp(a), oracle.mean(a)) <= 0.51
        assert worst(oracle.distance, lse.logcumsumexp(a), oracle.cumulative(a)) <= 0.51
        assert worst(oracle.distance, lse.softmax(a), oracle.softmax(a)) <= 0.51
        assert worst(oracle.distance, lse.log_softmax(a), oracle.log_softmax(a)) <= 0.51
        same_bits(segments(a)[0], lse.logsumexp(a))


EVERY_HALF = np.arange(1 << 16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_half_is_read_as_what_it_is(dtype):
    """A sum of one element is that element; columns and rows, contiguous, reversed and spread out."""
    expected = cast(EVERY_HALF, dtype)
    same(lse.logsumexp(EVERY_HALF[::-1, None], axis=1, dtype=dtype), expected[::-1])
    for a in (EVERY_HALF, np.repeat(EVERY_HALF, 3)[::3]):
        same(lse.logsumexp(a[None], axis=0, dtype=dtype), expected)
    pairs = np.full((EVERY_HALF.size, 2), -np.inf, np.float16)
    pairs[:, 1] = EVERY_HALF
    same(lse.logsumexp(pairs, axis=1, dtype=dtype), expected)
    same(lse.logsumexp(np.ascontiguousarray(pairs.T), axis=0, dtype=dtype), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_halves_are_rounded_to_nearest(dtype):
    """Between neighbours, beside the middle and far out, as NumPy rounds; ties go to the even one."""
    finite = np.sort(EVERY_HALF[np.isfinite(EVERY_HALF)]).astype(dtype)
    middle = (finite[1:] + finite[:-1]) / 2
    far = np.array([65519.99, 65520, 1e38, -1e38, 1e-40, -1e-40, INF, -INF, NAN], dtype)
    with np.errstate(under="ignore"):  # beside 0
        beside = np.nextafter(middle, dtype(INF)), np.nextafter(middle, dtype(-INF))
    a = np.concatenate([finite, middle, *beside, far])
    expected = cast(a, np.float16) + np.float16(0)  # a sum of -0 is 0
    same(lse.logsumexp(a[:, None], axis=1, dtype=np.float16), expected)
    same(lse.logsumexp(a[1:-4, None], axis=1, out=np.zeros(2 * a.size - 10, np.float16)[::2]), expected[1:-4])


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("n", LENGTHS)
def test_halves_with_weights(dtype, n, rng):
    for a in rows(dtype, n, rng):
        b = cast(rng.uniform(0, 3, n) * (rng.random(n) < 0.8) + (np.arange(n) == n // 2), dtype)
        assert worst(oracle.distance, lse.logsumexp(a, b=b), oracle.weighted(a, b)) <= 0.51
        assert worst(oracle.distance, lse.logmeanexp(a, b=b), oracle.mean(a, b)) <= 0.51
        signed = b * cast(rng.choice([-1, 1], n), dtype)
        value, sign = lse.logsumexp(a, b=signed, return_sign=True)
        assert value.dtype == sign.dtype == dtype
        assert oracle.error_of_sum(value, sign, a, signed) <= 1


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_sums_beyond_the_range_of_halves(dtype):
    zeros = np.zeros(65536, dtype)
    for a in (zeros, zeros[::-1], np.zeros((65536, 2), dtype)[:, 0], np.zeros((2, 65536), dtype)[1]):
        same(lse.logsumexp(a), dtype.type(11.090354888959125))
        same(lse.softmax(a), np.full(65536, 2.0**-16).astype(dtype))
        same(lse.logmeanexp(a), dtype.type(0))
    assert float(lse.logsumexp(np.zeros(65536, np.float16))) == 11.09375


@pytest.mark.parametrize("n", [1, 1000])
def test_a_result_beyond_the_range_is_infinite(n):
    greatest = np.finfo(np.float16).max
    a = np.full(n, greatest)
    same(lse.logsumexp(a), greatest)
    same(lse.logsumexp(a, b=a), greatest if n == 1 else np.float16(INF))
    for dtype in REAL:
        greatest = ml_dtypes.finfo(dtype).max if dtype == BFLOAT16 else np.finfo(dtype).max
        same(lse.log_softmax(np.array([-greatest, greatest], dtype)), np.array([-INF, 0], dtype))
        same(lse.logsumexp(np.array([-greatest, greatest], dtype)), dtype.type(greatest))


SPECIAL = [
    ([], -INF), ([-INF, -INF], -INF), ([NAN, 1], NAN), ([INF, NAN], NAN), ([INF, 1], INF), ([INF, -INF], INF),
    ([-INF, 3], 3),
]  # fmt: skip


@pytest.mark.parametrize("dtype", REAL, ids=str)
@pytest.mark.parametrize(("a", "value"), SPECIAL, ids=str)
def test_special_values(dtype, a, value):
    a = np.array(a, dtype)
    same(lse.logsumexp(a), dtype.type(value))
    same(lse.logsumexp(a, b=np.ones(a.shape, dtype)), dtype.type(value))
    same(lse.logsumexp(np.append(a, a), where=np.repeat([True, False], a.size)), dtype.type(value))
    same(segments(a), np.array([value], dtype))
    if a.size:
        same(lse.logcumsumexp(a)[-1], dtype.type(value))


@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_softmax_of_special_values(dtype):
    a = np.array([[INF, 1, INF], [-INF, -INF, -INF], [NAN, 1, 2], [-INF, 4, -INF]], dtype)
    same(lse.softmax(a, 1), np.array([[0.5, 0, 0.5], [NAN] * 3, [NAN] * 3, [0, 1, 0]], dtype))
    half = -np.log(LONG(2))
    expected = np.array([[half, -INF, half], [NAN] * 3, [NAN] * 3, [-INF, 0, -INF]], LONG)
    same(lse.log_softmax(a, 1), cast(expected, dtype))


# longdouble -------------------------------------------------------------------------------------------------


def error_in_eps(computed, exact, a):
    """|computed - exact| in units of SciPy's formula: the precision times the largest |a| or 1."""
    with oracle.mp.workdps(oracle.DIGITS):
        unit = oracle.exact(np.finfo(LONG).eps) * max(1, *(abs(oracle.exact(x)) for x in a))
        return max(float(abs(oracle.exact(x) - y) / unit) for x, y in zip(np.atleast_1d(computed), exact, strict=True))


@pytest.mark.parametrize("n", LENGTHS)
def test_longdouble_has_its_own_digits(n, rng):
    for scale in (1e-2, 1, 30, 5000):
        a = rng.standard_normal(n).astype(LONG) * LONG(scale) / 3
        b = rng.uniform(0.1, 2, n).astype(LONG) / 7
        assert error_in_eps(lse.logsumexp(a), [oracle.weighted(a)], a) <= 8
        assert error_in_eps(lse.logsumexp(a, b=b), [oracle.weighted(a, b)], a) <= 8
        assert error_in_eps(lse.logmeanexp(a, b=b), [oracle.mean(a, b)], a) <= 8
        assert error_in_eps(lse.logcumsumexp(a), oracle.cumulative(a), a) <= 8
        signed = b * LONG(-1) ** np.arange(n)
        value, sign = lse.logsumexp(a, b=signed, return_sign=True)
        assert value.dtype == sign.dtype == LONG
        assert oracle.error_of_sum(value, sign, a, signed) <= 1
        if scale == 5000:
            continue  # if a result is so near to 0 that the oracle has too few digits
        total = oracle.weighted(a)
        with oracle.mp.workdps(oracle.DIGITS):
            logs = [oracle.exact(x) - total for x in a]
            probabilities = [oracle.mp.exp(y) for y in logs]
            relative = [oracle.exact(p) / exact for p, exact in zip(lse.softmax(a), probabilities, strict=True)]
        assert error_in_eps(lse.log_softmax(a), logs, a) <= 8
        assert error_in_eps(relative, [1] * n, a) <= 8


def test_long_sums_of_longdouble_keep_their_digits(rng):
    a = rng.standard_normal(20_000).astype(LONG) / 3
    total = oracle.weighted(a)
    assert oracle.distance(lse.logsumexp(a), total) <= 1
    assert oracle.distance(lse.logcumsumexp(a)[-1], total) <= 1
    assert oracle.distance(lse.logsumexp(a.reshape(200, 100, order="F")), total) <= 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_longdouble_on_threads(threads, rng):
    a = rng.standard_normal((37, 1000)).astype(LONG)
    where = rng.random(a.shape) < 0.7
    with lse.num_threads(threads):
        for _, layout in layouts(a):
            same(
                lse.logsumexp(layout, axis=1, where=where),
                np.array([lse.logsumexp(x[y]) for x, y in zip(a, where, strict=True)]),
            )
            same(lse.softmax(layout, axis=1), np.array([lse.softmax(row) for row in a]))
            same(lse.logcumsumexp(layout, axis=1), np.array([lse.logcumsumexp(row) for row in a]))


def test_longdouble_in_place(rng):
    a = rng.standard_normal((5, 100)).astype(LONG)
    for function in (lse.softmax, lse.log_softmax, lse.logcumsumexp):
        for array in (a.copy(), np.asfortranarray(a), a[::-1].copy()[::-1]):
            expected = function(a, axis=1)
            function(array, axis=1, out=array)
            same(array, expected)


def test_longdouble_is_as_good_as_scipy(rng):
    for n in LENGTHS:
        a, b = rng.standard_normal(n).astype(LONG) * 3, rng.uniform(0.1, 2, n).astype(LONG)
        for weights in (None, b, b * LONG(-1) ** np.arange(n)):
            theirs = special.logsumexp(a, b=weights, return_sign=True)
            error = oracle.error_of_sum(*map(LONG, theirs), a, weights)
            assert oracle.error_of_sum(*lse.logsumexp(a, b=weights, return_sign=True), a, weights) <= max(1, error)


@pytest.mark.parametrize("ndim", [33, 63, 64])
@pytest.mark.parametrize("axis", [(), 0, -1, None], ids=str)
def test_longdouble_of_as_many_dimensions_as_there_are(ndim, axis):
    a = np.array([0.0, 1.0, 2.0], LONG)
    deep = a.reshape((1,) * (ndim - 1) + (3,))
    axes = {(): (), 0: ()}.get(axis, 0)
    assert np.array_equal(np.ravel(lse.logsumexp(deep, axis=axis)), np.ravel(lse.logsumexp(a, axis=axes)))
    assert np.array_equal(lse.softmax(deep, axis=axis).ravel(), lse.softmax(a, axis=axes))
    assert np.array_equal(lse.segment_logsumexp(deep, [0, 1, 3]).ravel(), lse.segment_logsumexp(a, [0, 1, 3]))


def test_longdouble_has_its_own_range():
    greatest, least = np.finfo(LONG).max, np.finfo(LONG).smallest_subnormal
    for a, b in (
        ([0, np.log(least) + 1], None), ([greatest / 2] * 2, None), ([-greatest / 3] * 2, None),
        ([0, 0], [greatest] * 2),
        ([0, np.log(greatest)], [1, least]), ([np.log(least), 0], [greatest, 1]),
    ):  # fmt: skip
        a, b = np.array(a, LONG), None if b is None else np.array(b, LONG)
        assert oracle.shortfall(lse.logsumexp(a, b=b), oracle.weighted(a, b)) <= 2
    tail = lse.logsumexp(np.array([0, -40], LONG))
    assert oracle.distance(tail, oracle.weighted([0.0, -40.0])) <= 2


# The dtype argument, integers, byte order -------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX], ids=str)
def test_the_dtype_argument(function, dtype):
    values = [[1.0, -2.0, 0.5], [3.0, 0.0, -8.0]]  # in every dtype
    expected = function(np.array(values).astype(dtype), axis=-1)
    assert expected.dtype == dtype
    for a in (np.array(values), np.array(values, np.float16), np.array(values, LONG), np.array(values, BFLOAT16)):
        same_bits(function(a, axis=-1, dtype=dtype), expected)
    out = np.empty(expected.shape, dtype)
    assert function(values, axis=-1, dtype=dtype, out=out) is out
    same_bits(out, expected)
    same_bits(function(np.array([[1, 2]]), axis=-1, dtype=dtype), function(np.array([[1, 2]]).astype(dtype), axis=-1))


def test_names_of_dtypes():
    for name, dtype in (("f4", np.float32), (float, np.float64), (complex, np.complex128), ("float16", np.float16)):
        assert lse.logsumexp([1, 2], dtype=name).dtype == dtype
    value = lse.logsumexp([1.0, 2.0], b=[1.0, -2.0], dtype=complex)
    assert value.imag == np.pi  # not NaN: the logarithm of a negative number is complex


@pytest.mark.parametrize("function", FUNCTIONS)
def test_impossible_dtypes(function):
    for dtype in (np.int64, bool, object, "U1", "M8[s]"):
        with pytest.raises(TypeError, match=re.escape(np.dtype(dtype).name)):
            function(np.zeros(3), dtype=dtype)
    for dtype in (np.float64, np.float16, np.complex64):
        a = np.zeros(3, np.complex128)
        if np.dtype(dtype).kind == "c":
            assert function(a, dtype=dtype).dtype == dtype
        else:
            with pytest.raises(TypeError, match="complex"):
                function(a, dtype=dtype)
    with pytest.raises(TypeError, match="complex"):
        function(np.zeros(3, complex), out=np.empty(np.shape(function(np.zeros(3)))))
    for a in (["x"], np.array([None]), np.zeros(2, "M8[s]"), np.zeros(2, "m8[s]"), np.zeros(2, "i4,f4")):
        with pytest.raises(TypeError, match=re.escape(np.asarray(a).dtype.name)):
            function(a)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_become_float64_before_any_subtraction(function, dtype):
    dtype = np.dtype(dtype)
    values = [0, 1, 1] if dtype.kind == "b" else [np.iinfo(dtype).min, np.iinfo(dtype).max, 3]
    a = np.array(values, dtype)
    same(function(a), function(np.array(values, np.float64)))
    same(function(a.astype(dtype.newbyteorder())), function(a))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX], ids=str)
def test_layouts_and_byte_order(function, dtype, rng):
    a = cast(rng.standard_normal((5, 37)) * 5, dtype)
    expected = function(a, axis=-1)
    assert expected.dtype == dtype
    assert expected.dtype.isnative
    for _, x in layouts(a):
        same_bits(function(x, axis=-1), expected)
    if function is not segments and dtype != LONG:  # NumPy adds in a different order along another axis
        same_bits(function(np.ascontiguousarray(a.T), axis=0), expected.T)


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX], ids=str)
def test_scalars_and_weak_numbers(dtype):
    for a in (dtype.type(2), np.array(2, dtype)):
        for function in (lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax):
            assert type(function(a)) is dtype.type
        assert lse.logsumexp(a) == 2
        assert lse.logsumexp(a, b=1) == 2
        assert lse.logsumexp(a, b=2.0).dtype == dtype
        assert lse.logsumexp([a, a], b=np.ones(2, dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [("f2", "f4", "f4"), ("f4", "f8", "f8"), ("f8", "g", "g"), ("f4", "F", "F"), ("f4", "D", "D"), ("f8", "F", "D"),
     ("F", "f4", "F"), ("F", "f8", "D"), ("D", "f4", "D"), ("i4", "f4", "f8"), ("i4", "F", "D"), ("f4", "i8", "f8")],
)  # fmt: skip
def test_the_dtype_of_data_and_weights(a, b, result):
    for shape in ((2,), (3, 2)):
        assert lse.logsumexp(np.ones(shape, a), b=np.ones(2, b)).dtype == result
        assert lse.logmeanexp(np.ones(2, a), axis=-1, b=np.ones(shape, b)).dtype == result


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, "bfloat16"])
def test_the_mean_of_nothing(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    result = lse.logmeanexp(np.zeros((3, 0), dtype), axis=1)
    assert (result.dtype, result.shape) == (dtype, (3,))
    assert np.isnan(result.astype(np.float64)).all()
