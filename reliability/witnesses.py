"""Single rows of numerics/reductions.c, judged again by the oracle of the tests."""

from unittest.mock import patch

import numpy as np

import oracle


class Case:
    """What `reductions show` prints of a row."""

    def __init__(self, printed: str) -> None:
        lines = [line.split() for line in printed.splitlines()]
        self.dtype = np.dtype(np.float32 if lines[0][1] == "1" else np.float64).type
        elements = [self.numbers(line[1:]) for line in lines if line[0] == "element"]
        self.x, self.b, self.softmax, self.log_softmax, self.cumulated = map(np.array, zip(*elements, strict=True))
        named = {line[0]: line[1:] for line in lines}
        self.value, self.weighted, self.sign = self.numbers(named["computed"])
        self.reference = [float.fromhex(word) for word in named["logsumexp"][:2]], int(named["logsumexp"][2])

    def numbers(self, words: list[str]) -> list[np.floating]:
        """Read hexadecimal numbers."""
        return [self.dtype(float.fromhex(word)) for word in words]

    def error(self, function: str) -> float:
        """As a fraction of what is promised."""
        far = patch.object(oracle, "DIGITS", 400)  # elements of up to 2^1024, and what is left of them beside 1
        with np.errstate(all="ignore"), far:
            return float(getattr(self, f"error_of_{function}")())

    def near(self) -> tuple[np.ndarray, np.ndarray]:
        """Elements and weights, without those that are nothing beside the greatest one."""
        kept = self.x >= self.x[self.b != 0].max() - 3000  # which may be the maximum itself
        return self.x[kept], self.b[kept]

    def error_of_logsumexp(self) -> float:
        return oracle.shortfall(self.value, oracle.logsumexp(self.x))

    def error_of_logsumexp_tail(self) -> float:
        return oracle.distance(self.value, oracle.logsumexp(self.x)) / 2

    def error_of_weighted(self) -> float:
        return oracle.shortfall(self.weighted, oracle.weighted(*self.near()))

    def error_of_signed(self) -> float:
        x, b = self.near()
        total, _ = oracle.sums(x, b)
        y = oracle.log(abs(total))
        if total and oracle.spacing(y, self.dtype) > 2.0**-10:  # so far out the logarithm alone is looked at
            return oracle.distance(self.weighted, y)
        side = -1 if total < 0 else 1  # of a positive sum, for of a negative one the oracle allows for a phase
        return oracle.error_of_sum(self.weighted, self.sign * side, x, b * side)

    def error_of_softmax(self) -> float:
        return worst(oracle.distance, self.softmax, oracle.softmax(self.x)) / 4

    def error_of_log_softmax(self) -> float:
        return worst(oracle.shortfall, self.log_softmax, oracle.log_softmax(self.x))

    def error_of_logcumsumexp(self) -> float:
        return worst(oracle.shortfall, self.cumulated, cumulative(self.x))

    def error_of_logcumsumexp_tail(self) -> float:
        exact = cumulative(self.x)
        at_0 = [i for i, top in enumerate(np.maximum.accumulate(self.x)) if top == 0 and exact[i] < 0.4]
        return worst(oracle.distance, self.cumulated[at_0], [exact[i] for i in at_0]) / 5


def cumulative(row: np.ndarray) -> list[oracle.mp.mpf]:
    """As oracle.cumulative, for elements of any magnitude: the sum is e^greatest (1 + rest)."""
    greatest, rest, found = -oracle.mp.inf, oracle.mp.mpf(0), []
    with oracle.mp.workdps(oracle.DIGITS):
        for x in map(oracle.exact, row):
            if x > greatest:
                rest = (1 + rest) * oracle.mp.exp(greatest - x) if greatest != -oracle.mp.inf else rest
                greatest = x
            elif x != -oracle.mp.inf:
                rest += oracle.mp.exp(x - greatest)
            found.append(greatest + oracle.mp.log1p(rest))
    return found


def worst(distance, computed, exact) -> float:
    """Of all elements."""
    return max((distance(g, e) for g, e in zip(computed, exact, strict=True)), default=0.0)
