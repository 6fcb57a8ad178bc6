"""Sums of a loss of regions and one of pixels: against their definition, and against two calls of this library."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines.region.adapter import Compound
from references import COMPOUND_REFERENCES, region_draws
from references.region_compounds import SHARED, CompoundLoss

NAMES = list(COMPOUND_REFERENCES)
BOTH = ("input", "target")
REDUCTIONS = ("sum", "batchmean", "mean")
STEP = 1e-6


def drawn(name, shape, axis=1, kind="index", dtype=np.float64, **more):
    """Logits, which depend on the names of a test alone."""
    rng = cases.seed(name, shape, axis, kind)
    return region_draws.ordinary(rng, shape, axis, kind, dtype, from_logits=True, **more)


def wrt_of(operands):
    return BOTH if operands["target"].dtype.kind == "f" else ("input",)


def results(name, operands, **call):
    """Value and gradients."""
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt_of(operands), **call)
    return [value, *gradients]


def assert_right(name, operands, dtype, axis, what, reduction="mean", **keywords):
    """Against the definition, of any axis of classes."""
    of_call = {k: keywords.pop(k) for k in ("where", "ignore_index") if k in keywords}
    want = CompoundLoss(COMPOUND_REFERENCES[name], operands, keywords, axis=axis, **of_call).reduce(reduction)
    value, *gradients = results(name, operands, axis=axis, reduction=reduction, **keywords, **of_call)
    for part, got in [("value", value), *zip(wrt_of(operands), gradients, strict=True)]:
        exact = want.value if part == "value" else want.gradients[part]
        room = Compound(name).room(exact, want.magnitudes[part], dtype, 1.0)
        cases.assert_stored(got, np.asarray(exact), room, dtype, None, f"{name} {what} {part}")


def of_pixels(name, operands, axis, activation, options, where=None, **call):
    """Value and gradients of the second part, as a call of its own loss."""
    x, target, weight = operands["input"], operands["target"], operands.get("weight")
    gamma = {} if name == "dice_ce_loss" else {"gamma": options.get("gamma", 2.0)}
    names = wrt_of(operands)
    if activation == "softmax":
        loss = fl.cross_entropy if name == "dice_ce_loss" else fl.softmax_focal_loss
        if target.ndim == x.ndim and target.dtype.kind != "f":
            call.pop("ignore_index", None)
            target = target.astype(x.dtype)
        if target.ndim == x.ndim:
            call.pop("ignore_index", None)
        return loss.value_and_grad(x, target, weight, axis=axis, where=where, wrt=names, **gamma, **call)
    shape, ignored = x.shape, np.zeros(target.shape, bool)
    if target.dtype.kind in "biu":
        ignored = target == call.pop("ignore_index", -100)
    if target.ndim < x.ndim:
        target = np.moveaxis(np.arange(shape[axis]) == target[..., np.newaxis], -1, axis)
        ignored = np.expand_dims(ignored, axis)
    kept = np.broadcast_to(~ignored, shape)
    if where is not None:
        whole = where.ndim == x.ndim or axis is None
        kept = kept & np.broadcast_to(where if whole else np.expand_dims(where, axis), shape)
    factor = None
    if weight is not None:
        whole = np.broadcast_to(weight, (*np.delete(shape, axis), shape[axis]))
        factor = np.moveaxis(whole, -1, axis)
    if name == "dice_ce_loss":
        given = {} if factor is None else {"weight": factor}
        return fl.binary_cross_entropy_with_logits.value_and_grad(x, target, **given, where=kept, wrt=names, **call)
    focal = {"alpha": None, **gamma, "where": kept}
    if factor is None:
        return fl.sigmoid_focal_loss.value_and_grad(x, target, **focal, wrt=names, **call)
    reduction, samples = call.pop("reduction", "mean"), call.pop("sample_weight", None)
    s = np.ones(shape) if samples is None else np.broadcast_to(samples.reshape(-1, *[1] * (len(shape) - 1)), shape)
    counted = s[kept].sum()
    if "normalizer" in call:
        chosen = call.pop("normalizer")
        counted = {"count": kept.sum(), "weight": (s * factor)[kept].sum()}.get(chosen, chosen)
    divisor = {"sum": 1, "batchmean": shape[0], "mean": counted}[reduction]
    value, gradients = fl.sigmoid_focal_loss.value_and_grad(
        x, target, **focal, sample_weight=s * factor, reduction="sum", wrt=names
    )
    return value / divisor, tuple(g / divisor for g in gradients)


def sum_of_two_calls(name, operands, axis, activation, options, **call):
    """What the loss is, in this library's own terms."""
    dice = {k: v for k, v in options.items() if k in SHARED} | {"from_logits": activation}
    names = wrt_of(operands)
    first = fl.dice_loss.value_and_grad(**operands, **dice, axis=axis, wrt=names, **call)
    second = of_pixels(name, operands, axis, activation, options, **call)
    a, b = (options.get(each, 1.0) for each in ("dice_weight", COMPOUND_REFERENCES[name].part_weight))
    return [a * first[0] + b * second[0], *(a * g + b * h for g, h in zip(first[1], second[1], strict=True))]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name, dtype, isa, use_isa):
    use_isa(isa)
    for kind in region_draws.KINDS:
        call = Compound(name, kind)
        for options, shape in itertools.product(call.option_sets(), call.shapes[:2]):
            operands = call.draw(cases.seed(name, options, shape), shape, dtype, options=options)
            check(call, operands, dtype, f"{options}", reductions=("sum", "mean"), options=options)


