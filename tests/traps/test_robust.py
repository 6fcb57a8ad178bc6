"""What robust losses get wrong in the wild: huge and tiny residuals, widths of every size, one side forgotten."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

INF = float("inf")
WIDE = ("cauchy_loss", "welsch_loss", "geman_mcclure_loss", "tukey_loss", "fair_loss")
NAMES = (*WIDE, "balanced_l1_loss", "wing_loss")


def zero_like(x):
    return np.zeros_like(x)


@pytest.mark.parametrize("name", NAMES)
def test_trap_021_both_sides_count(name):
    r = np.array([0.25, 1.0, 5.0, 300.0])
    loss = cases.loss(name)
    np.testing.assert_array_equal(loss(-r, zero_like(r), reduction="none"), loss(r, zero_like(r), reduction="none"))
    gradient = loss.grad(r, zero_like(r), reduction="none")
    np.testing.assert_array_equal(loss.grad(-r, zero_like(r), reduction="none"), -gradient)
    assert (gradient >= 0).all()
    assert gradient[0] > 0


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_017_022_huge_residuals(dtype):
    huge = np.array([np.finfo(dtype).max, -np.finfo(dtype).max / 4], dtype)
    wide = np.abs(huge.astype(cases.LONG))
    expected = {
        "cauchy_loss": (2 * np.log(wide) - np.log(cases.LONG(2)), 2 / wide, -2 / wide**2),
        "welsch_loss": (1, 0, 0),
        "geman_mcclure_loss": (2, 16 / wide**3, -48 / wide**4),
        "tukey_loss": (4.685**2 / 6, 0, 0),
        "fair_loss": (wide, 1, 1 / wide**2),
        "balanced_l1_loss": (1.5 * wide, 1.5, 0),
        "wing_loss": (wide, 1, 0),
    }
    for name, (value, slope, curvature) in expected.items():
        loss = cases.loss(name)
        close = {"rtol": 8 * np.finfo(dtype).eps, "atol": float(np.finfo(dtype).smallest_subnormal)}
        with np.errstate(over="ignore", under="ignore"):
            want = [np.broadcast_to(np.asarray(x, cases.LONG), 2).astype(dtype) for x in (value, slope, curvature)]
        got, gradient = loss.value_and_grad(huge, zero_like(huge), reduction="none")
        np.testing.assert_allclose(got, want[0], **close, err_msg=name)
        np.testing.assert_allclose(gradient, np.sign(huge) * want[1], **close, err_msg=name)
        np.testing.assert_allclose(loss.hess(huge, zero_like(huge), reduction="none"), want[2], **close, err_msg=name)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", WIDE)
def test_tiny_residuals_are_squared_not_lost(name, dtype):
    r = np.array([1e-3, 1e-8, -1e-15], dtype)
    loss = cases.loss(name)
    exact = r.astype(cases.LONG) ** 2 / 2
    # The next term is of relative size r: nothing else may be missing.
    for value, want in (
        (loss(r, zero_like(r), reduction="none"), exact),
        (loss.grad(r, zero_like(r), reduction="none"), r),
        (loss.hess(r, zero_like(r), reduction="none"), np.ones(3)),
    ):
        np.testing.assert_allclose(value[1:], want[1:].astype(dtype), rtol=4 * np.finfo(dtype).eps + 2e-8)
        np.testing.assert_allclose(value[0], float(want[0]), rtol=3e-3)
    assert loss.hess(zero_like(r), zero_like(r), reduction="none")[0] == 1


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", WIDE)
def test_widths_of_every_size(name, dtype, isa, use_isa):
    use_isa(isa)
    reference = REFERENCES[name]
    widths = (1e-30, 1e-10, 1e10, 1e30) if dtype is np.float32 else (1e-300, 1e-100, 1e100, 1e300)
    for c in widths:
        rng = cases.seed(name, "widths", np.dtype(dtype), c)
        operands = cases.sample(reference, rng, 3000, dtype, "wide")
        # Half of them near the width, where the formula has its shape.
        operands["input"][::2] = (c * 4 * rng.standard_normal(1500)).astype(dtype)
        operands["target"][::2] = 0
        exact = cases.Exact(reference, operands, {"c": c}, dtype)
        for quantity in cases.quantities(name):
            got = cases.compute(name, quantity, operands, {"c": c})
            what = f"{quantity} c={c}"
            cases.assert_within(got, exact(quantity), exact.bound(quantity), dtype, what)


@pytest.mark.parametrize("name", NAMES)
def test_widths_are_validated(name):
    for option in cases.INFO[name].options:
        for bad in (0.0, -1.0, float("nan")):
            with pytest.raises(ValueError, match=option.name):
                cases.loss(name)([1.0], [0.0], **{option.name: bad})


def test_families_of_one_another():
    r = np.linspace(-30, 30, 1001)
    zero = zero_like(r)

    def each(loss, **options):
        return loss(r, zero, reduction="none", **options)

    # Geman and McClure's own form; Cauchy as the negative log-likelihood of a Student t with two degrees of freedom.
    np.testing.assert_allclose(each(fl.geman_mcclure_loss, c=0.5) / 2, r**2 / (r**2 + 1), rtol=1e-14)
    np.testing.assert_allclose(each(fl.cauchy_loss), np.log(2 + r**2) - np.log(2), rtol=1e-12, atol=1e-15)
    # Balanced L1 and wing in the words of their papers.
    a, b = np.abs(r), np.expm1(3.0)
    inside = 0.5 / b * (b * a + 1) * np.log(b * a + 1) - 0.5 * a
    np.testing.assert_allclose(
        each(fl.balanced_l1_loss), np.where(a < 1, inside, 1.5 * a + 1.5 / b - 0.5), rtol=1e-12, atol=1e-15
    )
    constant = 5 - 5 * np.log(1 + 5 / 0.5)
    np.testing.assert_allclose(
        each(fl.wing_loss), np.where(a < 5, 5 * np.log(1 + a / 0.5), a - constant), rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_balanced_l1_whose_growth_overflows(dtype):
    # b = exp(gamma / alpha) - 1 is beyond the dtype; log(b a + 1) is not.
    alpha, gamma = 2.0**-10, 1.0
    a = np.array([1e-3, 0.5, 2.0], dtype)
    value, gradient = fl.balanced_l1_loss.value_and_grad(a, zero_like(a), alpha=alpha, gamma=gamma, reduction="none")
    logarithm = gamma / alpha + np.log(a.astype(cases.LONG))
    np.testing.assert_allclose(gradient, [*(alpha * logarithm[:2]), gamma], rtol=1e-5 if dtype is np.float32 else 1e-14)
    want = [*(alpha * a[:2] * (logarithm[:2] - 1)), 2 * gamma - alpha]
    np.testing.assert_allclose(value, np.array(want, float), rtol=1e-5 if dtype is np.float32 else 1e-14)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_tip_of_a_wing(dtype):
    zero = np.zeros(2, dtype)
    assert not fl.wing_loss.grad(zero, zero, reduction="none").any()
    np.testing.assert_array_equal(fl.wing_loss.hess(zero, zero, reduction="none"), np.full(2, -20, dtype))
    # A tip so sharp that the quotient overflows.
    value = fl.wing_loss(np.array([1.0], dtype), zero[:1], curvature=float(np.finfo(dtype).smallest_subnormal))
    assert float(value) == pytest.approx(-5 * float(np.log(np.finfo(dtype).smallest_subnormal)), rel=1e-6)
