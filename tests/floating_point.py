"""Other floating-point modes than Python's own, for a few calls of the thread that asks for them."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util

_libm = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6")
_FLAGS = 0x3F
_STANDARD = 0x1F80

# What MXCSR, the register of x86's vector units, may be set to.
MODES = {
    "flushes subnormals": _STANDARD | 0x8040,
    "rounds up": _STANDARD | 0x4000,
    "rounds down": _STANDARD | 0x2000,
    "rounds to zero": _STANDARD | 0x6000,
    "traps": _STANDARD & ~0x0680,  # invalid operations, divisions by zero, overflows end the process
}


def _environment() -> ctypes.Array:
    environment = (ctypes.c_uint32 * 8)()  # glibc's fenv_t of x86-64: 28 bytes of the x87 unit, then MXCSR
    assert _libm.fegetenv(environment) == 0
    return environment


def control() -> int:
    """The mode of this thread, without the flags of what happened."""
    return _environment()[7] & ~_FLAGS & 0xFFFF


@contextlib.contextmanager
def mode(name: str):
    """The mode of that name for this thread."""
    before = _environment()
    changed = _environment()
    changed[7] = MODES[name]
    assert _libm.fesetenv(changed) == 0
    try:
        yield
        assert control() == MODES[name], "the library did not give the caller's mode back"
    finally:
        _libm.fesetenv(before)
