"""C programs, compiled together with the sources of lse's engine."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "lse"
KERNELS = sorted((SOURCES / "kernels").glob("*.c"))
ENGINE = [*KERNELS, *sorted((SOURCES / "engine").glob("*.c"))]
FLAGS = ["-std=c11", "-ffp-contract=off", f"-I{SOURCES}", f"-I{SOURCES / 'include'}"]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
NEEDED = {"avx2": "avx2", "avx512": "avx512f"}  # by kernels, as Linux calls it


class CommandError(Exception):
    """A command failed; the message names it and has the end of its output."""


def installed(*names: str) -> list[str]:
    """Return those of these programs that are installed."""
    found = [name for name in names if shutil.which(name)]
    if not found:
        raise CommandError(f"none of {', '.join(names)} is installed")
    return found


def output(command: Iterable[object], **environment: str) -> str:
    """Return the output of a command."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stdout + done.stderr)[-4000:].strip()
        raise CommandError(f"{shlex.join(words)}\nended with {done.returncode}:\n{last}")
    return done.stdout


def objects(folder: Path, compiler: str, sources: Iterable[Path], *flags: str) -> dict[Path, Path]:
    """Compile sources into the folder, as many at once as there are processors; return the objects by source."""
    found = {source: folder / f"{source.parent.name}_{source.stem}.o" for source in sources}

    def compile_one(source: Path) -> str:
        return output([compiler, *FLAGS, *flags, "-c", source, "-o", found[source]])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, found))
    return found


def without(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the engine with kernels that are none, written into the folder, in place of those of these names."""
    sources = [path for path in ENGINE if path.parent.name != "kernels" or path.stem not in names]
    for name in names:
        sources.append(folder / f"{name}.c")
        text = f"const lse_kernels *lse_kernels_{name}(void) {{ return NULL; }}\n"
        sources[-1].write_text(f'#include "kernels/kernels.h"\n{text}')
    return sources


def engine(folder: Path) -> list[Path]:
    """Return the engine without kernels that this processor lacks: nothing would run what takes so long to compile."""
    try:
        found = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        found = list(NEEDED.values())
    return without(folder, [name for name, needed in NEEDED.items() if needed not in found])


def program(folder: Path, compiler: str, sources: Iterable[Path], *flags: str, link: Iterable[str] = ()) -> Path:
    """Compile sources, and link the objects to a program."""
    compiled = objects(folder, compiler, sources, *flags)
    target = folder / "program"
    output([compiler, *flags, *compiled.values(), "-o", target, *link, "-lm"])
    return target
