"""The elementwise losses as NumPy ufuncs: for each loss its unreduced value under its own name, and its derivative in
the first operand as ``<name>_grad``.

Arguments are the operands of the formula (torch's ``weight``, which multiplies from outside, is not one), then the
options as trailing operands without defaults; a switch is 0 or 1, a choice its position. They broadcast, cast, and take
``out=``, ``where=`` and ``dtype=`` as all ufuncs do, and run on one thread: the functions of `fastloss` are faster.

>>> import fastloss as fl
>>> fl.ufuncs.huber_loss([0.5, 3.0], 0.0, 1.0)
array([0.125, 2.5  ])
>>> fl.ufuncs.huber_loss_grad([0.5, 3.0], 0.0, 1.0)
array([0.5, 1. ])
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from fastloss import _core
from fastloss._declare import registry as _registry


def _make(loss: Any, gradient: bool) -> np.ufunc:
    name = loss.__name__ + ("_grad" if gradient else "")
    made: np.ufunc = _core.make_ufunc(loss.__name__, gradient, name, loss._declaration.document_ufunc(gradient))
    # Where a ufunc can say which module it is in (NumPy 2.2), pickling need not search for it.
    with suppress(AttributeError):
        made.__module__ = __name__
    return made


__all__ = []
for _loss in _registry.values():
    if _loss.info.elementwise:
        for _gradient in (False, True):
            _ufunc = _make(_loss, _gradient)
            globals()[_ufunc.__name__] = _ufunc
            __all__.append(_ufunc.__name__)
