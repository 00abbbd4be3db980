"""The ufuncs: errors against mpmath, special values, and what NumPy does with them."""

import pickle

import mpmath as mp
import numpy as np
import pytest

import lse
from checks import in_threads, layouts, same, same_bits, using
from lse import _core
from oracle import DIGITS, exact, finfo, spacing

pytestmark = pytest.mark.usefixtures("kernel")

INF, NAN = np.inf, np.nan
FLOATS = [np.float16, np.float32, np.float64]
OF_TWO = [lse.logaddexp, lse.logsubexp]
OF_ONE = [lse.log1pexp, lse.log1mexp, lse.logexpm1]
UFUNCS = [*OF_TWO, *OF_ONE]
LOG2 = 0.6931471805599453


def reference(ufunc, *given):
    """The exact result for finite numbers of the domain, to DIGITS digits of the result."""
    x, y = (*given, 0.0)[:2]
    with mp.workdps(2 * DIGITS):
        x, y = mp.mpf(float(x)), mp.mpf(float(y))
        if ufunc is lse.log1pexp:
            return mp.log1p(mp.exp(x))
        if ufunc is lse.log1mexp:
            return mp.log(-mp.expm1(x)) if x > -1 else mp.log1p(-mp.exp(x))
        if ufunc is lse.logexpm1:
            x, y = x, mp.mpf(0)
        if ufunc is lse.logaddexp:
            x, y = max(x, y), min(x, y)
            near_one, ratio = mp.expm1(x) + mp.exp(y), mp.exp(y - x)
        else:
            near_one, ratio = mp.expm1(x) - mp.exp(y), -mp.exp(y - x)
        if abs(near_one) < 0.25:
            return mp.log1p(near_one)
        return x + (mp.log(-mp.expm1(y - x)) if ratio < -0.5 else mp.log1p(ratio))


def error(computed, y):
    """In ulp of the result; and whether that is subnormal, and so rounded twice."""
    with mp.workdps(2 * DIGITS):
        digits, least, _ = finfo(computed.dtype)
        is_subnormal = abs(y) < mp.ldexp(1, least + digits)
        return float(abs(exact(computed) - y) / spacing(y, computed.dtype)), is_subnormal


def check(ufunc, *given):
    with np.errstate(all="raise"):
        results = ufunc(*given)
    for result, *numbers in zip(np.atleast_1d(results), *map(np.atleast_1d, given), strict=True):
        found, is_subnormal = error(result, reference(ufunc, *numbers))
        bound = 0.76 if is_subnormal else 0.52 if result.dtype == np.float64 else 0.501
        assert found <= bound, (ufunc, [float(x).hex() for x in numbers], result, found)


def in_domain(ufunc, *given):
    """The arguments for which the result is finite."""
    if ufunc is lse.logsubexp:
        x, y = np.maximum(*given), np.minimum(*given)
        return x[x > y], y[x > y]
    x = {lse.log1mexp: lambda x: -np.abs(x[x != 0]), lse.logexpm1: lambda x: np.abs(x[x != 0])}
    return tuple(x[ufunc](one) for one in given) if ufunc in x else given


