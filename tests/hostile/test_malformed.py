"""Damaged .npy files on the command line, and damaged pickles: a one-line error or an exception, nothing worse."""

import contextlib
import io
import os
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import lse
from command import LINUX, POSIX, complaint, standard_input
from lse.__main__ import main

# .npy -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    """A small file."""
    buffer = io.BytesIO()
    np.save(buffer, np.arange(6.0).reshape(2, 3))
    return buffer.getvalue()


def with_header(text, version=b"\x01\x00", data=bytes(48)):
    text = text.encode("latin1") + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text + data


def status_of(content, folder):
    """The exit status for a file of this content, read from disk, from standard input, and mapped to an output."""
    path, output = folder / "a.npy", folder / "b.npy"
    path.write_bytes(content)
    statuses = []
    for words in ([str(path)], ["-"], [str(path), "--softmax", "--output", str(output)]):
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr), warnings.catch_warnings():
            warnings.simplefilter("error")
            with open(path, "rb") as file, standard_input(file.fileno()):
                statuses.append(main(words))
        said = stderr.getvalue()
        if statuses[-1] == 2:
            assert (stdout.getvalue(), said.count("\n")) == ("", 1)
            assert said.startswith("python -m lse: error: ")
        else:
            assert (statuses[-1], said) == (0, "")
        assert {p.name for p in folder.iterdir()} <= {"a.npy", "b.npy"}
    return statuses


def test_cut_at_every_length(whole, tmp_path):
    assert status_of(whole, tmp_path) == [0, 0, 0]
    for length in range(len(whole)):
        assert status_of(whole[:length], tmp_path) == [2, 2, 2], length


@pytest.mark.fuzzes
def test_every_byte_of_the_header_changed(whole, tmp_path):
    for i in range(whole.index(b"\n") + 1):
        for byte in (0, whole[i] ^ 1, *b"('\\"):
            status_of(whole[:i] + bytes([byte]) + whole[i + 1 :], tmp_path)


@pytest.mark.fuzzes
def test_bytes_changed_anywhere(whole, tmp_path, rng):
    for _ in range(300):
        content = bytearray(whole)
        for i in rng.integers(128, size=rng.integers(1, 5)):
            content[i] = rng.choice([rng.integers(256), *b"()[]{}',:-0123456789<>f8 LOVcibu\\#\n"])
        status_of(bytes(content), tmp_path)


DESCRIPTIONS = [
    *("()", "[]", "[()]", "[1]", "{}", "None", "1", "{1}", "b'<f8'", "''", "'O'", "'O8'", "'|O'", "'<f9'", "'V2'"),
    *("'M8[D]'", "'m8'", "'|S0'", "'<U5'", "['<f8']", "('<f8',)", "('<f8', (2,))", "('<f8', (-1,))", "('<f8', 10**10)"),
    *("('<f8', (99999999999,))", "(('<f8',),)", "[('a', '<f8')]", "[('a',)]", "[('a', '|O')]", "[('a', '<f8', -1)]"),
    *("[('a', '<f8'), ('a', '<f8')]", "'<f8'*3"),
]
SHAPES = [
    *("10**15", "1000000000000000", "-1", "-2, -3", "4294967296, 4294967296", "18446744073709551616", "1.0", "True"),
    *("'a'", "None", "(2,)", "2305843009213693952", "1000000000000000000000000000000000"),
]
HEADERS = [
    *(f"{{'descr': {text}, 'fortran_order': False, 'shape': (2, 3), }}" for text in DESCRIPTIONS),
    *(f"{{'descr': '|O', 'fortran_order': False, 'shape': ({text},), }}" for text in SHAPES),
    *(f"{{'descr': '<f8', 'fortran_order': {text}, 'shape': (2, 3), }}" for text in ("2", "None", "'C'")),
    *(
        "{'descr': (",
        "{}",
        "[]",
        "1",
        "a.b",
        "f()",
        "",
        "\0" * 9,
        "(" * 9000,
        "-" * 9000 + "1",
        "[" * 4000 + "]" * 4000,
    ),
    *("9" * 5000, "1" * 60000, "{'descr': '\\d', 'fortran_order': False, 'shape': (2, 3), 1: 2}", "'" * 3, "{**{}}"),
]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:60])
def test_headers_of_no_array(header, tmp_path):
    for version in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        assert status_of(with_header(header, version), tmp_path) == [2, 2, 2]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_the_file_does_not_have(shape, tmp_path):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape},), }}"
    assert status_of(with_header(header), tmp_path) == [2, 2, 2]


def test_what_python_2_has_written(tmp_path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L), }"
    assert status_of(with_header(header), tmp_path) == [0, 0, 0]


@pytest.mark.parametrize("version", [b"\x00\x00", b"\x04\x00", b"\xff\xff", b"\x01\x01"], ids=bytes.hex)
def test_versions_that_do_not_exist(version, whole, tmp_path):
    assert status_of(whole[:6] + version + whole[8:], tmp_path) == [2, 2, 2]


