"""Digests of results on a fixed set of inputs: ``python golden.py`` prints what golden.txt shall hold.

The inputs are made of integers and of operations that round the same everywhere, so that they, and the results, are the
same on every machine and with every version of NumPy. golden.c computes the first of them through lse.h.
"""

import inspect
from pathlib import Path

import numpy as np

import lse
from lse import _core

ROWS = 12
LENGTHS = [*range(1, 140), 257, 1000, 2049, 4097, 9001, 70000, 200003]
LEVEL = np.array([0, -10, -600, 70000, -200000, -(2.0**126), 0.25, 0, 0, -25, 0, -20])[:, None]
SCALE = np.array([1, 20, 1200, 30, -100, 2.0**127, 0, 0, 0, 50, 0, 40])[:, None]
GOLDEN = Path(__file__).with_name("golden.txt")
PROGRAM = Path(__file__).with_name("golden.c")
LOG2 = 0.6931471805599453
STEP = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def words(seed, n):
    """ROWS rows of n words of 64 random bits."""
    at = np.arange(1, ROWS * n + 1, dtype=np.uint64).reshape(ROWS, n)
    return mix(np.uint64(seed * 0xD1B54A32D192ED03 % 2**64) + at * STEP)


def fractions(words):
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def elements(n, dtype):
    """Rows of very different scales and levels, of equal elements, ramps, random bits, and special values."""
    w, i = words(n, n), np.arange(n)
    x = LEVEL + SCALE * fractions(w)
    x[7], x[8] = 0.5 * i, -0.125 * i
    x[9, w[9] % np.uint64(8) == 0] = -np.inf
    x[11, n // 2] = np.nan if n % 2 else np.inf
    x = x.astype(dtype)
    x[10] = w[10].view(np.float64) if dtype == np.float64 else (w[10] >> np.uint64(32)).astype(np.uint32).view(dtype)
    return x


def weights(n, dtype):
    """Rows of nonnegative weights, of both signs, and of small integers."""
    w = words(n + 1000000, n)
    b = fractions(w)
    b[1::3] = 2 * b[1::3] - 1
    b[2::3] = (w[2::3] >> np.uint64(61)).astype(np.float64) - 3
    return b.astype(dtype)


def complex_elements(n, dtype):
    """The same with angles of every size."""
    w = words(n + 2000000, n)
    z = elements(n, dtype(0).real.dtype.type).astype(dtype)
    z.imag = (2 * fractions(w) - 1) * np.array([4.0, 1, 100, 2.0**30, 2.0**100, 0.125, 0, 4, 4, 4, 4, 4])[:, None]
    return z


def complex_weights(n, dtype):
    real, imag = weights(n, dtype(0).real.dtype.type), fractions(words(n + 3000000, n))
    b = real.astype(dtype)
    b.imag[::2] = imag[::2]
    return b


class Digest:
    """A sum of mixed bits; all NaN count as the same."""

    def __init__(self):
        self.sum, self.count = np.zeros(1, np.uint64), 0

    def add(self, x):
        x = np.array(x, order="C", ndmin=1)
        if x.dtype.kind == "c":
            x = x.view(x.real.dtype)
        x[np.isnan(x)] = np.nan
        bits = x.view(f"u{x.itemsize}").ravel().astype(np.uint64)
        at = np.arange(self.count + 1, self.count + bits.size + 1, dtype=np.uint64)
        self.sum += np.sum(mix(bits + at * STEP), dtype=np.uint64)
        self.count += bits.size

    def __str__(self):
        return f"{self.sum[0]:016x}"


def state(x):
    """Value and sign of every row, added as a third and the rest, at full precision."""
    sums = lse.LogSumExp(ROWS, x.dtype)
    third = x.shape[1] // 3
    sums.update(x[:, :third], axis=1).update(x[:, third:], axis=1)
    sums = lse.LogSumExp(ROWS).merge(sums)
    return np.stack([sums.value, sums.sign], axis=1)


def signed(x, b):
    return np.stack(lse.logsumexp(x, axis=1, b=b, return_sign=True), axis=1)


def segments(function, x, **options):
    return function(x, [0, x.shape[1] // 5, x.shape[1]], axis=1, **options)


def labels(x):
    """Of three groups, and one without elements."""
    return np.array([3, 0, 2])[words(5, x.shape[1])[0] % np.uint64(3)]


def integers(x):
    """The elements as integers where they are integers."""
    return np.where(np.abs(x) < 2**31, x, 0).astype(np.int64)


def halves(x):
    return np.where(np.abs(x) < 60000, x, 0).astype(np.float16)


def near_0(x, b):
    """Of numbers on either side of -log 2."""
    off = 2.0**-12 * fractions(words(x.shape[1], x.shape[1]))
    return lse.logaddexp((off - LOG2).astype(x.dtype), (-off - LOG2).astype(x.dtype))


def gradient(function, x, b, axis=1):
    return _core.differentiate(function.__name__, function(x, axis=axis), b, axis)


# also computed by golden.c
IN_C = {
    "logsumexp": lambda x, b: lse.logsumexp(x, axis=1),
    "logsumexp, columns": lambda x, b: lse.logsumexp(np.ascontiguousarray(x.T), axis=0),
    "softmax": lambda x, b: lse.softmax(x, axis=1),
    "softmax, columns": lambda x, b: lse.softmax(np.ascontiguousarray(x.T), axis=0).T,
    "log_softmax": lambda x, b: lse.log_softmax(x, axis=1),
    "logsumexp, weights": signed,
    "state": lambda x, b: state(x),
}
IN_PYTHON = {
    "log_softmax, columns": lambda x, b: lse.log_softmax(np.ascontiguousarray(x.T), axis=0).T,
    "logsumexp, all": lambda x, b: lse.logsumexp(x[:9]),
    "logsumexp, strided": lambda x, b: lse.logsumexp(x[::-1, ::2], axis=1),
    "logsumexp, weights, columns": lambda x, b: lse.logsumexp(
        np.asfortranarray(x), axis=1, b=np.abs(b), return_sign=True
    )[0],
    "logsumexp, where": lambda x, b: lse.logsumexp(x, axis=1, where=b > 0),
    "logsumexp, integers": lambda x, b: lse.logsumexp(integers(x), axis=1),
    "logsumexp, float16": lambda x, b: lse.logsumexp(halves(x), axis=1),
    "softmax, float16": lambda x, b: lse.softmax(halves(x), axis=1),
    "softmax, where": lambda x, b: lse.softmax(x, axis=1, where=b > 0),
    "logmeanexp": lambda x, b: lse.logmeanexp(x, axis=1),
    "logmeanexp, weights": lambda x, b: lse.logmeanexp(x, axis=1, b=np.abs(b)),
    "logcumsumexp": lambda x, b: lse.logcumsumexp(x, axis=1),
    "logcumsumexp, reverse": lambda x, b: lse.logcumsumexp(x, axis=1, reverse=True),
    "segment_logsumexp": lambda x, b: segments(lse.segment_logsumexp, x),
    "segment_logsumexp, weights": lambda x, b: np.stack(segments(lse.segment_logsumexp, x, b=b, return_sign=True)),
    "segment_softmax": lambda x, b: segments(lse.segment_softmax, x),
    "segment_log_softmax": lambda x, b: segments(lse.segment_log_softmax, x),
    "scatter_logsumexp": lambda x, b: lse.scatter_logsumexp(x, labels(x), axis=1),
    "scatter_softmax": lambda x, b: lse.scatter_softmax(x, labels(x), axis=1),
    "scatter_log_softmax": lambda x, b: lse.scatter_log_softmax(x, labels(x), axis=1),
}
IN_PYTHON |= {
    "logaddexp": lambda x, b: lse.logaddexp(x, np.roll(x, 1, axis=0)),
    "logaddexp, near 0": near_0,
    "logsubexp": lambda x, b: lse.logsubexp(x, np.roll(x, 1, axis=0)),
    "log1pexp": lambda x, b: lse.log1pexp(x),
    "log1mexp": lambda x, b: lse.log1mexp(-np.abs(x)),
    "logexpm1": lambda x, b: lse.logexpm1(np.abs(x)),
    "logmatmulexp": lambda x, b: lse.logmatmulexp(x[:, :5000], np.roll(x[:, :5000], 1, axis=0).T),
    "logmatmulexp, one column": lambda x, b: lse.logmatmulexp(x[:, :5000], x[0, :5000]),
}
IN_PYTHON |= {
    "softmax, gradient": lambda x, b: gradient(lse.softmax, x, b),
    "softmax, gradient, columns": lambda x, b: gradient(lse.softmax, x.T.copy(), b.T, 0).T,
    "log_softmax, gradient": lambda x, b: gradient(lse.log_softmax, x, b),
}
# and every other function of an axis
IN_PYTHON |= {
    name: lambda x, b, function=function: function(x, axis=1)
    for name, function in vars(lse).items()
    if name in lse.__all__ and inspect.isroutine(function) and "axis" in inspect.signature(function).parameters
    and name not in {*IN_C, *IN_PYTHON}
}  # fmt: skip


# of complex numbers
OF_COMPLEX = {
    "logsumexp, complex": lambda z, b: lse.logsumexp(z, axis=1),
    "logsumexp, complex, columns": lambda z, b: lse.logsumexp(np.ascontiguousarray(z.T), axis=0),
    "softmax, complex": lambda z, b: lse.softmax(z, axis=1),
    "log_softmax, complex": lambda z, b: lse.log_softmax(z, axis=1),
    "logsumexp, complex weights": lambda z, b: lse.logsumexp(z, axis=1, b=b),
    "logsumexp, complex, real weights": lambda z, b: lse.logsumexp(z, axis=1, b=b.real, return_sign=True)[1],
    "logsumexp, complex, where": lambda z, b: lse.logsumexp(z, axis=1, where=b.real > 0),
    "logmeanexp, complex": lambda z, b: lse.logmeanexp(z, axis=1),
    "logcumsumexp, complex": lambda z, b: lse.logcumsumexp(z, axis=1),
    "segment_logsumexp, complex": lambda z, b: segments(lse.segment_logsumexp, z),
    "segment_logsumexp, complex weights": lambda z, b: segments(lse.segment_logsumexp, z, b=b),
    "segment_softmax, complex": lambda z, b: segments(lse.segment_softmax, z),
    "segment_log_softmax, complex": lambda z, b: segments(lse.segment_log_softmax, z),
}
REAL = (("f64", np.float64, elements, weights), ("f32", np.float32, elements, weights))
COMPLEX = (
    ("c128", np.complex128, complex_elements, complex_weights),
    ("c64", np.complex64, complex_elements, complex_weights),
)


def lines(functions):
    """A line for each dtype and function: the digest and the name."""
    for name, dtype, elements_of, weights_of in COMPLEX if functions is OF_COMPLEX else REAL:
        digests = {function: Digest() for function in functions}
        for n in LENGTHS:
            x, b = elements_of(n, dtype), weights_of(n, dtype)
            for function, digest in digests.items():
                digest.add(functions[function](x, b))
        for function, digest in digests.items():
            yield f"{digest} {name} {function}"


def expected(functions):
    """The lines of golden.txt for these functions, in its order."""
    return [line for line in GOLDEN.read_text().splitlines() if line.split(" ", 2)[2] in functions]


def main():
    print(*lines(IN_C), *lines(IN_PYTHON), *lines(OF_COMPLEX), sep="\n")


if __name__ == "__main__":
    main()
