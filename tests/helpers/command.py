"""The command line, run as its users run it, or by a function call."""

import contextlib
import os
import subprocess
import sys
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout

import pytest

from lse.__main__ import main

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals, terminals and limits of this kind")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of mappings")
COMMAND = [sys.executable, "-W", "error", "-m", "lse"]


def lse_command(*words, command=None, **options):
    """The completed command: a process if `command` or other options are given, else a call of main."""
    words = list(map(str, words))
    if command is None and options.keys() <= {"input"}:
        return called(words, **options)
    options = {"text": "input" not in options or isinstance(options["input"], str), "timeout": 120, **options}
    return subprocess.run([*(command or COMMAND), *words], capture_output=True, **options)


def called(words, input=""):
    """The same without the start of a process; files replace its standard streams."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write(input.encode() if isinstance(input, str) else input)
        files[0].seek(0)
        out, err = (stack.enter_context(written_to(file)) for file in files[1:])
        with standard_input(files[0].fileno()), redirect_stdout(out), redirect_stderr(err):
            status = status_of(words)
        said = []
        for stream, file in ((out, files[1]), (err, files[2])):
            stream.flush()
            file.seek(0)
            said.append(file.read().decode() if isinstance(input, str) else file.read())
    return subprocess.CompletedProcess(words, status, *said)


def written_to(file):
    """A text stream to a file, with its own descriptor, which the command may redirect."""
    return open(os.dup(file.fileno()), "w", encoding="utf-8", newline="")


def status_of(words):
    with warnings.catch_warnings(action="error"):
        try:
            return main(words)
        except SystemExit as end:  # argparse has printed its message
            return end.code or 0


@contextlib.contextmanager
def standard_input(file):
    """Replace the standard input by another file, at descriptor level."""
    saved = os.dup(0)
    os.dup2(file, 0)
    try:
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def complaint(*words, **options):
    """The single line printed by a failing command."""
    done = lse_command(*words, **options)
    stdout, stderr = (s if isinstance(s, str) else s.decode() for s in (done.stdout, done.stderr))
    assert done.returncode == 2, (stdout, stderr)
    assert stdout == ""
    assert stderr.startswith("python -m lse: error: ")
    assert stderr.endswith("\n")
    assert stderr.count("\n") == 1
    return stderr
