"""Declarations: how a loss of the compiled core becomes a documented Python object.

The core knows a loss's operands, options, defaults and ranges; a declaration adds what only people need: documentation,
properties and sources. `declare` holds the two against each other when the package is imported and fails loudly where
they differ, so neither can drift.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from fastloss import _core, _docs

Differentiable = Literal["smooth", "C1", "kinks"]


class DeclarationError(Exception):
    """A declaration that does not agree with the compiled core, or lacks a part. Only developers of fastloss see it."""


@dataclass(frozen=True)
class OperandInfo:
    """An array (or number) that a loss takes.

    Attributes
    ----------
    name : str
        Name of the parameter.
    optional : bool
        May be left out.
    differentiable : bool
        Has a gradient: `wrt` may name it.
    multiplies : bool
        Multiplies the loss from outside the formula, as torch's `weight` does.
    integer : bool
        Class indices or counts: only integer and bool dtypes are accepted, floating ones are a TypeError.
    domain : str
        The values that it may take, such as "[0, 1]"; empty where all are allowed.
    """

    name: str
    optional: bool
    differentiable: bool
    multiplies: bool
    integer: bool
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


class Declaration:
    """What a `Loss` object asks Python for: its properties, documentation, signatures and ufuncs."""

    def __init__(self, info: LossInfo, documentation: _docs.Documentation) -> None:
        self.info = info
        self._documentation = documentation
        self._composed: dict[str, str] = {}

    def document(self, method: str) -> str:
        """Docstring of the loss ("__call__") or a method; composed at the first request, as few are ever read."""
        if method not in self._composed:
            self._composed[method] = self._documentation.compose(self.info.name, method, self._example(method))
        return self._composed[method]

    def _example(self, method: str) -> str:
        """A call and its real result. The numbers are in the domain of every loss: probabilities, counts, labels."""
        arguments: list[list[float]] = [
            [1, 1] if operand.integer else [1.0, 1.0] for operand in self.info.operands if not operand.optional
        ]
        arguments[0] = [0.25, 0.75]
        result = getattr(registry[self.info.name], method)(*arguments)
        return f">>> fl.{self.info.name}.{method}({', '.join(map(str, arguments))})\n{result!r}"

    def signature(self, method: str, bound: Mapping[str, Any]) -> inspect.Signature:
        """Parameters of the loss or a method, with the options that are bound as defaults."""
        kinds = inspect.Parameter
        parameters = [
            kinds(operand.name, kinds.POSITIONAL_OR_KEYWORD, default=None if operand.optional else kinds.empty)
            for operand in self.info.operands
        ]
        defaults: dict[str, Any] = {**self.info.defaults, **bound}
        for name in _docs.CALL_KEYWORDS[method]:
            defaults[name] = {"reduction": "mean", "accumulate": False}.get(name)
        parameters += [kinds(name, kinds.KEYWORD_ONLY, default=default) for name, default in defaults.items()]
        return inspect.Signature(parameters)

    def document_ufunc(self, gradient: bool) -> str:
        """Docstring of the ufunc of the value or of the gradient."""
        names = [o.name for o in self.info.operands if not o.multiplies] + [o.name for o in self.info.options]
        return self._documentation.compose_ufunc(self.info.name, ", ".join(names), gradient)

    @property
    def ufunc(self) -> np.ufunc:
        return self._find_ufunc(self.info.name)

    @property
    def grad_ufunc(self) -> np.ufunc:
        return self._find_ufunc(self.info.name + "_grad")

    def _find_ufunc(self, name: str) -> np.ufunc:
        # Imported late: that module makes its objects from the finished registry.
        from fastloss import ufuncs

        found: np.ufunc = getattr(ufuncs, name)
        return found


registry: dict[str, _core.Loss] = {}


def rebuild(name: str, options: Mapping[str, Any]) -> _core.Loss:
    """Unpickle a loss with bound options."""
    return registry[name].partial(**options)


class _FromDeclaration:
    """A `__doc__` or `__signature__` that a class has, and its instances fetch from their declaration."""

    def __init__(self, of_class: str | None, fetch: Callable[[Any], Any]) -> None:
        self._of_class = of_class
        self._fetch = fetch

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self._of_class if instance is None else self._fetch(instance)


LOSS_DOCUMENTATION = """A loss function: calling it gives the value.

