"""A free-energy difference from a file of energies that need not fit in memory.

    dF    = -kT log((1 / n) sum_i w_i),   w_i = exp(-u_i),   u_i = (E_1 - E_0)(x_i) / kT
    n_eff = (sum_i w_i)^2 / sum_i w_i^2

The x_i are drawn from the system of E_0. The file is mapped, not read: each chunk is folded into two running sums and
forgotten, so the memory in use is that of one chunk, whatever the size of the file.

Sources: Zwanzig, High-temperature equation of state by a perturbation method, J. Chem. Phys. 22 (1954); Kish, Survey
Sampling (1965), for n_eff.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

import lse

MEAN, DEVIATION = 1000.0, 2.0  # of u: exp(-u) is below the least positive double


def write(path, count, chunk):
    """Write a .npy file of `count` normal energies."""
    rng = np.random.default_rng(0)
    energies = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count,))
    for start in range(0, count, chunk):
        part = energies[start : start + chunk]
        part[:] = MEAN + DEVIATION * rng.standard_normal(part.size)
    energies.flush()


def sums(path, chunk):
    """The sums of the weights in a file, and of their squares, in one pass."""
    energies = np.load(path, mmap_mode="r")
    first, second = lse.LogSumExp(), lse.LogSumExp()
    for start in range(0, energies.size, chunk):
        u = energies[start : start + chunk].astype(np.float64)
        first.update(-u)
        second.update(-2 * u)
    return first, second


def free_energy(first):
    """dF / kT from the sum of the weights."""
    return np.log(first.count) - first.value


def effective_samples(first, second):
    """How many samples of equal weight are worth as much."""
    return np.exp(2 * first.value - second.value)


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=16, help="size of the file")
    parser.add_argument("--chunk", type=int, default=1 << 18, help="energies that are in memory at a time")
    options = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "energies.npy"
        write(path, options.megabytes * 250_000, options.chunk)
        first, second = sums(path, options.chunk)
    print(f"{first.count} energies, {options.chunk} at a time; a running sum takes {first.nbytes} bytes")
    print(f"dF/kT {free_energy(first):.6f}, of endless many samples {MEAN - DEVIATION**2 / 2:.6f}")
    print(f"worth {effective_samples(first, second):.0f} samples of equal weight")


if __name__ == "__main__":
    main(sys.argv[1:])
