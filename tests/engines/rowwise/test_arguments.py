"""What calls of row-wise losses accept beside the arguments of every loss: axis, ignore_index, return_ and vector."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from fastloss import _declare

Z = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]])
T = np.array([0, 2])
V = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]])
ROWWISE = [name for name, info in fl.losses().items() if info.rowwise]
METHODS = ("__call__", "grad", "value_and_grad", "hess", "grad_and_hess", "hvp", "statistics")
OWN = {"axis", "ignore_index", "return_", "vector"}


def parameters(name, method):
    loss = getattr(fl, name)
    call = loss if method == "__call__" else getattr(loss, method, None)
    return None if call is None else inspect.signature(call).parameters


def test_there_are_some():
    assert "cross_entropy" in ROWWISE


@pytest.mark.parametrize("name", fl.losses())
def test_which_loss_has_which_keyword(name):
    info = getattr(fl, name).info
    parts = _declare.registry[name]._declaration._core["parts"]
    methods = ["grad", "value_and_grad"]
    methods += ["hess", "grad_and_hess"] if "hess" in parts else []
    methods += ["hvp"] if "vector" in parts else []
    assert info.methods == (*methods, "statistics")
    assert info.has_ufunc == ("ufunc" in parts)
    for method in METHODS:
        found = parameters(name, method)
        if found is None:
            assert method not in info.methods
            continue
        assert method in (*info.methods, "__call__")
        assert ("axis" in found) == ("axis" in parts)
        assert ("ignore_index" in found) == ("ignore_index" in parts)
        assert info.engine != "rowwise" or "axis" in found
        assert "ignore_index" in found or not any(o.class_index for o in info.operands)
        assert ("vector" in found) == (method == "hvp")
        of_values = method in ("__call__", "grad", "value_and_grad")
        assert ("return_" in found) == (of_values and "extras" in parts)
        for keyword in OWN - set(found):
            call = getattr(fl, name) if method == "__call__" else getattr(getattr(fl, name), method)
            with pytest.raises(TypeError, match=f"unexpected keyword argument '{keyword}'"):
                call(Z, T, **{keyword: 1})


def test_the_vector_is_where_its_signature_says():
    loss, weight = fl.cross_entropy, np.array([1.0, 2.0, 0.5])
    assert list(inspect.signature(loss.hvp).parameters)[:4] == ["input", "target", "vector", "weight"]
    expected = loss.hvp(Z, T, vector=V, weight=weight)
    assert np.abs(expected).max() > 0.01
    for result in (
        loss.hvp(Z, T, V, weight),
        loss.hvp(Z, T, V, weight=weight),
        loss.hvp(input=Z, target=T, vector=V, weight=weight),
        loss.hvp(Z, vector=V, target=T, weight=weight),
        loss.hvp(Z.tolist(), T.tolist(), V.tolist(), weight.tolist()),
    ):
        np.testing.assert_array_equal(result, expected)
    assert not np.array_equal(loss.hvp(Z, T, V), expected)
    out = np.empty_like(Z)
    assert loss.hvp(Z, T, V, weight, out=out) is out
    np.testing.assert_array_equal(out, expected)
    loss.hvp(Z, T, V, weight, out=out, accumulate=True)
    np.testing.assert_allclose(out, 2 * expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fl.cross_entropy.hvp(Z, T), "cross_entropy.hvp() missing 1 required positional argument: 'vector'"),
        (
            lambda: fl.cross_entropy.hvp(Z),
            "cross_entropy.hvp() missing 2 required positional arguments: 'target' and 'vector'",
        ),
        (
            lambda: fl.cross_entropy.hvp(Z, T, V, None, None),
            "cross_entropy.hvp() takes from 3 to 4 positional arguments but 5 were given",
        ),
        (
            lambda: fl.cross_entropy.hvp(Z, T, V, vector=V),
            "cross_entropy.hvp() got multiple values for argument 'vector'",
        ),
        (
            lambda: fl.cross_entropy.hvp(Z, T, V, grad_output=1.0),
            "cross_entropy.hvp() got an unexpected keyword argument 'grad_output'",
        ),
        (lambda: fl.cross_entropy(Z, T, axis=1.0), "cross_entropy: axis must be an integer, not float"),
        (lambda: fl.cross_entropy(Z, T, axis=True), "cross_entropy: axis must be an integer, not bool"),
        (
            lambda: fl.cross_entropy(Z, T, ignore_index=None),
            "cross_entropy: ignore_index must be an integer, not NoneType",
        ),
        (lambda: fl.cross_entropy(Z, T, ignore_index=2.0), "cross_entropy: ignore_index must be an integer, not float"),
        (
            lambda: fl.cross_entropy(Z, T, return_=3),
            "cross_entropy: return_ must be 'lse', 'probabilities', 'log_probabilities', 'prediction', 'correct' or "
            "several of them, not int",
        ),
    ],
)
def test_mismatched_arguments_are_told_in_pythons_words(call, message):
    with pytest.raises(TypeError) as raised:
        call()
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fl.cross_entropy(Z, T, axis=2), r"axis must be from -2 to 1 for input of shape \(2, 3\), got 2"),
        (lambda: fl.cross_entropy(Z, T, axis=-3), "axis must be from -2 to 1"),
        (lambda: fl.cross_entropy(Z, T, axis=10**6), "axis must be .* got 1000000"),
        (lambda: fl.cross_entropy(Z, T, axis=10**30), "axis must fit an int64"),
        (lambda: fl.cross_entropy(Z, T, ignore_index=2**63), "ignore_index must fit an int64, got 9223372036854775808"),
        (lambda: fl.cross_entropy(Z, T, return_="logits"), "return_ must be 'lse', .* not 'logits'"),
        (lambda: fl.cross_entropy(Z, T, return_=["lse", "prediction", "lse"]), "return_ names 'lse' twice"),
        (
            lambda: fl.cross_entropy(Z, np.ones_like(Z), return_="correct"),
            "return_ names 'correct', which needs a target",
        ),
        (
            lambda: fl.cross_entropy.hvp(Z, T, V[0]),
            r"vector has shape \(3,\); it must have the shape of input, \(2, 3\)",
        ),
    ],
)
def test_what_is_out_of_range(call, words):
    with pytest.raises(ValueError, match=f"cross_entropy: {words}"):
        call()


def test_integers_of_any_kind():
    expected = fl.cross_entropy(Z.T, T, axis=0, ignore_index=2)
    for axis in (0, -2, np.int8(0), np.array(0), np.uint64(0)):
        assert fl.cross_entropy(Z.T, T, axis=axis, ignore_index=np.int64(2)) == expected
    assert fl.cross_entropy(Z, T, axis=None) == fl.cross_entropy(Z, T)


RETURNS = [("lse", ["lse"]), (("correct", "lse"), ["correct", "lse"]), (["prediction"], ["prediction"]), ((), [])]


@pytest.mark.parametrize(("given", "names"), RETURNS, ids=str)
def test_extras_come_last(given, names):
    loss = fl.cross_entropy
    value, gradient = loss.value_and_grad(Z, T)
    for result, others in (
        (loss(Z, T, return_=given), [value]),
        (loss(Z, T, return_=given, reduction="none"), [loss(Z, T, reduction="none")]),
        (loss.grad(Z, T, return_=given), [gradient]),
        (loss.value_and_grad(Z, T, return_=given), [value, gradient]),
        (loss.value_and_grad(Z, T, return_=given, wrt=("input",)), [value, (gradient,)]),
    ):
        assert type(result) is tuple
        assert len(result) == len(others) + 1
        for got, expected in zip(result, others, strict=False):
            np.testing.assert_array_equal(got, expected)
        extra = result[-1]
        assert type(extra) is dict
        assert list(extra) == names
    assert loss(Z, T, return_=None) == value


def test_extras_beside_out():
    out, row_out = np.empty_like(Z), np.empty(2)
    gradient, extra = fl.cross_entropy.grad(Z, T, return_="lse", out=out)
    assert gradient is out
    value, again = fl.cross_entropy(Z, T, return_="lse", reduction="none", out=row_out)
    assert value is row_out
    np.testing.assert_array_equal(extra["lse"], again["lse"])


def test_methods_are_objects_like_the_others():
    method = fl.cross_entropy.hvp
    assert repr(method) == "fastloss.cross_entropy.hvp"
    assert pickle.loads(pickle.dumps(method)) is method
    bound = fl.cross_entropy.partial(temperature=2.0, softcap=None)
    assert repr(bound.hvp) == "fastloss.cross_entropy.partial(softcap=None, temperature=2.0).hvp"
    np.testing.assert_array_equal(bound.hvp(Z, T, V), fl.cross_entropy.hvp(Z, T, V, temperature=2.0))
    assert fl.cross_entropy.partial(softcap=None) == fl.cross_entropy
    with pytest.raises(AttributeError, match="mse_loss has no 'hvp': its second derivative is diagonal"):
        _ = fl.mse_loss.hvp
    with pytest.raises(AttributeError, match="rmse_loss has no 'hvp': it is not a sum"):
        _ = fl.rmse_loss.hvp


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"differentiable": "kinks"}, "`kinks` must be given exactly when"),
        ({"kinks": {"input = 0": "0"}}, "`kinks` must be given exactly when"),
    ],
)
def test_a_declaration_is_held_against_the_core(change, words):
    properties = {
        "family": "softmax",
        "task": "classification",
        "convex": True,
        "differentiable": "smooth",
        "twice_differentiable": True,
        "robust": None,
        "units": "nats",
        "reference": "",
    }

    def cross_entropy(
        input,
        target,
        weight=None,
        *,
        label_smoothing=0.0,
        z_loss=0.0,
        softcap=None,
        temperature=1.0,
        from_logits=True,
        eps=1e-7,
    ):
        """Not read."""

    with pytest.raises(_declare.DeclarationError, match=words):
        _declare.declare(**(properties | change))(cross_entropy)


def test_multi_margin_loss_takes_an_array_of_one_index_for_a_row():
    """torch takes () and (1,) beside (C,), and the loss has the index's shape."""
    loss, z, w = fl.multi_margin_loss, np.array([0.5, -1.0, 2.0]), np.array([1.0, 3.0, 2.0])
    for method in (loss.grad, loss.hess, loss):
        assert method(z, [1], w) == pytest.approx(method(z, 1, w), rel=0)
    alone, (gradient, of_weight) = loss.value_and_grad(z, 1, w, reduction="none", wrt=("input", "weight"))
    for given in (
        {},
        {"sample_weight": np.ones(1)},
        {"sample_weight": 1.0},
        {"where": np.ones(1, bool)},
        {"grad_output": np.ones(1)},
        {"axis": -1},
    ):
        value, (slope, slope_of_weight) = loss.value_and_grad(
            z, [1], w, reduction="none", wrt=("input", "weight"), **given
        )
        np.testing.assert_array_equal(value, alone[None], strict=True)
        np.testing.assert_array_equal(slope, gradient, strict=True)
        np.testing.assert_array_equal(slope_of_weight, of_weight, strict=True)
    assert loss(z, [1], reduction="batchmean") == loss(z, 1)
    np.testing.assert_array_equal(loss(z, [1], reduction="none", where=[False]), [0.0], strict=True)
    np.testing.assert_array_equal(loss(z, [-100], reduction="none"), [0.0], strict=True)
    np.testing.assert_array_equal(loss.hvp(z, [1], vector=z), loss.hvp(z, 1, vector=z), strict=True)
    out = np.empty(1)
    assert loss(z, [1], reduction="none", out=out) is out
    with pytest.raises(IndexError, match=r"got 3 at index \(0,\)"):
        loss(z, [3])
    for target in ([0, 1], [[1]], []):
        with pytest.raises(ValueError, match=r"target has shape .* must have shape \(\) or \(1,\)"):
            loss(z, np.array(target, int))
    with pytest.raises(ValueError, match=r"must have shape \(1,\)"):
        loss(z[None], 1)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\)"):
        loss(z, [1], sample_weight=w)


@pytest.mark.parametrize("name", [name for name in rows_cases.INDEXED if name != "multi_margin_loss"])
def test_other_losses_take_one_index_for_a_row_as_torch_does(name):
    rows = rows_cases.Rows(name, "index")
    operands = rows_cases.draw(rows, cases.seed(name), (), 5, np.float64)
    target = rows.reference.target.name
    operands[target] = np.asarray(operands[target]).reshape(1)
    with pytest.raises(ValueError, match=rf"{target} has shape \(1,\); class indices for .* must have shape \(\)"):
        cases.loss(name)(**operands)
