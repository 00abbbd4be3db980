"""The command line, ``python -m lse``."""

import argparse
import array
import contextlib
import errno
import functools
import os
import re
import secrets
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from io import BufferedReader
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.lib import format as npy

import lse
from lse import _core, _dtypes, _embedding
from lse._dtypes import Array

PROG = "python -m lse"
EPILOG = f"""\
Text is a table: one row per line, numbers separated by whitespace or commas, # begins a comment, and the first
row of a CSV file may be a header, in which no field is a number. A .npy file is mapped into memory, not read, so
that it may be larger than that. A file whose name reads as a number is given as a path, such as ./1000.

  {PROG} 1000 1001 1002
  {PROG} data.npy --axis 0,2 --output result.npy
  {PROG} --softmax --axis 1 - < table.csv
"""
LARGE = 1 << 26  # bytes; smaller inputs finish before a progress bar can be read
POLL = 0.1  # seconds
ZIP = b"PK\3\4"  # the first bytes of .npz
TYPECODES: dict[str | None, Literal["d", "f"]] = {None: "d", "float64": "d", "float32": "f"}  # of the array module
INTERRUPTED = 128 + 2  # as shells report SIGINT


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def build_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog=PROG,
        description="Logarithm of the sum of exponentials of numbers, without overflow or underflow.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("operands", nargs="*", type=unguarded, metavar="DATA", help="numbers, or one file, or - for standard input")
    add("--axis", type=axes, help="axis to reduce, or several such as 0,2 (default: all)")
    add("--keepdims", action="store_true", help="keep the reduced axes, with length 1")
    functions = parser.add_mutually_exclusive_group()
    for option, function, meaning in (
        ("--softmax", lse.softmax, "exponentials divided by their sum"),
        ("--log-softmax", lse.log_softmax, "logarithm of the softmax"),
    ):
        functions.add_argument(option, dest="function", action="store_const", const=function, help=meaning)
    add("--dtype", choices=["float32", "float64"], help="what text is parsed as (default: float64)")
    add("--output", type=unguarded, metavar="FILE.npy", help="save the result as .npy instead of printing it")
    add("--info", action="store_true", help="print what lse.show_config() does: kernel, threads, versions")
    add("--benchmark", action="store_true", help="time lse on this machine beside what is installed of its peers")
    for option, meaning in _embedding.OPTIONS.items():
        add(option, action="store_true", help=meaning)
    add("--version", action="version", version=f"lse {lse.__version__}")
    parser.set_defaults(function=lse.logsumexp)
    return parser


def is_number(word: str | bytes) -> bool:
    """Whether Python reads the text or bytes as a float."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def guarded(word: str) -> str:
    """Hide the sign of -inf, -1e3 or -1,0 behind a space from argparse, which would take it for an option."""
    return f" {word}" if word.startswith("-") and all(map(is_number, word.split(","))) else word


def unguarded(word: str) -> str:
    """Undo `guarded`."""
    return word[1:] if word.startswith(" -") else word


def axes(text: str) -> int | tuple[int, ...]:
    """Return an axis as an integer, and a list of them as a tuple."""
    try:
        numbers = tuple(int(word) for word in text.split(","))
    except ValueError:
        message = f"expected an integer or a list of integers such as 0,2, not {unguarded(text)!r}"
        raise argparse.ArgumentTypeError(message) from None
    return numbers if "," in text else numbers[0]


@contextlib.contextmanager
def blaming(name: str) -> Iterator[None]:
    """Name the file in errors of the operating system as the user did."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), name) from None


