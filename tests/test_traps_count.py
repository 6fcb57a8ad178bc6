"""What likelihoods of counts get wrong in the wild, one test each; the numbers are those of the list of traps."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cases
import fastloss as fl

INF, NAN = float("inf"), float("nan")


def everything(loss, *operands, **options):
    """The value and the gradients in all operands, of one element."""
    wrt = tuple(o.name for o in loss.info.operands[: len(operands)] if o.differentiable)
    value, gradients = loss.value_and_grad(*([x] for x in operands), **options, wrt=wrt)
    return [float(value), *(float(g[0]) for g in gradients)]


def test_trap_028_a_rate_of_zero():
    rate = fl.poisson_nll_loss.partial(log_input=False)
    assert everything(rate, 0.0, 0.0)[:2] == [0.0, 1.0]
    assert everything(rate, 0.0, 1.0) == pytest.approx([-math.log(1e-8), 1 - 1e8, -math.log(1e-8)], rel=1e-15)
    # Where PyTorch has NaN.
    assert everything(rate, 0.0, 0.0, eps=0.0) == [0.0, 1.0, INF]
    assert everything(rate, 0.0, 1.0, eps=0.0) == [INF, -INF, INF]


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_028_a_rate_that_overflows(dtype):
    huge = np.array([100.0, 3e38, INF], dtype) * (1 if dtype == np.float32 else 10)
    for target in (0, 1, 5.0):
        value, (slope, by_target) = fl.poisson_nll_loss.value_and_grad(
            huge, target, reduction="none", wrt=("input", "target")
        )
        assert (value == INF).all()
        assert (slope == INF).all()
        assert by_target == -INF


@pytest.mark.parametrize("eps", [0.0, 1e-8, 2.0])
@pytest.mark.parametrize("target", [0.0, 1.0, 3.0])
def test_trap_029_a_negative_rate_is_nan_in_value_and_gradient(target, eps):
    call = {"log_input": False, "eps": eps}
    assert np.isnan(everything(fl.poisson_nll_loss, -1.0, target, **call)).all()
    assert np.isnan(fl.poisson_nll_loss.hess([-1.0], [target], **call)).all()
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="input"):
        fl.poisson_nll_loss([-1.0], [target], **call)
    assert not np.isnan(fl.poisson_nll_loss([-1.0], [target]))
    assert not np.isnan(fl.poisson_nll_loss([-0.0], [target], **call))


def test_trap_030_stirling_and_the_exact_factorial():
    value = fl.poisson_nll_loss([0.3] * 3, [1.0, np.nextafter(1.0, 2), 2.0], full=True, reduction="none")
    plain = fl.poisson_nll_loss([0.3] * 3, [1.0, np.nextafter(1.0, 2), 2.0], reduction="none")
    stirling = 2 * math.log(2) - 2 + math.log(4 * math.pi) / 2
    np.testing.assert_allclose(value - plain, [0, math.log(2 * math.pi) / 2 - 1, stirling], atol=1e-14)
    counts = np.arange(171)
    added = fl.poisson_nll_loss(0 * counts, counts, log_factorial=True, reduction="none") - 1
    np.testing.assert_allclose(added, [math.lgamma(n + 1) for n in counts], rtol=1e-14, atol=1e-15)
    # The exact one takes the place of the other.
    both = fl.poisson_nll_loss(0 * counts, counts, full=True, log_factorial=True, reduction="none") - 1
    np.testing.assert_array_equal(both, added)


def test_trap_031_no_nan_leaks_from_the_logarithm_of_a_target_of_zero():
    for option in ("full", "log_factorial"):
        value, slope, by_target = everything(fl.poisson_nll_loss, 0.75, 0.0, **{option: True})
        assert [value, slope] == [math.exp(0.75)] * 2
        assert by_target == pytest.approx(-0.75 + (0 if option == "full" else -np.euler_gamma), rel=1e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.bool_])
def test_counts_of_every_integer_dtype(dtype):
    counts = np.array([0, 1, 1, 100], dtype)
    x = np.array([0.5, -1, 2, 4], np.float32)
    value, gradient = fl.poisson_nll_loss.value_and_grad(x, counts)
    assert value.dtype == gradient.dtype == np.float32
    assert value == fl.poisson_nll_loss(x, counts.astype(np.float32))
    np.testing.assert_array_equal(gradient, fl.poisson_nll_loss.grad(x, counts.astype(np.float32)))


def test_large_counts_keep_the_digits_of_a_small_likelihood():
    # -log of a probability near its largest, of which every term is about 1e7.
    counts = np.array([1e6, 1e6 + 1000.0])
    value = fl.poisson_nll_loss(np.log(1e6) + 0 * counts, counts, log_factorial=True, reduction="none")
    np.testing.assert_allclose(value, [7.82669390, 8.32702706], rtol=1e-8)
