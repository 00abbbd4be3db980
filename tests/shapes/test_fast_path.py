"""The fast path and the general one give the same bits, dtypes, shapes, layouts and types, for any options.

Calls are drawn from the product of all kinds of arguments; a call on numbers that is right never leaves the fast path.
"""

import contextlib
import itertools

import ml_dtypes
import numpy as np
import pytest

import lse
from lse import _core, _cumulative, _groups, _products, _reductions, _segments, _streaming

pytestmark = pytest.mark.usefixtures("kernel")

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DRAWN = 1500  # calls of each function
SHAPES = [(), (1,), (5,), (3, 4), (4, 1), (1, 4), (2, 3, 4), (0,), (3, 0), (0, 4), (1, 1), (20, 3), (300,)]
DTYPES = ["f8", "f8", "f4", "f4", "f2", BFLOAT16, "?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">f8", ">f4",
          ">f2", ">i4", ">u8", "c8", "c16", "c16", ">c8"]  # fmt: skip


# Kinds of arguments -----------------------------------------------------------------------------------------


def values(rng, shape, dtype):
    """Some of which are infinite, NaN or equal."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        a = np.empty(shape, dtype)
        a.real, a.imag = values(rng, shape, "f8"), rng.standard_normal(shape) * rng.choice([0, 1, 3, 1e7])
        return a
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.6)
    if dtype.kind in "iu":
        return np.asarray(rng.integers(0 if dtype.kind == "u" else -20, 20, shape), dtype)
    a = np.asarray(rng.standard_normal(shape) * rng.choice([0.1, 3, 30]))
    special = np.asarray(rng.random(shape) < rng.choice([0, 0, 0, 0.2]))
    a[special] = rng.choice([np.inf, -np.inf, np.nan, 0.0, -0.0, a.flat[0] if a.size else 0], int(special.sum()))
    return a.astype(dtype)


def as_it_is(a):
    return a


def fortran(a):
    return np.asfortranarray(a) if a.ndim else a


def spread(a):
    wide = np.zeros([2 * n for n in a.shape], a.dtype)[(..., *(slice(None, None, 2) for _ in a.shape))]
    wide[...] = a
    return wide


def reversed_(a):
    return a[(..., *(slice(None, None, -1),) * a.ndim)]


def transposed(a):
    return np.ascontiguousarray(a.transpose(*range(1, a.ndim), 0)).transpose(-1, *range(a.ndim - 1)) if a.ndim else a


def repeated(a):
    return np.broadcast_to(a[:1], a.shape) if a.ndim else a


def unaligned(a):
    if not a.size:
        return a
    moved = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def scalar(a):
    return a.flat[0] if a.size else a


LAYOUTS = [as_it_is, as_it_is, fortran, spread, reversed_, transposed, repeated, unaligned, scalar]
NUMBERS = [2.5, -3, 0, True, False, 0.2, 1 / 2000, np.float64(0.5), np.float32(1.5), np.int64(3), np.uint8(7), np.True_,
           1j, -0.5 + 2j, np.complex64(3j), np.complex128(1 - 1j)]  # fmt: skip


def array_like(rng, shape):
    """An array of any dtype and layout, a sequence, a number."""
    kind = rng.integers(10)
    if kind == 0:
        return NUMBERS[rng.integers(len(NUMBERS))]
    if kind <= 2:
        listed = values(rng, shape, ["f8", "i8", "?", "c16"][rng.integers(4)]).tolist()
        return tuple(listed) if kind == 2 and isinstance(listed, list) else listed
    a = values(rng, shape, DTYPES[rng.integers(len(DTYPES))])
    return LAYOUTS[rng.integers(len(LAYOUTS))](a)


def beside(rng, shape, wider):
    """A shape that broadcasts with another; `wider`: which may have more axes or elements."""
    shape = tuple(1 if rng.random() < 0.3 else n for n in shape)
    if rng.random() < 0.4:
        return shape[rng.integers(len(shape) + 1) :]
    return (2, *shape) if wider and rng.random() < 0.2 else shape


def weights(rng, shape):
    return None if rng.random() < 0.3 else array_like(rng, beside(rng, shape, True))


def mask(rng, shape):
    kind = rng.integers(6)
    if kind < 3:
        return [True, True, False, np.True_, np.bool_(False), np.array(True)][rng.integers(6)]
    chosen = np.asarray(rng.random(beside(rng, shape, False)) < 0.7)
    return chosen.tolist() if kind == 3 else LAYOUTS[rng.integers(len(LAYOUTS))](chosen)


def axes(rng, ndim):
    """None, an integer of any kind, or a tuple of some."""
    last = max(ndim, 1)
    number = int(rng.integers(-last, last))
    several = tuple(int(i) for i in rng.permutation(ndim)[: rng.integers(ndim + 1)])
    one = (number, np.int64(number), np.int8(number), (number,), (np.intp(number),))
    return [None, None, number, *one, several, ()][rng.integers(10)]


def flag(rng):
    return [False, True, np.False_, np.True_, 0, 1, np.int8(1)][rng.integers(7)]


ASKED = [None, None, None, None, np.float32, np.float64, np.float16, float, "float32", "f2", ">f8", np.dtype("f4"),
         np.dtype(">f4"), BFLOAT16, BFLOAT16.type, np.complex64, complex, "c16", ">c8"]  # fmt: skip


def asked(rng):
    return ASKED[rng.integers(len(ASKED))]


# Both paths -------------------------------------------------------------------------------------------------


def general(name):
    """A function of lse without its fast path."""
    functions = {
        "logsumexp": lambda a, axis=None, b=None, keepdims=False, return_sign=False, where=True, out=None, dtype=None: (
            _reductions.logsumexp, (a, axis, b, keepdims, return_sign, where, out, dtype)
        ),
        "logmeanexp": lambda a, axis=None, b=None, keepdims=False, where=True, out=None, dtype=None: (
            _reductions.logmeanexp, (a, axis, b, keepdims, where, out, dtype)
        ),
        "softmax": lambda x, axis=None, where=True, out=None, dtype=None, empty=np.nan: (
            _reductions.map_elements, ("softmax", x, axis, where, out, dtype, empty)
        ),
        "log_softmax": lambda x, axis=None, where=True, out=None, dtype=None, empty=np.nan: (
            _reductions.map_elements, ("log_softmax", x, axis, where, out, dtype, empty)
        ),
        "logcumsumexp": lambda a, axis=None, reverse=False, out=None, dtype=None: (
            _cumulative.logcumsumexp, (a, axis, reverse, out, dtype)
        ),
        "segment_logsumexp": lambda a, indptr, axis=-1, b=None, return_sign=False, where=True, out=None, dtype=None: (
            _segments.segment_logsumexp, (a, indptr, axis, b, return_sign, where, out, dtype)
        ),
        "scatter_logsumexp": lambda a, index, axis=-1, size=None, b=None, return_sign=False, where=True, out=None,
        dtype=None: (
            _groups.scatter_logsumexp, (a, index, axis, size, b, return_sign, where, out, dtype)
        ),
    }  # fmt: skip
    for operation in ("softmax", "log_softmax"):
        functions["segment_" + operation] = lambda x, indptr, axis=-1, where=True, out=None, dtype=None: (
            _segments.map_segments,
            (name, x, indptr, axis, where, out, dtype),
        )
        functions["scatter_" + operation] = lambda x, index, axis=-1, size=None, where=True, out=None, dtype=None: (
            _groups.map_groups,
            (name, x, index, axis, size, where, out, dtype),
        )
    arguments = functions[name]
    return lambda *args, **options: _core.quietly(*arguments(*args, **options))


def outcome(function, args, options):
    """A result, or the error."""
    try:
        return function(*args, **options)
    except (ValueError, TypeError) as error:
        return error


def assert_same(x, y):
    """Two outcomes."""
    assert type(x) is type(y), (x, y)
    if isinstance(x, Exception):
        assert str(x) == str(y)
        return
    if isinstance(x, tuple):
        for one, other in zip(x, y, strict=True):
            assert_same(one, other)
        return
    assert x.dtype == y.dtype
    assert x.shape == y.shape
    if isinstance(x, np.ndarray):
        assert [s for s, n in zip(x.strides, x.shape, strict=True) if n > 1] == [
            s for s, n in zip(y.strides, y.shape, strict=True) if n > 1
        ]
    assert x.tobytes() == y.tobytes(), (x, y)


def as_integers(rng, numbers):
    """Offsets or labels of any type."""
    numbers = numbers.astype(["i8", "i4", "u8", "u2", ">i8", "i2"][rng.integers(6)])
    return [numbers, numbers.tolist(), tuple(numbers.tolist()), np.repeat(numbers, 2)[::2]][rng.integers(4)]


def segments(name, rng, shape):
    """Options of a call for segments; all elements belong to some of those that are mapped."""
    options, several = {"where": mask(rng, shape)}, shape or (1,)
    if "logsumexp" in name:
        options |= {"b": weights(rng, shape), "return_sign": flag(rng)}
        with contextlib.suppress(ValueError):
            several = np.broadcast_shapes(shape, np.shape(options["b"])) or (1,)
    axis = int(rng.integers(len(several)))
    offsets = np.sort(rng.integers(0, several[axis] + 1, rng.integers(2, 7)))
    if "logsumexp" not in name:
        offsets[0], offsets[-1] = 0, several[axis]
    axis = [axis, np.int16(axis - len(several))][rng.integers(2)]
    return options | {"indptr": as_integers(rng, offsets), "axis": axis}


def groups(name, rng, n):
    """Options of a call for groups of n elements."""
    count = int(rng.integers(1, 2 * n + 1))
    index = rng.integers(0, count, n)
    options = {"where": mask(rng, (n,)), "index": as_integers(rng, np.sort(index) if rng.random() < 0.2 else index)}
    options["size"] = [None, count, count + 3, np.uint16(count)][rng.integers(4)]
    if "logsumexp" in name:
        b = weights(rng, (n,))
        options |= {"b": None if np.ndim(b) > 1 else b, "return_sign": flag(rng)}
    return options | {"axis": [0, -1, np.int8(0)][rng.integers(3)]}


def call(name, rng):
    """Arguments of a call of a function."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    a = array_like(rng, shape)
    shape, options = np.shape(a), {}
    if rng.random() < 0.7:
        options["dtype"] = asked(rng)
    if name == "logcumsumexp":
        options |= {"axis": [None, *range(-len(shape), len(shape)), np.int8(0)][rng.integers(2 * len(shape) + 2)]}
        return a, options | {"reverse": flag(rng)}
    if name.startswith("segment_"):
        return a, options | segments(name, rng, shape)
    if name.startswith("scatter_"):
        a = array_like(rng, (int(rng.choice([1, 5, 20, 300])),))
        a = np.reshape(a, 1) if np.ndim(a) == 0 else a
        return a, options | groups(name, rng, len(a))
    options["where"] = mask(rng, shape)
    if name in ("logsumexp", "logmeanexp"):
        options["b"] = weights(rng, shape)
        options["keepdims"] = flag(rng)
        if options["b"] is not None:
            with contextlib.suppress(ValueError):
                shape = np.broadcast_shapes(shape, np.shape(options["b"]))
    if name == "logsumexp":
        options["return_sign"] = flag(rng)
    return a, options | {"axis": axes(rng, len(shape))}


