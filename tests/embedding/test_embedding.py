"""Embedding: do the examples build against an installed lse, and are its flags right?"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import lse
from checks import ROOT, STRICT, needs_modules, tool
from command import lse_command
from lse import _core, _embedding

EXAMPLES = ROOT / "examples" / "embed"
GUIDE = ROOT / "docs" / "embedding.md"
LANGUAGES = {
    "gcc": ("c", "main.c", "-std=c11"),
    "clang": ("c", "main.c", "-std=c11"),
    "g++": ("cpp", "main.cpp", "-std=c++17"),
    "clang++": ("cpp", "main.cpp", "-std=c++17"),
}
NUMBERS = ["1000", "1001", "1002"]
ANSWER = "1002.4076059644444"

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell"),
    pytest.mark.skipif(not (EXAMPLES.is_dir() and GUIDE.exists()), reason="needs the examples and the guide"),
]


def blocks(path, language):
    """Code blocks of a Markdown page; none if there is no page."""
    if not path.exists():
        return []
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def copied(name, folder):
    return Path(shutil.copytree(EXAMPLES / name, folder / name))


def pkg_config(installed, directory):
    done = installed.run(tool("pkg-config"), "--cflags", "--libs", "lse", PKG_CONFIG_PATH=str(directory))
    return shlex.split(done.stdout)


def with_python(installed, folder):
    """A PATH on which `python` is the one with an installed lse."""
    (folder / "bin").mkdir()
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(installed.python)} "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    return f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"


# Directories and flags --------------------------------------------------------------------------------------


def test_get_include():
    assert Path(lse.get_include(), "lse", "lse.h").is_file()
    assert Path(lse.get_include(), "lse", "capsule.h").is_file()
    assert Path(lse.get_include()).is_relative_to(Path(lse.__file__).parent)


@pytest.mark.compiles
def test_flags_are_those_of_pkg_config(installed):
    directory = installed.printed("-m", "lse", "--pkgconfigdir")
    assert Path(directory) == installed.package / "lib" / "pkgconfig"
    assert installed.flags() == pkg_config(installed, directory)
    assert installed.printed("-m", "lse", "--cflags") == f"-I{directory}/../../include"
    assert installed.printed("-m", "lse", "--libs").startswith(f"-L{directory}/../../lib -llse ")
    assert installed.run(tool("pkg-config"), "--modversion", "lse", PKG_CONFIG_PATH=directory).stdout.strip() == (
        lse.__version__
    )


def test_flags_are_in_the_order_asked_for_and_quoted(monkeypatch):
    in_order = _embedding.answer(["--libs", "--cflags", "--libs"])
    assert in_order == f"{_embedding.answer(['--libs'])} {_embedding.answer(['--cflags'])}"
    monkeypatch.setattr(_embedding, "words", lambda field: ["-Ia folder", "-lm"])
    assert _embedding.answer(["--cflags"]) == "'-Ia folder' -lm"


@pytest.mark.parametrize(
    "words",
    [
        "--cflags 1",
        "1 --cflags",
        "--info --libs",
        "--libs --axis 0",
        "--pkgconfigdir --libs",
        "--cflags --output=x.npy",
    ],
)
def test_flags_go_with_nothing_else(words, tmp_path):
    with contextlib.chdir(tmp_path):
        done = lse_command(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"python -m lse: error: \S+: --cflags and --libs go with nothing but .*\n", done.stderr)


# Examples ---------------------------------------------------------------------------------------------------


@pytest.mark.compiles
@pytest.mark.parametrize("compiler", LANGUAGES)
def test_programs(installed, tmp_path, compiler):
    folder, source, standard = LANGUAGES[compiler]
    directory = installed.printed("-m", "lse", "--pkgconfigdir")
    for flags in (installed.flags(), pkg_config(installed, directory)):
        program = tmp_path / "program"
        installed.run(installed.linker(compiler), standard, *STRICT, EXAMPLES / folder / source, *flags, "-o", program)
        assert installed.run(program, *NUMBERS).stdout.strip() == ANSWER
        program.unlink()


@pytest.mark.compiles
@pytest.mark.parametrize("name", ["c_extension", "cython", "c", "cpp"])
def test_commands_of_the_readme(installed, tmp_path, name):
    """Exactly as written."""
    needs_modules("setuptools", "Cython")
    for program in ("cc", "c++", "pkg-config"):
        tool(program)
    text = (EXAMPLES / "README.md").read_text()
    commands = re.search(rf"^## \[`{name}/`\].*?^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]
    path = with_python(installed, tmp_path)
    done = installed.run("sh", "-euc", commands, cwd=copied(name, tmp_path), PATH=path, CFLAGS=" ".join(STRICT[:2]))
    assert done.stdout.splitlines()[-1] == ANSWER
    assert "warning: " not in done.stderr


@pytest.mark.compiles
def test_extension_in_c_without_warnings(installed, tmp_path):
    for compiler in ("gcc", "clang"):
        includes = [f"-I{sysconfig.get_path('include')}", f"-I{installed.package / 'include'}"]
        command = [tool(compiler), "-std=c11", "-fPIC", *STRICT, *includes, "-c", "-o", tmp_path / "mixture.o"]
        installed.run(*command, EXAMPLES / "c_extension" / "mixture.c")


@pytest.mark.compiles
def test_the_package_may_be_moved(installed, tmp_path):
    moved = shutil.copytree(installed.package, tmp_path / "another place" / "lse")
    flags = pkg_config(installed, moved / "lib" / "pkgconfig")
    assert flags[0].startswith(f"-I{moved}")
    assert str(installed.package) not in " ".join(flags)
    installed.run(installed.linker("cc"), EXAMPLES / "c" / "main.c", *flags, "-o", tmp_path / "program")
    assert installed.run(tmp_path / "program", *NUMBERS).stdout.strip() == ANSWER


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere internal names are not hidden")
def test_the_static_library_exports_the_functions_of_the_header():
    package = Path(lse.__file__).parent
    header = (package / "include" / "lse" / "lse.h").read_text()
    declared = re.findall(r"^(?:int |double |float |const char \*|const lse_api \*)(lse_\w+)\(", header, re.MULTILINE)
    command = [tool("nm"), "-P", "--extern-only", "--defined-only", package / "lib" / "liblse.a"]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert sorted(re.findall(r"^(\w+) \w ", symbols, re.MULTILINE)) == sorted(declared)
    assert "lse_get_api" in declared


STATES = """
# cython: language_level=3
from libc.stdint cimport int64_t
from lse cimport (
    State, kernels_in_use, state_count, state_finish, state_init, state_merge, state_update_f32, state_update_f64
)


