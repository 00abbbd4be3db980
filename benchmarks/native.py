"""The limits of the machine, compiled when they are first wanted: a pure read of memory and an empty call."""

import ctypes
import importlib.machinery
import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Limits:
    """What could be compiled; None where it could not, and why in `problem`."""

    read: Callable[[int, int, int], int] | None = None
    copy: Callable[[int, int, int, int], None] | None = None
    threads: bool = False
    empty: Callable | None = None
    problem: str = ""


def compile_shared(source: Path, target: Path, *flags: str) -> None:
    """Compile a shared library with $CC or cc; raise RuntimeError with the compiler's words if it fails."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared", "-fPIC"]
    command = [*compiler, "-std=c11", "-O3", *shared, *flags, str(source), "-o", str(target)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as error:
        raise RuntimeError(f"no C compiler ({error})") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{shlex.join(command)}: {error.stderr.strip()}") from error


def compile_memory(folder: Path) -> dict:
    """Return the functions that read and copy, and whether they can use threads."""
    target = folder / "read.so"
    for flags in (("-march=native", "-fopenmp"), ("-march=native",), ()):
        try:
            compile_shared(HERE / "read.c", target, *flags)
            break
        except RuntimeError:
            if not flags:
                raise
    library = ctypes.CDLL(str(target))
    library.read_bytes.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.read_bytes.restype = ctypes.c_uint64
    library.copy_bytes.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.copy_bytes.restype = None
    threads = ctypes.c_int.in_dll(library, "read_has_threads").value
    return {"read": library.read_bytes, "copy": library.copy_bytes, "threads": bool(threads)}


def compile_empty(folder: Path) -> Callable:
    """Return the function that does nothing."""
    target = folder / f"empty{sysconfig.get_config_var('EXT_SUFFIX')}"
    compile_shared(HERE / "empty.c", target, f"-I{sysconfig.get_path('include')}")
    loader = importlib.machinery.ExtensionFileLoader("empty", str(target))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("empty", loader))
    loader.exec_module(module)
    return module.empty


def compile_limits() -> Limits:
    """Compile both into a folder that is gone afterwards; what is loaded stays."""
    found: dict = {}
    problems = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        try:
            found.update(compile_memory(Path(name)))
        except (RuntimeError, OSError) as error:
            problems.append(f"no pure read: {error}")
        try:
            found["empty"] = compile_empty(Path(name))
        except (RuntimeError, OSError, ImportError) as error:
            problems.append(f"no empty call: {error}")
    return Limits(**found, problem="; ".join(problems))