Made by fastloss, one for each loss; not to be constructed.

Methods
-------
grad, value_and_grad
    The gradient in any operands; value and gradient in one pass.
hess, grad_and_hess
    The diagonal second derivative of an elementwise loss; gradient and second derivative in one pass.
partial
    The same loss with options bound.

Attributes
----------
info : LossInfo
    Family, formula, properties, operands, options.
ufunc, grad_ufunc : numpy.ufunc
    Value and gradient of an elementwise loss, element by element.
"""


def _complete_types() -> None:
    loss: Any = _core.Loss
    method: Any = _core.LossMethod
    loss.__doc__ = _FromDeclaration(LOSS_DOCUMENTATION, lambda l: l._declaration.document("__call__"))
    loss.__signature__ = _FromDeclaration(None, lambda l: l._declaration.signature("__call__", l._bound_options))
    method.__doc__ = _FromDeclaration(
        "A method of a loss, such as `grad`.", lambda m: m.__self__._declaration.document(m.__name__)
    )
    method.__signature__ = _FromDeclaration(
        None, lambda m: m.__self__._declaration.signature(m.__name__, m.__self__._bound_options)
    )


_complete_types()


def _check_parameters(
    loss: str, signature: inspect.Signature, operands: tuple[OperandInfo, ...], options: tuple[OptionInfo, ...]
) -> None:
    """Hold the declared signature against the core's description."""
    kinds = inspect.Parameter
    expected: list[tuple[str, Any, Any]] = [
        (operand.name, kinds.POSITIONAL_OR_KEYWORD, None if operand.optional else kinds.empty) for operand in operands
    ]
    expected += [(option.name, kinds.KEYWORD_ONLY, option.default) for option in options]
    declared = [(p.name, p.kind, p.default) for p in signature.parameters.values()]
    if [name for name, _, _ in declared] != [name for name, _, _ in expected]:
        raise DeclarationError(
            f"{loss}: declared parameters {[d[0] for d in declared]} are not the core's {[e[0] for e in expected]}"
        )
    for (name, kind, default), (_, core_kind, core_default) in zip(declared, expected, strict=True):
        if kind is not core_kind:
            raise DeclarationError(f"{loss}: '{name}' must be {core_kind.description}")
        if type(default) is not type(core_default) or default != core_default:
            raise DeclarationError(f"{loss}: '{name}' has the default {default!r}; in the core it is {core_default!r}")


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
    elementwise: bool = True,
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
    elementwise : bool, default True
        The reduced loss is a sum over elements (rmse is not): Hessians and ufuncs exist.
    aliases : tuple of str, optional
        Other names in use ("mean absolute error", "MAE"), for searching only.

    Notes
    -----
    Annotate operands with ``ArrayLike`` (``ArrayLike | None = None`` where they may be left out) and options with
    ``float``, ``bool`` or ``Literal[...]``: the stubs for type checkers and editors are made from these words.

    The docstring has a summary (one sentence), the formula as an indented block after ``::``, further paragraphs if
    needed, and these numpydoc sections in this order: ``Parameters`` (operands and options only), ``Returns`` (of the
    value, with what each reduction means), ``Raises`` (optional: only what this loss adds), ``Notes`` (optional),
    ``References`` and ``Examples``, which begin with their imports and are shown with every method. The parameters
    that all losses share, the common errors, and what the methods return are added here. ::

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
        if elementwise != description["elementwise"]:
            raise DeclarationError(f"{name}: elementwise must be {description['elementwise']}, as in the core")
        text = _docs.parse(name, function.__doc__, [*(o.name for o in operands), *(o.name for o in options)])
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
            elementwise=elementwise,
            aliases=aliases,
        )
        if name in registry:
            raise DeclarationError(f"{name}: declared twice")
        registry[name] = _core.Loss(name, Declaration(info, text))
        return registry[name]

    return build
