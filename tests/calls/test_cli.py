"""The command line: does it agree with the functions, keep files intact, and report each error in one line?"""

import contextlib
import dataclasses
import io
import math
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from numpy.lib.format import open_memmap

import lse
from command import COMMAND, LINUX, POSIX, complaint, lse_command
from lse import _benchmark


def after(preparation):
    """The command, run in an interpreter after executing some Python code."""
    run = "import runpy; runpy.run_module('lse', run_name='__main__', alter_sys=True)"
    return [sys.executable, "-W", "error", "-c", f"{preparation}\n{run}"]


def printed(*words, **options):
    done = lse_command(*words, **options)
    stderr = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert (done.returncode, stderr) == (0, "")
    return done.stdout if isinstance(done.stdout, str) else done.stdout.decode()


def numbers(text, dtype=np.float64):
    return np.array([[dtype(word) for word in line.split()] for line in text.splitlines() if line])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(20240607).normal(size=(3, 4, 5)) * 50


@pytest.fixture(scope="module")
def data_npy(folder, data):
    np.save(folder / "data.npy", data)
    return folder / "data.npy"


@pytest.fixture(scope="module")
def zeros_npy(folder):
    """A file of 128 MiB of zeros that takes no space on the disk."""
    open_memmap(folder / "zeros.npy", "w+", np.float32, (1 << 25,)).flush()
    return folder / "zeros.npy"


# Numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("1000 1001 1002", "1002.4076059644444"),
        ("-1000 -1000", "-999.3068528194401"),
        ("-inf", "-inf"),
        ("-inf inf", "inf"),
        ("inf nan", "nan"),
        ("-1e3", "-1000.0"),
        ("-- -.5 -inf", "-0.5"),
        ("-1 --axis -1 -inf", "-1.0"),
        ("--dtype float32 1000 1001 1002", "1002.4076"),
        ("--dtype float64 1000 1001 1002", "1002.4076059644444"),
        ("--dtype float32 1e300", "inf"),
        ("--keepdims 1 2", "2.313261687518223"),
        ("--softmax -1000 -1000", "0.5\n0.5"),
        ("--log-softmax 0 -40", "-4.248354255291589e-18\n-40.0"),
    ],
)
def test_numbers(words, expected):
    assert printed(*words.split(), command=COMMAND) == expected + "\n"


# Files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (-1, 0), (0, 1, 2)])
def test_npy_has_the_bits_of_the_call(data, data_npy, axis):
    words = [] if axis is None else ["--axis", str(axis).strip("()").replace(" ", "")]
    assert np.array_equal(numbers(printed(data_npy, *words)).ravel(), lse.logsumexp(data, axis).ravel())


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_blocks_of_rows(data, data_npy, function):
    text = printed(data_npy, f"--{function.replace('_', '-')}", "--axis", "1,2")
    assert [len(block.splitlines()) for block in text.split("\n\n")] == [4, 4, 4]
    assert np.array_equal(numbers(text).reshape(data.shape), getattr(lse, function)(data, (1, 2)))


def test_shapes_on_paper(data, data_npy):
    assert [len(line.split()) for line in printed(data_npy, "--axis", 0).splitlines()] == [5] * 4
    assert [len(line.split()) for line in printed(data_npy, "--axis", "0,1").splitlines()] == [1] * 5
    assert printed(data_npy, "--keepdims") == f"{lse.logsumexp(data)!s}\n"