def outputs(result, a, rng):
    """Pairs of an output that holds a result, and one that lies likewise."""
    shape, kind = result.shape, result.dtype
    kinds = [kind, kind, kind]
    if kind.kind == "c":
        kinds += [np.dtype(np.complex64), np.dtype(np.complex128), kind.newbyteorder()]
    elif kind != BFLOAT16:
        kinds += [np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.float16), kind.newbyteorder()]
    kind = kinds[rng.integers(len(kinds))]
    layout = [as_it_is, fortran, spread, reversed_, unaligned][rng.integers(5)]
    outs = [layout(np.zeros(shape, kind)) for _ in range(2)]
    may_be_a = isinstance(a, np.ndarray) and a.shape == shape and a.flags.writeable and a.dtype.kind == kind.kind
    if may_be_a and rng.random() < 0.3:
        outs = [a, a.copy()]
    return outs


MAPS = ["softmax", "log_softmax"]
NAMES = ["logsumexp", "logmeanexp", *MAPS, "logcumsumexp", "segment_logsumexp", "scatter_logsumexp",
         *(kind + name for kind in ("segment_", "scatter_") for name in MAPS)]  # fmt: skip


@pytest.fixture
def only_fast(monkeypatch):
    """Whatever goes to the general path from here on fails."""

    def refuse(*arguments):
        raise AssertionError("not taken by the fast path", arguments)

    for module, names in (
        (_reductions, ["logsumexp", "logmeanexp", "map_elements"]),
        (_cumulative, ["logcumsumexp"]),
        (_segments, ["segment_logsumexp", "map_segments"]),
        (_groups, ["scatter_logsumexp", "map_groups"]),
        (_streaming, ["prepare_update", "of"]),
        (_products, ["logmatmulexp"]),
    ):
        for name in names:
            monkeypatch.setattr(module, name, refuse)


