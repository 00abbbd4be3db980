"""Free and mean energy of an Ising ring, its states shared out between two processes.

    F = -kT log Z,        Z = sum_s exp(-E(s) / kT)
    U = (1 / Z) sum_s E(s) exp(-E(s) / kT)

Each process enumerates half of the states and sends back two running sums, one of them with the energies, of either
sign, for weights. A running sum is pickled in some hundred bytes and merged in a few operations, however many states it
has seen.

Source: Baxter, Exactly Solved Models in Statistical Mechanics (1982), section 2.1, for the ring.
"""

import multiprocessing
from itertools import pairwise

import numpy as np

import lse

CHUNK = 1 << 13


def energies(states, n):
    """Energies, at coupling 1 and in no field, of states whose bits are n spins."""
    spins = 1 - 2 * (states[:, None] >> np.arange(n) & 1)
    return -(spins * np.roll(spins, 1, axis=1)).sum(axis=1).astype(np.float64)


def sums(start, stop, n, kt):
    """The sums over some of the states, at each temperature: of the weights, and of the weighted energies."""
    partition, energy = lse.LogSumExp(kt.size), lse.LogSumExp(kt.size)
    for first in range(start, stop, CHUNK):
        e = energies(np.arange(first, min(first + CHUNK, stop)), n)
        partition.update(-e / kt[:, None], axis=1)
        energy.update(-e / kt[:, None], axis=1, b=e)
    return partition, energy


def shared_out(n, kt, processes=2):
    """The sums over all states, from as many processes."""
    cuts = np.linspace(0, 2**n, processes + 1).astype(int).tolist()
    tasks = [(start, stop, n, kt) for start, stop in pairwise(cuts)]
    partition, energy = lse.LogSumExp(kt.size), lse.LogSumExp(kt.size)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for part in pool.starmap(sums, tasks):
            partition += part[0]
            energy += part[1]
    return partition, energy


def free_energy(partition, kt):
    return -kt * partition.value


def mean_energy(partition, energy):
    return energy.sign * np.exp(energy.log_abs - partition.value)


def main():
    n, kt = 16, np.array([0.01, 0.5, 1.0, 2.0, 100.0])
    partition, energy = shared_out(n, kt)
    print(f"{n} spins, {partition.count} states, in two processes")
    for row in zip(kt, free_energy(partition, kt), mean_energy(partition, energy), strict=True):
        print("kT {:6.2f}: F {:11.6f}, U {:10.6f}".format(*row))


if __name__ == "__main__":
    main()
