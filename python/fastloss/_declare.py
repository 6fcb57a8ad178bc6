"""Declarations: how a loss of the compiled core becomes a documented Python object.

The core knows a loss's operands, options, defaults and ranges; a declaration adds what only people need: documentation,
properties and sources. `declare` holds the two against each other when the package is imported and fails loudly where
they differ, so neither can drift. What only readers need (the documentation, `LossInfo`) is made at the first request,
so that importing the package stays quick.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np

from fastloss import _core, _docs, _engines
from fastloss._info import Differentiable, FixedMapping, LossInfo, OperandInfo, OptionInfo


class DeclarationError(Exception):
    """A declaration that does not agree with the compiled core, or lacks a part. Only developers of fastloss see it."""


class Declaration:
    """What a `Loss` object asks Python for: its properties, documentation, signatures and ufuncs."""

    def __init__(
        self,
        name: str,
        docstring: str | None,
        core: Mapping[str, Any],
        properties: Mapping[str, Any],
        composition: Callable[..., Any] | None,
    ) -> None:
        self._name = name
        self._docstring = docstring
        self._core = core
        self._properties = properties
        self.composition = composition
        self._composed: dict[str, str] = {}

    @property
    def has_ufunc(self) -> bool:
        """A unit of the loss can be computed by itself."""
        return "ufunc" in self._core["parts"]

    @property
    def _required(self) -> int:
        """How many operands must be given."""
        return sum(not operand["optional"] for operand in self._core["operands"])

    @cached_property
    def documentation(self) -> _docs.Documentation | None:
        """The docstring in its parts, or DocumentationError where one is missing; None after `python -OO`."""
        if self._docstring is None:
            return None
        parameters = [parameter["name"] for parameter in (*self._core["operands"], *self._core["options"])]
        return _docs.parse(self._name, self._docstring, parameters)

    @cached_property
    def info(self) -> LossInfo:
        """What is known about the loss."""
        options = tuple(OptionInfo(**option) for option in self._core["options"])
        return LossInfo(
            name=self._name,
            summary=self.documentation.summary if self.documentation else "",
            formula=self.documentation.formula if self.documentation else "",
            operands=tuple(OperandInfo(**operand) for operand in self._core["operands"]),
            options=options,
            defaults=FixedMapping({option.name: option.default for option in options}),
            engine=self._core["engine"],
            methods=_engines.methods(self._core["parts"]),
            has_ufunc=self.has_ufunc,
            **self._properties,
        )

    def document(self, method: str) -> str | None:
        """Docstring of the loss ("__call__") or a method; composed at the first request, as few are ever read."""
        if self.documentation is None:
            return None
        if method not in self._composed:
            example = "" if method == "__call__" else self._example(method)
            self._composed[method] = self.documentation.compose(
                self._name, method, self._core["engine"], self._core["parts"], self._required, example
            )
        return self._composed[method]

    def _example(self, method: str) -> str:
        """A call and its real result. The numbers are in the domain of every loss: probabilities, counts, labels."""
        arguments = _engines.ENGINES[self._core["engine"]].example(self._core["operands"])
        if method == "hvp":
            arguments.append([1.0] + [0.0] * (len(arguments[0]) - 1))
        result = getattr(registry[self._name], method)(*arguments)
        return f">>> fl.{self._name}.{method}({', '.join(map(str, arguments))})\n{result!r}"

    def signature(self, method: str, bound: Mapping[str, Any]) -> inspect.Signature:
        """Parameters of the loss or a method, with what is bound as defaults."""
        parameters = [
            inspect.Parameter(name, kind, default=bound.get(name, default))
            for name, kind, default in _parameters(self._core)
        ]
        if method == "hvp":
            parameters.insert(self._required, inspect.Parameter("vector", inspect.Parameter.POSITIONAL_OR_KEYWORD))
        for name in _engines.keywords(self._core["parts"], method):
            default = {"reduction": "mean", "accumulate": False, "ignore_index": -100}.get(name)
            parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
        return inspect.Signature(parameters)

    def document_ufunc(self, gradient: bool) -> str:
        """Docstring of the ufunc of the value or of the gradient."""
        if self.documentation is None:
            return ""
        names = [o.name for o in self.info.operands if not o.multiplies] + [o.name for o in self.info.options]
        return self.documentation.compose_ufunc(self.info.name, ", ".join(names), gradient, self._core["engine"])

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
# Every public name of every loss: those of the registry, and what else a loss is called.
functions: dict[str, _core.Loss] = {}


def rebuild(name: str, bound: Mapping[str, Any]) -> _core.Loss:
    """Unpickle a loss with bound options or operands."""
    return registry[name].partial(**bound)


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
    The diagonal of the second derivative, of a loss of elements or of rows; gradient and second derivative in one
    pass.
hvp
    The second derivative of a row-wise loss, times a vector.
partial
    The same loss with other defaults: of options, and of operands that have one.

Attributes
----------
info : LossInfo
    Family, formula, properties, operands, options.
ufunc, grad_ufunc : numpy.ufunc
    Value and gradient of a loss of elements or of rows, one by one.
"""


