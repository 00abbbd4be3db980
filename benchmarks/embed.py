"""What a call from C costs beside the bare kernel: ``python -m benchmarks.embed``."""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.quiet import Calm

HERE = Path(__file__).parent
SOURCES = HERE.parent / "src" / "lse"  # of the kernels, which the library does not export
OPTIONS = ["-std=c11", "-O3", "-ffp-contract=off", f"-I{SOURCES}"]


def flags() -> list[str]:
    """Return what the installed package says to compile and link with."""
    command = [sys.executable, "-m", "lse", "--cflags", "--libs"]
    return shlex.split(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=301, help="of 20000 calls each (default: 301)")
    rounds = parser.parse_args().rounds
    if rounds < 1:
        parser.error("--rounds must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "embed"
        compiler = shlex.split(os.environ.get("CC", "cc"))
        sources = [HERE / "embed.c", *sorted((SOURCES / "kernels").glob("*.c"))]
        subprocess.run([*compiler, *OPTIONS, *sources, *flags(), "-o", program], check=True)
        if not Calm(patience=60).wait(1):
            print("others are at work on this machine: the ratios may be off", file=sys.stderr)
        subprocess.run([program, str(rounds)], check=True)


if __name__ == "__main__":
    main()
