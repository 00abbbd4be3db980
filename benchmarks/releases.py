"""The last release beside this tree, in units of a pure read of the input: ``python -m benchmarks.releases``."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.native import Limits, compile_limits

ROOT = Path(__file__).resolve().parents[1]
SHAPES = [(200_000,), (200, 1000), (10_000, 20), (20, 10_000)]  # in cache, and calls of a few milliseconds
OPERATIONS = {
    "logsumexp": lambda lse, a, b: lse.logsumexp(a, axis=-1),
    "logsumexp, columns": lambda lse, a, b: lse.logsumexp(a, axis=0),
    "logsumexp, weights": lambda lse, a, b: lse.logsumexp(a, axis=-1, b=b),
    "softmax": lambda lse, a, b: lse.softmax(a, axis=-1),
    "log_softmax": lambda lse, a, b: lse.log_softmax(a, axis=-1),
    "logcumsumexp": lambda lse, a, b: lse.logcumsumexp(a, axis=-1),
}
SAMPLE, REPEATS = 0.004, 5  # seconds that a sample lasts, and of how many the least is taken


def cases() -> Iterator[tuple[str, Callable, np.ndarray, np.ndarray]]:
    """Name, operation, elements and weights."""
    for dtype in (np.float64, np.float32):
        for shape in SHAPES:
            a = (10 * np.random.default_rng(1).standard_normal(shape)).astype(dtype)
            for name, operation in OPERATIONS.items():
                if len(shape) > 1 or "columns" not in name:
                    yield f"{name} {a.dtype} {'x'.join(map(str, shape))}", operation, a, np.abs(a)


def once(work: Callable) -> float:
    """Seconds of one call, at least."""
    timer = timeit.Timer(work)
    timer.timeit(1)
    number = max(1, int(SAMPLE / timer.timeit(1)))
    return min(timer.repeat(REPEATS, number)) / number


def seconds(limits: Limits, work: Callable, a: np.ndarray) -> list[float] | None:
    """Of a call and of a read; None if this release cannot do it."""
    try:
        work()
    except (AttributeError, TypeError, ValueError):
        return None
    return [once(work), once(lambda: limits.read(a.ctypes.data, a.nbytes, 1))]


def serve() -> None:
    """Measure the cases whose numbers are read from the standard input, with the release that PYTHONPATH names."""
    import lse

    limits, known = compile_limits(), list(cases())
    lse.set_num_threads(1)
    for line in sys.stdin:
        _, operation, a, b = known[int(line)]
        print(json.dumps(seconds(limits, lambda o=operation, a=a, b=b: o(lse, a, b), a)), flush=True)


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def last_release() -> str:
    """The tag before this commit, or the commit before it where there is no tag."""
    tags = output("git", "tag", "--merged", "HEAD^", "--sort=-version:refname", "v*").split()
    return tags[0] if tags else "HEAD^"


def install(revision: str | None, folder: Path) -> Path:
    """Build a revision, or the working tree, and install it into a folder; return that."""
    source, target = ROOT, folder / "installed"
    if revision:
        source = folder / "source"
        source.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x"], cwd=source, input=archive, check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(source)], check=True)
    return target


def worker(installed: Path) -> subprocess.Popen:
    path = os.pathsep.join([str(installed), str(ROOT)])
    command = [sys.executable, "-P", "-m", "benchmarks.releases", "--serve"]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(release: subprocess.Popen, number: int) -> list[float]:
    print(number, file=release.stdin, flush=True)
    return json.loads(release.stdout.readline()) or [np.nan, np.nan]


def compare(releases: list[subprocess.Popen], rounds: int) -> None:
    """Print a row of Markdown for each case, of the least times of all rounds; the releases take turns."""
    print("| case | before / read | after / read | before / after |", "|---|---|---|---|", sep="\n")
    for number, (name, *_) in enumerate(cases()):
        least = np.min([[ask(release, number) for release in releases] for _ in range(rounds)], axis=0)
        before, after = least[:, 0] / least[:, 1].min()
        print(f"| {name} | {before:.2f} | {after:.2f} | {before / after:.2f} |", flush=True)


def main() -> None:
    """Build, measure, print; decides nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.releases", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--before", metavar="REVISION", help="instead of the last release")
    parser.add_argument("--installed", nargs=2, type=Path, metavar="FOLDER", help="both, built already")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="of each case (default: 7)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    with tempfile.TemporaryDirectory() as name:
        before = options.before or last_release()
        pair = options.installed or [install(before, Path(name, "before")), install(None, Path(name, "after"))]
        print(f"Before: {pair[0] if options.installed else before}. Above 1 in the last column, this tree is faster.\n")
        releases = [worker(folder.absolute()) for folder in pair]
        try:
            compare(releases, options.rounds)
        finally:
            for release in releases:
                release.stdin.close()
                release.wait()


if __name__ == "__main__":
    main()
