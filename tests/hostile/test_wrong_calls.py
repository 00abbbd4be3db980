"""Wrong calls: each raises the right exception with a helpful message, and changes neither an output nor a state."""

import contextlib
import ctypes
import pickle
import re
import shlex

import numpy as np
import pytest

import lse
from command import complaint
from wrong_calls import COMMANDS, FUNCTIONS, HIDDEN, MAPS, SECTIONS

OTHERS = ["LogSumExp", "set_num_threads", "num_threads", "get_num_threads", "get_include", "show_config"]
NO_VALUE = object()
SENTINEL = 7.25


def wrong_calls():
    """A case for each function, call and value; if a call has no output but could have, also one with it."""
    for section, (functions, rows) in SECTIONS.items():
        for error, message, calls, *values in rows:
            for call in [calls] if isinstance(calls, str) else calls:
                for value in values[0] if values else [NO_VALUE]:
                    text = re.sub(r"\bvalue\b", lambda _, v=value: short(v), call) if values else call
                    for f in functions or [None]:
                        for with_output in (False, True) if f and "out=" not in call else (False,):
                            name = f"{f}: {text}" if f else text
                            case = section, f, call, value, error, message, with_output
                            yield pytest.param(*case, id=name + " out" * with_output)


def short(value):
    """The value, abbreviated for the name of a case."""
    text = " ".join(repr(value).split())
    return text if len(text) < 60 else f"{text[:50]}..."


def pattern(message, f, call, value):
    """The regular expression of a message."""
    called = re.search(r"(\w+)\(", call)
    fields = {"f": f, "x": "x" if f in MAPS else "a", "value": value, "called": called and called[1]}
    if "{array" in message:
        fields["array"] = np.asarray(value)
    if "{named" in message:
        fields["named"] = np.dtype(value)
    parts = re.split(r" *\.\.\. *", message)
    return ".*".join(re.escape(part.format(**fields)) for part in parts)


def raw(array):
    return array.tobytes(), array.dtype, array.shape


class Watched:
    """The functions of lse, watching the outputs passed to them."""

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
    """The pointer that a C extension gets from a capsule."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.argtypes, get.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p
    return get(capsule, name)


def namespace(section, f, value, watched, total):
    """All names used in the calls of a section."""
    names = {name: getattr(watched, name) for name in FUNCTIONS} | {name: getattr(lse, name) for name in OTHERS}
    names |= {"np": np, "lse": lse, "capsule": pointer, "total": total, "value": value}
    names |= {"a": np.zeros((2, 3)), "v": np.zeros(4), "c": np.zeros(4, complex)}
    names |= {"q": np.arange(4) != 1, "hidden": HIDDEN}
    names["f"] = names.get(f)
    if f == "segment_logsumexp":
        names["f"] = lambda a, *args, **kwargs: watched.segment_logsumexp(a, [0, 1], *args, **kwargs)
    if section in ("lse.numba", "lse.dask"):
        pytest.importorskip(section, exc_type=ImportError)
    if section == "lse.dask":
        names["lazy"] = pytest.importorskip("dask.array").zeros(4, chunks=2)
    return names


def state_of(total):
    return pickle.dumps(total), total.count, raw(total.log_abs), raw(total.sign)


@pytest.mark.parametrize(("section", "f", "call", "value", "error", "message", "with_output"), list(wrong_calls()))
def test_wrong_call(section, f, call, value, error, message, with_output):
    total = lse.LogSumExp(2).update([[1.0, 2.0], [3.0, 4.0]], axis=0).update([1.0, 2.0], (), [3.0, -1.0])
    watched, before, threads = Watched(with_output), state_of(total), lse.get_num_threads()
    names = namespace(section, f, value, watched, total)
    with pytest.raises(error) as raised:
        exec(call, names)
    assert type(raised.value).__name__ == error.__name__  # not a subclass, except NumPy's of the same name
    assert re.match(pattern(message, f, call, value), str(raised.value), re.DOTALL), str(raised.value)
    watched.check()
    assert state_of(total) == before
    assert lse.get_num_threads() == threads


@pytest.mark.parametrize("words", COMMANDS)
def test_wrong_command(words, tmp_path):
    with contextlib.chdir(tmp_path):
        said = complaint(*shlex.split(words))
    assert re.match(pattern(f"python -m lse: error: {COMMANDS[words]}", None, "", None), said), said
    assert not list(tmp_path.iterdir())
