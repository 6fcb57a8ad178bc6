"""Declarations: how a loss of the compiled core becomes a documented Python object.

The core knows a loss's operands, options, defaults and ranges; a declaration adds what only people need: documentation,
properties and sources. `declare` holds the two against each other when the package is imported and fails loudly where
they differ, so neither can drift.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from fastloss import _core, _docs

Differentiable = Literal["smooth", "C1", "kinks"]


class DeclarationError(Exception):
    """A declaration that does not agree with the compiled core, or lacks a part. Only developers of fastloss see it."""


@dataclass(frozen=True)
class OperandInfo:
    """An array (or number) that a loss takes: name, whether it may be left out, whether it has a gradient."""

    name: str
    optional: bool
    differentiable: bool
    multiplies: bool
    domain: str


@dataclass(frozen=True)
class OptionInfo:
    """A number, switch or choice that shapes the formula of a loss, with its default and the values it may take."""

    name: str
    kind: Literal["number", "toggle", "choice"]
    default: float | bool | str
    domain: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class LossInfo:
    """What is known about a loss. ``fastloss.losses()`` gives one for every loss.

    Attributes
    ----------
    name, family, task, summary, formula, reference : str
        Name, room in the registry, the task it is made for, first sentence of the documentation, formula, source.
    operands, options : tuple
        Descriptions of the operands and options, in order.
    defaults : mapping
        The default of every option.
    convex : bool or str
        Convex in the first operand; a string says in what else, or under which condition.
    differentiable : {"smooth", "C1", "kinks"}
        Of every order; once, continuously; or everywhere but at `kinks`.
    twice_differentiable : bool
        The second derivative exists everywhere.
    robust : bool, str or None
        Grows at most linearly, so that outliers have bounded influence; None where the question makes no sense.
    units : str
        Units of the value: "target", "target squared", "nats", "margin", "unitless" or "distance".
    kinks : mapping
        Where the loss is not differentiable, and the derivative that is returned there.
    elementwise : bool
        The unreduced loss has one value per element and its sum or mean is the reduced one: `hess`, `grad_and_hess`,
        `ufunc` and `grad_ufunc` exist.
    aliases : tuple of str
        Other names in use, for searching.
    """

    name: str
    family: str
    task: str
    summary: str
    formula: str
    operands: tuple[OperandInfo, ...]
    options: tuple[OptionInfo, ...]
    defaults: Mapping[str, float | bool | str]
    convex: bool | str
    differentiable: Differentiable
    twice_differentiable: bool
    robust: bool | str | None
    units: str
    kinks: Mapping[str, str]
    reference: str
    elementwise: bool
    aliases: tuple[str, ...]


def declare(
    *,
    family: str,
    task: str,
    convex: bool | str,
    differentiable: Differentiable,
    twice_differentiable: bool,
    robust: bool | str | None,
    units: str,
    reference: str,
    kinks: Mapping[str, str] | None = None,
    aliases: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], _core.Loss]:
    '''Make a loss of the core that has this function's name into a documented `Loss`.

    The function is never run: its signature names the operands (positional; ``= None`` for those that may be left out)
    and the options (keyword-only, with their defaults); its docstring documents them. Both are compared with the core.

    Parameters
    ----------
    family : str
        Name of the module the loss is declared in: "regression", "binary", "margin", "likelihood".
    task : str
        What it is made for: "regression", "binary classification", "probabilistic regression", ...
    convex : bool or str
        Convex in the first operand. A string qualifies: "in the mean".
    differentiable : {"smooth", "C1", "kinks"}
        Of every order; once, continuously; or everywhere but at `kinks`.
    twice_differentiable : bool
        The second derivative exists everywhere.
    robust : bool, str or None
        Outliers have bounded influence. A string qualifies; None where the question makes no sense.
    units : str
        "target", "target squared", "nats", "margin", "unitless" or "distance".
    reference : str
        The source: a paper, a book, or the library whose meaning is kept.
    kinks : mapping of str to str, optional
        Where the loss is not differentiable: what is returned there, such as ``{"input = target": "0"}``. Required
        exactly when `differentiable` is "kinks".
    aliases : tuple of str, optional
        Other names in use ("mean absolute error", "MAE"), for searching only.

    Notes
    -----
    Annotate operands with ``ArrayLike`` (``ArrayLike | None = None`` where they may be left out) and options with
    ``float``, ``bool`` or ``Literal[...]``: the stubs for type checkers and editors are made from these words.

    The docstring has a summary (one sentence), the formula as an indented block after ``::``, further paragraphs if
    needed, and these numpydoc sections in this order: ``Parameters`` (operands and options only), ``Returns`` (of the
    value, with what each reduction means), ``Raises`` (optional: only what this loss adds), ``Notes`` (optional),
    ``References`` and ``Examples``, which begin with their imports and are shown with every method. The parameters that all
    losses share, the common errors, and what the methods return are added here. ::

        @declare(
            family="regression",
            task="regression",
            convex=True,
            differentiable="C1",
            twice_differentiable=False,
            robust=True,
            units="target",
            reference="P. J. Huber, 1964",
        )
        def huber_loss(input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, delta: float = 1.0):
            """Huber loss: squared near the target, absolute far from it.

            ::

                r = input - target
                l = r**2 / 2                    where |r| <= delta
                    delta * (|r| - delta / 2)   elsewhere

            Parameters
            ----------
            input : array_like
                Predictions, of any shape.
            ...
            """
    '''

    def build(function: Callable[..., Any]) -> _core.Loss:
        name = function.__name__
        description = _core.loss_descriptions().get(name)
        if description is None:
            raise DeclarationError(f"{name}: the compiled core has no loss of this name")
        operands = tuple(OperandInfo(**operand) for operand in description["operands"])
        options = tuple(OptionInfo(**option) for option in description["options"])
        _check_parameters(name, inspect.signature(function), operands, options)
        if (differentiable == "kinks") != bool(kinks):
            raise DeclarationError(f"{name}: `kinks` must be given exactly when differentiable is 'kinks'")
        text = _docs.parse(name, function.__doc__, [p.name for p in (*operands, *options)])
        info = LossInfo(
            name=name,
            family=family,
            task=task,
            summary=text.summary,
            formula=text.formula,
            operands=operands,
            options=options,
            defaults=MappingProxyType({option.name: option.default for option in options}),
            convex=convex,
            differentiable=differentiable,
            twice_differentiable=twice_differentiable,
            robust=robust,
            units=units,
            kinks=MappingProxyType(dict(kinks or {})),
            reference=reference,
            elementwise=description["elementwise"],
            aliases=aliases,
        )
        return _core.Loss(name, Declaration(info, text))

    return build
