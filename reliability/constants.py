"""Constants of the numerics programs, to twice a double's digits and more, by mpmath."""

from pathlib import Path

import mpmath as mp


def parts(x: mp.mpf, count: int) -> list[float]:
    """Write x as the sum of `count` doubles, each the one nearest to what is left."""
    found = []
    for _ in range(count):
        found.append(float(x))
        x -= found[-1]
    return found


def row(x: mp.mpf, count: int = 2) -> str:
    """Write these as an initialiser in C."""
    return "{" + ", ".join(part.hex() for part in parts(x, count)) + "}"


def header(folder: Path) -> Path:
    """Write constants.h: ln 2, 1/3 and the 1/k!."""
    with mp.workdps(100):
        factorials = ", ".join(row(1 / mp.factorial(k)) for k in range(24))
        text = (
            "typedef struct {\n    double hi, lo;\n} double_double;\n"
            f"static const double LN2[] = {row(mp.log(2), 3)};\n"
            f"static const double_double THIRD = {row(mp.mpf(1) / 3)};\n"
            f"static const double_double INVERSE_FACTORIALS[] = {{{factorials}}};\n"
        )
    path = folder / "constants.h"
    path.write_text(f"#ifndef CONSTANTS_H\n#define CONSTANTS_H\n{text}#endif\n")
    return path