@pytest.mark.parametrize(
    "array",
    [
        np.float32([[1000, 1001, 1002], [0.1, 0.2, 0.3]]),
        np.arange(6).reshape(2, 3),
        np.array([[True, False]]),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(4, dtype=">f8").reshape(2, 2),
        np.zeros((3, 0)),
    ],
    ids=["float32", "int", "bool", "fortran", "swapped", "empty"],
)
def test_npy_of_all_kinds(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    expected = lse.logsumexp(array, 1)
    assert np.array_equal(numbers(printed(tmp_path / "a.npy", "--axis", 1), expected.dtype.type).ravel(), expected)
    printed(tmp_path / "a.npy", "--softmax", "--output", tmp_path / "out.npy")
    saved = np.load(tmp_path / "out.npy")
    assert saved.dtype == expected.dtype
    assert np.array_equal(saved, lse.softmax(array))


def test_npy_without_axes(tmp_path):
    np.save(tmp_path / "a.npy", np.float64(3))
    assert printed(tmp_path / "a.npy") == "3.0\n"
    printed(tmp_path / "a.npy", "--softmax", "--output", tmp_path / "a.npy")
    assert np.load(tmp_path / "a.npy") == 1
    assert np.load(tmp_path / "a.npy").shape == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "1 2\n3 4\n"),
        ("a.txt", "# head\n\n 1\t2 # one\r\n3 4"),
        ("a.csv", "1,2\n3,4\n"),
        ("a.csv", "log p,log q 2\n1, 2\n3 ,4\n"),
        ("a.csv", "\ufeff1,2\r\n3,4\r\n"),
        ("a.csv", '"log p","log q"\n1,2\n3,4'),
        ("a.csv", "p;q\n1,2\n3,4"),
        ("a.txt", "# lines of a Mac before 2001\r1 2\r3 4\r"),
        ("a.csv", "p,q\r1,2\r3,4"),
        ("-", "1, 2\n3 4\n"),
        ("-", "p,q\n1,2\n3,4\n"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_text(tmp_path, name, text, dtype):
    operand, options = name, {"input": text.encode()}
    if name != "-":
        operand, options = tmp_path / name, {}
        operand.write_bytes(text.encode())
    out = numbers(printed(operand, "--axis", 1, "--dtype", dtype, **options), np.dtype(dtype).type)
    assert np.array_equal(out.ravel(), lse.logsumexp(np.array([[1, 2], [3, 4]], dtype), 1))


def test_one_column_with_a_header(tmp_path):
    (tmp_path / "a.csv").write_text("log p\n-1\n-inf\n")
    assert printed(tmp_path / "a.csv") == "-1.0\n"


def test_text_is_a_table_of_rows():
    assert printed("-", "--axis", 1, input="1 2\n") == "2.313261687518223\n"
    assert printed("-", "--axis", 0, input="1 2\n") == "1.0\n2.0\n"


def test_what_is_printed_reads_back(data, data_npy):
    text = printed(data_npy, "--softmax", "--axis", 2)
    assert np.array_equal(
        numbers(printed("-", "--axis", 0, input=text)).ravel(),
        lse.logsumexp(lse.softmax(data, 2).reshape(-1, 5), 0),
    )


def test_npy_on_standard_input(data, data_npy):
    buffer = io.BytesIO()
    np.save(buffer, data)
    expected = printed(data_npy, "--axis", "0,2")
    assert printed("-", "--axis", "0,2", input=buffer.getvalue()) == expected
    with open(data_npy, "rb") as file:
        assert printed("-", "--axis", "0,2", stdin=file) == expected


# Output -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["--axis 1", "--axis 1 --keepdims", "", "--softmax --axis 0", "--log-softmax"])
def test_output(data, data_npy, tmp_path, words):
    assert printed(data_npy, *words.split(), "--output", tmp_path / "result") == ""
    function = lse.softmax if "--softmax" in words else lse.log_softmax if "log" in words else lse.logsumexp
    keep = {"keepdims": True} if "keepdims" in words else {}
    axis = int(words.split("--axis ")[1][0]) if "axis" in words else None
    saved = np.load(tmp_path / "result")
    assert saved.shape == np.shape(function(data, axis, **keep))
    assert np.array_equal(saved, function(data, axis, **keep))
    assert os.listdir(tmp_path) == ["result"]


@pytest.mark.parametrize("words", ["--softmax", "--axis 1"])
def test_output_over_the_input(data, tmp_path, words):
    path = tmp_path / "a.npy"
    np.save(path, data)
    printed(path, *words.split(), "--output", path)
    assert np.array_equal(np.load(path), lse.softmax(data) if words == "--softmax" else lse.logsumexp(data, 1))
    assert os.listdir(tmp_path) == ["a.npy"]


@POSIX
def test_output_keeps_links_and_modes(tmp_path):
    target = tmp_path / "target.npy"
    target.write_bytes(b"")
    target.chmod(0o640)
    (tmp_path / "link.npy").symlink_to(target)
    printed(1, 2, "--output", tmp_path / "link.npy")
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(target) == lse.logsumexp([1, 2])
    assert target.stat().st_mode & 0o777 == 0o640
    printed(1, 2, "--output", tmp_path / "new.npy")
    assert (tmp_path / "new.npy").stat().st_mode & 0o600 == 0o600


@pytest.mark.parametrize("words", ["--axis 7", "--softmax --axis 7", "--softmax --dtype float32", "--axis 0,0"])
def test_a_failure_leaves_the_output_alone(data_npy, tmp_path, words):
    path = tmp_path / "a.npy"
    path.write_text("precious")
    complaint(data_npy, *words.split(), "--output", path)
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["a.npy"]


@POSIX
@pytest.mark.parametrize("words", ["--softmax", "--axis 0"])
def test_a_full_disk(tmp_path, words):
    np.save(tmp_path / "a.npy", np.zeros((2, 1 << 15)))
    command = after("import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (1 << 17, 1 << 17))")
    line = complaint(tmp_path / "a.npy", *words.split(), "--output", tmp_path / "a.npy", command=command)
    assert str(tmp_path / "a.npy") in line
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.zeros((2, 1 << 15)))
    assert os.listdir(tmp_path) == ["a.npy"]


# Errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "expected numbers, a file, or -"),
        ("nowhere.npy", "'nowhere.npy' is neither a number nor a file"),
        ("1,2", "'1,2' is neither a number nor a file"),
        ("1 two", "'two' is not a number"),
        ("1 -", "'-' is not a number"),
        ("1 {npy}", "is not a number; expected either numbers, or one file"),
        ("{npy} {npy}", "is not a number"),
        ("{npy} --axis 3", "axis 3 is out of bounds for array of dimension 3; the input has shape (3, 4, 5)"),
        ("{npy} --axis 0,0", "repeated axis"),
        ("{npy} --axis 1,", "expected an integer or a list of integers such as 0,2, not '1,'"),
        ("{npy} --axis x", "expected an integer or a list of integers such as 0,2, not 'x'"),
        ("{npy} --dtype float32", "--dtype is for text"),
        ("{npy} --softmax --keepdims", "--keepdims does not go with"),
        ("{npy} --softmax --log-softmax", "not allowed with"),
        ("1 --dtype float16", "invalid choice: 'float16'"),
        ("1 --output {folder}", "not a regular file"),
        ("1 --output {folder}/no/a.npy", "no/a.npy: No such file or directory"),
        ("{folder}", ""),
        ("-x 1", "-x"),
    ],
)
def test_error(folder, data_npy, words, said):
    assert said in complaint(*(word.format(npy=data_npy, folder=folder) for word in words.split()))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"a,b\n1,2\n3\n", "a.csv, line 3: expected 2 numbers as in the lines before, found 1"),
        ("a.csv", b"1,,2\n", "a.csv, line 1: expected a number, found ''"),
        ("a.csv", b"a,b\nc,d\n", "a.csv, line 2: expected a number, found 'c'"),
        ("a.csv", b"1,2\na,b\n", "a.csv, line 2: expected a number, found 'a'"),
        ("a.csv", b"a,b\n", "a.csv: no numbers"),
        ("a.csv", "1,2".encode("utf-16"), "a.csv, line 1: binary; expected text"),
        ("a.csv", b"1;2\n3;4\n", "a.csv, line 1: expected a number, found '1;2'; numbers are separated by commas or"),
        ("a.csv", b"1,5;2,5\n", "a.csv, line 1: expected a number, found '5;2'; numbers are separated by commas or"),
        ("a.csv", b"1\t2;\n3\t4;\n", "a.csv, line 1: expected a number, found '2;'; numbers are separated"),
        ("a.csv", b"1 2;3 4\n5 6;7 8", "a.csv, line 1: expected a number, found '2;3'; numbers are separated"),
        ("a.csv", b'"1"\n"2"\n', "a.csv, line 1: expected a number, found '\"1\"'; numbers are separated"),
        ("a.csv", b'"1","2"\n3,4\n', "a.csv, line 1: expected a number, found '\"1\"'; numbers are separated"),
        ("a.csv", b"'1', '2'\n3,4\n", "a.csv, line 1: expected a number, found \"'1'\"; numbers are separated"),
        ("a.csv", b"p\r1\rx\r", "a.csv, line 3: expected a number, found 'x'"),
        ("a.npz", b"PK\3\4...", "a.npz: an archive of arrays (.npz); expected one, saved by np.save as .npy"),
        ("a.txt", b"PK\3\4...", "a.txt: an archive of arrays (.npz)"),
        ("a.npz", b"1 2", "a.npz: an archive of arrays (.npz)"),
        ("a.txt", b"1 2\n\n3 x\n", "a.txt, line 3: expected a number, found 'x'"),
        ("a.txt", b"\xff", "a.txt, line 1: expected a number"),
        ("a.txt", b"# nothing\n", "a.txt: no numbers"),
        ("a.npy", b"1 2\n", "a.npy: not a .npy file"),
        ("a.npy", b"\x93NUMPY", "a.npy: not a complete .npy file"),
        ("-", b"", "standard input: no numbers; expected at least one"),
        ("-", b"1 2\n3\n", "standard input, line 2: expected 2 numbers"),
        ("-", b"\x93NUMPY\x01\x00", "standard input: not a complete .npy file"),
    ],
)
def test_bad_content(tmp_path, name, content, said):
    if name == "-":
        assert said in complaint("-", input=content)
    else:
        (tmp_path / name).write_bytes(content)
        assert said in complaint(tmp_path / name)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([{}]), "Python objects in dtype"),
        (np.array(["a"]), "not supported"),
        (np.zeros(2, "f4,f4"), "not supported"),
    ],
    ids=["object", "str", "struct"],
)
def test_npy_of_no_numbers(tmp_path, array, said):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    assert said in complaint(tmp_path / "a.npy")
    assert said in complaint(tmp_path / "a.npy", "--softmax", "--output", tmp_path / "b.npy")
    assert os.listdir(tmp_path) == ["a.npy"]


