"""The Python objects: signatures, documentation, names, pickling, equality."""

from __future__ import annotations

import copy
import fractions
import inspect
import pickle
import pydoc
import subprocess
import sys

import numpy as np
import pytest

import cases
import fastloss as fl
from fastloss import _engines

LOSSES = {name: getattr(fl, name) for name in fl.losses()}
CALLS = [(name, method) for name, loss in LOSSES.items() for method in ("__call__", *loss.info.methods)]


def function(name, method):
    loss = LOSSES[name]
    return loss if method == "__call__" else getattr(loss, method)


def operands(loss):
    """What every loss accepts as its required operands: those of the call that its documentation shows."""
    core = loss._declaration._core
    return _engines.ENGINES[core["engine"]].example(core["operands"])


# Signatures and documentation


@pytest.mark.parametrize(("name", "method"), CALLS)
def test_signature_is_that_of_the_call(name, method):
    call, info = function(name, method), LOSSES[name].info
    parameters = inspect.signature(call).parameters
    own = [name for name in parameters if name != "vector"]
    assert own[: len(info.operands)] == [o.name for o in info.operands]
    for option in info.options:
        assert parameters[option.name].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[option.name].default == option.default
    arguments = operands(LOSSES[name])
    given = {"vector", *own[: len(arguments)]}
    assert given >= {o.name for o in info.operands if not o.optional}
    if method == "hvp":
        arguments.append(np.linspace(-1, 1, len(arguments[0])))
    defaults = {p.name: p.default for p in parameters.values() if p.name not in given}
    np.testing.assert_equal(call(*arguments, **defaults), call(*arguments))


@pytest.mark.parametrize(("name", "method"), CALLS)
def test_documentation_is_complete(name, method):
    call = function(name, method)
    text = inspect.getdoc(call)
    for title in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{title}\n{'-' * len(title)}\n" in text
    for parameter in inspect.signature(call).parameters:
        assert f"\n{parameter} : " in text, parameter
    assert LOSSES[name].info.formula.splitlines()[0] in text
    assert method == "__call__" or f"fl.{name}.{method}(" in text
    shown = pydoc.render_doc(call, renderer=pydoc.plaintext)
    assert f"{call.__name__}{inspect.signature(call)}" in shown
    assert text.splitlines()[0] in shown


def test_partial_shows_its_options():
    bound = fl.huber_loss.partial(delta=2.5)
    assert inspect.signature(bound).parameters["delta"].default == 2.5
    assert inspect.signature(bound.grad).parameters["delta"].default == 2.5