@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    reference = COMPOUND_REFERENCES[name]
    for case in reference.golden:
        operands = dict(zip(reference.operands, map(np.asarray, case.operands), strict=False))
        value = cases.loss(name)(**operands, **case.keywords)
        assert value == pytest.approx(case.value, abs=1e-10)
        assert value.dtype == np.float64
        single = {each: x.astype(np.float32) if x.dtype.kind == "f" else x for each, x in operands.items()}
        value = cases.loss(name)(**single, **case.keywords)
        assert value == pytest.approx(case.value, rel=1e-6)
        assert value.dtype == np.float32


OPTIONS = (
    {},
    {"squared": True, "smooth": 1.0},
    {"batch": True},
    {"include_background": False, "intersection": "l1"},
    {"absent": "skip", "merge_classes": True},
)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("kind", region_draws.KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_sum_of_two_calls(name, kind, activation):
    """To rounding, however it is reduced, weighted and masked."""
    part = COMPOUND_REFERENCES[name].part_weight
    for (shape, axis), options in itertools.product((((4, 3, 6, 5), 1), ((3, 40, 4), -1), ((2, 6, 70), 1)), OPTIONS):
        rng = cases.seed(name, kind, shape, options)
        weighs = not options.get("merge_classes")
        operands = region_draws.ordinary(rng, shape, axis, kind, from_logits=True, weight=weighs)
        pixels = np.delete(shape, axis)
        ways = [{}, {"where": rng.random(pixels) < 0.7}]
        if not options.get("batch"):
            ways.append({"sample_weight": rng.uniform(0, 2, shape[0]), "where": ways[1]["where"]})
        if activation == "sigmoid":
            ways.append({"where": rng.random(shape) < 0.7})
        if kind == "index":
            ways.append({"ignore_index": 1})
        for way, reduction in itertools.product(ways, REDUCTIONS):
            given = {**options, "dice_weight": 0.75, part: 1.5}
            if name == "dice_focal_loss":
                given["gamma"] = 1.5
            found = results(name, operands, axis=axis, from_logits=activation, **given, **way, reduction=reduction)
            expected = sum_of_two_calls(name, operands, axis, activation, given, **way, reduction=reduction)
            for one, other in zip(found, expected, strict=True):
                what = f"{shape} {options} {list(way)} {reduction}"
                np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14 * np.abs(other).max(), err_msg=what)
        for normalizer in (2.5, "count", "weight"):
            found = results(name, operands, axis=axis, from_logits=activation, **options, normalizer=normalizer)
            expected = sum_of_two_calls(name, operands, axis, activation, options, normalizer=normalizer)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14 * np.abs(other).max(), err_msg=normalizer)


