"""The memory that a call needs, by the largest resident size that Linux keeps of each process."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")
FORGET_THE_LARGEST = "5"

# Of glibc: freed memory that the process has kept would serve the call without being seen.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda keep: None)


def extra(call: Callable[[], Any], returned: int) -> int | None:
    """How many bytes a call has at most at a time beside those that it returns; None where the system does not tell.

    What the call makes once and keeps is not in it, if it has been made before.
    """
    _trim(0)
    try:
        RESET.write_text(FORGET_THE_LARGEST)
    except OSError:
        return None
    before = _largest()
    result = call()
    rise = _largest() - before
    del result
    return max(0, rise - returned)


def _largest() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    assert found is not None
    return 1024 * int(found.group(1))