def general_outcomes(name, drawn):
    return [outcome(general(name), (a,), options) for a, options in drawn]


def is_error(x):
    return isinstance(x, Exception)


@pytest.mark.parametrize("name", NAMES)
def test_any_call(name, rng, request):
    drawn = [call(name, rng) for _ in range(DRAWN)]
    expected = general_outcomes(name, drawn)
    assert sum(map(is_error, expected)) < DRAWN / 2
    for (a, options), result in zip(drawn, expected, strict=True):
        if is_error(result):
            assert_same(outcome(getattr(lse, name), (a,), options), result)
    request.getfixturevalue("only_fast")
    for (a, options), result in zip(drawn, expected, strict=True):
        if not is_error(result):
            assert_same(getattr(lse, name)(a, **options), result)


@pytest.mark.parametrize("name", NAMES)
def test_any_output(name, rng, request):
    drawn = [call(name, rng) for _ in range(DRAWN)]
    results = general_outcomes(name, drawn)
    kept = []
    for (a, options), result in zip(drawn, results, strict=True):
        if is_error(result):
            continue
        first = np.asarray(result[0] if isinstance(result, tuple) else result)
        mine, other = outputs(first, a, rng)
        given = a.copy() if mine is a else a
        expected = outcome(general(name), (other if mine is a else a,), options | {"out": other})
        kept.append((given if mine is a else a, given if mine is a else mine, options, other, expected))
    request.getfixturevalue("only_fast")
    for a, mine, options, other, expected in kept:
        if is_error(expected):
            continue
        got = getattr(lse, name)(a, **options, out=mine)
        assert (got[0] if isinstance(got, tuple) else got) is mine
        assert mine.tobytes() == other.tobytes(), (a, options, mine, other)
        if isinstance(got, tuple):
            assert_same(got[1], expected[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel_length", [1, 2, 15, 16, 17, 255, 256, 257, 5000])
def test_runs(dtype, kernel_length, rng):
    """One contiguous run, which needs no plan."""
    for a in (rng.standard_normal(kernel_length).astype(dtype), np.full(kernel_length, np.inf, dtype)):
        for name in ("logsumexp", "logmeanexp", "softmax", "log_softmax"):
            function, other = getattr(lse, name), general(name)
            assert_same(function(a), other(a))
            for out in (np.zeros_like(a if "softmax" in name else a[0]), None):
                assert_same(np.array(function(a, out=out)), np.array(other(a)))
            if "mean" in name or "sum" in name:
                assert_same(function(a, keepdims=True), other(a, keepdims=True))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("axis", [None, 0, -1, 1, (0,), (0, 1), (-1, 0), ()], ids=str)
def test_complex(dtype, axis, rng):
    for shape in ((5,), (1,), (3, 4), (300,), (2, 3, 4)):
        if axis in (1, (0, 1), (-1, 0)) and len(shape) == 1:
            continue
        for lay in (as_it_is, fortran, spread, reversed_, transposed, unaligned):
            a = np.empty(shape, dtype)
            a.real, a.imag = values(rng, shape, "f8"), 3 * rng.standard_normal(shape)
            a = lay(a)
            for name in ("logsumexp", "logmeanexp", "softmax", "log_softmax", "logcumsumexp"):
                if name == "logcumsumexp" and type(axis) is tuple:
                    continue
                assert_same(getattr(lse, name)(a, axis), general(name)(a, axis))
            assert_same(lse.logmeanexp(a, axis, keepdims=True), general("logmeanexp")(a, axis, keepdims=True))
            for b in (a, a.real.copy(), a.real[..., :1].copy(), a.real.astype("f4")):
                options = {"axis": axis, "b": b, "keepdims": bool(rng.integers(2)), "return_sign": True}
                assert_same(lse.logsumexp(a, **options), general("logsumexp")(a, **options))
            if type(axis) is int:
                for offsets in ([0, a.shape[axis]], np.array([0, 0, 1, 1]), [0]):
                    assert_same(lse.segment_logsumexp(a, offsets, axis), general("segment_logsumexp")(a, offsets, axis))
    for shape in ((0,), (3, 0), (0, 3)):
        for name in ("logsumexp", "logmeanexp", "softmax"):
            assert_same(getattr(lse, name)(np.zeros(shape, dtype), -1), general(name)(np.zeros(shape, dtype), -1))
    for row in ([1j, 2, 3.5], (1j,), [[1j, 2.0], [3, 4j]]):
        assert_same(lse.logsumexp(row), general("logsumexp")(row))
    with pytest.raises(np.exceptions.AxisError):
        lse.logsumexp(np.ones((2, 2), dtype), axis=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_accumulators(dtype, rng, request):
    """States that `update` and `of` make, and their counts."""
    made = []
    for _ in range(DRAWN):
        a, options = call("logmeanexp", rng)
        options = {key: options[key] for key in ("b", "where", "axis")}
        try:
            args = _streaming.checked_arguments("LogSumExp.of", a, options["axis"], options["b"], options["where"])
            of = _core.quietly(_streaming.of, (lse.LogSumExp, a, options["axis"], options["b"], options["where"], None))
        except (ValueError, TypeError):
            continue
        total = lse.LogSumExp(args.shape, dtype)
        _core.quietly(_streaming.prepare_update, (total, a, options["axis"], options["b"], options["where"]))()
        made.append((a, options, of, total))
    assert len(made) > DRAWN / 2
    request.getfixturevalue("only_fast")
    for a, options, of, total in made:
        mine = lse.LogSumExp.of(a, **options)
        assert (mine.shape, mine.dtype) == (of.shape, of.dtype)
        assert mine.to_bytes() == of.to_bytes()
        assert lse.LogSumExp(total.shape, dtype).update(a, **options).to_bytes() == total.to_bytes()


def factors(rng):
    """Two matrices or vectors, and a dtype."""
    n, shapes = int(rng.integers(1, 4)), []
    for right in (False, True):
        many = int(rng.integers(1, 4))
        shapes.append([(n,), (n, many) if right else (many, n)][min(rng.integers(4), 1)])
    made = [values(rng, shape, ["f8", "f8", "f4", "f2", "i8", "?", "u1", ">f4"][rng.integers(8)]) for shape in shapes]
    made = [LAYOUTS[rng.integers(len(LAYOUTS) - 1)](x) for x in made]
    if rng.random() < 0.2:
        made[0] = made[0].tolist()
    if rng.random() < 0.2 and np.ndim(made[1]) == 2:
        made[1] = lse.LogMatrix(made[1])
    return made, [None, None, np.float32, float, "f2", ">f8"][rng.integers(6)]


def test_products(rng, request):
    drawn = []
    for _ in range(DRAWN):
        made, dtype = factors(rng)
        expected = _core.quietly(_products.logmatmulexp, (*made, None, dtype))
        out = None if rng.random() < 0.5 else outputs(expected, None, rng)[0]
        wanted = None if out is None else out.copy()
        try:
            drawn.append((made, dtype, out, _core.quietly(_products.logmatmulexp, (*made, wanted, dtype))))
        except TypeError:  # an output to which the result cannot be cast
            assert out.dtype == np.float16
    request.getfixturevalue("only_fast")
    for made, dtype, out, expected in drawn:
        got = lse.logmatmulexp(*made, out=out, dtype=dtype)
        assert out is None or got is out
        assert got.tobytes() == expected.tobytes()
        assert out is not None or (type(got), got.dtype, got.shape) == (type(expected), expected.dtype, expected.shape)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("segment_", "scatter_"))])