@pytest.mark.parametrize("name", NAMES)
def test_what_true_stands_for(name):
    """A softmax of class indices, unless there is one class; a sigmoid where there is nothing to choose from."""
    indices, one, none = (
        drawn(name, (3, 4, 20)),
        drawn(name, (3, 1, 20), kind="mask"),
        drawn(name, (3, 20), None, "soft"),
    )
    first = {**one, "target": np.zeros((3, 20), int)}  # the only class
    ways = ((indices, "softmax"), (one, "sigmoid"), (none, "sigmoid"), (first, "sigmoid"))
    for operands, activation in ways:
        for found, expected in zip(
            results(name, operands), results(name, operands, from_logits=activation), strict=True
        ):
            assert_same(found, expected, activation)
    for kind in ("mask", "soft"):
        several = drawn(name, (3, 4, 20), kind=kind)
        with pytest.raises(ValueError, match=f"^{name}: from_logits.*'sigmoid'.*'softmax'"):
            cases.loss(name)(**several)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_target_may_be(name):
    """Class indices are one-hot masks, of any dtype, under a softmax and under a sigmoid."""
    indices = drawn(name, (3, 4, 20))
    hot = np.moveaxis(np.arange(4) == indices["target"][..., np.newaxis], -1, 1)
    for activation in ("softmax", "sigmoid"):
        expected = results(name, indices, from_logits=activation)
        for dtype in ("?", "b", "B", "h", "H", "i", "I", "q", "Q", "f", "d"):
            found = results(name, {**indices, "target": hot.astype(dtype)}, from_logits=activation)
            for one, other in zip(found, expected, strict=False):
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)
        for dtype in "bBhHiIqQ":
            found = results(name, {**indices, "target": indices["target"].astype(dtype)}, from_logits=activation)
            for one, other in zip(found, expected, strict=True):
                assert_same(one, other, dtype)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("pixels", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1025, 5000])
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_pixels_and_of_classes(name, pixels, isa, use_isa):
    use_isa(isa)
    for dtype, classes in itertools.product(cases.DTYPES, (1, 2, 3, 5, 8, 17, 40) if pixels < 100 else (2, 5)):
        for kind, activation in itertools.product(region_draws.KINDS, ("sigmoid", "softmax")):
            shape = (2, classes, pixels)
            operands = drawn(name, shape, 1, kind, dtype)
            assert_right(name, operands, dtype, 1, f"{shape} {kind} {activation}", from_logits=activation)


@pytest.mark.parametrize("name", NAMES)
def test_classes_on_any_axis(name):
    shapes = (((3, 6, 5, 4), -1), ((3, 6, 4, 5), 2), ((4, 6, 5), 0), ((3, 4), 1), ((3, 4, 6), -2), ((2, 3, 2, 2, 2), 1))
    for dtype, (shape, axis) in itertools.product(cases.DTYPES, shapes):
        for kind, activation in itertools.product(region_draws.KINDS, ("sigmoid", "softmax")):
            operands = drawn(name, shape, axis, kind, dtype, weight=True)
            for reduction in ("sum", "mean"):
                what = f"{shape} {axis} {kind} {activation} {reduction}"
                assert_right(name, operands, dtype, axis, what, reduction, from_logits=activation)
    for shape in ((7,), (3, 7), (3, 4, 5, 6)):
        operands = drawn(name, shape, None, "soft")
        assert_right(name, operands, np.float64, None, f"{shape}")


@pytest.mark.parametrize("name", NAMES)
def test_batchmean_is_over_samples(name):
    """Of which there is one where there is no axis of them."""
    for shape, axis in (((5, 3, 20), 1), ((5, 20, 3), -1), ((5, 20), None)):
        operands = drawn(name, shape, axis, "soft")
        call = {**operands, "axis": axis, "from_logits": "sigmoid"}
        expected = cases.loss(name)(**call, reduction="sum") / 5
        assert cases.loss(name)(**call, reduction="batchmean") == pytest.approx(expected, rel=1e-14)
    for shape, axis in (((3, 20), 0), ((3, 4, 5), 0), ((20,), None)):
        operands = drawn(name, shape, axis, "soft")
        call = {**operands, "axis": axis, "from_logits": "sigmoid"}
        assert cases.loss(name)(**call, reduction="batchmean") == cases.loss(name)(**call, reduction="sum")


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_classes_reach_both_parts(name):
    operands, weight = drawn(name, (3, 4, 50)), np.array([0.5, 2.0, 0.0, 1.5])
    for activation in ("softmax", "sigmoid"):
        assert_right(name, {**operands, "weight": weight}, np.float64, 1, activation, from_logits=activation)
        silent = {"dice_weight": 0.0}, {COMPOUND_REFERENCES[name].part_weight: 0.0}
        for left_out in silent:
            plain, weighted = (
                cases.loss(name)(**operands, **w, from_logits=activation, **left_out) for w in ({}, {"weight": weight})
            )
            assert plain != pytest.approx(weighted, rel=1e-3)


@pytest.mark.parametrize("kind", region_draws.KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name, kind):
    loss, shape = cases.loss(name), (3, 3, 12)
    for options in COMPOUND_REFERENCES[name].option_sets():
        if "absent" in options or options.get("intersection") == "l1":  # neither is smooth
            continue
        for activation in ("sigmoid", "softmax"):
            call = {**options, "from_logits": activation}
            operands = drawn(name, shape, 1, kind)
            if kind == "soft":
                operands["target"] = cases.seed(name, options).uniform(0.1, 0.9, shape)
            names = wrt_of(operands)
            gradients = loss.grad(**operands, **call, wrt=names)
            for each, gradient in zip(names, gradients, strict=True):
                for place in range(0, operands[each].size, 5):
                    moved = []
                    for sign in (1, -1):
                        other = operands[each].copy()
                        other.flat[place] += sign * STEP
                        moved.append(loss(**{**operands, each: other}, **call))
                    slope = (moved[0] - moved[1]) / (2 * STEP)
                    assert gradient.flat[place] == pytest.approx(slope, rel=1e-5, abs=1e-8), f"{call} {each} {place}"