@np.errstate(all="ignore")
def numbers(count, dtype, rng):
    """Of every magnitude at which the functions change their behaviour."""
    least, greatest = float(np.log2(np.finfo(dtype).smallest_subnormal)), float(np.log(np.finfo(dtype).max))
    sign = rng.choice([-1.0, 1.0], count)
    x = np.concatenate([
        rng.normal(size=count), 20 * rng.normal(size=count), rng.uniform(-1.05, 1.05, count) * greatest,
        sign * 2.0 ** rng.uniform(least, 3, count), sign * (LOG2 + rng.normal(size=count) * 2.0 ** rng.uniform(-53, 0)),
    ])  # fmt: skip
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("ufunc", OF_ONE, ids=lambda f: f.__name__)
def test_errors_of_one_number(ufunc, dtype, rng):
    check(ufunc, *in_domain(ufunc, numbers(100, dtype, rng)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("ufunc", OF_TWO, ids=lambda f: f.__name__)
def test_errors_of_two_numbers(ufunc, dtype, rng):
    x = numbers(100, dtype, rng)
    check(ufunc, *in_domain(ufunc, x, rng.permutation(x)))
    with np.errstate(all="ignore"):
        close = (x - 2.0 ** rng.uniform(-60, 5, x.size)).astype(dtype)
    check(ufunc, *in_domain(ufunc, x, close))


def partners(ufunc, x):
    """The y for which the result is 0, as doubles."""
    with mp.workdps(700):
        return np.array([float(mp.log(abs(mp.expm1(mp.mpf(float(one)))))) for one in x])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ufunc", OF_TWO, ids=lambda f: f.__name__)
def test_results_near_0(ufunc, dtype, rng):
    """The best y for x, its neighbours, and those at every distance from it."""
    least = -140 if dtype == np.float32 else -1060
    size = np.concatenate(
        [rng.uniform(0, LOG2, 100), 2.0 ** rng.uniform(least, -1, 100), 2.0 ** rng.uniform(-8, -1, 50)]
    )
    if ufunc is lse.logsubexp:
        size = np.concatenate([size, rng.uniform(0, 36 if dtype == np.float64 else 16, 100)])
    x = (-size if ufunc is lse.logaddexp else size).astype(dtype)
    exact_y = partners(ufunc, x)
    with np.errstate(all="ignore"):
        best = exact_y.astype(dtype)
        others = [np.nextafter(best, dtype(-INF)), np.nextafter(best, dtype(INF))]
        others += [(exact_y * (1 + rng.normal(size=x.size) * 2.0**-k)).astype(dtype) for k in range(2, 50, 3)]
    for y in (best, *others):
        kept = (y < x) & (y > -700)
        check(ufunc, x[kept], y[kept])
        if ufunc is lse.logaddexp:
            same_bits(ufunc(y, x), ufunc(x, y))


WITNESSES = [
    (lse.logaddexp, [-0.6931471805599453, -0.6931471805599453], 2.3190468138462996e-17),
    (lse.logaddexp, [-0.3, -1.35], None),
    (lse.log1pexp, [-40.0], 4.248354255291589e-18),
    (lse.logexpm1, [0.6931471805599453], -4.638093627692599e-17),
    (lse.log1mexp, [-40.0], -4.248354255291589e-18),
    (lse.logaddexp, [1e-310, -745.0], None),
    (lse.logaddexp, [-(2.0**-1074), -745.0], None),
    (lse.logaddexp, [-9.403718961352384e-193, -442.157817702631], None),
    (lse.logsubexp, [0.47498115455364864, -0.4976068874498579], None),
    (lse.logsubexp, [float.fromhex("0x1.c8d586p-21"), float.fromhex("-0x1.bf3ed6p+3")], None),
    (lse.logsubexp, [float.fromhex("0x1.065f64p+2"), float.fromhex("0x1.054d78p+2")], None),
    (lse.logsubexp, [3.7673060564197485, 3.743836173949097], None),
    (lse.logsubexp, [float.fromhex("0x1.47d83ff4b3afbp-978"), float.fromhex("-0x1.52d3463406bccp+9")], None),
    (lse.logaddexp, [-0.13442542933437732, -2.0464087107691875], None),
    (lse.logexpm1, [float.fromhex("0x1.54c2d1b29b196p-1")], None),
    (lse.log1mexp, [float.fromhex("-0x1.514d22p+2")], None),
    (lse.logsubexp, [5e-324, 0.0], None),
    (lse.log1mexp, [-5e-324], None),
    (lse.logexpm1, [5e-324], None),
]


@pytest.mark.parametrize(("ufunc", "given", "expected"), WITNESSES)
def test_witnesses(ufunc, given, expected):
    check(ufunc, *np.array(given)[:, None])
    if expected is not None:
        assert ufunc(*given) == expected
    with np.errstate(all="ignore"):
        single = np.array(given, np.float32)
    if not (single.astype(float) == given).all():
        return
    check(ufunc, *single[:, None])


@pytest.mark.exhausts
@pytest.mark.long
@pytest.mark.parametrize("ufunc", OF_ONE, ids=lambda f: f.__name__)
def test_all_floats(ufunc, kernel):
    """Every float by the best kernel, one in 61 by the others. The reference is float64, 2^-29 of an ulp off."""
    best = _core.available_kernels()[0]
    every, worst = 1 if kernel == best else 61, 0.0
    for sign in {lse.log1pexp: (0, 1), lse.log1mexp: (1,), lse.logexpm1: (0,)}[ufunc]:
        for start in range(0, 0x7F800000, every << 20):
            bits = np.arange(start, min(start + (every << 20), 0x7F800000), every, dtype=np.uint32)
            x = (bits | np.uint32(sign << 31)).view(np.float32)
            computed = ufunc(x)
            with using(best):
                y = ufunc(x.astype(np.float64))
            with np.errstate(all="ignore"):
                rounded = y.astype(np.float32)
                finite = np.isfinite(rounded)
                error = np.abs(computed.astype(np.float64) - y)[finite] / np.spacing(np.abs(rounded[finite]))
            worst = max(worst, float(error.max(initial=0.0)))
            same(computed[~finite], rounded[~finite])
    assert worst <= 0.50001


# Special values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*FLOATS, np.longdouble])
@pytest.mark.parametrize("finite", [-800.0, -1.0, -0.0, 0.0, 1.0, 800.0, 6e4])
def test_special_values_of_two_numbers(dtype, finite):
    x = dtype(finite)
    inf, nan = dtype(INF), dtype(NAN)
    cases = {
        lse.logaddexp: [
            (-inf, -inf, -inf), (inf, inf, inf), (inf, -inf, inf), (x, inf, inf), (x, -inf, x), (x, nan, nan),
            (inf, nan, nan), (-inf, nan, nan), (nan, nan, nan),
        ],
        lse.logsubexp: [
            (-inf, -inf, -inf), (inf, inf, nan), (inf, -inf, inf), (inf, x, inf), (x, -inf, x), (x, x, -inf),
            (-inf, x, nan), (x, inf, nan), (x, nan, nan), (nan, x, nan), (inf, nan, nan), (nan, -inf, nan),
            (dtype(-7), dtype(-6), nan),
        ],
    }  # fmt: skip
    for ufunc, rows in cases.items():
        for first, second, expected in rows:
            same(ufunc(first, second), dtype(expected))
            same(ufunc(np.full(70, first), np.full(70, second)), np.full(70, expected, dtype))
            if ufunc is lse.logaddexp:
                same(ufunc(second, first), dtype(expected))


@pytest.mark.parametrize("dtype", [*FLOATS, np.longdouble])
def test_special_values_of_one_number(dtype):
    for ufunc, given, expected in [
        (lse.log1pexp, [-INF, INF, NAN, 6e4], [0, INF, NAN, 6e4]),
        (lse.log1mexp, [-INF, 0.0, -0.0, 1.0, INF, NAN], [0, -INF, -INF, NAN, NAN, NAN]),
        (lse.logexpm1, [INF, 0.0, -0.0, -1.0, -INF, NAN, 6e4], [INF, -INF, -INF, NAN, NAN, NAN, 6e4]),
    ]:
        same(ufunc(np.array(given, dtype)), np.array(expected, dtype))


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_bits_raise_nothing(ufunc, dtype, rng):
    """The largest numbers and all NaN too; every NaN gives NaN."""
    x = rng.integers(0, 256, (ufunc.nin, 20_000 * dtype().itemsize), dtype=np.uint8).view(dtype)
    with np.errstate(all="raise"):
        result = ufunc(*x)
    assert np.isnan(result[np.isnan(x).any(axis=0)]).all()


# What NumPy makes of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [*FLOATS, np.longdouble])
def test_layouts_and_lengths(ufunc, dtype, rng):
    """The same bits in every layout, for every length and in place."""
    a = np.abs(rng.normal(size=(9, 35))).astype(dtype)
    given = (a + a[0, 0], a) if ufunc.nin == 2 else (-a if ufunc is lse.log1mexp else a,)
    expected = ufunc(*given)
    for rows in zip(*map(layouts, given), strict=True):
        same_bits(ufunc(*(array for _, array in rows)), expected)
    out = np.zeros((9, 70), dtype)
    same_bits(ufunc(*given, out=out[:, ::2]), expected)
    assert not out[:, 1::2].any()
    for n in range(36):
        same_bits(ufunc(*(x[3, :n] for x in given)), expected[3, :n])
    for x in given:
        same_bits(ufunc(*given, out=x), expected)
        break


@pytest.mark.parametrize("ufunc", OF_TWO, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", FLOATS)
def test_broadcasting(ufunc, dtype, rng):
    x, y = np.abs(rng.normal(size=(2, 300))).astype(dtype)
    for first, second in ((x + y[0], y[0]), (x[0] + x.max(), y)):
        first, second = dtype(first) if np.ndim(first) == 0 else first, second
        same_bits(ufunc(first, second), ufunc(*map(np.ascontiguousarray, np.broadcast_arrays(first, second))))


def test_overlapping_output(rng):
    a = rng.normal(size=1000)
    b = a.copy()
    lse.logaddexp(b[1:], b[:-1], out=b[1:])
    same_bits(b[1:], lse.logaddexp(a[1:], a[:-1]))


@pytest.mark.parametrize("code", "?bBhHiIlLqQ")
def test_integers_become_float64(code):
    x = np.array([1, 0, 1], code)
    for ufunc in UFUNCS:
        if ufunc is lse.log1mexp:
            continue
        given = (x, np.zeros(3, code))[: ufunc.nin]
        same(ufunc(*given), ufunc(*(one.astype(float) for one in given)))
    same(lse.logaddexp.reduce(x), lse.logaddexp.reduce(x.astype(float)))
    assert lse.logaddexp(x, True).dtype == np.float64
    assert lse.logaddexp(x, np.float32(1)).dtype == np.result_type(x, np.float32)
    assert lse.log1pexp(x, dtype=np.float32, casting="unsafe").dtype == np.float32


def test_types():
    assert type(lse.logaddexp(1, 2)) is np.float64
    assert type(lse.logaddexp(np.float32(1), 2)) is np.float32
    assert lse.logaddexp.types == ["ee->e", "ff->f", "dd->d", "gg->g"]
    assert lse.log1pexp.types == ["e->e", "f->f", "d->d", "g->g"]
    for wrong in (1j, "1", None, np.datetime64("2020-01-01")):
        for ufunc in UFUNCS:
            with pytest.raises(TypeError):
                ufunc(*[wrong] * ufunc.nin)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_names(ufunc):
    assert isinstance(ufunc, np.ufunc)
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc
    assert ufunc.__doc__.startswith(ufunc.__name__)


def sequential(x):
    """Element after element."""
    total, results = x[0], [x[0]]
    for one in x[1:]:
        total = lse.logaddexp(total, one)
        results.append(total)
    return np.array(results)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 10, 100, 1000])
def test_reduce_and_accumulate(dtype, n, rng):
    a = (3 * rng.normal(size=(5, n))).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    for x in (a, np.asfortranarray(a), a[:, ::-1], a[::-1]):
        expected = np.array([sequential(row) for row in x])
        for computed, axis_first in (
            (lse.logaddexp.accumulate(x, axis=1), lse.logaddexp.accumulate(x.T, axis=0).T),
            (lse.logaddexp.reduce(x, axis=1), lse.logaddexp.reduce(x.T, axis=0)),
        ):
            wanted = expected if computed.ndim == 2 else expected[:, -1]
            scale = np.maximum(np.abs(wanted.astype(float)), 1)
            for one in (computed, axis_first):
                assert one.dtype == dtype
                assert (np.abs(one.astype(float) - wanted.astype(float)) <= (n + 2) * eps * scale).all()
    total = lse.logaddexp.reduce(a, axis=None)
    assert abs(float(total) - float(lse.logsumexp(a))) <= 8 * eps * max(abs(float(total)), 1)


def test_reductions_of_special_values():
    assert lse.logaddexp.identity == -INF
    assert lse.logaddexp.reduce(np.array([])) == -INF
    assert lse.logaddexp.reduce(np.full(20, -INF)) == -INF
    assert lse.logaddexp.reduce(np.r_[np.zeros(20), INF]) == INF
    assert np.isnan(lse.logaddexp.reduce(np.r_[np.zeros(20), NAN]))
    assert lse.logaddexp.reduce(np.r_[np.full(20, 1e300), 1.0]) == 1e300
    same(lse.logaddexp.reduce([1.0, 2.0, 3.0], where=[False, True, True]), lse.logaddexp(2.0, 3.0))
    same(lse.logaddexp.reduce([1.0], initial=2.0), lse.logaddexp(1.0, 2.0))
    same(lse.logaddexp.accumulate(np.full(20, -INF)), np.full(20, -INF))


def test_other_methods():
    x = np.array([0.5, 1.5, -2.0])
    same(lse.logaddexp.outer(x, x), lse.logaddexp(x[:, None], x))
    a = np.zeros(3)
    lse.logaddexp.at(a, [0, 0, 2], x)
    same(a, np.array([lse.logaddexp(lse.logaddexp(0.0, 0.5), 1.5), 0.0, lse.logaddexp(0.0, -2.0)]))
    lse.log1pexp.at(a, [1])
    assert a[1] == lse.log1pexp(0.0)
    out = np.full(3, 7.0)
    assert lse.log1pexp(x, out=out, where=[True, False, True]) is out
    same(out, np.array([lse.log1pexp(0.5), 7.0, lse.log1pexp(-2.0)]))


def test_longdouble():
    x, y = np.longdouble("0.25"), np.longdouble("-0.5")
    with mp.workdps(40):
        for ufunc, given in [
            (lse.logaddexp, (x, y)), (lse.logsubexp, (x, y)), (lse.log1pexp, (x,)), (lse.log1mexp, (y,)),
            (lse.logexpm1, (x,)), (lse.logexpm1, (8 * x,)),
        ]:  # fmt: skip
            result = ufunc(*given)
            assert result.dtype == np.longdouble
            assert abs(exact(result) - reference(ufunc, *given)) <= 4 * float(np.finfo(np.longdouble).eps)


def test_threads_at_once(rng):
    x, y = rng.normal(size=(2, 50_000))
    expected = lse.logaddexp(x, y)
    in_threads(lambda i: same_bits(lse.logaddexp(x, y), expected), 4)
