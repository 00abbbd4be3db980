"""Arrays adjacent to inaccessible pages; run as a program, it calls every function on them.

The first byte of each array follows such a page, or the last one precedes one, at a distance of some bytes. The
results, and every byte of the memory between the pages, are those of a call on ordinary arrays. An access out of
bounds ends the process; the file passed to it then contains the name of the case.
"""

import ctypes
import mmap
import os
import sys

import numpy as np
from numpy.lib.array_utils import byte_bounds

import guarded_calls
from checks import same_bits

NOT_TOUCHED = 0x5A
PROTECTED = 0  # PROT_NONE


class Pages:
    """Memory between two inaccessible pages."""

    def __init__(self, size):
        inside = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.map = mmap.mmap(-1, inside + 2 * mmap.PAGESIZE)
        everything = np.frombuffer(self.map, np.uint8)
        self.bytes = everything[mmap.PAGESIZE : mmap.PAGESIZE + inside]
        self.ordinary = np.empty(inside, np.uint8)
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for at in (0, mmap.PAGESIZE + inside):
            if protect(ctypes.c_void_p(everything.ctypes.data + at), ctypes.c_size_t(mmap.PAGESIZE), PROTECTED):
                raise OSError(ctypes.get_errno(), "mprotect")

    def place(self, a, at_end, offset):
        """A copy of the array with the same layout between the pages, and one in ordinary memory of the same size."""
        low, high = byte_bounds(a)
        start = self.bytes.size - offset - (high - low) if at_end else offset
        return [laid(memory, a, start + a.ctypes.data - low) for memory in (self.bytes, self.ordinary)]

    def check(self):
        assert np.array_equal(self.bytes, self.ordinary), "an input has changed, or memory between elements"


def laid(memory, a, first):
    """Elements equal to those of a, with its strides, from address `first` in memory; all other bytes are untouched."""
    memory[...] = NOT_TOUCHED
    view = np.ndarray(a.shape, a.dtype, memory, first, a.strides)
    view[...] = a
    return view


class Run:
    """Cases in the same pages, each named in a file before it is called."""

    def __init__(self, progress):
        self.progress = os.open(progress, os.O_WRONLY | os.O_CREAT)
        self.pages = {}
        self.count = 0

    def room(self, number, a):
        low, high = byte_bounds(a)
        size = -(-(high - low + 64) // mmap.PAGESIZE)
        if (number, size) not in self.pages:
            self.pages[number, size] = Pages(size * mmap.PAGESIZE)
        return self.pages[number, size]

    def case(self, name, function, arrays, places, writes):
        """Call function(arrays) on copies of the arrays, each in pages of its own, in all these places."""
        rooms = [self.room(i, a) for i, a in enumerate(arrays)]
        expected = results(function([a.copy() for a in arrays]))
        for at_end, offset in places:
            place = f"{name}: {offset} bytes from the {'end' if at_end else 'start'}"
            os.pwrite(self.progress, place.ljust(200).encode(), 0)
            offsets = [(2 * i + 1) * offset % 64 for i in range(len(arrays))]
            pairs = [pages.place(a, at_end, o) for pages, a, o in zip(rooms, arrays, offsets, strict=True)]
            computed = results(function([guarded for guarded, _ in pairs]))
            if writes:
                function([ordinary for _, ordinary in pairs])
            for pages in rooms:
                pages.check()
            for x, y in zip(computed, expected, strict=True):
                if x.dtype != y.dtype or x.tobytes() != y.tobytes():
                    same_bits(x, y)
            self.count += 1


def results(returned):
    return [np.array(x) for x in (returned if isinstance(returned, tuple) else (returned,))]


if __name__ == "__main__":
    progress, part = sys.argv[1:]
    run = Run(progress)
    for case in getattr(guarded_calls, part)():
        run.case(*case)
    print(run.count)