@pytest.mark.parametrize("kind", region_draws.KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_has_the_gradients_of_its_values(name, kind):
    """In longdouble, along one direction, with masked pixels and weights of all sorts."""
    reference, step, shape = COMPOUND_REFERENCES[name], np.longdouble(1e-8), (3, 3, 12)
    for options, activation in itertools.product(reference.option_sets(), ("sigmoid", "softmax")):
        if "absent" in options or options.get("intersection") == "l1":
            continue
        rng = cases.seed(name, kind, options, "reference")
        given = {**options, "from_logits": activation}
        operands = drawn(name, shape, 1, kind, weight=not options.get("merge_classes"))
        if kind == "soft":
            operands["target"] = rng.uniform(0.1, 0.9, shape)
        where = rng.random((3, 12)) < 0.9
        samples = {} if options.get("batch") else {"sample_weight": rng.uniform(0.5, 2, 3)}

        def reduced(operands, reduction, given=given, where=where, samples=samples):
            return CompoundLoss(reference, operands, given, where=where).reduce(reduction, **samples)

        for reduction in REDUCTIONS:
            gradients = reduced(operands, reduction).gradients
            for each, gradient in gradients.items():
                direction = rng.standard_normal(shape)
                above, below = (
                    reduced({**operands, each: operands[each] + sign * step * direction}, reduction).value
                    for sign in (1, -1)
                )
                size = np.abs(gradient * direction).sum()
                assert abs((above - below) / (2 * step) - (gradient * direction).sum()) <= 1e-6 * size, (
                    f"{given} {each}"
                )


@pytest.mark.parametrize("name", NAMES)
def test_descent_finds_the_regions(name):
    for activation, kind in (("sigmoid", "mask"), ("softmax", "index"), ("softmax", "mask")):
        operands = drawn(name, (3, 3, 60), 1, "index" if activation == "softmax" else kind)
        operands["input"] = np.zeros_like(operands["input"])
        true = operands["target"]
        if activation == "softmax" and kind == "mask":
            operands["target"] = np.moveaxis(np.arange(3) == true[..., np.newaxis], -1, 1).astype(int)
        loss, call = cases.loss(name), {"from_logits": activation}
        first = loss(**operands, **call)
        for _ in range(200):
            operands["input"] -= 20 * loss.grad(**operands, **call)
        assert loss(**operands, **call) < 0.3 * first
        x = operands["input"]
        found = x.argmax(axis=1) == true if activation == "softmax" else (x > 0) == true
        assert found.mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_there_is_no_loss_of_a_unit(name):
    operands = drawn(name, (3, 4, 20))
    loss, out = cases.loss(name), np.full((3, 4, 20), 7.0)
    with pytest.raises(ValueError, match=f"^{name}: reduction"):
        loss(**operands, reduction="none")
    with pytest.raises(ValueError, match=f"^{name}: reduction"):
        loss.grad(**operands, reduction="none", out=out)
    assert (out == 7).all()
    for shape in ((3,), (3, 4), (1,)):
        with pytest.raises(ValueError, match=f"^{name}: grad_output"):
            loss.grad(**operands, grad_output=np.ones(shape))
    np.testing.assert_allclose(loss.grad(**operands, grad_output=-2.0), -2 * loss.grad(**operands), rtol=1e-14)
    assert loss.statistics(**operands) == (pytest.approx(loss(**operands), rel=1e-15), 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_value_alone_and_beside_gradients_has_the_same_bits(name):
    loss = cases.loss(name)
    for dtype, shape in itertools.product(cases.DTYPES, ((3, 2, 50), (2, 3, 70_001), (40, 2, 3_000))):
        for activation, kind in (("softmax", "index"), ("softmax", "soft"), ("sigmoid", "soft")):
            operands = drawn(name, shape, 1, kind, dtype)
            for reduction in ("mean", "sum"):
                call = {**operands, "from_logits": activation, "reduction": reduction}
                alone, (value, gradient) = loss(**call), loss.value_and_grad(**call)
                assert_same(alone, value, reduction)
                assert_same(loss.grad(**call), gradient, reduction)
                if kind == "soft":
                    both = loss.grad(**call, wrt=BOTH)
                    for one, other in zip(both, (gradient, loss.grad(**call, wrt="target")), strict=True):
                        assert_same(one, other, reduction)
