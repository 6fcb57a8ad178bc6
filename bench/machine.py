"""What a result has to say about where it comes from."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _caches() -> dict[str, str]:
    """The caches of the first CPU, such as {"L2 Unified": "1024K"}."""
    caches = {}
    for directory in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((directory / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        caches[f"L{level} {kind}"] = size
    return caches


def _huge_pages() -> str | None:
    try:
        setting = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return None
    return setting[setting.find("[") + 1 : setting.find("]")]


def describe(cpus: int) -> dict:
    """The machine and the interpreter; `cpus` is how many CPUs the process may use."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cpus": cpus,
        "caches": _caches(),
        "transparent_huge_pages": _huge_pages(),
        "load_average": list(os.getloadavg()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
