"""What is in a repaired wheel: all that users need, nothing else, and no more than LIMIT beside libgomp."""

import argparse
import fnmatch
import sys
import zipfile

WANTED = [
    "lse/__init__.py",
    "lse/__init__.pxd",
    "lse/_core.*.so",
    "lse/_core.pxd",
    "lse/_core.pyi",
    "lse/py.typed",
    "lse/include/lse/lse.h",
    "lse/include/lse/capsule.h",
    "lse/lib/liblse.a",
    "lse/lib/pkgconfig/lse.pc",
    "lse-*.dist-info/entry_points.txt",
]
REFUSED = ["*.pyx", "*.pxi", "*.c", "*_engine.pxd", "*_lse_h.pxd", "*.pyc"]
REFUSED += ["*/core/*", "*/engine/*", "*/kernels/*", "tests/*", "*/test_*"]
# Each instruction set has rows and panels of every operation, weights among them, lengths up to 8 known when compiled:
# of 1800 KB half is in the extension, half in the static library. By -O2 it would be a fifth less, but a call on 8
# doubles 13 % longer.
LIMIT = 2000 << 10


def faults(path):
    """Yield what is wrong with a wheel."""
    with zipfile.ZipFile(path) as wheel:
        members = wheel.infolist()
    names = [member.filename for member in members]
    yield from (f"no {pattern}" for pattern in WANTED if not fnmatch.filter(names, pattern))
    yield from (f"{name} does not belong there" for p in REFUSED for name in fnmatch.filter(names, p))
    size = sum(member.compress_size for member in members if "libgomp" not in member.filename)
    if size > LIMIT:
        yield f"{size} bytes beside libgomp, more than {LIMIT}"
    print(f"{path}: {size} bytes beside libgomp, {len(names)} files")


def main():
    """Print the faults of the wheels named; 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", nargs="+")
    found = [f"{path}: {fault}" for path in parser.parse_args().wheels for fault in faults(path)]
    print(*found, sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