def test_npz_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", a=[1.0, 2.0])
    assert "a.npz: an archive of arrays (.npz); expected one" in complaint(tmp_path / "a.npz")
    assert "standard input: an archive of arrays" in complaint("-", input=(tmp_path / "a.npz").read_bytes())


@pytest.mark.parametrize("words", [["-m", "lse"], ["-mlse"]])
def test_kernels_that_there_are_not(words):
    env = {**os.environ, "LSE_KERNELS": "mmx"}
    assert "LSE_KERNELS='mmx' is not available" in complaint(1, 2, command=[sys.executable, *words], env=env)


def test_npy_cut_short(data_npy, tmp_path):
    cut = data_npy.read_bytes()[:-1]
    (tmp_path / "a.npy").write_bytes(cut)
    assert "a.npy: not a complete .npy file" in complaint(tmp_path / "a.npy")
    assert "standard input: not a complete .npy file" in complaint("-", input=cut)


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write everywhere")
def test_output_write_protected(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"")
    (tmp_path / "a.npy").chmod(0o400)
    assert "write-protected" in complaint(1, "--output", tmp_path / "a.npy")


@LINUX
def test_output_must_not_replace_a_device(tmp_path):
    assert "not a regular file" in complaint(1, "--output", "/dev/null")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "1"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "python -m lse: error: standard output: No space left on device\n"


# Terminals, signals, limits -------------------------------------------------------------------------------


def seen_on_a_terminal(words, command=COMMAND):
    """The output of a command, and what its terminal shows of standard error."""
    import pty
    import termios

    terminal, side = pty.openpty()
    termios.tcsetwinsize(side, (24, 80))  # tqdm draws nothing on a terminal without width
    with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=side, text=True) as process:
        os.close(side)
        shown = b""
        with contextlib.suppress(OSError):  # Linux signals in this way that the other side is closed
            while chunk := os.read(terminal, 4096):
                shown += chunk
        os.close(terminal)
        out = process.stdout.read()
    assert process.returncode == 0, shown
    return out, shown.decode()


@pytest.mark.waits
@POSIX
def test_progress_bar(zeros_npy, data_npy):
    pytest.importorskip("tqdm")
    expected = f"{lse.logsumexp(np.load(zeros_npy, mmap_mode='r'))!s}\n"
    out, shown = seen_on_a_terminal([zeros_npy])
    assert out == expected
    assert "0%" in shown
    assert "33.6M" in shown
    assert printed(zeros_npy) == expected  # standard error is not a terminal: nothing on it
    assert seen_on_a_terminal([data_npy])[1] == ""  # small
    assert seen_on_a_terminal([zeros_npy], after("import sys; sys.modules['tqdm'] = None")) == (expected, "")


