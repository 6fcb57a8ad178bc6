"""Reductions, weights, masks and denominators, with their gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES
from references.reductions import Unreduced, reduce

INF = float("inf")
SHAPE = (23, 61)
REDUCTIONS = ("none", "mean", "sum", "batchmean")


def _grid():
    """Every reduction with every combination of sample weights, mask and normalizer that means something."""
    weights, masks, normalizers = (
        (None, "rows", "column", "full"),
        (None, "rows", "full"),
        (None, 7.5, "count", "weight"),
    )
    for reduction, weight, mask, normalizer in itertools.product(REDUCTIONS, weights, masks, normalizers):
        if normalizer is None or reduction == "mean":
            yield reduction, weight, mask, normalizer


def _sample_weight(kind, rng, dtype):
    shape = {"rows": (SHAPE[0],), "column": (SHAPE[0], 1), "full": SHAPE}[kind]
    weights = rng.integers(0, 4, shape).astype(dtype)
    weights.flat[0] = 1
    return weights


def _where(kind, rng):
    mask = rng.random({"rows": (SHAPE[0],), "full": SHAPE}[kind]) < 0.7
    mask.flat[-1] = False
    return mask


def _call(kinds, rng, dtype):
    reduction, weight, mask, normalizer = kinds
    call = {"reduction": reduction}
    if weight is not None:
        call["sample_weight"] = _sample_weight(weight, rng, dtype)
    if mask is not None:
        call["where"] = _where(mask, rng)
    if normalizer is not None:
        call["normalizer"] = normalizer
    return call


def _operands(reference, rng, dtype, present):
    return {
        k: v.reshape(SHAPE)
        for k, v in cases.sample(reference, rng, SHAPE[0] * SHAPE[1], dtype, present=present).items()
    }


def _close(got, exact, scale, dtype, what):
    tolerance = 48 * np.finfo(dtype).eps
    np.testing.assert_allclose(
        got, np.asarray(exact).astype(dtype), rtol=tolerance, atol=tolerance * max(float(scale), 1e-30), err_msg=what
    )


@pytest.mark.parametrize(("name", "dtype"), cases.product_of_dtypes())
def test_value_and_derivatives_of_every_reduction(name, dtype):
    reference, loss = REFERENCES[name], cases.loss(name)
    for present in cases.presences(reference):
        operands = _operands(reference, cases.seed(name, present), dtype, present)
        exact_loss = Unreduced(reference, operands, {})
        for kinds in _grid():
            call = _call(kinds, cases.seed(name, kinds, present), dtype)
            want, what = exact_loss.reduce(**call), f"{kinds} {present}"
            wrt = [n for n in present if reference.operand(n).differentiable]
            value, gradients = loss.value_and_grad(**operands, **call, wrt=wrt)
            np.testing.assert_array_equal(value, loss(**operands, **call), err_msg=what, strict=True)
            _close(value, want.value, np.max(want.scale), dtype, what)
            for operand, gradient in zip(wrt, gradients, strict=True):
                exact = want.gradients[operand]
                _close(gradient, exact, want.scales[operand], dtype, f"{what} {operand}")
                if "where" in call:
                    masked = ~np.broadcast_to(
                        call["where"].reshape(call["where"].shape + (1,) * (2 - call["where"].ndim)), SHAPE
                    )
                    assert masked.any()
                    assert not np.any(gradient[masked]), what
            if cases.INFO[name].elementwise:
                hessian = loss.hess(**operands, **call)
                _close(hessian, want.hessian, np.max(np.abs(want.hessian)), dtype, f"{what} hessian")
                slope, again = loss.grad_and_hess(**operands, **call)
                _close(again, want.hessian, np.max(np.abs(want.hessian)), dtype, f"{what} hessian with gradient")
                _close(
                    slope,
                    want.gradients[reference.first],
                    want.scales[reference.first],
                    dtype,
                    f"{what} gradient with hessian",
                )


@pytest.mark.parametrize("name", cases.NAMES)
def test_options_reach_every_reduction(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    for options in cases.option_sets(reference):
        operands = _operands(reference, cases.seed(name, "options"), np.float64, None)
        exact_loss = Unreduced(reference, operands, options)
        for reduction in REDUCTIONS:
            want = exact_loss.reduce(reduction)
            value, gradient = loss.value_and_grad(**operands, **options, reduction=reduction)
            _close(value, want.value, np.max(want.scale), np.float64, f"{options} {reduction}")
            _close(
                gradient,
                want.gradients[reference.first],
                want.scales[reference.first],
                np.float64,
                f"{options} {reduction}",
            )


@pytest.mark.parametrize("name", cases.NAMES)
def test_gradient_of_the_mean_is_its_slope(name):
    # Independent of the quotient rule in the references: differences of the reduced value itself.
    reference, loss = REFERENCES[name], cases.loss(name)
    drawn = cases.sample(reference, cases.seed(name, "slope of the mean"), 100, np.float64)
    smooth = np.ones(100, bool)
    if reference.pointwise.distance_to_kink is not None:
        exact = cases.Exact(reference, drawn, {}, np.float64)
        smooth = reference.pointwise.distance_to_kink(**exact.operands, **exact.options) > 0.01
    operands = {k: v[smooth][:12] for k, v in drawn.items()}
    call = {"sample_weight": np.linspace(0.5, 2, 12)}
    for operand in (n for n in reference.names if reference.operand(n).differentiable):
        gradient = loss.grad(**operands, **call, wrt=operand)
        for i in range(12):
            h = 1e-6
            moved = [{**operands, operand: operands[operand] + h * sign * (np.arange(12) == i)} for sign in (1, -1)]
            slope = (loss(**moved[0], **call) - loss(**moved[1], **call)) / (2 * h)
            np.testing.assert_allclose(gradient[i], slope, rtol=1e-6, atol=1e-8, err_msg=f"{operand}[{i}]")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", cases.NAMES)
def test_grad_output_multiplies_every_derivative(name, reduction):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = _operands(reference, cases.seed(name, "flow"), np.float64, None)
    wrt = cases.differentiable(name)
    flows = [-2.5, np.float64(0.5), 0.0]
    if reduction == "none":
        flows.append(cases.seed(name).standard_normal(SHAPE))
        flows.append(np.asfortranarray(flows[-1]))
    exact_loss = Unreduced(reference, operands, {})
    for flow in flows:
        want = exact_loss.reduce(reduction, grad_output=flow)
        value, gradients = loss.value_and_grad(**operands, reduction=reduction, grad_output=flow, wrt=wrt)
        np.testing.assert_array_equal(value, loss(**operands, reduction=reduction))
        for operand, gradient in zip(wrt, gradients, strict=True):
            exact = want.gradients[operand]
            _close(gradient, exact, want.scales[operand], np.float64, f"{operand} {np.shape(flow)}")


@pytest.mark.parametrize("name", cases.NAMES)
def test_the_same_bits_with_and_without_the_gradient(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    for dtype, count in itertools.product(cases.DTYPES, (1, 5, 1000, 1025, 8193, 100003)):
        operands = cases.sample(reference, cases.seed(name, count), count, dtype)
        for call in (
            {},
            {"reduction": "sum"},
            {"sample_weight": np.linspace(1, 0.25, count)},
            {"where": np.arange(count) % 3 != 1},
        ):
            for wrt in (None, cases.differentiable(name)):
                assert loss(**operands, **call) == loss.value_and_grad(**operands, **call, wrt=wrt)[0], (
                    dtype,
                    count,
                    call.keys(),
                )


def _poison(x, dtype):
    """The number, or what is no index and no count where it has to be an integer."""
    return dtype.type(x) if dtype.kind == "f" else np.iinfo(dtype).min


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_masked_elements_are_never_read_into_arithmetic(name, dtype):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = _operands(reference, cases.seed(name, "masked"), dtype, None)
    mask = _where("full", cases.seed(name, "mask"))
    wrt = cases.differentiable(name)
    for poison in (np.nan, INF, -1.0, 1e30):
        poisoned = {k: np.where(mask, v, _poison(poison, v.dtype)) for k, v in operands.items()}
        for reduction in REDUCTIONS:
            call = {"where": mask, "reduction": reduction}
            clean, dirty = (loss.value_and_grad(**x, **call, wrt=wrt) for x in (operands, poisoned))
            np.testing.assert_array_equal(dirty[0], clean[0], err_msg=f"{poison} {reduction}")
            for operand, one, other in zip(wrt, clean[1], dirty[1], strict=True):
                np.testing.assert_array_equal(other, one, err_msg=f"{poison} {reduction} {operand}")
            if cases.INFO[name].elementwise:
                np.testing.assert_array_equal(loss.hess(**poisoned, **call), loss.hess(**operands, **call))
    # A mask of fewer axes is stretched over the operands.
    rows = np.arange(SHAPE[0]) % 2 == 0
    for operand, x in operands.items():
        poisoned = x.copy()
        poisoned[~rows] = _poison(np.nan, x.dtype)
        assert loss(**{**operands, operand: poisoned}, where=rows) == loss(**operands, where=rows)


@pytest.mark.parametrize("name", cases.NAMES)
def test_a_zero_weight_wins_over_an_infinite_loss(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = cases.sample(reference, cases.seed(name, "zero"), 40, np.float64)
    kept = np.arange(40) % 4 > 0
    for operand, x in cases.most_extreme(name).items():
        operands[operand][~kept] = x
    assert np.isinf(loss(**operands)) or "bounded" in reference.properties
    weights = [{"sample_weight": kept.astype(float)}]
    weights += [{o.name: kept.astype(float)} for o in reference.operands if o.multiplies]
    clean = {k: v[kept] for k, v in operands.items()}
    for weight in weights:
        for reduction in ("mean", "sum"):
            dirty = {**operands, **weight}
            ones = {**clean, **{k: np.ones(kept.sum()) for k in weight}}
            value, gradient = loss.value_and_grad(**dirty, reduction=reduction)
            want, slope = loss.value_and_grad(**ones, reduction=reduction)
            counted = "sample_weight" not in weight and reference.share == "count"
            factor = 0.75 if reduction == "mean" and counted else 1
            np.testing.assert_allclose(value, want * factor, rtol=1e-14)
            np.testing.assert_allclose(gradient[kept], slope * factor, rtol=1e-13)
            assert not gradient[~kept].any()


@pytest.mark.parametrize("name", cases.NAMES)
def test_mean_of_nothing(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    full = cases.sample(reference, cases.seed(name), 6, np.float32)
    nothing = [
        ({k: v[:0] for k, v in full.items()}, {}),
        (full, {"where": np.zeros(6, bool)}),
        (full, {"sample_weight": np.zeros(6)}),
    ]
    if reference.share in full:
        nothing.append(({**full, reference.share: np.zeros(6, np.float32)}, {}))
    for operands, call in nothing:
        wrt = [n for n in operands if reference.operand(n).differentiable]
        value, gradients = loss.value_and_grad(**operands, **call, wrt=wrt)
        assert np.isnan(value), call
        assert value.dtype == np.float32, call
        for operand, gradient in zip(wrt, gradients, strict=True):
            np.testing.assert_array_equal(
                gradient, np.zeros_like(operands[operand]), err_msg=f"{call} {operand}", strict=True
            )
        total, gradient = loss.value_and_grad(**operands, **call, reduction="sum")
        assert total == 0
        assert not gradient.any()
        with fl.errstate(empty="zero"):
            value, gradient = loss.value_and_grad(**operands, **call)
            assert value == 0
            assert not gradient.any()
        with fl.errstate(empty="raise"), pytest.raises(ValueError, match="mean"):
            loss(**operands, **call)


@pytest.mark.parametrize("name", cases.NAMES)
def test_weights_of_one_change_nothing(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = _operands(reference, cases.seed(name), np.float64, cases.presences(reference)[0])
    for reduction in REDUCTIONS:
        plain = loss.value_and_grad(**operands, reduction=reduction)
        for call in ({"sample_weight": np.ones(SHAPE[0])}, {"where": np.ones(SHAPE, bool)}, {"where": np.True_}):
            value, gradient = loss.value_and_grad(**operands, reduction=reduction, **call)
            np.testing.assert_allclose(value, plain[0], rtol=1e-15)
            np.testing.assert_allclose(gradient, plain[1], rtol=1e-15)


def _constants(name):
    """The same numbers for every element, which no sum in float32 adds up exactly."""
    constants = {}
    for operand in REFERENCES[name].operands:
        share = next((x for x in (0.3, 1.1) if cases.domain(name, operand.name).contains(x)), None)
        constants[operand.name] = cases.bare_number(name, operand.name) if operand.integer or share is None else share
    first = REFERENCES[name].first
    doubled = 2 * constants[first]
    return {**constants, first: doubled if cases.domain(name, first).contains(doubled) else constants[first]}


@pytest.mark.parametrize("name", cases.NAMES)
@pytest.mark.parametrize("constant", [False, True])
def test_float32_mean_of_many_elements(name, constant):
    reference, count = REFERENCES[name], 3_000_000
    present = cases.presences(reference)[0]
    if constant:
        numbers = _constants(name)
        drawn = {n: np.array([numbers[n]], reference.operand(n).dtype(np.float32)) for n in present}
    else:
        drawn = cases.sample(reference, cases.seed(name, "many"), 20_000, np.float32, present=present)
    # A mean is that of any number of copies.
    want = reduce(reference, drawn, {}, "mean")
    magnitude = want.scale if reference.head is None else np.abs(want.value)
    mean = cases.loss(name)(**{k: np.tile(v, count // v.size) for k, v in drawn.items()})
    # It keeps the rounding error of the one element, which is large where terms of a loss cancel.
    own = abs(float(cases.loss(name)(**drawn)) - want.value) if constant else 0
    assert abs(float(mean) - want.value) <= 1e-6 * magnitude + own


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_a_reduced_value_goes_to_out(name, dtype):
    operands, out = cases.sample(REFERENCES[name], cases.seed(name), 300, dtype), np.empty((), dtype)
    assert cases.loss(name)(**operands, out=out) is out
    assert out == cases.loss(name)(**operands)
