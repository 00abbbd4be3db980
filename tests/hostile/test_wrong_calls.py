"""Wrong calls, those of wrong_calls.txt: each raises what stands there, and changes neither an output nor a state."""

import contextlib
import ctypes
import pickle
import re
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import lse
from command import lse_command

WORDS = {
    "NUMBERS": "expected float16, bfloat16, float32, float64, longdouble, complex64, complex128, an integer type "
    "or bool",
    "FLOATS": "expected float16, bfloat16, float32, float64, longdouble, complex64 or complex128",
    "REAL": "expected float16, bfloat16, float32, float64, an integer type or bool",
}
FUNCTIONS = ["logsumexp", "logmeanexp", "softmax", "log_softmax", "logcumsumexp", "segment_logsumexp"]
MAPS = ["softmax", "log_softmax"]
OTHERS = ["LogSumExp", "set_num_threads", "num_threads", "get_num_threads", "get_include", "show_config"]
ENTRY = re.compile(r"^(\S.*)\n    (\w+): (.*)$", flags=re.MULTILINE)
SENTINEL = 7.25


def table():
    """Sections of the table: the title and its entries of call, error and message."""
    text = (Path(__file__).parent / "wrong_calls.txt").read_text(encoding="utf-8")
    for section in re.split(r"^\[", text, flags=re.MULTILINE)[1:]:
        title, entries = section.split("]\n", 1)
        yield title, ENTRY.findall(entries)


def wrong_calls():
    """A case for each function that f stands for, and another with an output where the call has none."""
    for title, entries in table():
        functions = FUNCTIONS if title == "every function" else title.split(", ")
        for call, error, message in entries if title != "command line" else ():
            for name in functions if call.startswith("f(") else (None,):
                expected = message
                for word, text in {"f": name or "", "x": "x" if name in MAPS else "a", **WORDS}.items():
                    expected = expected.replace(f"{{{word}}}", text)
                for with_output in (False, True) if name and "out=" not in call else (False,):
                    case = f"{name}: {call}" if name else call
                    yield pytest.param(title, name, call, error, expected, with_output, id=case + " out" * with_output)


def raw(array):
    return array.tobytes(), array.dtype, array.shape


class Watched:
    """The functions of lse under their names, with an eye on the outputs that they are given."""

    def __init__(self, with_output):
        self.with_output, self.outputs = with_output, []
        for name in FUNCTIONS:
            setattr(self, name, self.watch(getattr(lse, name)))

    def watch(self, function):
        def call(*args, **kwargs):
            if self.with_output:
                kwargs.setdefault("out", np.zeros((2, 3)))
            if isinstance(kwargs.get("out"), np.ndarray):
                out = np.asarray(kwargs["out"])
                if out.dtype == np.float64 and out.flags.writeable:
                    out.fill(SENTINEL)
                self.outputs.append((out, raw(out)))
            return function(*args, **kwargs)

        return call

    def check(self):
        assert self.outputs or not self.with_output
        for out, before in self.outputs:
            assert raw(out) == before


def pointer(capsule, name):
    """What a C extension gets for a capsule."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.argtypes, get.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p
    return get(capsule, name)


def names_of(title, function, watched, total):
    """All names that occur in a section of the table."""
    names = {name: getattr(watched, name) for name in FUNCTIONS} | {name: getattr(lse, name) for name in OTHERS}
    names |= {"np": np, "lse": lse, "Fraction": Fraction, "capsule": pointer, "total": total}
    names |= {"a": np.zeros((2, 3)), "v": np.zeros(4), "c": np.zeros(4, complex), "q": np.arange(4) != 1}
    names |= {"state": np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0], [1.0, 1.0]]), "f": names.get(function)}
    if function == "segment_logsumexp":
        names["f"] = lambda a, *args, **kwargs: watched.segment_logsumexp(a, [0, 1], *args, **kwargs)
    if title == "lse.numba":
        pytest.importorskip("lse.numba", exc_type=ImportError)
    if title == "lse.dask":
        pytest.importorskip("lse.dask", exc_type=ImportError)
        names["lazy"] = pytest.importorskip("dask.array").zeros(4, chunks=2)
    return names


def seen(total):
    return pickle.dumps(total), total.count, raw(total.log_abs), raw(total.sign)


def says(message, expected):
    """Whether a message, on one line, is the one of the table."""
    message = " ".join(message.split())
    if expected.endswith("..."):
        return message.startswith(expected.removesuffix("...").rstrip())
    return message == expected


@pytest.mark.parametrize(("title", "function", "call", "error", "message", "with_output"), list(wrong_calls()))
def test_wrong_call(title, function, call, error, message, with_output):
    total = lse.LogSumExp(2).update([[1.0, 2.0], [3.0, 4.0]], axis=0).update([1.0, 2.0], (), [3.0, -1.0])
    watched, before, threads = Watched(with_output), seen(total), lse.get_num_threads()
    names = names_of(title, function, watched, total)
    with pytest.raises(Exception) as raised:  # noqa: PT011  what it is stands in the table
        exec(call, names)
    assert type(raised.value).__name__ == error
    assert says(str(raised.value), message), str(raised.value)
    watched.check()
    assert seen(total) == before
    assert lse.get_num_threads() == threads


@pytest.mark.parametrize(("command", "status", "message"), dict(table())["command line"])
def test_wrong_command(command, status, message, tmp_path):
    with contextlib.chdir(tmp_path):
        done = lse_command(*shlex.split(command.removeprefix("$ python -m lse")))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (int(status), "", 1)
    assert says(done.stderr, f"python -m lse: error: {message}"), done.stderr
    assert not list(tmp_path.iterdir())


def test_there_are_enough():
    calls = {call for _, entries in table() for call, _, _ in entries}
    assert len(calls) >= 385
