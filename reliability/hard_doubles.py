"""Doubles whose exponentials are hard: nearest to multiples of ln 2, and to where the multiple changes."""

from collections.abc import Iterator

import mpmath as mp

LEAST, GREATEST = -2, 46  # powers of two between which exp.h takes numbers with another n than 0


def approximations(ratio: mp.mpf, limit: int) -> Iterator[tuple[int, int]]:
    """Yield the p / q nearest to ratio for their size, up to limit: its convergents, and mediants of neighbours."""
    (p0, q0), (p1, q1) = (0, 1), (1, 0)
    while p1 < limit:
        whole = int(mp.floor(ratio))
        for times in {1, 2, whole // 2, whole - 1}:
            if 0 < times < whole:
                yield p0 + times * p1, q0 + times * q1
        (p0, q0), (p1, q1) = (p1, q1), (p0 + whole * p1, q0 + whole * q1)
        yield p1, q1
        if ratio == whole:
            return
        ratio = 1 / (ratio - whole)


def near_multiples(step: mp.mpf, odd: bool) -> Iterator[float]:
    """Yield the doubles of each binade that are nearest to multiples of step, or to odd ones."""
    for exponent in range(LEAST, GREATEST):
        unit = mp.ldexp(1, exponent - 52)
        for p, q in approximations(step / unit, 2**53):
            times = -(-(2**52) // p) if p else 0
            if 0 < times * p < 2**53 and times * q and (not odd or times * q % 2):
                yield float(times * p * unit)


def hard_doubles() -> list[float]:
    """Return them all, of both signs."""
    with mp.workdps(80):
        found = {*near_multiples(mp.log(2), odd=False), *near_multiples(mp.log(2) / 2, odd=True)}
    return sorted(sign * x for x in found for sign in (-1, 1))