def streamed(const double[::1] x, const float[::1] y):
    cdef State state, copy
    cdef double value = 0, sign = 0
    cdef int64_t count = 0
    cdef int error = state_init(&state)
    error |= state_update_f64(&state, &x[0], 1, NULL, 0, x.shape[0])
    copy = state
    error |= state_update_f32(&copy, &y[0], 1, &y[0], 1, y.shape[0])
    error |= state_merge(&state, &copy)
    error |= state_finish(&state, &value, &sign)
    error |= state_count(&state, &count)
    return error, count, value, sign, kernels_in_use().decode()
"""


@pytest.mark.compiles
def test_states_from_cython(installed, tmp_path):
    needs_modules("setuptools", "Cython")
    tool("cc")
    (tmp_path / "mixture.pyx").write_text(STATES)
    shutil.copy(EXAMPLES / "cython" / "setup.py", tmp_path)
    installed.printed("setup.py", "-q", "build_ext", "--inplace", cwd=tmp_path)
    use = "import numpy as np, mixture; print(mixture.streamed(np.zeros(4), -np.ones(3, 'f4')))"
    x, y = np.zeros(4), -np.ones(3, np.float32)
    total = lse.LogSumExp.of(x)
    total += total + lse.LogSumExp.of(y, b=y)
    expected = (0, 11, float(total.log_abs), float(total.sign), _core.kernels())
    assert installed.printed("-c", use, cwd=tmp_path) == str(expected)


# The guide --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["c", "cython"])
def test_the_guide_quotes_the_examples(language):
    sources = [path.read_text() for path in EXAMPLES.rglob("*") if path.suffix in (".c", ".pyx")]
    for block in blocks(GUIDE, language):
        assert any(block in source for source in sources), block


@pytest.mark.compiles
@pytest.mark.parametrize("script", blocks(GUIDE, "python"))
def test_python_of_the_guide(installed, tmp_path, script):
    """The output is that of the comment."""
    if "setup(" in script:
        assert script == (EXAMPLES / "c_extension" / "setup.py").read_text()
        return
    for name in {"numba", "scipy"} & set(re.findall(r"\w+", script)):
        pytest.importorskip(name)
    (tmp_path / "script.py").write_text(script)
    printed = installed.printed("script.py", cwd=tmp_path)
    assert printed == re.search(r"print\(.*\)  # (.*)$", script, re.MULTILINE)[1]


@pytest.mark.compiles
@pytest.mark.parametrize("commands", blocks(GUIDE, "sh"))
def test_commands_of_the_guide(installed, tmp_path, commands):
    for program in ("cc", "pkg-config"):
        tool(program)
    path = with_python(installed, tmp_path)
    done = installed.run("sh", "-euc", commands, cwd=copied("c", tmp_path), PATH=path)
    assert done.stdout.splitlines()[-1] == ANSWER


# Versions of the interface ----------------------------------------------------------------------------------


def build_with_header(installed, tmp_path, header):
    """The C extension of the examples, compiled with another lse.h."""
    include = Path(shutil.copytree(installed.package / "include", tmp_path / "include"))
    (include / "lse" / "lse.h").write_text(header)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    dynamic = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared", "-fPIC"]
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{include}"]
    source = EXAMPLES / "c_extension" / "mixture.c"
    installed.run(tool("cc", "gcc", "clang"), *dynamic, *includes, source, "-o", tmp_path / f"mixture{suffix}")


def with_version(header, **numbers):
    for name, number in numbers.items():
        header, count = re.subn(rf"(#define LSE_API_{name.upper()}) \d+", rf"\1 {number}", header)
        assert count == 1
    return header


USE = "import array, mixture; print(mixture.log_density(array.array('d', [1000, 1001, 1002])))"


@pytest.mark.compiles
def test_an_extension_compiled_with_an_older_header_works(installed, tmp_path):
    """A header without the last functions; before version 1 of the interface, one of the same minor version."""
    header = (installed.package / "include" / "lse" / "lse.h").read_text()
    older, count = re.subn(r"    int \(\*state_init\).*?(?=\} lse_api;)", "", header, flags=re.DOTALL)
    assert count == 1
    major = int(re.search(r"LSE_API_MAJOR (\d+)", header)[1])
    build_with_header(installed, tmp_path, with_version(older, minor=-1) if major else older)
    assert installed.printed("-c", USE, cwd=tmp_path) == ANSWER


@pytest.mark.compiles
@pytest.mark.parametrize(
    ("version", "advice"),
    [
        ({"minor": 99}, "upgrade lse"),
        ({"major": 99}, "upgrade lse"),
        ({"minor": 0}, "compile this extension again"),
    ],
    ids=str,
)
def test_an_extension_that_does_not_fit_says_so(installed, tmp_path, version, advice):
    header = (installed.package / "include" / "lse" / "lse.h").read_text()
    build_with_header(installed, tmp_path, with_version(header, **version))
    say = f"try:\n    {USE}\nexcept ImportError as error:\n    print(error)"
    said = installed.printed("-c", say, cwd=tmp_path)
    major, minor = (
        re.search(rf"LSE_API_{name} (\d+)", with_version(header, **version))[1] for name in ("MAJOR", "MINOR")
    )
    assert said.startswith(
        f"compiled for version {major}.{minor} of the C interface of lse, but the installed lse has "
    )
    assert said.endswith(f"; {advice}")
