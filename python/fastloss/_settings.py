"""Settings: threads for the process or a context, and checks for a context.

Both context-local settings live in one context variable, which the compiled core reads once per call: a tuple that
begins with four small integers ``(threads, nonfinite, domain, empty)``, where 0 is the default of each.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import TracebackType
from typing import Literal, SupportsIndex

from fastloss import _core

_CHOICES: dict[str, tuple[str, ...]] = {
    "nonfinite": ("ignore", "raise"),
    "domain": ("ignore", "raise"),
    "empty": ("ignore", "raise", "zero"),
}

_MOST_THREADS = 1024  # as in the core

# Threads, the three codes, and the settings outside the innermost `with`, which come back at its end. Keeping them here
# and not in the context manager lets many threads share one.
_Settings = tuple[int, int, int, int, "_Settings | None"]
_DEFAULT: _Settings = (0, 0, 0, 0, None)
_variable: ContextVar[_Settings | None] = _core.settings_variable


def _current() -> _Settings:
    return _variable.get(None) or _DEFAULT


def _positive_count(n: SupportsIndex) -> int:
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"number of threads must be an integer, not {type(n).__name__}") from None
    if isinstance(n, bool):
        raise TypeError("number of threads must be an integer, not bool")
    if not 1 <= count <= _MOST_THREADS:
        # Python refuses to write out the longest integers.
        got = count if count.bit_length() <= 64 else f"an integer of {count.bit_length()} bits"
        need = "at least 1" if count < 1 else f"at most {_MOST_THREADS}"
        raise ValueError(f"number of threads: got {got}, need {need}")
    return count


class _Context(ContextDecorator, ABC):
    """Sets parts of the settings on entry and puts the old ones back on exit."""

    @abstractmethod
    def _changed(self, settings: _Settings) -> tuple[int, int, int, int]: ...

    def __enter__(self) -> None:
        _variable.set((*self._changed(_current()), _variable.get(None)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _variable.set(_current()[4])


class threads(_Context):
    """Compute with a given number of threads inside a ``with`` block, or a decorated function.

    Only calls of the same context (thread, or asyncio task) are affected. Results do not depend on the number of
    threads, bit for bit; small work always stays on the calling thread.

    Parameters
    ----------
    n : int
        Number of threads, from 1 to 1024.

    Raises
    ------
    ValueError
        If n is less than 1 or more than 1024.
    TypeError
        If n is not an integer.

    Examples
    --------
    >>> import fastloss as fl
    >>> with fl.threads(1):
    ...     fl.get_num_threads()
    1
    """

    def __init__(self, n: SupportsIndex) -> None:
        self._n = _positive_count(n)

    def _changed(self, settings: _Settings) -> tuple[int, int, int, int]:
        return (self._n, *settings[1:4])


class errstate(_Context):
    """Choose what happens to unusual data inside a ``with`` block, or a decorated function.

    By default data are not checked beyond what keeps results right: NaN in gives NaN out, at that element. Only calls
    of the same context (thread, or asyncio task) are affected. What is not named keeps its setting.

    Parameters
    ----------
    nonfinite : {"ignore", "raise"}, optional
        "raise": ValueError if a value or gradient is infinite or NaN.
    domain : {"ignore", "raise"}, optional
        "raise": ValueError if an operand is outside the values that the loss is meant for, such as a probability
        above 1.
    empty : {"ignore", "raise", "zero"}, optional
        What a mean of nothing is (an empty array, nothing unmasked, weights that sum to zero): NaN, a ValueError,
        or 0.

    Raises
    ------
    ValueError
        If a choice is unknown.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mse_loss([], [])
    np.float64(nan)
    >>> with fl.errstate(empty="zero"):
    ...     fl.mse_loss([], [])
    np.float64(0.0)
    """

    def __init__(
        self,
        *,
        nonfinite: Literal["ignore", "raise"] | None = None,
        domain: Literal["ignore", "raise"] | None = None,
        empty: Literal["ignore", "raise", "zero"] | None = None,
    ) -> None:
        self._codes = [_code("nonfinite", nonfinite), _code("domain", domain), _code("empty", empty)]

    def _changed(self, settings: _Settings) -> tuple[int, int, int, int]:
        pairs = zip(settings[1:4], self._codes, strict=True)
        nonfinite, domain, empty = (before if code is None else code for before, code in pairs)
        return (settings[0], nonfinite, domain, empty)


def _code(name: str, choice: str | None) -> int | None:
    if choice is None:
        return None
    if choice not in _CHOICES[name]:
        raise ValueError(f"errstate: {name} must be one of {', '.join(map(repr, _CHOICES[name]))}, not {choice!r}")
    return _CHOICES[name].index(choice)


def geterr() -> dict[str, str]:
    """Return the checks in force in this context, as `errstate` takes them.

    Returns
    -------
    dict of str to str
        The settings of "nonfinite", "domain" and "empty".

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.geterr()
    {'nonfinite': 'ignore', 'domain': 'ignore', 'empty': 'ignore'}
    """
    codes = _current()[1:4]
    return {name: choices[code] for (name, choices), code in zip(_CHOICES.items(), codes, strict=True)}


def set_num_threads(n: SupportsIndex) -> None:
    """Set the number of threads for the whole process.

    `threads` overrides it for a context. Results do not depend on the number of threads, bit for bit.

    Parameters
    ----------
    n : int
        Number of threads, from 1 to 1024.

    Raises
    ------
    ValueError
        If n is less than 1 or more than 1024.
    TypeError
        If n is not an integer.

    Examples
    --------
    >>> import fastloss as fl
    >>> before = fl.get_num_threads()
    >>> fl.set_num_threads(2)
    >>> fl.get_num_threads()
    2
    >>> fl.set_num_threads(before)
    """
    _core.set_num_threads(_positive_count(n))


def get_num_threads() -> int:
    """Return the number of threads that a large call would use here.

    Returns
    -------
    int
        What `threads` says in this context, else `set_num_threads`, else OpenMP (``OMP_NUM_THREADS``, threadpoolctl).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.get_num_threads() >= 1
    True
    """
    return _current()[0] or _core.get_num_threads()