def test_objects_are_not_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return print, ("BOOM",)

    for name, save in (("a.npy", np.save), ("a.npz", np.savez)):
        save(tmp_path / name, np.array([Bomb()]), allow_pickle=True)
        assert "BOOM" not in complaint(tmp_path / name)
        assert "BOOM" not in complaint("-", input=(tmp_path / name).read_bytes())


@pytest.mark.exhausts
@LINUX
def test_what_is_promised_takes_no_memory(tmp_path):
    """A header that announces 2^30 numbers, and a line that never ends."""
    code = "import lse.__main__ as m; m.main(['-']); print(*(s for s in open('/proc/self/status') if 'VmHWM' in s))"
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1073741824,), }"
    (tmp_path / "a.npy").write_bytes(with_header(header))
    for path, said in ((tmp_path / "a.npy", "not a complete .npy file"), ("/dev/zero", "line 1: binary")):
        with open(path, "rb") as file:
            done = subprocess.run([sys.executable, "-c", code], stdin=file, capture_output=True, text=True, timeout=60)
        assert said in done.stderr or "nable to allocate" in done.stderr
        assert int(done.stdout.split()[1]) < 1 << 19  # KiB


@POSIX
def test_a_pipe_with_a_name(tmp_path, whole):
    os.mkfifo(tmp_path / "pipe")
    for content, said in (
        (whole[:-1], "pipe: not a complete .npy file"),
        (b"1 2\n3 x\n", "pipe, line 2: expected a number"),
    ):
        writer = subprocess.Popen(
            [sys.executable, "-c", f"open(r'{tmp_path}/pipe', 'wb').write({content!r})"], stdout=subprocess.DEVNULL
        )
        assert said in complaint(tmp_path / "pipe")
        assert writer.wait(60) == 0


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable(tmp_path, whole):
    (tmp_path / "a.npy").write_bytes(whole)
    (tmp_path / "a.npy").chmod(0)
    assert "a.npy: Permission denied" in complaint(tmp_path / "a.npy")


# Pickles ----------------------------------------------------------------------------------------------------


def test_without_init():
    total = lse.LogSumExp.__new__(lse.LogSumExp)
    assert (total.value, total.sign, total.count, total.shape) == (-np.inf, 0, 0, ())
    assert total.update([1.0]).merge(total.copy()).reset().count == 0


# Bytes of pickles are changed, in a child. The arrays in them are not pickled in NumPy's way, because its unpickling
# crashes on some changes.
FUZZ = """
import io, pickle, random, warnings
import numpy as np, lse

def array_of(shape, dtype, data):
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape)

class Pickler(pickle.Pickler):
    def reducer_override(self, value):
        if type(value) is not np.ndarray:
            return NotImplemented
        return array_of, (value.shape, value.dtype.str, value.tobytes())

class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return {"LogSumExp": lse.LogSumExp, "array_of": array_of}[name]

def dumped(total, protocol):
    file = io.BytesIO()
    Pickler(file, protocol).dump(total)
    return file.getvalue()

def use(total):
    total.value, total.log_abs, total.sign, total.count, repr(total), pickle.dumps(total), total.merge(total)
    total.update(np.zeros(total.shape), (), np.ones(total.shape)), (total + total.copy()).reset()

try:
    import resource
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) for line in status if line.startswith("VmSize")) << 10
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28), resource.RLIM_INFINITY))
except (ImportError, OSError):  # not Linux: a shape that grew might take all there is
    raise SystemExit(77)
warnings.simplefilter("ignore")
chance, outcomes = random.Random(20240607), {"refused": 0, "used": 0}
one, many = lse.LogSumExp().update([1.0, 2.0]), lse.LogSumExp((2, 3), "f4")
many.update(np.ones((2, 3)), (), np.ones((2, 3)))
good = [dumped(total, protocol) for total in (one, many) for protocol in range(2, 6)]
for _ in range(20000):
    content = bytearray(chance.choice(good))
    for _ in range(chance.choice((1, 1, 2, 4))):
        i = chance.randrange(len(content))
        content[i : i + chance.randrange(2)] = bytes([chance.randrange(256)] * chance.randrange(2))
    try:
        total = Unpickler(io.BytesIO(bytes(content))).load()
    except Exception:
        outcomes["refused"] += 1
        continue
    if isinstance(total, lse.LogSumExp):
        outcomes["used"] += 1
        use(total)
assert min(outcomes.values()) > 1000, outcomes
"""


@pytest.mark.fuzzes
def test_changed_pickles():
    code = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(FUZZ)]
    done = subprocess.run(code, capture_output=True, text=True, timeout=300)
    if done.returncode == 77:
        pytest.skip("only Linux limits the memory of this")
    assert done.returncode == 0, done.stderr
