"""The command line, run as its users run it."""

import os
import subprocess
import sys

import pytest

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals, terminals and limits of this kind")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of mappings")
COMMAND = [sys.executable, "-W", "error", "-m", "lse"]


def lse_command(*words, command=COMMAND, **options):
    options = {"text": "input" not in options or isinstance(options["input"], str), "timeout": 120, **options}
    return subprocess.run([*command, *map(str, words)], capture_output=True, **options)


def complaint(*words, **options):
    """The one line that a command in error writes."""
    done = lse_command(*words, **options)
    stdout, stderr = (s if isinstance(s, str) else s.decode() for s in (done.stdout, done.stderr))
    assert done.returncode == 2, (stdout, stderr)
    assert stdout == ""
    assert stderr.startswith("python -m lse: error: ")
    assert stderr.endswith("\n")
    assert stderr.count("\n") == 1
    return stderr
