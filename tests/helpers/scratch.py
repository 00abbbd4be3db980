"""A copy of the sources, built with flags other than those of a release, so that the checkout is unchanged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import native
from native import ROOT


def copy(folder: Path) -> Path:
    """Copy the files tracked by git, and new files that are not ignored."""
    listed = native.output(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # not deleted since
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def build(folder: Path, compiler: str, level: str, flags: str, link: str = "") -> None:
    """Build the extension of a copy in place; setup.py is edited, because its optimisation level comes last."""
    setup = folder / "setup.py"
    text = setup.read_text()
    if text.count('"-O3"') != 1:
        raise ValueError("setup.py no longer asks for -O3 in one place")
    setup.write_text(text.replace('"-O3"', f'"{level}"'))
    environment = {"CC": compiler, "CFLAGS": flags, "LDFLAGS": link}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, stdout=sys.stderr, stderr=sys.stderr)
    if done.returncode:
        raise native.CommandError(f"{compiler} does not build lse with {flags}")
