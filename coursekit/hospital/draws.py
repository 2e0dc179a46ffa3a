"""Chance, the same on every machine: draws made from the raw bits of PCG64 and integers only.

NumPy promises that a bit generator keeps its stream; it does not promise that for the distributions of
``Generator``. So the hospital uses ``random_raw`` alone and derives everything from it in integer arithmetic,
which no release and no processor rounds differently.
"""

import zlib

import numpy as np


class Draws:
    """A stream of chance for one room of one hospital: the seed and the room's name decide it.

    Each room has its own stream, so that a change in one leaves the others as they were.
    """

    def __init__(self, seed, room):
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(room.encode("ascii"))]))

    def raw(self, count):
        """`count` raw 64-bit words, as uint64."""
        return self._bits.random_raw(count)

    def below(self, limit, count):
        """`count` integers 0 <= x < limit, as int64; `limit` is a number or an array, below 2**31."""
        top = self.raw(count) >> np.uint64(32)
        return ((top * np.asarray(limit, dtype=np.uint64)) >> np.uint64(32)).astype(np.int64)

    def between(self, low, high, count):
        """`count` integers low <= x <= high, as int64; the bounds are numbers or arrays."""
        low = np.asarray(low, dtype=np.int64)
        return low + self.below(np.asarray(high, dtype=np.int64) - low + 1, count)

    def one(self, low, high):
        """One integer low <= x <= high, as int."""
        return low + ((self._bits.random_raw() >> 32) * (high - low + 1) >> 32)     # as `between`, without its arrays

    def happens(self, permille, count):
        """`count` booleans, each True in `permille` of a thousand cases."""
        return self.below(1000, count) < permille

    def choose(self, weights, count):
        """`count` positions in `weights` (whole numbers), each as likely as its weight."""
        reach = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(reach, self.below(int(reach[-1]), count), side="right").astype(np.int64)

    def spread(self, bands, count):
        """`count` integers from weighted `bands` (weight, low, high): a shape drawn by hand, without floats."""
        table = np.asarray(bands, dtype=np.int64)
        band = self.choose(table[:, 0], count)
        return self.between(table[band, 1], table[band, 2], count)

    def sample(self, candidates, count):
        """`count` different members of the array `candidates`, in ascending order.

        Raises ValueError when there are fewer candidates than asked for.
        """
        if len(candidates) < count:
            raise ValueError(f"only {len(candidates)} candidates to draw {count} from")
        if count == 0:
            return np.asarray(candidates)[:0]
        lot = self.raw(len(candidates))
        return np.sort(np.asarray(candidates)[lot <= np.partition(lot, count - 1)[count - 1]])