def read_input(operands: list[str], dtype: str | None) -> Array:
    """Return the array given by the operands, numbers or a file name."""
    if not operands:
        raise ValueError("expected numbers, a file, or - for standard input; see --help")
    others = [word for word in operands if not is_number(word)]
    if not others:
        return np.array(array.array(TYPECODES[dtype], map(float, operands)))
    if len(operands) > 1:
        raise ValueError(f"{others[0]!r} is not a number; expected either numbers, or one file and nothing else")
    file: int | str = 0
    if others == ["-"]:
        name = "standard input"
    elif os.path.exists(others[0]):
        name = file = others[0]
    else:
        raise ValueError(f"{others[0]!r} is neither a number nor a file")
    with blaming(name), open(file, "rb", closefd=file != 0) as stream:
        start = stream.peek(len(ZIP))
        if start[:1] == npy.MAGIC_PREFIX[:1]:  # no UTF-8 text begins with it
            return read_npy(stream, name, dtype)
        if name.endswith(".npy"):
            raise ValueError(f"{name}: not a .npy file, whatever its name; expected one that np.save has written")
        if start.startswith(ZIP) or name.endswith(".npz"):
            raise ValueError(f"{name}: an archive of arrays (.npz); expected one, saved by np.save as .npy")
        if b"\0" in start.partition(b"\n")[0]:  # checked before a line is read that may never end
            refuse_binary(name, 1)
        return read_table(stream, name, dtype)


def read_npy(stream: BufferedReader, name: str, dtype: str | None) -> Array:
    """Return the array of a .npy file, memory-mapped if possible."""
    if dtype is not None:
        raise ValueError(f"--dtype is for text, but {name} is .npy, which has its own dtype; leave the option out")
    try:
        with warnings.catch_warnings(action="ignore"):  # of a header that is parsed as Python
            if os.path.isfile(name) and stream.name == name:
                return np.asanyarray(np.load(name, mmap_mode="r", allow_pickle=False))
            return npy.read_array(SimpleNamespace(read=stream.read), allow_pickle=False)  # a pipe only supports read
    except (OSError, MemoryError):
        raise
    except Exception as error:  # the parsers of Python and of NumPy's dtypes raise many kinds
        raise ValueError(f"{name}: not a complete .npy file of numbers: {error}") from None


def holds_numbers(row: bytes) -> bool:
    """Whether a field of a row of a CSV file is one of numbers, also where fields are quoted or end in semicolons."""
    fields = (re.sub(rb"[\"']", b" ", field).split() for field in re.split(rb"[,;\t]", row))
    return any(words and all(map(is_number, words)) for words in fields)


def refuse_binary(name: str, line: int) -> NoReturn:
    raise ValueError(f"{name}, line {line}: binary; expected text (in UTF-8) or a .npy file")


def read_table(lines: Iterable[bytes], name: str, dtype: str | None) -> Array:
    """Return the numbers in lines of text as a 2-D array."""
    numbers: array.array[float] = array.array(TYPECODES[dtype])
    width = header = None
    for i, line in enumerate((line for part in lines for line in part.splitlines()), 1):  # which \r ends too
        text = line.removeprefix(b"\xef\xbb\xbf").partition(b"#")[0].strip()
        words = re.split(rb"\s*,\s*|\s+", text) if b"," in text else text.split()
        if not words:
            continue
        if b"\0" in text:
            refuse_binary(name, i)
        try:
            row = [float(word) for word in words]
        except ValueError:
            csv = b"," in text or name.lower().endswith(".csv")
            if csv and width is None and header is None and not holds_numbers(text):
                header = i
                continue
            word = next(word for word in words if not is_number(word))[:40].decode(errors="replace")
            hint = "; numbers are separated by commas or whitespace, and not quoted" if holds_numbers(text) else ""
            raise ValueError(f"{name}, line {i}: expected a number, found {word!r}{hint}") from None
        if len(row) != (width or len(row)):
            raise ValueError(f"{name}, line {i}: expected {width} numbers as in the lines before, found {len(row)}")
        width = len(row)
        numbers.extend(row)
    if width is None:
        raise ValueError(f"{name}: no numbers; expected at least one")
    return np.asarray(numbers).reshape(-1, width)


def progress_bar(data: Array) -> Any:
    """Return a progress bar for a large file if there is a terminal and tqdm is installed."""
    if isinstance(data, np.memmap) and data.nbytes >= LARGE and sys.stderr is not None and sys.stderr.isatty():
        with contextlib.suppress(ImportError):
            from tqdm import tqdm

            return tqdm(total=data.size, unit=" elements", unit_scale=True, leave=False, file=sys.stderr)
    return contextlib.nullcontext()


