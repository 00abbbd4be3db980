"""The program embedding.c: its requests, and the expected answers."""

import os
import subprocess
from dataclasses import dataclass, field

import numpy as np

from checks import same_bits

VALUE, STRIDED, WEIGHTED, ROWS, SOFTMAX, LOG_SOFTMAX, INIT, UPDATE, MERGE, FINISH = range(10)
NO_X, NO_B, NO_OUT, NO_SIGN, IN_PLACE, RAW_STATE = (1 << i for i in range(6))
OK, ARGUMENT, MEMORY, KERNELS, STATE = 0, -1, -2, -3, -4
UNTOUCHED = 12345.0
GREATEST = 2**63 - 1
FIELDS = [
    *("function", "size", "flags", "threads", "state", "other"),
    *("rows", "n", "row_stride", "stride", "first", "x_length"),
    *("b_stride", "b_first", "b_length"),
    *("out_row_stride", "out_stride", "out_first", "out_length"),
]


@dataclass
class Call:
    """A request to embedding.c, and the expected answer: an error, or the output (and a sign) bit for bit."""

    function: int
    x: np.ndarray
    expected: object = None
    expected_sign: object = None
    error: int = OK
    out: np.ndarray | None = None  # before the call
    b: np.ndarray | None = None
    numbers: dict = field(default_factory=dict)
    count: int | None = None

    def __post_init__(self):
        if self.out is None:
            self.out = np.full(1, UNTOUCHED, self.x.dtype)
        if self.b is None:
            self.b = np.empty(0, self.x.dtype)

    def request(self):
        usual = {
            "function": self.function,
            "size": self.x.itemsize,
            "rows": 1,
            "n": self.x.size,
            "stride": 1,
            "x_length": self.x.size,
            "b_stride": 1,
            "b_length": self.b.size,
            "out_length": self.out.size,
        }
        values = {**dict.fromkeys(FIELDS, 0), **usual, **self.numbers}
        return np.array([values[name] for name in FIELDS], np.int64).tobytes() + b"".join(
            array.tobytes() for array in (self.x, self.b, self.out)
        )

    def check(self, answer):
        dtype, in_place = self.x.dtype, self.numbers.get("flags", 0) & IN_PLACE
        before = self.x if in_place else self.out
        error, count = np.frombuffer(answer.read(16), np.int64)
        out = np.frombuffer(answer.read(before.nbytes), dtype)
        sign = np.frombuffer(answer.read(dtype.itemsize), dtype)[0]
        assert error == self.error, self
        expected = before if self.expected is None else self.expected
        same_bits(out, np.asarray(expected, dtype).reshape(-1))
        if self.expected_sign is not None:
            same_bits(sign, dtype.type(self.expected_sign))
        if self.count is not None:
            assert count == self.count


class Program:
    """embedding.c, compiled and linked in one of several ways."""

    def __init__(self, *command):
        self.command = [str(word) for word in command]

    def run(self, calls, **env):
        data = b"".join(call.request() for call in calls)
        done = subprocess.run(self.command, input=data, capture_output=True, env={**os.environ, **env}, timeout=600)
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done

    def check(self, calls, **env):
        done = self.run(calls, **env)
        answer = memoryview(done.stdout)
        stream = Stream(answer)
        for call in calls:
            call.check(stream)
        assert stream.at == len(answer)
        return done.stderr.decode().splitlines()


@dataclass
class Stream:
    data: memoryview
    at: int = 0

    def read(self, length):
        self.at += length
        return self.data[self.at - length : self.at]
