"""Where fits start: numbers that depend on the form and the seed alone, wherever and whenever a form is met."""

from __future__ import annotations

import functools
import zlib

import numpy as np
from numpy.typing import NDArray

from formsearch.core.tape import Tape
from formsearch.search.grammar import Kind

Array = NDArray[np.float64]


@functools.lru_cache(maxsize=4096)
def start_ranges(kinds: tuple[Kind, ...]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """(low, width, whether in logarithms) of where starts of such constants are drawn."""
    log = np.array([k.log for k in kinds], dtype=np.bool_)
    ends = np.array([k.start for k in kinds], dtype=np.float64).reshape(-1, 2)
    ends[log] = np.log(ends[log])
    return ends[:, 0], ends[:, 1] - ends[:, 0], log


def digest(tape: Tape) -> int:
    """A number that is the same for the same program, in every process."""
    return zlib.crc32(tape.row_code.tobytes(), zlib.crc32(tape.scalar_code.tobytes()))


def uniform(seed: int, shape: tuple[int, int]) -> Array:
    """Numbers in [0, 1) from a seed, by SplitMix64 (Steele et al. 2014): a generator without a costly birth."""
    with np.errstate(over="ignore"):
        z = np.arange(1, shape[0] * shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(seed * 0xD1342543DE82EF95 % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return np.asarray((z >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)
