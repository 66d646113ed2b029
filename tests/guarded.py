"""Arrays whose neighbouring pages cannot be touched: a byte too far ends the process."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np

from atrous.graph.fact import Array

PAGE, LIBC = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)


def guarded(array: Array, at_end: bool) -> Array:
    """A copy in memory of its own that ends, or begins, where the process may not read or write."""
    pages = -(-array.nbytes // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (0, pages + 1):
        assert LIBC.mprotect(ctypes.c_void_p(start + page * PAGE), ctypes.c_size_t(PAGE), 0) == 0
    offset = PAGE + (pages * PAGE - array.nbytes if at_end else 0)
    made = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)  # and so it keeps the memory
    made[...] = array
    return made
