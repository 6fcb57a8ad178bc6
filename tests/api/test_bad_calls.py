"""Calls that must fail: with which exception, with a message that names the argument, and with nothing written."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

X = np.linspace(-1, 1, 6).reshape(3, 2)
T = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
V = np.full((3, 2), 0.5)
READ_ONLY = X.copy()
READ_ONLY.flags.writeable = False
bce = fl.binary_cross_entropy_with_logits


def bad(label, error, message, call):
    return pytest.param(error, message, call, id=label.replace(" ", "_"))


BAD_CALLS = [
    # Shapes: both are named.
    bad(
        "vector against column",
        ValueError,
        r"target.*\(3, 1\).*\(3,\)",
        lambda: fl.mse_loss(np.ones(3), np.ones((3, 1))),
    ),
    bad(
        "column against vector",
        ValueError,
        r"target.*\(3,\).*\(3, 1\)",
        lambda: fl.l1_loss(np.ones((3, 1)), np.ones(3)),
    ),
    bad("too short", ValueError, r"target.*\(5,\).*\(6,\)", lambda: fl.huber_loss(np.ones(6), np.ones(5))),
    bad("target larger than input", ValueError, r"target.*\(3, 2\).*\(1, 2\)", lambda: fl.mse_loss(X[:1], T)),
    bad("trailing vector as target", ValueError, r"target.*\(2,\).*\(3, 2\)", lambda: fl.hinge_loss(X, np.ones(2))),
    bad("weight of leading shape", ValueError, r"weight.*\(3,\).*\(3, 2\)", lambda: fl.mse_loss(X, T, np.ones(3))),
    bad(
        "weight of too many axes",
        ValueError,
        r"weight.*\(1, 3, 2\).*\(3, 2\)",
        lambda: fl.huber_loss(X, T, np.ones((1, 3, 2))),
    ),
    bad("pos_weight of leading shape", ValueError, r"pos_weight.*\(3,\)", lambda: bce(X, T, pos_weight=np.ones(3))),
    bad("var of trailing shape", ValueError, r"var.*\(2,\).*\(3, 2\)", lambda: fl.gaussian_nll_loss(X, T, np.ones(2))),
    bad("var of other shape", ValueError, r"var.*\(4, 2\)", lambda: fl.gaussian_nll_loss(X, T, np.ones((4, 2)))),
    bad(
        "sample_weight of trailing shape",
        ValueError,
        r"sample_weight.*\(2,\)",
        lambda: fl.mse_loss(X, T, sample_weight=np.ones(2)),
    ),
    bad(
        "sample_weight of other rank",
        ValueError,
        "sample_weight",
        lambda: fl.mse_loss(X, T, sample_weight=np.ones((3, 2, 1))),
    ),
    bad("where of trailing shape", ValueError, r"where.*\(2,\)", lambda: fl.mse_loss(X, T, where=np.ones(2, bool))),
    bad("grad_output of a mean", ValueError, r"grad_output.*\(3, 2\)", lambda: fl.mse_loss.grad(X, T, grad_output=V)),
    bad(
        "grad_output of other shape",
        ValueError,
        r"grad_output.*\(2,\)",
        lambda: fl.mse_loss.grad(X, T, reduction="none", grad_output=np.ones(2)),
    ),
    bad("batchmean of a number", ValueError, "batchmean", lambda: fl.mse_loss(1.0, 2.0, reduction="batchmean")),
    # dtypes.
    bad("text as input", TypeError, "input", lambda: fl.mse_loss(np.array(["a"]), np.array([1.0]))),
    bad("complex target", TypeError, "target.*complex", lambda: fl.mse_loss(np.ones(1), np.ones(1) * 1j)),
    bad("dates as target", TypeError, "target", lambda: fl.l1_loss(np.ones(1), np.array(["2020"], "M8[Y]"))),
    bad("object weight", TypeError, "weight", lambda: fl.mse_loss(X, T, np.array([[object()] * 2] * 3))),
    bad("where of floats", TypeError, "where.*bool.*float64", lambda: fl.mse_loss(X, T, where=np.ones((3, 2)))),
    bad("where of integers", TypeError, "where.*bool.*int64", lambda: fl.mse_loss(X, T, where=np.ones(3, np.int64))),
    bad("complex sample_weight", TypeError, "sample_weight", lambda: fl.mse_loss(X, T, sample_weight=np.ones(3) * 1j)),
    bad("complex grad_output", TypeError, "grad_output", lambda: fl.mse_loss.grad(X, T, grad_output=1j)),
    # Options.
    bad("delta zero", ValueError, "delta.*> 0.*0", lambda: fl.huber_loss(X, T, delta=0.0)),
    bad("delta negative", ValueError, "delta.*-1", lambda: fl.huber_loss(X, T, delta=-1.0)),
    bad("delta NaN", ValueError, "delta.*nan", lambda: fl.huber_loss(X, T, delta=float("nan"))),
    bad("delta of text", TypeError, "delta", lambda: fl.huber_loss(X, T, delta="big")),
    bad("delta of an array", TypeError, "delta", lambda: fl.huber_loss(X, T, delta=np.ones(3))),
    bad("eps zero", ValueError, "eps.*> 0", lambda: fl.gaussian_nll_loss(X, T, V, eps=0)),
    bad("eps negative", ValueError, "eps.*>= 0", lambda: fl.rmse_loss(X, T, eps=-1e-9)),
    bad("full of text", TypeError, "full", lambda: fl.gaussian_nll_loss(X, T, V, full="yes")),
    bad("unknown labels", ValueError, "labels.*'signed', '01'", lambda: fl.hinge_loss(X, T, labels="0/1")),
    bad("labels of a number", TypeError, "labels", lambda: fl.hinge_loss(X, T, labels=1)),
    bad("margin NaN", ValueError, "margin.*nan", lambda: fl.hinge_loss(X, T, margin=float("nan"))),
    # Call options.
    bad("unknown reduction", ValueError, "reduction.*'avg'", lambda: fl.mse_loss(X, T, reduction="avg")),
    bad("reduction None", TypeError, "reduction", lambda: fl.mse_loss(X, T, reduction=None)),
    bad("normalizer with sum", ValueError, "normalizer", lambda: fl.mse_loss(X, T, reduction="sum", normalizer=2)),
    bad("normalizer zero", ValueError, "normalizer.*> 0", lambda: fl.mse_loss(X, T, normalizer=0)),
    bad("normalizer negative", ValueError, "normalizer.*-3", lambda: fl.mse_loss(X, T, normalizer=-3.0)),
    bad("normalizer NaN", ValueError, "normalizer", lambda: fl.mse_loss(X, T, normalizer=float("nan"))),
    bad("unknown normalizer", ValueError, "normalizer.*'rows'", lambda: fl.mse_loss(X, T, normalizer="rows")),
    # Names and numbers of arguments, in Python's words.
    bad("no target", TypeError, "mse_loss.*target", lambda: fl.mse_loss(X)),
    bad("no operands", TypeError, "input", lambda: fl.mse_loss()),
    bad("no var", TypeError, "var", lambda: fl.gaussian_nll_loss(X, T)),
    bad("too many positionals", TypeError, "positional", lambda: fl.rmse_loss(X, T, T)),
    bad("option as a positional", TypeError, "positional", lambda: fl.huber_loss(X, T, None, 2.0)),
    bad("unknown keyword", TypeError, "unexpected keyword.*beta", lambda: fl.huber_loss(X, T, beta=1.0)),
    bad("option of another loss", TypeError, "unexpected keyword.*delta", lambda: fl.mse_loss(X, T, delta=1.0)),
    bad("operand twice", TypeError, "multiple values.*target", lambda: fl.mse_loss(X, T, target=T)),
    bad("wrt of a value", TypeError, "unexpected keyword.*wrt", lambda: fl.mse_loss(X, T, wrt="input")),
    bad(
        "grad_output of a value",
        TypeError,
        "unexpected keyword.*grad_output",
        lambda: fl.mse_loss(X, T, grad_output=1.0),
    ),
    bad("None as target", TypeError, "target", lambda: fl.mse_loss(X, None)),
    # wrt.
    bad("wrt unknown", ValueError, "wrt.*'inputs'", lambda: fl.mse_loss.grad(X, T, wrt="inputs")),
    bad("wrt out of range", ValueError, "wrt.*3", lambda: fl.mse_loss.grad(X, T, wrt=3)),
    bad("wrt not given", ValueError, "wrt.*'weight'", lambda: fl.mse_loss.grad(X, T, wrt="weight")),
    bad("wrt twice", ValueError, "wrt.*'input'", lambda: fl.mse_loss.grad(X, T, wrt=("input", 0))),
    bad("wrt of a float", TypeError, "wrt", lambda: fl.mse_loss.grad(X, T, wrt=1.5)),
    bad("wrt an option", ValueError, "wrt.*'delta'", lambda: fl.huber_loss.grad(X, T, wrt="delta")),
    # out.
    bad(
        "out of other shape",
        ValueError,
        r"out.*\(3, 2\).*\(2, 3\)",
        lambda: fl.mse_loss.grad(X, T, out=np.empty((2, 3))),
    ),
    bad(
        "out of other dtype",
        TypeError,
        "out.*int64",
        lambda: fl.mse_loss.grad(X, T, out=np.empty((3, 2), np.int64)),
    ),
    bad(
        "out of integers",
        TypeError,
        "out.*int64",
        lambda: fl.mse_loss(X, T, reduction="none", out=np.empty((3, 2), np.int64)),
    ),
    bad("out that is read-only", ValueError, "out.*read-only", lambda: fl.mse_loss.grad(X, T, out=READ_ONLY)),
    bad("out that is a list", TypeError, "out", lambda: fl.mse_loss.grad(X, T, out=[0.0] * 6)),
    bad(
        "out that overlaps itself",
        ValueError,
        "out",
        lambda: fl.mse_loss.grad(X, T, out=np.broadcast_to(np.zeros(2), (3, 2))),
    ),
    bad("out of a mean", ValueError, r"out.*shape \(\)", lambda: fl.mse_loss(X, T, out=np.empty((3, 2)))),
    bad(
        "one out for two gradients",
        TypeError,
        "out",
        lambda: fl.mse_loss.grad(X, T, wrt=("input", "target"), out=np.empty((3, 2))),
    ),
    bad(
        "three outs for two gradients",
        TypeError,
        "out",
        lambda: fl.mse_loss.grad(X, T, wrt=("input", "target"), out=(None,) * 3),
    ),
    bad("one out for two results", TypeError, "out", lambda: fl.mse_loss.grad_and_hess(X, T, out=np.empty((3, 2)))),
    # Values of the data.
    bad("negative variance", ValueError, "var.*>= 0", lambda: fl.gaussian_nll_loss(X, T, -V)),
    bad("negative variance, gradient", ValueError, "var", lambda: fl.gaussian_nll_loss.grad(X, T, -V)),
]


@pytest.mark.parametrize(("error", "message", "call"), BAD_CALLS)
def test_bad_call(error, message, call):
    with pytest.raises(error, match=message):
        call()


def test_the_table_is_long_enough():
    assert len(BAD_CALLS) >= 40


UNDER_ERRSTATE = [
    bad("target above 1", ValueError, "target.*between 0 and 1", lambda: bce(X, 1.5 * T)),
    bad("target below 0", ValueError, "target", lambda: bce.value_and_grad(X, -T)),
    bad("labels 0 and 1 as signed", ValueError, "target.*-1 or 1", lambda: fl.hinge_loss(X, T)),
    bad(
        "signed labels as 0 and 1", ValueError, "target.*0 or 1", lambda: fl.hinge_loss.grad(X, 2 * T - 1, labels="01")
    ),
]


@pytest.mark.parametrize(("error", "message", "call"), UNDER_ERRSTATE)
def test_bad_data_is_an_error_on_request_only(error, message, call):
    call()
    with fl.errstate(domain="raise"), pytest.raises(error, match=message):
        call()
    call()


@pytest.mark.parametrize("name", cases.NAMES)
def test_good_data_passes_every_check(name):
    operands = cases.sample(REFERENCES[name], cases.seed(name), 3000, np.float32)
    with fl.errstate(domain="raise", nonfinite="raise", empty="raise"):
        value, gradient = cases.loss(name).value_and_grad(**operands)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert set(REFERENCES[name].outside) == {o.name for o in cases.INFO[name].operands if o.domain}
    # NaN is data, not a value outside the domain.
    for operand in (o.name for o in REFERENCES[name].operands if not o.integer):
        missing = {**operands, operand: operands[operand].copy()}
        missing[operand][7] = np.nan
        with fl.errstate(domain="raise"):
            assert np.isnan(cases.loss(name)(**missing)), operand


@pytest.mark.parametrize("name", cases.NAMES)
def test_nonfinite_results_are_an_error_on_request(name):
    operands = cases.sample(REFERENCES[name], cases.seed(name), 3000, np.float32)
    extreme = cases.most_extreme(name)
    missing = {k: np.nan for k in extreme if not REFERENCES[name].operand(k).integer}
    for poison in (missing, *([] if "bounded" in REFERENCES[name].properties else [extreme])):
        for operand, x in poison.items():
            operands[operand][2999] = x
        for call in ({}, {"reduction": "sum"}, {"reduction": "none"}):
            cases.loss(name).value_and_grad(**operands, **call)
            with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match="finite"):
                cases.loss(name).value_and_grad(**operands, **call)


OUTSIDE = [(name, operand, x) for name in cases.NAMES for operand, x in REFERENCES[name].outside.items()]


@pytest.mark.parametrize(("name", "operand", "outside"), OUTSIDE)
def test_domains_are_checked_at_every_element_but_masked_ones(name, operand, outside):
    operands = cases.sample(REFERENCES[name], cases.seed(name), 9001, np.float32)
    always = REFERENCES[name].operand(operand).checked_always
    for position in (0, 1023, 1024, 9000):
        broken = {**operands, operand: operands[operand].copy()}
        broken[operand][position] = outside
        mask = np.arange(9001) != position
        for check in ("raise", "ignore"):
            with fl.errstate(domain=check):
                for team in (1, 3):
                    with fl.threads(team):
                        if always or check == "raise":
                            with pytest.raises(ValueError, match=operand):
                                cases.loss(name)(**broken)
                        else:
                            cases.loss(name)(**broken)
                assert cases.loss(name)(**broken, where=mask) == cases.loss(name)(**operands, where=mask)


def _operands(name):
    return {k: v.reshape(30, 20) for k, v in cases.sample(REFERENCES[name], cases.seed(name), 600, np.float64).items()}


@pytest.mark.parametrize("name", cases.NAMES)
def test_nothing_is_written_when_a_check_fails(name):
    loss, operands = cases.loss(name), _operands(name)
    out, first, *others = np.full((30, 20), 7.25), *REFERENCES[name].names
    broken = [
        SimpleNamespace(operands={**operands, first: np.ones((30, 20), complex)}, call={}, error=TypeError),
        SimpleNamespace(operands=operands, call={"reduction": "median"}, error=ValueError),
        SimpleNamespace(operands=operands, call={"normalizer": -1.0}, error=ValueError),
        SimpleNamespace(operands=operands, call={"sample_weight": np.ones(20)}, error=ValueError),
        SimpleNamespace(operands=operands, call={"where": np.ones(20, bool)}, error=ValueError),
        SimpleNamespace(operands=operands, call={"where": np.ones(30)}, error=TypeError),
        SimpleNamespace(operands=operands, call={"grad_output": np.ones(3)}, error=ValueError),
        SimpleNamespace(operands=operands, call={"nonsense": 1}, error=TypeError),
    ]
    for operand in others:
        transposed, numbers = np.ones((20, 30), operands[operand].dtype), np.ones((30, 20), complex)
        broken.append(SimpleNamespace(operands={**operands, operand: transposed}, call={}, error=ValueError))
        broken.append(SimpleNamespace(operands={**operands, operand: numbers}, call={}, error=TypeError))
    for option in cases.INFO[name].options:
        if option.kind == "number":
            broken.append(SimpleNamespace(operands=operands, call={option.name: float("nan")}, error=ValueError))
    for case in broken:
        for method in (loss.grad, loss.value_and_grad):
            with pytest.raises(case.error):
                method(**case.operands, **case.call, out=out)
        if "grad_output" not in case.call:
            with pytest.raises(case.error):
                loss(
                    **case.operands,
                    **{**case.call, **({} if "reduction" in case.call else {"reduction": "none"})},
                    out=out,
                )
    # The second of two outputs is wrong: the first stays as it was too.
    for second in cases.differentiable(name)[1:]:
        with pytest.raises(ValueError, match="out"):
            loss.grad(**operands, wrt=(first, second), out=(out, np.empty((20, 30))))
    if cases.INFO[name].elementwise:
        with pytest.raises(ValueError, match="out"):
            loss.grad_and_hess(**operands, out=(out, np.empty((20, 30))))
    assert (out == 7.25).all()


@pytest.mark.parametrize("name", cases.NAMES)
def test_every_operand_is_named_when_its_shape_is_wrong(name):
    for operand in REFERENCES[name].operands[1:]:
        operands = {**_operands(name), operand.name: np.ones((30, 19), operand.dtype(np.float64))}
        with pytest.raises(ValueError, match=rf"{name}.*{operand.name}.*\(30, 19\).*\(30, 20\)"):
            cases.loss(name)(**operands)


@pytest.mark.parametrize("name", [n for n in cases.NAMES if not cases.INFO[n].elementwise])
def test_losses_that_are_no_sums_have_no_hessian(name):
    for attribute in ("hess", "grad_and_hess", "ufunc", "grad_ufunc"):
        with pytest.raises(AttributeError, match=attribute):
            getattr(cases.loss(name), attribute)
