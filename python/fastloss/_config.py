"""What this installation is and runs on."""

from __future__ import annotations

import platform
import sys
from typing import Any, Literal, overload

import numpy as np

from fastloss import _core
from fastloss._settings import get_num_threads

__version__: str = _core.version


@overload
def show_config(mode: Literal["print"] = ...) -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> dict[str, Any]: ...
def show_config(mode: str = "print") -> dict[str, Any] | None:
    """Show how fastloss was built and what it runs on: useful in reports of problems.

    Parameters
    ----------
    mode : {"print", "dict"}, default "print"
        Whether to print it, or return it as a dictionary.

    Returns
    -------
    dict or None
        Version, compiler, instruction sets (chosen, available), threads, OpenMP, cache of result blocks, Python,
        NumPy, CUDA.

    Raises
    ------
    ValueError
        If mode is unknown.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.show_config(mode="dict")["cuda"]
    'not in this build'
    """
    if mode not in ("print", "dict"):
        raise ValueError(f"show_config: mode must be 'print' or 'dict', not {mode!r}")
    config = _config()
    if mode == "dict":
        return config
    width = max(map(len, config))
    for name, value in config.items():
        print(f"{name.replace('_', ' '):{width}}  {_text(value)}")
    return None


def _config() -> dict[str, Any]:
    build = _core.build()
    return {
        "version": __version__,
        "compiler": build["compiler"],
        "build_type": build["build_type"],
        "isa": _core.active_isa(),
        "available_isas": list(_core.available_isas()),
        "threads": get_num_threads(),
        "openmp": build["openmp"],
        "cache": _core.cache(),
        "python": platform.python_version(),
        "free_threaded": build["free_threaded"],
        "numpy": np.__version__,
        "platform": f"{platform.machine()}-{sys.platform}",
        "cuda": "not in this build",
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {item}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    return str(value)
