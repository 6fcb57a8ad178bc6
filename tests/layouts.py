"""Arrays of the same numbers that lie elsewhere in memory, and results to be written wherever they may lie."""

from __future__ import annotations

import numpy as np


def _between(dtype):
    """What lies between the numbers must never be read into arithmetic: a NaN, or a label that is none."""
    return np.nan if dtype.kind == "f" else np.iinfo(dtype).max if dtype.kind in "iu" else True


def strided(x):
    """Every second element along the last axis."""
    if x.ndim == 0:
        return x
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), _between(x.dtype), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def padded(x):
    """Rows that lie apart."""
    if x.ndim == 0:
        return x
    wide = np.full((*x.shape[:-1], x.shape[-1] + 3), _between(x.dtype), x.dtype)
    wide[..., 1:-2] = x
    return wide[..., 1:-2]


def backwards(x):
    """Every axis from its end."""
    if x.ndim == 0:
        return x
    turned = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[turned])[turned]


def unaligned(x):
    """One byte behind an aligned address."""
    shifted = np.ndarray(x.shape, x.dtype, np.empty(x.nbytes + 1, np.uint8).data, 1)
    shifted[...] = x
    assert x.size == 0 or x.itemsize == 1 or not shifted.flags.aligned
    return shifted


def byteswapped(x):
    """In the other byte order."""
    return x.astype(x.dtype.newbyteorder())


def read_only(x):
    """What nothing may write to."""
    x = x.copy()
    x.flags.writeable = False
    return x


def field(x):
    """A field of records, behind a byte."""
    records = np.zeros(x.shape, np.dtype([("before", "u1"), ("x", x.dtype)]))
    records["x"] = x
    return records["x"]


WRITEABLE = {
    "strided": strided,
    "padded": padded,
    "backwards": backwards,
    "fortran": lambda x: np.array(x, order="F"),
    "unaligned": unaligned,
    "byteswapped": byteswapped,
}
ALL = {**WRITEABLE, "read-only": read_only, "field": field}
