"""Every function of lse.h, called by a C program: the bits of Python's functions, and errors for wrong calls."""

import itertools
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import c_program as c
import lse
from c_program import Call, Program
from checks import STRICT, tool
from lse import _core

SOURCE = Path(__file__).with_name("embedding.c")
FLAGS = ["-std=c11", *STRICT]

FORK = """
#include <lse/lse.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static float x[500000];

static void say(void)
{
    float value;
    if (lse_logsumexp_rows_f32(x, 0, 1, 1, 500000, &value, 2)) _exit(1);
    printf("%.4f\\n", value);
    fflush(stdout);
}

int main(void)
{
    int status = 1;
    say();
    if (fork() == 0) {
        alarm(60);
        say();
        _exit(0);
    }
    wait(&status);
    return status != 0;
}
"""

DTYPES = [np.float32, np.float64]

pytestmark = [
    pytest.mark.compiles,
    pytest.mark.skipif(os.name != "posix", reason="commands of gcc and clang"),
    pytest.mark.skipif(not SOURCE.is_file(), reason="needs the sources"),
]


# Calls ------------------------------------------------------------------------------------------------------


def rows_of_numbers(rng, dtype):
    """Rows of all lengths around the width of vectors, of all magnitudes, and with infinities and NaN."""
    greatest = float(np.finfo(dtype).max)
    far = 2.0 ** (17 if dtype == np.float32 else 46)
    for n in (0, 1, 2, 7, 8, 9, 31, 33, 100, 1000, 70_001):
        yield rng.normal(size=n) * 10
    for special in ([np.nan], [np.inf], [-np.inf], [np.inf, np.nan], [-np.inf, np.nan], [np.inf, -np.inf], [greatest],
                    [-greatest], [4 * far, -4 * far], [np.inf, np.inf], [-2.0 * far]):  # fmt: skip
        for n in (len(special), 8, 65):
            row = rng.normal(size=n)
            row[: len(special)] = special
            yield rng.permutation(row)
            yield np.resize(special, n)
    yield 3 * far + rng.normal(size=40)
    yield -5 * far - np.arange(50.0)
    for tail in (-40.0, -88.0, -102.5, -709.0, -744.0):  # results near 0, including subnormal ones
        yield np.array([0.0, tail])


def row_calls(rng, dtype):
    for numbers in rows_of_numbers(rng, dtype):
        x = numbers.astype(dtype)
        n = x.size
        yield Call(c.VALUE, x, lse.logsumexp(x))
        for stride in (1, -1, 3, -2, 0):
            if n == 0 and stride != 1:
                continue
            spread = rng.normal(size=n * abs(stride) + 1).astype(dtype)
            first = n * abs(stride) if stride < 0 else 0
            view = as_strided(spread[first:], (n,), (stride * x.itemsize,))
            if stride:
                view[...] = x
            yield Call(c.STRIDED, spread, lse.logsumexp(view), numbers={"n": n, "stride": stride, "first": first})
        for weights in (rng.normal(size=n), rng.random(n), np.where(rng.random(n) < 0.5, 0, 2), np.full(n, 1e-310)):
            b = weights.astype(dtype)
            value, sign = lse.logsumexp(x, b=b, return_sign=True)
            yield Call(c.WEIGHTED, x, value, sign, b=b)
            yield Call(c.WEIGHTED, x, lse.logsumexp(x, b=b), 0, b=b, numbers={"flags": c.NO_SIGN})
            value, sign = lse.logsumexp(x, b=b[::-1], return_sign=True)
            yield Call(c.WEIGHTED, x, value, sign, b=b, numbers={"b_stride": -1, "b_first": max(n - 1, 0)})
        if n:
            value, sign = lse.logsumexp(x, b=-x[:1], return_sign=True)
            yield Call(c.WEIGHTED, x, value, sign, b=-x[:1], numbers={"b_stride": 0})


