"""The losses as NumPy ufuncs: for each loss its unreduced value under its own name, and its derivative in the first
operand as ``<name>_grad``.

Arguments are the operands of the formula (torch's ``weight``, which multiplies from outside, is not one), then the
options as trailing operands without defaults; a switch is 0 or 1, a choice its position. They broadcast, cast, and take
``out=``, ``where=`` and ``dtype=`` as all ufuncs do, and run on one thread: the functions of `fastloss` are faster.

They leave the processor's floating-point flags as they were, so that `numpy.errstate` has no effect on them: formulas
compute both arms of a choice, and a flag would say nothing about the result.

Those of row-wise losses are generalised: ``signature`` tells which arguments have an axis of classes, the last one.
Targets are class indices where the loss knows them.

>>> import fastloss as fl
>>> fl.ufuncs.huber_loss([0.5, 3.0], 0.0, 1.0)
array([0.125, 2.5  ])
>>> fl.ufuncs.huber_loss_grad([0.5, 3.0], 0.0, 1.0)
array([0.5, 1. ])
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from fastloss import _core
from fastloss._declare import registry as _registry

_losses = {
    name + suffix: (loss, suffix == "_grad")
    for name, loss in _registry.items()
    if loss._declaration.has_ufunc
    for suffix in ("", "_grad")
}
__all__ = [*_losses]


def __getattr__(name: str) -> np.ufunc:
    """Each ufunc is made when it is first asked for: their documentation is much text, and few are used."""
    if name not in _losses:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    loss, gradient = _losses[name]
    made = _core.make_ufunc(loss.__name__, gradient, name, loss._declaration.document_ufunc(gradient))
    # Where a ufunc can say which module it is in (NumPy 2.2), pickling need not search for it.
    with suppress(AttributeError):
        made.__module__ = __name__
    # Of threads that ask at once, all get the same one.
    found: np.ufunc = globals().setdefault(name, made)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
