"""Value and gradient of machine-learning losses on plain NumPy arrays.

Every loss is a function of this module: ``fl.huber_loss(input, target)`` is the value, ``fl.huber_loss.grad(...)`` the
gradient, ``fl.huber_loss.value_and_grad(...)`` both in one pass. ``fl.losses()`` lists them; ``help(fl.huber_loss)``
documents one.
"""

from __future__ import annotations

import importlib as _importlib
import pkgutil as _pkgutil
from collections.abc import Mapping as _Mapping
from typing import TYPE_CHECKING

from fastloss._box_iou import box_iou
from fastloss._config import __version__, show_config
from fastloss._core import Loss, empty_cache
from fastloss._cosine_similarity import cosine_similarity
from fastloss._declare import functions as _functions
from fastloss._declare import registry as _registry
from fastloss._info import FixedMapping as _FixedMapping
from fastloss._info import LossInfo, OperandInfo, OptionInfo
from fastloss._logsumexp import logsumexp
from fastloss._pairwise_distance import pairwise_distance
from fastloss._settings import errstate, get_num_threads, geterr, set_num_threads, threads
from fastloss._signed_distance import signed_distance
from fastloss._softmax import log_softmax, softmax
from fastloss._weights import class_balanced_weights

# Every module in losses/ declares what it holds, so a new loss needs no line here. The package is asked for by its full
# name: in this module its place is taken by the function `losses`, which is already there when the module is reloaded.
_declarations = _importlib.import_module("fastloss.losses")
for _module in _pkgutil.iter_modules(_declarations.__path__):
    _importlib.import_module(f"{_declarations.__name__}.{_module.name}")
globals().update(_functions)

# Made from the registry, which is complete only now.
from fastloss import ufuncs  # noqa: E402


def losses() -> _Mapping[str, LossInfo]:
    """Every loss of the library, as data.

    Returns
    -------
    mapping of str to LossInfo
        From the name of each loss to what is known about it, family by family; read-only. A loss that has several
        names in this package is listed once: ``also_named`` says the others.

    Examples
    --------
    >>> import fastloss as fl
    >>> info = fl.losses()["huber_loss"]
    >>> info.units, info.defaults["delta"]
    ('target', 1.0)
    """
    return _FixedMapping({name: loss.info for name, loss in _registry.items()})


__all__ = [
    "Loss",
    "LossInfo",
    "OperandInfo",
    "OptionInfo",
    "__version__",
    "box_iou",
    "class_balanced_weights",
    "cosine_similarity",
    "empty_cache",
    "errstate",
    "get_num_threads",
    "geterr",
    "log_softmax",
    "logsumexp",
    "losses",
    "pairwise_distance",
    "set_num_threads",
    "show_config",
    "signed_distance",
    "softmax",
    "threads",
    "ufuncs",
    *_functions,
]


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


if TYPE_CHECKING:
    # The losses have no line of their own here; an installed package has stubs that name each of them.
    def __getattr__(name: str) -> Loss: ...