def _complete_types() -> None:
    loss: Any = _core.Loss
    method: Any = _core.LossMethod
    loss.__doc__ = _FromDeclaration(LOSS_DOCUMENTATION, lambda l: l._declaration.document("__call__"))
    loss.__signature__ = _FromDeclaration(None, lambda l: l._declaration.signature("__call__", l._bound))
    method.__doc__ = _FromDeclaration(
        "A method of a loss, such as `grad`.", lambda m: m.__self__._declaration.document(m.__name__)
    )
    method.__signature__ = _FromDeclaration(
        None, lambda m: m.__self__._declaration.signature(m.__name__, m.__self__._bound)
    )


_complete_types()


def _parameters(core: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of every operand and option, as the core describes them."""
    kinds = inspect.Parameter
    operands = [
        (o["name"], kinds.POSITIONAL_OR_KEYWORD, o["default"] if o["optional"] else kinds.empty)
        for o in core["operands"]
    ]
    return operands + [(o["name"], kinds.KEYWORD_ONLY, o["default"]) for o in core["options"]]


def _check_parameters(loss: str, signature: inspect.Signature, core: Mapping[str, Any]) -> None:
    """Hold the declared signature against the core's description."""
    expected = _parameters(core)
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


def _register(loss: _core.Loss, names: tuple[str, ...]) -> None:
    for name in names:
        if name in functions:
            raise DeclarationError(f"{loss.__name__}: '{name}' is already the name of {functions[name]!r}")
        functions[name] = loss
    registry[loss.__name__] = loss


@cache
def _core_losses() -> Mapping[str, Any]:
    return _core.loss_descriptions()


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
    also_named: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    composition: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], _core.Loss]:
    '''Make a loss of the core that has this function's name into a documented `Loss`.

    The function is never run: its signature names the operands (positional; those that may be left out with ``= None``
    or the default that the core has) and the options (keyword-only, with their defaults); its docstring documents them.
    Both are compared with the core.

    Parameters
    ----------
    family : str
        What the module that it is declared in is called, or begins with: ``losses/<family>.py``,
        ``losses/<family>_<more>.py``.
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
        "target", "target squared", "nats", "margin", "margin squared", "unitless" or "distance", or others in words.
    reference : str
        The source: a paper, a book, or the library whose meaning is kept.
    kinks : mapping of str to str, optional
        Where the loss is not differentiable: what is returned there, such as ``{"input = target": "0"}``. Required
        exactly when `differentiable` is "kinks".
    also_named : tuple of str, optional
        Further names under which the package has the same object, where a loss goes by more than one:
        ``("pinball_loss",)`` makes ``fl.pinball_loss is fl.quantile_loss``.
    aliases : tuple of str, optional
        Other names in use ("mean absolute error", "MAE"), for searching only.
    composition : callable, optional
        Of a loss one of whose named choices may be a function instead: called as f(loss, method, *args, **kwargs) with
        the arguments of such a call, and what is bound, it gives the result.

    Notes
    -----
    Annotate operands with ``ArrayLike`` (``ArrayLike | None = None`` where they may be left out, ``ArrayLike = 0.5``
    where they have a default) and options with ``float``, ``bool``, ``Literal[...]`` or a name of ``_annotations.py``:
    the stubs for type checkers and editors are made from these words.

    The docstring has a summary (one sentence), the formula as an indented block after ``::``, further paragraphs if
    needed, and these numpydoc sections in this order: ``Parameters`` (operands and options, then such keywords of every
    call as mean something else to this loss), ``Returns`` (of the value, with what each reduction means), ``Raises``
    (optional: only what this loss adds), ``Notes`` (optional), ``References`` and ``Examples``, which begin with their
    imports and are shown with every method. The parameters that all losses share, the common errors, and what the
    methods return are added here. ::

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
        core = _core_losses().get(name)
        if core is None:
            raise DeclarationError(f"{name}: the compiled core has no loss of this name")
        _check_parameters(name, inspect.signature(function), core)
        if (differentiable == "kinks") != bool(kinks):
            raise DeclarationError(f"{name}: `kinks` must be given exactly when differentiable is 'kinks'")
        properties = {
            "family": family,
            "task": task,
            "convex": convex,
            "differentiable": differentiable,
            "twice_differentiable": twice_differentiable,
            "robust": robust,
            "units": units,
            "kinks": FixedMapping(kinks or {}),
            "reference": reference,
            "also_named": also_named,
            "aliases": aliases,
        }
        loss = _core.Loss(name, Declaration(name, function.__doc__, core, properties, composition))
        _register(loss, (name, *also_named))
        return loss

    return build
