"""Exactly at the kinks, at zeros of both signs, at infinity, and at NaN: value, every gradient, Hessian."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
from references import REFERENCES

INF = float("inf")
KINKS = [
    pytest.param(cases.Check(name, f"kink:{kink.label}"), kink, id=f"{name}-{kink.label}".replace(" ", "_"))
    for name in cases.NAMES
    for kink in REFERENCES[name].pointwise.kinks
]


def _compare(got, want, dtype, what):
    got = np.asarray(got)
    assert got.dtype == dtype, what
    np.testing.assert_allclose(got, np.full(got.shape, want, dtype), rtol=4 * np.finfo(dtype).eps, atol=0, err_msg=what)
    if want == 0:
        assert np.all(got == 0), what


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("check", "kink"), KINKS)
def test_convention_at_a_kink(check, kink, dtype, use_isa):
    # Among ordinary elements, at the start, inside and at the end of a pack.
    for isa, (count, positions) in itertools.product(cases.ISAS, ((1, [0]), (37, [0, 16, 36]))):
        use_isa(isa)
        operands = cases.sample(REFERENCES[check.loss], cases.seed(check), count, dtype, present=tuple(kink.operands))
        for name, x in kink.operands.items():
            operands[name][positions] = x
        value = cases.compute(check.loss, "value", operands, kink.options)
        _compare(value[positions], kink.value, dtype, f"value {isa}")
        for name, want in kink.gradients.items():
            got = cases.compute(check.loss, f"gradient:{name}", operands, kink.options)
            _compare(got[positions], want, dtype, f"gradient in {name} {isa}")
        if kink.hessian is not None:
            hessian = cases.compute(check.loss, "hessian", operands, kink.options)
            _compare(hessian[positions], kink.hessian, dtype, f"hessian {isa}")


@pytest.mark.parametrize("name", cases.NAMES)
def test_a_zero_loss_is_positive_zero(name):
    for kink in REFERENCES[name].pointwise.kinks:
        operands = cases.arrays(REFERENCES[name], {k: [v] * 5 for k, v in kink.operands.items()}, np.float64)
        for reduction in ("none", "mean", "sum"):
            value = np.asarray(cases.loss(name)(**operands, **kink.options, reduction=reduction))
            assert not np.signbit(value[value == 0]).any(), kink.label


def _specials(operand, dtype):
    if operand.integer:
        return operand.specials
    info = np.finfo(dtype)
    return [float(np.clip(x, -info.max, info.max)) if np.isfinite(x) else x for x in operand.specials]


# Every special value meets every other; where an operand may be infinite, infinity is among them.
SPECIALS = [
    cases.Check(name, f"inf:{reference.first}" if INF in reference.operands[0].specials else "specials")
    for name, reference in REFERENCES.items()
    if name in cases.NAMES
]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("check", SPECIALS, ids=str)
def test_every_combination_of_special_values(check, dtype, use_isa):
    reference = REFERENCES[check.loss]
    for options, present in cases.settings(reference):
        choices = {n: _specials(reference.operand(n), dtype) for n in present}
        operands = cases.combinations(reference, choices, dtype)
        exact = cases.Exact(reference, operands, options, dtype)
        for isa in cases.ISAS:
            use_isa(isa)
            _check_everything(check.loss, exact, operands, options, f"{options} {present} {isa}")


def _check_everything(name, exact, operands, options, what):
    for quantity in cases.quantities(name):
        operand = quantity.removeprefix("gradient:")
        if operand in exact.reference.names and operand not in operands:
            continue
        got, want = cases.compute(name, quantity, operands, options), exact(quantity)
        if quantity == "hessian":
            # Where infinities make the loss NaN, a constant curvature may stand.
            want = np.where(np.isnan(exact("value")) & ~exact.missing, got, want)
        cases.assert_within(got, want, exact.bound(quantity), exact.dtype, f"{quantity} {what}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    "check",
    [
        cases.Check(name, f"nan:{operand.name}")
        for name in cases.NAMES
        for operand in REFERENCES[name].operands
        if not operand.integer
    ],
    ids=str,
)
def test_nan_in_an_operand_is_nan_at_that_element_only(check, dtype, use_isa):
    reference, victim = REFERENCES[check.loss], check.what.removeprefix("nan:")
    for options, isa in itertools.product(cases.option_sets(reference), cases.ISAS):
        use_isa(isa)
        operands = cases.sample(reference, cases.seed(check), 2100, dtype)
        clean = {q: cases.compute(check.loss, q, operands, options) for q in cases.quantities(check.loss)}
        at = np.zeros(2100, bool)
        at[[0, 5, 63, 64, 1024, 2099]] = True
        operands[victim][at] = np.nan
        for quantity, before in clean.items():
            after = cases.compute(check.loss, quantity, operands, options)
            what = f"{quantity} {options} {isa}"
            assert np.isnan(after[at]).all(), what
            np.testing.assert_array_equal(after[~at], before[~at], err_msg=what)
        for reduction in ("mean", "sum", "batchmean"):
            value, gradient = cases.loss(check.loss).value_and_grad(**operands, **options, reduction=reduction)
            assert np.isnan(value)
            assert np.isnan(gradient[at]).all()


@pytest.mark.parametrize("name", cases.NAMES)
def test_a_nan_result_has_a_nan_gradient(name):
    # inf - inf, inf * 0 and the like: no operand is NaN, and the value is.
    reference = REFERENCES[name]
    present = cases.presences(reference)[0]
    specials = {n: reference.operand(n).specials for n in present}
    choices = {n: [x for x in xs if x in (-INF, 0, INF)] or xs[:2] for n, xs in specials.items()}
    operands = cases.combinations(reference, choices, np.float64)
    value = cases.compute(name, "value", operands, {})
    for operand in (n for n in present if reference.operand(n).differentiable):
        gradient = cases.compute(name, f"gradient:{operand}", operands, {})
        assert np.isnan(gradient[np.isnan(value)]).all(), operand


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_the_optimum_has_no_slope(name, dtype):
    reference = REFERENCES[name].pointwise
    first = reference.first
    operands = cases.sample(reference, cases.seed(name, "optimum"), 300, dtype)
    elsewhere = np.abs(cases.compute(name, f"gradient:{first}", operands, {}))
    if reference.optimum is None:
        assert "no optimum" in reference.properties, f"{name}: the reference names no optimum"
        assert (elsewhere > 0).any()
        return
    exact = cases.Exact(reference, operands, {}, dtype)
    others = {k: v for k, v in exact.operands.items() if k != first}
    at = np.asarray(reference.optimum(**others, **exact.options)).astype(dtype)
    assert np.mean(elsewhere > 1e-3) > 0.2
    gradient = cases.compute(name, f"gradient:{first}", {**operands, first: at}, {})
    size = 1 + np.where(np.isfinite(at), np.abs(at), 0)
    slack = np.maximum(1, elsewhere)
    if cases.INFO[name].elementwise:
        slack = np.maximum(slack, np.nan_to_num(np.abs(cases.compute(name, "hessian", {**operands, first: at}, {}))))
    assert np.all(np.abs(gradient) <= 16 * np.finfo(dtype).eps * size * slack)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_tiny_losses_keep_their_digits(dtype):
    logits = np.array([-20.0, -50.0, -85.0, 20.0, 80.0], dtype)
    target = (logits > 0).astype(dtype)
    exact = np.log1p(np.exp(-np.abs(logits.astype(cases.LONG))))
    value = cases.compute("binary_cross_entropy_with_logits", "value", {"input": logits, "target": target}, {})
    assert (value > 0).all()
    cases.assert_within(value, exact, 4 * cases.ulp(exact, dtype), dtype)
