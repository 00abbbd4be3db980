"""An installed lse, as its embedders have it."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import lse
from checks import ROOT, missing, needs_modules, tool


class Installation:
    """A Python with an installed lse, whatever the path of this process."""

    def __init__(self, python):
        self.python = str(python)
        self.env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LSE_KERNELS")}
        self.package = Path(self.printed("-c", "import lse; print(lse.__path__[0])"))
        assert self.package.parent.name in ("site-packages", "dist-packages")

    def run(self, *command, cwd=os.sep, **env):
        command = list(map(str, command))
        done = subprocess.run(command, cwd=cwd, env={**self.env, **env}, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def printed(self, *words, **options):
        return self.run(self.python, "-W", "error", *words, **options).stdout.rstrip("\n")

    def linker(self, compiler):
        """A compiler that finds the OpenMP runtime, if the library needs one."""
        command = [tool(compiler), *(flag for flag in self.flags() if flag == "-fopenmp")]
        trial = [*command, "-x", "c", "-", "-o", os.devnull]
        if subprocess.run(trial, input=b"int main(void) { return 0; }", capture_output=True).returncode != 0:
            missing(f"the OpenMP of {compiler}")
        return command[0]

    def flags(self):
        return shlex.split(self.printed("-m", "lse", "--cflags", "--libs"))


def build_wheel(folder):
    """Build a wheel from a copy of the sources, so that earlier builds do not affect it."""
    needs_modules("pip")
    source = folder / "source"
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        source.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.so", "lib", "*.egg-info", "__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    with contextlib.suppress(PackageNotFoundError):
        version("cython")
        if int(version("setuptools").split(".")[0]) >= 77:
            command.append("--no-build-isolation")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """This Python if lse is installed in it; if the tests run on the source tree, another one, with a wheel."""
    if not Path(lse.__file__).is_relative_to(ROOT / "src"):
        return Installation(sys.executable)
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder)
    venv.create(folder / "venv", symlinks=os.name != "nt")
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel]
    subprocess.run(command, check=True, capture_output=True)
    purelib = sysconfig.get_path("purelib", vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")})
    (Path(purelib) / "theirs.pth").write_text("\n".join({sysconfig.get_path(name) for name in ("purelib", "platlib")}))
    found = Installation(python)
    assert found.package.is_relative_to(folder)
    return found
