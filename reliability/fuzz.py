"""lse.h and the engine beneath it by libFuzzer, under sanitizers: the programs in `fuzzing`, the inputs in `corpus`."""

import argparse
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import native
from reliability.tables import ROOT, CheckError, Table

HERE = ROOT / "reliability"
CORPUS = HERE / "corpus"
TARGET = [HERE / "fuzzing" / name for name in ("fuzz.c", "arrays.c", "calls.c", "engine.c")]
REPLAY = HERE / "fuzzing" / "replay.c"
SANITIZED = [
    *("-O1", "-gline-tables-only", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"),
    "-fsanitize-coverage=inline-8bit-counters,pc-table",
]
MEASURED = ["-O1", "-fprofile-instr-generate", "-fcoverage-mapping"]
WRAP = "-Wl,--wrap=lse_chosen"  # so that the target, not the environment, chooses the kernels
OPTIONS = ["-max_len=200", "-len_control=0", "-timeout=600", "-report_slow_units=600", "-print_final_stats=1"]
COLUMNS = ["processes", "seconds", "inputs run", "inputs/s", "edges", "lines", "inputs kept", "findings"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """How long, on how many processors, and whether what was learnt is kept."""
    parser.add_argument("--seconds", type=int, default=600, help="how long (default: 600)")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (default: 2)")
    parser.add_argument("--learn", action="store_true", help="make the corpus anew of all that reaches something")


def statistic(log: str, name: str) -> int:
    """A number that libFuzzer prints."""
    return int(re.findall(rf"{name}:? +(\d+)", log)[-1])


def explore(program: Path, folder: Path, seconds: int, jobs: int) -> tuple[int, list[Path]]:
    """Run libFuzzer side by side; how many inputs were run, and the folders with those worth keeping."""
    folders = [folder / f"new_{i}" for i in range(jobs)]
    running = []
    for new in folders:
        new.mkdir()
        command = [program, *OPTIONS, f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", new, CORPUS]
        log = (folder / f"{new.name}.log").open("w+")
        running.append((subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT), log))
    logs = []
    for process, log in running:
        process.wait()
        log.seek(0)
        logs.append(log.read())
        log.close()
    for (process, _), text in zip(running, logs, strict=True):
        if process.returncode:
            raise CheckError(f"{text[-4000:]}\n{kept_finding(folder)}")
    return sum(statistic(text, "number_of_executed_units") for text in logs), folders


def kept_finding(folder: Path) -> str:
    """Put the input into the corpus, which the tests replay."""
    for path in folder.glob("*-*"):
        data = path.read_bytes()
        target = CORPUS / hashlib.sha1(data).hexdigest()
        target.write_bytes(data)
        return f"the input is kept as {target}, on which tests/hostile/test_fuzz_corpus.py fails until this is fixed"
    return "no input was left"


def merged(program: Path, folder: Path, sources: Sequence[Path]) -> int:
    """Fill a folder with few inputs that reach as much; how many edges that is."""
    folder.mkdir()
    command = [program, "-merge=1", "-use_counters=0", *OPTIONS, folder, CORPUS, *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CheckError(done.stderr[-4000:])
    return int(re.findall(r"(\d+) new coverage edges", done.stderr)[-1])


def lines(folder: Path, inputs: Path) -> str:
    """Lines of the engine's source that some inputs reach, of all that compile here."""
    program = native.program(folder, "clang", [*native.ENGINE, *TARGET, REPLAY], *MEASURED, link=[WRAP])
    raw, profile = folder / "raw", folder / "profile"
    native.output([program, *inputs.iterdir()], LLVM_PROFILE_FILE=str(raw))
    native.output(["llvm-profdata", "merge", raw, "-o", profile])
    command = ["llvm-cov", "export", "-summary-only", f"-instr-profile={profile}", program, native.SOURCES]
    report = native.output(command)
    found = re.findall(r'"totals".*"lines":{"count":(\d+),"covered":(\d+)', report)
    return f"{int(found[-1][1]):,} of {int(found[-1][0]):,}"


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Explore from the corpus on, and count what all inputs together reach."""
    native.installed("clang")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        built, measured, best = folder / "built", folder / "measured", folder / "best"
        built.mkdir()
        measured.mkdir()
        link = ["-fsanitize=fuzzer", WRAP]
        program = native.program(built, "clang", [*native.ENGINE, *TARGET], *SANITIZED, link=link)
        inputs, found = explore(program, folder, options.seconds, options.jobs)
        edges = merged(program, best, found)
        row = [options.jobs, options.seconds, f"{inputs:,}", round(inputs / options.seconds), f"{edges:,}"]
        row += [lines(measured, best), len(list(best.iterdir())), "none"]
        if options.learn:
            shutil.rmtree(CORPUS)
            shutil.copytree(best, CORPUS)
    yield Table("fuzz", COLUMNS, [row])
