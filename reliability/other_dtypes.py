"""The dtypes that no kernel sums by itself, and means: errors by mpmath, of rows of random elements."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from unittest.mock import patch

import numpy as np

import lse
from reliability.witnesses import oracle, worst

Errors = Iterator[float]


def random_row(dtype: np.dtype, rng: np.random.Generator) -> np.ndarray:
    """Up to 60 elements of some scale, one in two shifted so that the result is near 0."""
    n = int(np.exp(rng.uniform(0, np.log(60))))
    row = (rng.standard_normal(n) * np.exp(rng.uniform(-4, 4))).astype(dtype)
    if rng.random() < 0.5:
        row = (row - row.dtype.type(float(oracle.weighted(row)))).astype(dtype)
    return row


def random_weights(n: int, dtype: np.dtype, rng: np.random.Generator) -> np.ndarray:
    """None of them 0, none negative."""
    return np.exp(rng.standard_normal(n)).astype(dtype)


def of_means(row: np.ndarray, rng: np.random.Generator) -> Errors:
    """Of logmeanexp, promised as logsumexp."""
    b = random_weights(row.size, row.dtype, rng)
    yield oracle.shortfall(lse.logmeanexp(row), oracle.mean(row))
    yield oracle.shortfall(lse.logmeanexp(row, b=b), oracle.mean(row, b))


def of_halves(row: np.ndarray, rng: np.random.Generator) -> Errors:
    """Of all functions of float16 and bfloat16, which are promised 0.51 ulp."""
    b = random_weights(row.size, row.dtype, rng)
    yield oracle.distance(lse.logsumexp(row), oracle.weighted(row)) / 0.51
    yield oracle.distance(lse.logsumexp(row, b=b), oracle.weighted(row, b)) / 0.51
    yield oracle.distance(lse.logmeanexp(row), oracle.mean(row)) / 0.51
    yield worst(oracle.distance, lse.softmax(row), oracle.softmax(row)) / 0.51
    yield worst(oracle.distance, lse.log_softmax(row), oracle.log_softmax(row)) / 0.51
    yield worst(oracle.distance, lse.logcumsumexp(row), oracle.cumulative(row)) / 0.51


def of_longdouble(row: np.ndarray, rng: np.random.Generator) -> Errors:
    """Of all functions of longdouble, as SciPy's formula leaves them; those of softmax relative to each element."""
    b = random_weights(row.size, row.dtype, rng)
    digits = 300  # for what is left of a total beside the greatest element: e^-500 is
    with patch.object(oracle, "DIGITS", digits), oracle.mp.workdps(digits):
        total = oracle.weighted(row)
        logs = [oracle.exact(x) - total for x in row]
        probabilities = [oracle.mp.exp(y) for y in logs]
        relative = [oracle.exact(p) / y for p, y in zip(lse.softmax(row), probabilities, strict=True)]
    unit = 16 * float(np.finfo(row.dtype).eps) * max(1.0, *map(float, np.abs(row)))

    def error(computed: object, exact: object) -> float:
        with oracle.mp.workdps(oracle.DIGITS):
            return float(abs(oracle.exact(computed) - exact)) / unit

    yield error(lse.logsumexp(row), total)
    yield error(lse.logsumexp(row, b=b), oracle.weighted(row, b))
    yield error(lse.logmeanexp(row), oracle.mean(row))
    yield worst(error, lse.log_softmax(row), logs)
    yield worst(error, lse.logcumsumexp(row), oracle.cumulative(row))
    yield max(float(abs(y - 1)) / unit for y in relative)


def of_complex(row: np.ndarray, rng: np.random.Generator) -> Errors:
    """Of sums with and without weights; the imaginary parts of elements and weights are random."""
    dtype = np.result_type(row.dtype, np.complex64)
    turns = np.exp(rng.uniform(-4, 9))
    a = (row + 1j * turns * rng.standard_normal(row.size)).astype(dtype)
    b = (rng.standard_normal(row.size) + 1j * rng.standard_normal(row.size)).astype(dtype)
    one = row.dtype.type(1)
    for weights in (None, b, b.real):
        yield oracle.error_of_sum(lse.logsumexp(a, b=weights), one, a, weights, 8)
        yield oracle.error_of_sum(*lse.logsumexp(a, b=weights, return_sign=True), a, weights, 8)


# name, promise, dtype, errors as fractions of it
KINDS: list[tuple[str, str, str, Callable[[np.ndarray, np.random.Generator], Errors]]] = [
    ("`logmeanexp`, float64", "as `logsumexp`", "float64", of_means),
    ("`logmeanexp`, float32", "as `logsumexp`", "float32", of_means),
    ("float16: all functions", "0.51 ulp", "float16", of_halves),
    ("bfloat16: all functions", "0.51 ulp", "bfloat16", of_halves),
    ("longdouble", "16 eps · max(1, |a|), of softmax relative to each element", "longdouble", of_longdouble),
    ("complex128", "8 · 2⁻⁵³ of Σ |b eᵃ|, and 1 ulp of the log and of the phase", "float64", of_complex),
    ("complex64", "8 · 2⁻²⁴ of Σ |b eᵃ|, and 1 ulp of the log and of the phase", "float32", of_complex),
]


def line_and_failures(kind: int, samples: int) -> tuple[list[str], list[str]]:
    """Measure one of KINDS."""
    import ml_dtypes  # noqa: F401  # bfloat16 becomes a dtype of NumPy

    name, promise, dtype, errors_of = KINDS[kind]
    rng, greatest, count, failures = np.random.default_rng(0), 0.0, 0, []
    for sample in range(samples):
        for error in errors_of(random_row(np.dtype(dtype), rng), rng):
            count += 1
            greatest = max(greatest, error)
            if not error <= 1:
                failures.append(f"{name}: {error} times what is promised, in sample {sample}")
    return [name, promise, f"{greatest:.2f}", "", f"{count:,}"], failures


def lines_of_other_dtypes(samples: int) -> tuple[list[list[str]], list[str]]:
    """Lines of the table, and what is beyond the promises."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(pool.map(line_and_failures, range(len(KINDS)), [samples] * len(KINDS)))
    return [line for line, _ in found], [failure for _, failures in found for failure in failures]
