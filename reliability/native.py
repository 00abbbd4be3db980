"""C programs of these runs, compiled together with the sources of lse's engine."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reliability.tables import ROOT, Fault

SOURCES = ROOT / "src" / "lse"
KERNELS = sorted((SOURCES / "kernels").glob("*.c"))
ENGINE = [*KERNELS, *sorted((SOURCES / "engine").glob("*.c"))]
FLAGS = ["-std=c11", "-ffp-contract=off", f"-I{SOURCES}", f"-I{SOURCES / 'include'}"]


def compilers(*names: str) -> list[str]:
    """Those of the compilers that are here; Fault if none is."""
    found = [name for name in names if shutil.which(name)]
    if not found:
        raise Fault(f"no C compiler: none of {', '.join(names)} is installed")
    return found


def output(command: Iterable[object], **environment: str) -> str:
    """What a command prints; Fault with its last words where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stdout + done.stderr)[-4000:].strip()
        raise Fault(f"{shlex.join(words)}\nended with {done.returncode}:\n{last}")
    return done.stdout


def program(folder: Path, compiler: str, sources: Iterable[Path], *flags: str, link: Iterable[str] = ()) -> Path:
    """Compile each source to an object in the folder, as many at once as there are processors, and link them."""
    objects = {source: folder / f"{source.parent.name}_{source.stem}.o" for source in sources}

    def compile_one(source: Path) -> str:
        return output([compiler, *FLAGS, *flags, "-c", source, "-o", objects[source]])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, objects))
    target = folder / "program"
    output([compiler, *flags, *objects.values(), "-o", target, *link, "-lm"])
    return target