def test_partial_shows_what_is_bound_to_operands():
    assert inspect.signature(fl.quantile_loss).parameters["quantile"].default == 0.5
    assert inspect.signature(fl.multi_quantile_loss).parameters["quantiles"].default == (0.1, 0.5, 0.9)
    bound = fl.huber_quantile_loss.partial(delta=2, quantile=0.9)
    assert repr(bound) == "fastloss.huber_quantile_loss.partial(quantile=0.9, delta=2.0)"
    assert (
        repr(bound.partial(quantile=0.25).grad) == "fastloss.huber_quantile_loss.partial(quantile=0.25, delta=2.0).grad"
    )
    for call in (bound, bound.grad):
        parameters = inspect.signature(call).parameters
        assert (parameters["quantile"].default, parameters["delta"].default) == (0.9, 2.0)
        assert parameters["quantile"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def test_other_names_are_the_same_object():
    assert fl.pinball_loss is fl.quantile_loss
    assert fl.quantile_loss.info.also_named == ("pinball_loss",)
    assert "pinball_loss" not in fl.losses()
    assert "pinball_loss" in fl.__all__
    assert pickle.loads(pickle.dumps(fl.pinball_loss)) is fl.quantile_loss


def test_importing_makes_nothing_that_only_readers_need():
    code = """
import fastloss as fl
losses = [getattr(fl, name) for name in dir(fl) if isinstance(getattr(fl, name), fl.Loss)]
assert losses
assert not [loss for loss in losses if {"documentation", "info"} & set(vars(loss._declaration))]
assert not [name for name in fl.ufuncs.__all__ if name in vars(fl.ufuncs)]
assert fl.huber_loss.ufunc is fl.ufuncs.huber_loss
assert "huber_loss" in vars(fl.ufuncs)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names():
    method = fl.huber_loss.value_and_grad
    assert (fl.huber_loss.__name__, fl.huber_loss.__qualname__, fl.huber_loss.__module__) == (
        "huber_loss",
        "huber_loss",
        "fastloss",
    )
    assert (method.__name__, method.__qualname__, method.__module__) == (
        "value_and_grad",
        "huber_loss.value_and_grad",
        "fastloss",
    )
    assert method.__self__ is fl.huber_loss
    assert repr(fl.huber_loss) == "fastloss.huber_loss"
    assert repr(method) == "fastloss.huber_loss.value_and_grad"
    bound = fl.hinge_loss.partial(labels="01", margin=2)
    assert repr(bound) == "fastloss.hinge_loss.partial(margin=2.0, labels='01')"
    assert eval(repr(bound), {"fastloss": fl}) == bound


def test_the_class_documents_itself():
    assert "partial" in fl.Loss.__doc__
    assert "class Loss" in pydoc.render_doc(fl.Loss, renderer=pydoc.plaintext)
    assert isinstance(fl.huber_loss, fl.Loss)


def test_a_loss_in_a_class_stays_a_plain_function():
    class Model:
        loss = fl.mse_loss
        gradient = fl.mse_loss.grad

    assert Model().loss is fl.mse_loss
    assert Model().gradient([1.0], [0.0]) == 2.0


def test_registry_as_data():
    assert set(fl.losses()) >= {"mse_loss", "huber_loss", "rmse_loss"}
    info = fl.losses()["huber_loss"]
    assert info is fl.huber_loss.info
    assert (info.name, info.family, dict(info.defaults)) == ("huber_loss", "regression", {"delta": 1.0})
    assert [o.name for o in info.operands if o.optional] == ["weight"]
    assert [o.integer for o in info.operands] == [False, False, False]
    with pytest.raises(TypeError):
        fl.losses()["mine"] = info
    with pytest.raises(AttributeError):
        info.name = "other"
    assert set(LOSSES) <= set(dir(fl))
    assert set(LOSSES) <= set(fl.__all__)


# Identity: pickles, copies, equality


@pytest.mark.parametrize(("name", "method"), CALLS)
def test_pickles(name, method):
    call = function(name, method)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(call, protocol)) is call


def another_value(loss, option):
    """One that the option may have for the smallest call, and does not have by default."""
    if option.kind == "number":
        return next(
            x
            for x in ((2,) if isinstance(option.default, int) else (0.75, 2.0, 0.0))
            if cases.Domain.parse(option.domain).contains(x)
        )
    if option.kind != "choice":
        return True

    def fits(choice):
        try:
            loss(*operands(loss), **{option.name: choice})
        except ValueError:
            return False
        return True

    return next(choice for choice in reversed(option.choices) if fits(choice))


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.info.options])
def test_partial_pickles_copies_and_compares(name):
    loss = LOSSES[name]
    options = {o.name: another_value(loss, o) for o in loss.info.options}
    bound = loss.partial(**options)
    assert type(bound) is fl.Loss
    assert bound != loss
    assert bound.grad != loss.grad
    for twin in (pickle.loads(pickle.dumps(bound)), copy.copy(bound), copy.deepcopy(bound), loss.partial(**options)):
        assert twin == bound
        assert hash(twin) == hash(bound)
        assert repr(twin) == repr(bound)
        assert twin.grad == bound.grad
        assert hash(twin.grad) == hash(bound.grad)
    assert pickle.loads(pickle.dumps(bound.grad)) == bound.grad
    arguments = operands(loss)
    assert bound(*arguments) == loss(*arguments, **options)
    found = [g if isinstance(g, tuple) else (g,) for g in (bound.grad(*arguments), loss.grad(*arguments, **options))]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    defaults = dict(loss.info.defaults)
    assert bound(*arguments, **defaults) == loss(*arguments)
    assert bound.partial(**defaults) == loss


WITH_DEFAULT = [
    (name, operand.name)
    for name, loss in LOSSES.items()
    for operand in loss.info.operands
    if operand.default is not None
]


@pytest.mark.parametrize(("name", "operand"), WITH_DEFAULT)
def test_partial_of_an_operand_pickles_copies_and_compares(name, operand):
    loss, arguments = LOSSES[name], operands(LOSSES[name])
    domain = cases.Domain.parse(next(o.domain for o in loss.info.operands if o.name == operand))
    number = next(x for x in (0.75, 1.25, 2.5, -0.75) if domain.contains(x))
    bound = loss.partial(**{operand: number})
    assert bound != loss
    assert bound.grad != loss.grad
    for twin in (
        pickle.loads(pickle.dumps(bound)),
        copy.copy(bound),
        copy.deepcopy(bound),
        loss.partial(**{operand: 0.75}),
    ):
        assert twin == bound
        assert (hash(twin), hash(twin.grad)) == (hash(bound), hash(bound.grad))
        assert (repr(twin), inspect.signature(twin)) == (repr(bound), inspect.signature(bound))
        assert twin(*arguments) == loss(*arguments, **{operand: number})
    assert eval(repr(bound), {"fastloss": fl}) == bound
    default = next(o.default for o in loss.info.operands if o.name == operand)
    if isinstance(default, float):
        assert bound.partial(**{operand: default}) == loss
        assert hash(bound.partial(**{operand: default})) == hash(loss)
    else:  # a number is not the array that the loss has by itself
        assert len({loss, *(loss.partial(**{operand: x}) for x in default)}) == 1 + len(default)


def test_equality_is_not_accidental():
    assert fl.huber_loss != fl.mse_loss
    assert fl.huber_loss.grad != fl.huber_loss.value_and_grad
    assert fl.huber_loss != "huber_loss"
    assert len({fl.huber_loss, fl.huber_loss.partial(delta=1.0), fl.huber_loss.partial(delta=2.0)}) == 2
    with pytest.raises(TypeError):
        fl.huber_loss < fl.mse_loss  # noqa: B015


def test_copies_of_a_plain_loss_are_itself():
    assert copy.copy(fl.huber_loss) is fl.huber_loss
    assert copy.deepcopy(fl.huber_loss) is fl.huber_loss


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"dleta": 1}, TypeError, "unexpected keyword argument 'dleta'"),
        ({"delta": -1}, ValueError, "delta must be > 0"),
        ({"delta": "a"}, TypeError, "delta must be a number"),
        ({"delta": None}, TypeError, "delta"),
        ({"delta": True}, TypeError, "delta must be a number"),
        ({"delta": np.array([1.0])}, TypeError, "delta must be a number, not numpy.ndarray"),
        ({"delta": 10**400}, ValueError, "delta is too large"),
    ],
)
def test_partial_checks_at_once(options, error, words):
    with pytest.raises(error, match=words):
        fl.huber_loss.partial(**options)


@pytest.mark.parametrize(
    ("bound", "error", "words"),
    [
        ({"quantile": 1.5}, ValueError, "quantile_loss: quantile must be between 0 and 1.*, got 1.5"),
        ({"quantile": float("nan")}, ValueError, "quantile must be between 0 and 1.*, got nan"),
        ({"quantile": 10**400}, ValueError, "quantile is too large"),
        ({"quantile": np.array([0.5])}, TypeError, "quantile must be a number, not numpy.ndarray"),
        ({"quantile": [0.1, 0.9]}, TypeError, "quantile must be a number, not list"),
        ({"quantile": None}, TypeError, "quantile must be a number, not NoneType"),
        ({"quantile": "0.5"}, TypeError, "quantile must be a number, not str"),
        ({"target": 1.0}, TypeError, "binds options and operands that have a default, not 'target'"),
        ({"quantiles": 0.5}, TypeError, "unexpected keyword argument 'quantiles'"),
    ],
)
def test_partial_checks_operands_at_once(bound, error, words):
    with pytest.raises(error, match=words):
        fl.quantile_loss.partial(**bound)


def test_partial_takes_any_number_for_an_operand():
    expected = fl.quantile_loss.partial(quantile=0.5)
    for number in (np.float32(0.5), np.array(0.5), fractions.Fraction(1, 2)):
        assert fl.quantile_loss.partial(quantile=number) == expected