@pytest.mark.exhausts
@LINUX
def test_a_file_larger_than_memory(zeros_npy, tmp_path):
    limit = """
import resource, lse, concurrent.futures
with open("/proc/self/status") as status:
    used = next(int(line.split()[1]) for line in status if line.startswith("VmData")) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + (64 << 20), resource.RLIM_INFINITY))
"""
    options = {"command": after(limit), "env": {**os.environ, "OMP_NUM_THREADS": "2"}}
    with open(zeros_npy, "rb") as file:
        done = lse_command("-", stdin=file, **options)
    if done.returncode == 0:
        pytest.skip("this kernel does not enforce RLIMIT_DATA")
    assert done.returncode == 2
    assert "Unable to allocate 128. MiB" in done.stderr
    assert float(printed(zeros_npy, **options)) == pytest.approx(math.log(1 << 25), rel=2**-23)
    printed(zeros_npy, "--softmax", "--output", tmp_path / "out.npy", **options)
    assert (np.load(tmp_path / "out.npy", mmap_mode="r") == np.float32(2**-25)).all()


def interrupted_once_begun(folder, *words):
    """Send SIGINT when the temporary file shows that the work has started; return the output."""
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    with subprocess.Popen([*COMMAND, *map(str, words)], **options) as process:
        deadline = time.monotonic() + 60
        while not list(folder.glob(".lse-*.tmp")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.5)  # until the input is open; -W error would report the file as unclosed
        process.send_signal(signal.SIGINT)
        return process.wait(60), process.stdout.read(), process.stderr.read()


@pytest.mark.waits
@POSIX
@pytest.mark.parametrize("operand", ["-", "huge.npy"])
def test_interrupt(tmp_path, operand):
    (tmp_path / "out.npy").write_text("precious")
    words = ["-"]  # waits for standard input
    if operand == "huge.npy":  # would read 64 GiB
        words = [tmp_path / operand]
        open_memmap(words[0], "w+", np.float32, (1 << 34,))
    assert interrupted_once_begun(tmp_path, *words, "--output", tmp_path / "out.npy") == (130, b"", b"")
    assert (tmp_path / "out.npy").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == sorted({"out.npy", operand} - {"-"})


@pytest.mark.waits
@POSIX
@pytest.mark.parametrize("words", ["--softmax", "--axis 1"])
def test_broken_pipe(tmp_path, words):
    np.save(tmp_path / "a.npy", np.ones((1 << 16, 1)))
    command = [*COMMAND, tmp_path / "a.npy", *words.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""


# About itself -----------------------------------------------------------------------------------------------


def test_info(capsys):
    lse.show_config()
    expected = capsys.readouterr().out.splitlines()
    said = printed("--info").splitlines()
    assert said[0] == expected[0] == f"lse {lse.__version__}"
    assert [line.split(":")[0] for line in said] == [line.split(":")[0] for line in expected]


@pytest.mark.parametrize(
    "words", [("--info", "1", "2"), ("--softmax", "--info"), ("--benchmark", "1"), ("--benchmark", "--axis", "0")]
)
def test_what_stands_alone(words):
    assert re.search("--(info|benchmark) stands alone", complaint(*words))


def test_benchmark(monkeypatch):
    small = [dataclasses.replace(case, shape=tuple(min(n, 10) for n in case.shape)) for case in _benchmark.CASES]
    monkeypatch.setattr(_benchmark, "CASES", small)
    lines = _benchmark.run(0.0).splitlines()
    assert lines[0].startswith(f"lse {lse.__version__} ({lse.show_config(mode='dict')['kernel']}, ")
    assert lines[3].split()[:2] == ["lse", "NumPy"]
    table = lines[4 : 4 + len(small)]
    assert [line.split()[0] for line in table] == [case.function for case in small]
    assert all(re.search(r" \d[\d.]* [mun]?s  ", line) and re.search(r"\d x", line) for line in table)


def test_benchmark_formulas():
    """What lse is compared with computes the same."""
    for case in _benchmark.CASES:
        small = dataclasses.replace(case, shape=tuple(min(n, 10) for n in case.shape))
        found = {name: np.ravel(call()) for name, call in _benchmark.contenders(small, _benchmark.data(small)).items()}
        for result in found.values():
            np.testing.assert_allclose(result, found["lse"], rtol=1e-5)


def test_version_and_help():
    assert printed("--version") == f"lse {lse.__version__}\n"
    assert "usage: python -m lse" in printed("--help", env={**os.environ, "NO_COLOR": "1"})