def test_readers_of_memory(name, rng, request):
    """What NumPy makes plain arrays of at once."""
    row = rng.standard_normal(7)
    for x in (range(3, 8), memoryview(row), memoryview(row[::2]), memoryview(row.astype("i2")), memoryview(b"abc")):
        expected = general(name)(x)
        with request.getfixturevalue("monkeypatch").context() as patch:
            patch.setattr(_reductions, "check_arguments", None)
            patch.setattr(_cumulative, "check_array", None)
            assert_same(getattr(lse, name)(x), expected)


# Outputs that overlap what is read --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_that_overlap(dtype, rng):
    """The result is that of a separate output, whatever memory both share."""
    for start, step in ((0, 1), (0, -1), (1, 1), (3, 2)):
        for function in (lse.softmax, lse.log_softmax, lse.logcumsumexp):
            memory = (rng.standard_normal((6, 40)) * 10).astype(dtype)
            a = memory[:, 4:20]
            out = memory[:, 4 + start : 4 + start + 16 * abs(step) : abs(step)][:, :: step // abs(step)]
            expected = function(a.copy(), 1)
            assert function(a, 1, out=out) is out
            assert np.array_equal(out, expected)
        memory = (rng.standard_normal((6, 40)) * 10).astype(dtype)
        expected = lse.logsumexp(memory.copy(), 1)
        assert np.array_equal(lse.logsumexp(memory, 1, out=memory[:, start]), expected)


@pytest.mark.parametrize("indptr", [[0, 5, 3, 8], [-1, 3], [0, 9], [[0, 8]], [0, 2**63], [0.0, 8.0]], ids=str)
def test_wrong_offsets(indptr, rng):
    for given, axis in itertools.product((indptr, np.array(indptr), tuple(indptr)), (0, -1)):
        out = np.full((3,), 7.0)
        with pytest.raises((ValueError, TypeError), match="segment_logsumexp: indptr"):
            lse.segment_logsumexp(rng.standard_normal(8), given, axis, out=out)
        assert np.all(out == 7)
