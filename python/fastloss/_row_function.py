"""What functions of rows of class scores share that are no losses: `softmax`, `log_softmax`, `logsumexp`.

Nothing is computed here. The core has a loss "logsumexp": its value is the function of that name, its gradient the
softmax, and its second derivative the softmax's Jacobian, which `hvp` multiplies with a vector. The gradient of a
cross-entropy in its logits is that of the log-softmax, with the targets as the gradient flowing in and the sign turned.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastloss import _core, _docs

log_sum_exp = _core.Loss("logsumexp", None)
cross_entropy = _core.Loss("cross_entropy", None)

# How messages of the core begin, after the name of the loss: with the argument, which is called otherwise here. What
# follows may quote the caller and stays as it is.
_OWN_BEGINNINGS = {
    "out for the gradient of 'input' ": "out ",
    "out for the second derivative ": "out ",
    "out for the value ": "out ",
    "out overlaps vector;": "out overlaps grad_output;",
    "out overlaps target;": "out overlaps grad_output;",
    "the array for 'log_probabilities' ": "out ",
    "return_['log_probabilities'] ": "out ",
    "vector ": "grad_output ",
    "target ": "grad_output ",
}
_OF_CLASS_INDICES = ", or an integer dtype if it is class indices"


class RowFunction:
    """A function of rows: it is called, has a gradient, pickles by its name and prints it.

    A subclass is one function. It says its name and that of its parameter for the axis of a row. Its docstrings have a
    line {name} for a phrase that they share with others.
    """

    _function: str
    _axis: str

    def __init_subclass__(cls, *, function: str, axis: str) -> None:
        cls._function, cls._axis = function, axis
        for documented in (cls, *filter(inspect.isfunction, vars(cls).values())):
            if documented.__doc__ is not None:
                documented.__doc__ = _docs.document_row_function(function, axis, documented.__doc__)

    def __init__(self) -> None:
        self.__name__ = self.__qualname__ = self._function
        self.__module__ = "fastloss"

    def __repr__(self) -> str:
        return f"fastloss.{self.__name__}"

    def __reduce__(self) -> str:
        return self.__name__

    def _run(self, compute: Callable[..., Any], *operands: Any, axis: int, **keywords: Any) -> Any:
        """Call the core; its errors name this function and its parameters."""
        if axis is None:  # to the core that is a default, which differs from ours
            raise TypeError(f"{self.__name__}: {self._axis} must be an integer, not NoneType")
        try:
            return compute(*operands, axis=axis, **keywords)
        except (TypeError, ValueError) as error:
            loss, colon, text = str(error).partition(": ")
            if not colon or loss not in ("logsumexp", "cross_entropy"):
                raise
            for core_words, words in {**_OWN_BEGINNINGS, "axis ": f"{self._axis} "}.items():
                if text.startswith(core_words):
                    text = words + text.removeprefix(core_words)
                    break
            text = text.removesuffix(_OF_CLASS_INDICES)
            raise type(error)(f"{self.__name__}: {text}") from error.__cause__