def matrix_calls(rng, dtype):
    shapes = [(0, 5), (5, 0), (1, 9), (3, 8), (70, 3), (5, 1000), (300, 450), (1, 140_001), (27_000, 5)]
    for (rows, n), threads in itertools.product(shapes, (1, 2, 0)):
        x = (rng.normal(size=(rows, n)) * 30).astype(dtype)
        if x.size > 20:
            x[0, n // 2], x[rows // 2, 0], x[-1, -1] = np.inf, np.nan, -np.inf
        by_rows = {"rows": rows, "n": n, "row_stride": n, "stride": 1, "threads": threads}
        by_columns = {"rows": n, "n": rows, "row_stride": 1, "stride": n, "threads": threads}
        flat = x.ravel()
        for numbers, axis in ((by_rows, 1), (by_columns, 0)):
            values = np.full(numbers["rows"], c.UNTOUCHED, dtype)
            yield Call(c.ROWS, flat, lse.logsumexp(x, axis), out=values, numbers=numbers)
            strides = {"out_row_stride": numbers["row_stride"], "out_stride": numbers["stride"]}
            for function, of in ((c.SOFTMAX, lse.softmax), (c.LOG_SOFTMAX, lse.log_softmax)):
                expected, out = of(x, axis).ravel(), np.full(x.size, c.UNTOUCHED, dtype)
                yield Call(function, flat, expected, out=out, numbers={**numbers, **strides})
                yield Call(function, flat, expected, numbers={**numbers, **strides, "flags": c.IN_PLACE})
                crossed = {"out_row_stride": 1, "out_stride": numbers["rows"]}
                turned = of(x, axis).T.ravel() if axis else expected.reshape(x.shape).ravel()
                yield Call(function, flat, turned, out=out, numbers={**numbers, **crossed})
        if x.size:
            backwards = {**by_rows, "row_stride": -n, "stride": -1, "first": x.size - 1}
            values = np.full(rows, c.UNTOUCHED, dtype)
            yield Call(c.ROWS, flat, lse.logsumexp(x[::-1, ::-1], 1), out=values, numbers=backwards)
            same = lse.logsumexp(np.broadcast_to(x[0], x.shape), 1)
            yield Call(c.ROWS, flat, same, out=values, numbers={**by_rows, "row_stride": 0})
            out = np.full(2 * x.size, c.UNTOUCHED, dtype)
            expected = out.copy()
            expected[::-2] = lse.softmax(x, 1).ravel()
            gaps = {"out_row_stride": -2 * n, "out_stride": -2, "out_first": out.size - 1}
            yield Call(c.SOFTMAX, flat, expected, out=out, numbers={**by_rows, **gaps})


def state_calls(rng, dtype):
    """Two states updated by chunks, with and without weights, merged, and compared with LogSumExp."""

    def finished(total, state):
        log_abs, sign = np.float64(total.log_abs), np.float64(total.sign)
        numbers = {"state": state, "size": 8}
        yield Call(c.FINISH, empty, log_abs, sign, numbers=numbers, count=total.count)
        value = np.float64(total.value)
        assert np.isnan(value) == (sign < 0 or np.isnan(log_abs))
        yield Call(c.FINISH, empty, value, 0, numbers={**numbers, "flags": c.NO_SIGN}, count=total.count)

    empty = np.empty(0, np.float64)
    for scale, weighted in itertools.product((1, 50, 1e6, 1e20), (False, True)):
        totals = [lse.LogSumExp(), lse.LogSumExp()]
        for state, total in enumerate(totals):
            yield Call(c.INIT, empty, numbers={"state": state}, count=0)
            yield from finished(total, state)
            for n in (0, 1, 9, 1000, 66_000):
                x = (rng.normal(size=n) * scale).astype(dtype)
                b = rng.normal(size=n).astype(dtype) if weighted and n != 9 else None
                total += of_chunk(x, b)
                numbers = {"state": state, "flags": 0 if b is not None else c.NO_B}
                yield Call(c.UPDATE, x, b=b, numbers=numbers)
                yield from finished(total, state)
        yield Call(c.MERGE, empty, numbers={"state": 0, "other": 1})
        yield from finished(totals[0] + totals[1], 0)
        yield Call(c.MERGE, empty, numbers={"state": 0, "other": 0})
        yield from finished(totals[0] + totals[1] + (totals[0] + totals[1]), 0)
    for special in ([np.inf], [np.nan], [-np.inf], [np.inf, np.nan]):
        x = np.array([*special, 1.0], dtype)
        yield Call(c.INIT, empty)
        yield Call(c.UPDATE, x[::-1].copy(), numbers={"flags": c.NO_B, "stride": -1, "first": x.size - 1})
        yield from finished(lse.LogSumExp().merge(of_chunk(x, None)), 0)


def of_chunk(x, b):
    """A float64 accumulator of floats summed in single precision, like lse_state_update_f32."""
    return lse.LogSumExp.of(x, b=b, dtype=np.float64) if x.dtype == np.float64 else joined(lse.LogSumExp.of(x, b=b))


def joined(total):
    return lse.LogSumExp().merge(total)


def wrong_calls(dtype):
    """Errors, after which nothing has been written."""
    x, b = np.arange(6.0).astype(dtype), np.ones(6, dtype)
    for function in (c.VALUE, c.STRIDED, c.WEIGHTED, c.ROWS, c.SOFTMAX, c.LOG_SOFTMAX):
        wrong = [{"n": -1}, {"flags": c.NO_X}, {"flags": c.NO_OUT}]
        if function == c.WEIGHTED:
            wrong += [{"flags": c.NO_B}, {"b_stride": c.GREATEST}]
        if function != c.VALUE:
            wrong += [
                {"stride": c.GREATEST},
                {"stride": -c.GREATEST - 1},
                {"n": c.GREATEST, "stride": 0, "b_stride": 0},
            ]
        if function >= c.ROWS:
            wrong += [{"rows": -1}, {"threads": -1}, {"threads": 65537}, {"rows": 2, "row_stride": c.GREATEST}]
            wrong += [{"rows": 2**32, "n": 2**32, "stride": 0}]
        if function >= c.SOFTMAX:
            wrong += [{"out_stride": 0}, {"out_stride": c.GREATEST}, {"rows": 2, "n": 3, "out_row_stride": 0}]
            wrong += [{"rows": 2, "n": 3, "row_stride": 3, "out_row_stride": -c.GREATEST}]
        for numbers in wrong:
            strides = {"out_stride": 1, "out_row_stride": 6}
            yield Call(
                function, x, error=c.ARGUMENT, out=np.full(6, c.UNTOUCHED, dtype), b=b, numbers={**strides, **numbers}
            )
    # strides of axes of length 1 or 0 do not matter, nor pointers to nothing
    yield Call(c.STRIDED, x, x[0], numbers={"n": 1, "stride": c.GREATEST})
    one = {"n": 1, "stride": c.GREATEST, "row_stride": -c.GREATEST - 1, "out_stride": 0, "out_row_stride": c.GREATEST}
    yield Call(c.SOFTMAX, x, 1.0, numbers=one)
    yield Call(c.VALUE, x, -np.inf, numbers={"n": 0, "flags": c.NO_X})
    yield Call(c.WEIGHTED, x, -np.inf, 0, numbers={"n": 0, "flags": c.NO_X | c.NO_B})
    yield Call(c.ROWS, x, numbers={"rows": 0, "flags": c.NO_X | c.NO_OUT})
    yield Call(c.SOFTMAX, x, numbers={"rows": 3, "n": 0, "flags": c.NO_X | c.NO_OUT})
    yield Call(c.INIT, x)
    for numbers in ({"n": -1}, {"flags": c.NO_X | c.NO_B}, {"stride": c.GREATEST}, {"b_stride": -c.GREATEST}):
        yield Call(c.UPDATE, x, error=c.ARGUMENT, b=b, numbers=numbers, count=0)
    double = x.astype(np.float64)
    yield Call(c.FINISH, double, error=c.ARGUMENT, numbers={"flags": c.NO_OUT})
    yield Call(c.MERGE, x, error=c.STATE, numbers={"state": 3, "flags": c.RAW_STATE})
    yield Call(c.MERGE, x, error=c.STATE, numbers={"state": 0, "other": 3})
    yield Call(c.UPDATE, x, error=c.STATE, b=b, numbers={"state": 3})
    yield Call(c.FINISH, double, error=c.STATE, numbers={"state": 3})
    # the count of a state doubled until it would overflow
    yield Call(c.UPDATE, x, b=b, count=6)
    for times in range(1, 70):
        yield Call(c.MERGE, x, count=min(6 * 2**times, c.GREATEST))


def calls_without_memory():
    """Sums that cancel need a copy of the row; without memory nothing is written, and a state is unchanged."""
    x, b = np.zeros(1), np.resize([1.0, -1.0], 12_000_000)
    row = {"n": b.size, "stride": 0}
    yield Call(c.WEIGHTED, x, b=b, error=c.MEMORY, expected_sign=0, numbers=row)
    yield Call(c.INIT, x)
    yield Call(c.UPDATE, x, b=b, error=c.MEMORY, numbers=row, count=0)


def all_calls(rng, dtype):
    return [*row_calls(rng, dtype), *matrix_calls(rng, dtype), *state_calls(rng, dtype), *wrong_calls(dtype)]


# Programs ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["gcc", "clang"])
def program(request, installed, tmp_path):
    installed.run(installed.linker(request.param), *FLAGS, SOURCE, *installed.flags(), "-o", tmp_path / "program")
    return Program(tmp_path / "program")


@pytest.mark.parametrize("dtype", DTYPES)
def test_functions(program, rng, dtype):
    said = program.check(all_calls(rng, dtype))
    assert said[0] == _core.kernels()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", _core.available_kernels())
def test_functions_of_the_table(installed, tmp_path, rng, dtype, kernel):
    command = [installed.linker("cc"), *FLAGS, "-DTHROUGH_TABLE", SOURCE, *installed.flags()]
    installed.run(*command, "-o", tmp_path / "program")
    assert Program(tmp_path / "program").check(all_calls(rng, dtype), LSE_KERNELS=kernel)[0] == kernel


def test_kernels_that_are_none(program):
    x, b = np.ones(3), np.ones(3)
    functions = (c.VALUE, c.STRIDED, c.WEIGHTED, c.ROWS, c.SOFTMAX, c.LOG_SOFTMAX, c.UPDATE, c.MERGE, c.FINISH)
    calls = [
        Call(c.INIT, x),
        *(Call(f, x, error=c.KERNELS, b=b, out=np.zeros(3), numbers={"out_stride": 1}) for f in functions),
    ]
    said = program.check(calls, LSE_KERNELS="mmx")
    assert said[0] == "none"
    assert "LSE_KERNELS" in said[1]


@pytest.fixture
def linked(installed, tmp_path):
    installed.run(installed.linker("cc"), *FLAGS, "-g", SOURCE, *installed.flags(), "-lm", "-o", tmp_path / "program")
    return tmp_path / "program"


@pytest.mark.parametrize("dtype", DTYPES)
def test_modes_of_the_caller_change_nothing_and_are_kept(linked, rng, dtype):
    """Rounding upward, subnormal numbers flushed, a trap for every exception."""
    Program(linked, "in other modes").check(all_calls(rng, dtype))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_no_memory(linked):
    Program("sh", "-c", f"ulimit -v 250000; exec {linked}").check([*calls_without_memory()], OMP_NUM_THREADS="1")


def test_a_forked_child_computes(installed, tmp_path):
    (tmp_path / "fork.c").write_text(FORK)
    installed.run(installed.linker("cc"), tmp_path / "fork.c", *installed.flags(), "-o", tmp_path / "fork")
    assert installed.run(tmp_path / "fork").stdout == "13.1224\n13.1224\n"


@pytest.mark.parametrize("dtype", DTYPES)
def test_under_valgrind(linked, rng, dtype):
    calls = [call for call in all_calls(rng, dtype) if call.x.size <= 2000 or call.function == c.UPDATE]
    Program(tool("valgrind"), "-q", "--error-exitcode=9", linked).check(calls)


def test_undefined_behaviour(watched_engine, tmp_path, rng):
    """Engine and program together, with gcc's sanitizers."""
    program = watched_engine.program(tmp_path, SOURCE)
    for dtype in DTYPES:
        Program(program).check(all_calls(rng, dtype))
