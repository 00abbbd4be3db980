"""What the generators here share: writing their files, or with ``--check`` comparing them with what is there."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(description: str | None, generate: Callable[[], dict[Path, str]]) -> None:
    """Write the files that `generate` returns; with ``--check`` write nothing, and exit with 1 if any differs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if a file differs")
    check = parser.parse_args().check
    files = generate()
    changed = [path for path in files if not path.exists() or path.read_text("utf-8") != files[path]]
    names = [str(path.relative_to(ROOT)) for path in changed]
    if check and changed:
        sys.exit(f"not up to date: {', '.join(names)}; run python tools/{Path(sys.argv[0]).name}")
    for path in changed:
        path.write_text(files[path], "utf-8", newline="\n")
    print(*(names or ["everything is up to date"]), sep="\n")
