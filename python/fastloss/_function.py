"""What functions share that are no losses, such as `softmax`, `box_iou` and `pairwise_distance`.

Nothing is computed here. The core describes a loss for each function, whose errors name the function and its
parameters; a method of the function calls it.
"""

from __future__ import annotations

import inspect

from fastloss import _core, _docs


def described(key: str) -> _core.Loss:
    """The loss that computes a function, or what else the core describes under this key."""
    return _core.Loss(_core.functions[key], None)


class Function:
    """A function: it is called, has a gradient, pickles by its name and prints it.

    A subclass is one function and says its name; what else it says, and what phrases its docstrings may have, is in
    `_docs.document_function`.
    """

    _function: str
    _loss: _core.Loss

    def __init_subclass__(cls, *, function: str = "", **words: str) -> None:
        if not function:  # what some functions have in common
            return
        cls._function = function
        cls._loss = described(function)
        for documented in (cls, *filter(inspect.isfunction, vars(cls).values())):
            if documented.__doc__ is not None:
                documented.__doc__ = _docs.document_function(function, documented.__doc__, **words)

    def __init__(self) -> None:
        self.__name__ = self.__qualname__ = self._function
        self.__module__ = "fastloss"

    def __repr__(self) -> str:
        return f"fastloss.{self.__name__}"

    def __reduce__(self) -> str:
        return self.__name__
