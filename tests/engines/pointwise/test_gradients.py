"""Every gradient and the Hessian of every loss: against the independent reference, and against differences."""

from __future__ import annotations

import numpy as np
import pytest

import cases
from references import REFERENCES


@pytest.mark.parametrize(("check", "dtype"), cases.derivatives(), ids=str)
def test_derivative_over_the_whole_range(check, dtype, use_isa):
    for options, present in cases.settings(REFERENCES[check.loss]):
        if check.what.removeprefix("gradient:") not in (*present, "hessian"):
            continue
        operands, exact = cases.hostile(check.loss, options, present, dtype)
        want, bound = exact(check.what), exact.bound(check.what)
        for isa in cases.ISAS:
            use_isa(isa)
            what = f"{check} {options} {present} {isa}"
            cases.assert_within(cases.compute(check.loss, check.what, operands, options), want, bound, dtype, what)
            cases.assert_within(_together(check, operands, options), want, bound, dtype, what + " together")


def _together(check, operands, options):
    """The same derivative from the call that computes two things at once."""
    loss = cases.loss(check.loss)
    if check.what == "hessian":
        return loss.grad_and_hess(**operands, **options, reduction="none")[1]
    return loss.value_and_grad(**operands, **options, reduction="none", wrt=check.what.removeprefix("gradient:"))[1]


def _away_from_kinks(reference, operands, options, distance):
    if reference.pointwise.distance_to_kink is None:
        return operands
    exact = cases.Exact(reference, operands, options, np.float64)
    keep = reference.pointwise.distance_to_kink(**exact.operands, **exact.options) > distance
    assert np.count_nonzero(keep) > 100
    return {name: x[keep] for name, x in operands.items()}


def _differences(function, x, domain):
    """Fourth-order central differences, with steps that suit the magnitude of x and stay inside its domain."""
    h = np.minimum(1e-4 * np.maximum(np.abs(x), 0.5), domain.room(x) / 100)
    assert (h > 0).all()
    return (8 * (function(x + h) - function(x - h)) - (function(x + 2 * h) - function(x - 2 * h))) / (12 * h)


@pytest.mark.parametrize("check", cases.checks("gradient"), ids=str)
def test_gradient_is_the_slope_of_the_value(check):
    reference, operand = REFERENCES[check.loss], check.what.removeprefix("gradient:")
    for options in cases.option_sets(reference):
        if any(operand in reference.not_slopes.get(option, ()) for option in options):
            continue
        drawn = cases.sample(reference, cases.seed(check, "differences"), 600, np.float64)
        operands = _away_from_kinks(reference, drawn, options, 0.05)

        def value(x, operands=operands, options=options):
            return cases.compute(check.loss, "value", {**operands, operand: x}, options)

        gradient = cases.compute(check.loss, check.what, operands, options)
        np.testing.assert_allclose(
            gradient,
            _differences(value, operands[operand], cases.domain(check.loss, operand)),
            rtol=1e-6,
            atol=1e-6,
            err_msg=str(options),
        )


@pytest.mark.parametrize("check", cases.checks("hessian"), ids=str)
def test_hessian_is_the_slope_of_the_gradient(check):
    reference = REFERENCES[check.loss]
    first = reference.first
    for options in cases.option_sets(reference):
        drawn = cases.sample(reference, cases.seed(check, "differences"), 600, np.float64)
        operands = _away_from_kinks(reference, drawn, options, 0.05)

        def slope(x, operands=operands, options=options):
            return cases.compute(check.loss, f"gradient:{first}", {**operands, first: x}, options)

        hessian = cases.compute(check.loss, "hessian", operands, options)
        np.testing.assert_allclose(
            hessian,
            _differences(slope, operands[first], cases.domain(check.loss, first)),
            rtol=1e-6,
            atol=1e-6,
            err_msg=str(options),
        )


@pytest.mark.parametrize("name", cases.NAMES)
def test_several_gradients_at_once_equal_single_ones(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = cases.sample(reference, cases.seed(name, "several"), 3000, np.float32)
    wrt = cases.differentiable(name)
    value, gradients = loss.value_and_grad(**operands, wrt=wrt)
    assert isinstance(gradients, tuple)
    assert len(gradients) == len(wrt)
    assert value == loss(**operands)
    for operand, gradient in zip(wrt, gradients, strict=True):
        np.testing.assert_array_equal(gradient, loss.grad(**operands, wrt=operand), err_msg=operand)
        position = reference.names.index(operand)
        np.testing.assert_array_equal(gradient, loss.grad(**operands, wrt=position), err_msg=operand)
    backwards = loss.grad(**operands, wrt=wrt[::-1])
    for one, other in zip(gradients, backwards[::-1], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loss.grad(**operands), gradients[0])