def compute(arguments: argparse.Namespace, data: Array, **options: Any) -> Any:
    """Call the function in a separate thread, so that Ctrl-C and the progress bar do not wait for it."""
    if arguments.keepdims:
        options["keepdims"] = True
    before = _core.progress()
    future = ThreadPoolExecutor(1).submit(functools.partial(arguments.function, data, arguments.axis, **options))
    with progress_bar(data) as bar:
        while wait([future], POLL).not_done:
            if bar is not None:
                bar.update(min(_core.progress() - before, data.size) - bar.n)
    try:
        return future.result()
    except ValueError as error:
        said = str(error).removeprefix(f"{arguments.function.__name__}: ")
        raise ValueError(f"--axis: {said}; the input has shape {data.shape}") from None


def print_result(result: Any) -> None:
    """Print numbers that read back exactly: one row per line, or one number per line for 1-D results."""
    result = np.asarray(result)
    table = result if result.ndim > 1 else result.reshape(-1, 1)
    for index in np.ndindex(table.shape[:-1]):
        if index[-1] == 0 and any(index):
            print()
        row = table[index]
        print(*map(repr, row.tolist()) if row.dtype == np.float64 else map(str, row))


@contextlib.contextmanager
def replacing(path: str) -> Iterator[Path]:
    """Yield a new file beside `path` that replaces it on success and is removed on failure."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise ValueError(f"{path}: not a regular file; expected a name for --output to write to")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "write-protected; choose another --output", path)
    temporary = target.with_name(f".lse-{secrets.token_hex(8)}.tmp")
    with blaming(path):
        temporary.touch(exist_ok=False)
    try:
        yield temporary
        with blaming(path):
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def save_result(arguments: argparse.Namespace, data: Array, path: Path) -> None:
    """Write the result; that of a softmax directly to a mapped file, as it is as large as the input."""
    if arguments.function is lse.logsumexp:
        result = compute(arguments, data)
        with blaming(arguments.output), open(path, "wb") as file:
            np.save(file, result, allow_pickle=False)
        return
    dtype = _dtypes.floating_dtype(data.dtype, arguments.function.__name__, "x")
    with blaming(arguments.output):
        out = npy.open_memmap(path, "w+", dtype, data.shape, fortran_order=data.flags.fnc)
        reserve(path)
    compute(arguments, data, out=out)
    with blaming(arguments.output):
        out.flush()


def reserve(path: Path) -> None:
    """Fail now if the disk is full, where the system can tell; writing to the map would raise a signal."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # unsupported by the file system
                    raise


def run(argv: list[str]) -> None:
    """Execute the command given by the arguments."""
    arguments = build_parser().parse_intermixed_args(list(map(guarded, argv)))
    if arguments.keepdims and arguments.function is not lse.logsumexp:
        raise ValueError("--keepdims does not go with --softmax and --log-softmax, which keep every axis as it is")
    if not _embedding.OPTIONS.keys().isdisjoint(argv):
        print(_embedding.answer(argv))
    elif arguments.info or arguments.benchmark:
        if len(argv) > 1:
            raise ValueError(f"{'--info' if arguments.info else '--benchmark'} stands alone")
        if arguments.info:
            lse.show_config()
        else:
            from lse import _benchmark

            with blaming("standard output"):
                print(_benchmark.run())
    elif arguments.output is not None:
        with replacing(arguments.output) as path:
            # the array has no name here: Windows does not replace a file that is still mapped
            save_result(arguments, read_input(arguments.operands, arguments.dtype), path)
    else:
        result = compute(arguments, read_input(arguments.operands, arguments.dtype))
        with blaming("standard output"):
            print_result(result)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit status; when interrupted, exit at once."""
    try:
        try:
            run(sys.argv[1:] if argv is None else argv)
        finally:
            with blaming("standard output"):
                print(end="", flush=True)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # no regular exit, which would unmap memory that a thread still reads
    except (OSError, ValueError, TypeError, NotImplementedError, MemoryError) as error:
        if isinstance(error, OSError) and sys.stdout is not None:  # otherwise Python would try to write again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        message = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error) or "out of memory"
        print(f"{PROG}: error: {' '.join(message.split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
