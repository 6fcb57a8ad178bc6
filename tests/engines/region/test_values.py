"""Values and gradients of losses of regions against their definition, on every instruction set."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines.adapter import INTEGERS
from engines.region.adapter import Region
from references import REGION_REFERENCES, region_draws
from references.regions_schema import RegionLoss

NAMES = list(REGION_REFERENCES)
OF_CLASSES = [name for name in NAMES if not REGION_REFERENCES[name].class_weights]
BOTH = ("input", "target")
ANY = {"from_logits": "softmax"}  # what every loss has, and needs an axis of classes


def drawn(name, shape, axis=1, kind="soft", dtype=np.float64, **more):
    """Operands that depend on the names of a test alone."""
    return region_draws.ordinary(cases.seed(name, shape, axis, kind), shape, axis, kind, dtype, **more)


def results(name, operands, wrt="input", **call):
    """The unreduced value and gradients."""
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt, **{"reduction": "none", **call})
    return [value, *(gradients if isinstance(gradients, tuple) else (gradients,))]


def assert_close(found, expected, what=""):
    """But for the order of additions."""
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape, what
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14, err_msg=what)


def assert_right(name, operands, dtype, axis, what, **keywords):
    """The unreduced value and gradients, of any axis of classes."""
    call = Region(name)
    of_call = {k: keywords.pop(k) for k in ("where", "ignore_index") if k in keywords}
    units = RegionLoss(REGION_REFERENCES[name], operands, keywords, axis=axis, **of_call)
    want, names = units.reduce("none"), list(units.pull_back(np.ones(units.values.shape)))
    value, gradients = cases.loss(name).value_and_grad(
        **operands, **keywords, **of_call, axis=axis, reduction="none", wrt=names
    )
    pairs = [("value", value), *zip(names, gradients, strict=True)]
    for part, got in pairs:
        exact = want.value if part == "value" else want.gradients[part]
        room = call.room(exact, want.magnitudes[part], dtype, 1.0)
        cases.assert_stored(got, np.asarray(exact), room, dtype, None, f"{name} {what} {part}")


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name, dtype, isa, use_isa):
    use_isa(isa)
    for kind in region_draws.KINDS:
        call = Region(name, kind)
        for options, shape in itertools.product(call.option_sets(), call.shapes[:2]):
            operands = call.draw(cases.seed(name, options, shape), shape, dtype, options=options)
            check(call, operands, dtype, f"{options}", reductions=("none", "mean"), options=options)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("pixels", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1025, 5000])
@pytest.mark.parametrize("name", ["dice_loss", "generalized_dice_loss", "mcc_loss"])
def test_any_number_of_pixels_and_of_classes(name, pixels, isa, use_isa):
    use_isa(isa)
    for dtype, classes in itertools.product(cases.DTYPES, (1, 2, 3, 5, 8, 17, 40) if pixels < 100 else (2, 5)):
        for kind, activation in itertools.product(region_draws.KINDS, (False, "sigmoid", "softmax")):
            shape = (2, classes, pixels)
            operands = drawn(name, shape, 1, kind, dtype, from_logits=bool(activation))
            assert_right(name, operands, dtype, 1, f"{shape} {kind} {activation}", from_logits=activation)


@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    loss = cases.loss(name)
    for case in REGION_REFERENCES[name].golden:
        value = loss(*case.operands, **case.keywords)
        assert value == pytest.approx(case.value, abs=1e-10)
        assert value.dtype == np.float64
        single = loss(np.asarray(case.operands[0], np.float32), np.asarray(case.operands[1], int), **case.keywords)
        assert single.dtype == np.float32
        target = np.asarray(case.operands[1])
        if (target == target.astype(int)).all():
            assert single == pytest.approx(case.value, rel=1e-6)


# The shape of an input, its axis of classes ("default" where it is not given), and the shape of the cells.
UNITS = [
    ((5,), "default", ()),
    ((4, 5), "default", (4,)),
    ((4, 3, 5), "default", (4, 3)),
    ((4, 3, 5, 6), "default", (4, 3)),
    ((2, 3, 2, 2, 2), "default", (2, 3)),
    ((5,), None, ()),
    ((4, 3, 5), None, (4,)),
    ((4, 5, 6, 3), -1, (4, 3)),
    ((4, 5, 3, 6), 2, (4, 3)),
    ((3, 5, 6), 0, (3,)),
    ((3, 5), 0, (3,)),
    ((4, 3), 1, (4, 3)),
    ((4, 3), -1, (4, 3)),
    ((3,), 0, (3,)),
]


@pytest.mark.parametrize(("shape", "axis", "cells"), UNITS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_shape_of_the_units(name, shape, axis, cells):
    loss = cases.loss(name)
    given = {} if axis == "default" else {"axis": axis}
    of_classes = axis if axis != "default" else (1 if len(shape) >= 3 else None)
    operands = drawn(name, shape, of_classes)
    has_classes = of_classes is not None
    samples, classes = (cells[:-1], cells[-1:]) if has_classes else (cells, ())
    merges = REGION_REFERENCES[name].class_weights is not None
    for batch, merge in itertools.product((False, True), (merges,) if merges else (False, True)):
        options = {"batch": batch} | ({} if merges else {"merge_classes": merge})
        expected = (() if batch else samples) + (() if merge else classes)
        value, gradient = loss.value_and_grad(**operands, **given, **options, reduction="none")
        assert np.shape(value) == expected
        assert gradient.shape == shape
        assert isinstance(loss(**operands, **given, **options), np.generic)
        if has_classes:
            left = () if merge else (classes[0] - 1,)
            fewer = loss(**operands, **given, **options, include_background=False, reduction="none")
            assert np.shape(fewer) == (() if batch else samples) + left


@pytest.mark.parametrize("name", NAMES)
def test_classes_on_any_axis(name):
    for dtype, kind in itertools.product(cases.DTYPES, region_draws.KINDS):
        for shape, axis in (((3, 6, 5, 4), -1), ((3, 6, 4, 5), 2), ((4, 6, 5), 0), ((3, 4), 1), ((3, 4, 6), -2)):
            for options in ({}, ANY, {"include_background": False, **ANY}, {"batch": True}):
                operands = drawn(name, shape, axis, kind, dtype, from_logits="from_logits" in options)
                assert_right(name, operands, dtype, axis, f"{shape} {axis} {kind} {options}", **options)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_axis(name):
    loss = cases.loss(name)
    for shape, axis in (((7,), None), ((3, 7), None), ((3, 2, 7), 1), ((3, 2, 7, 2), 1)):
        operands = drawn(name, shape, axis)
        expected = loss.value_and_grad(**operands, axis=axis)
        for given in ({}, {"axis": "auto"}):
            for one, other in zip(loss.value_and_grad(**operands, **given), expected, strict=True):
                assert_same(one, other, f"{shape}")


@pytest.mark.parametrize("name", NAMES)
def test_without_an_axis_of_classes_the_axes_behind_the_first_are_pixels(name):
    operands = drawn(name, (4, 3, 5), None)
    flat = {each: x.reshape(4, 15) for each, x in operands.items()}
    value, gradient = results(name, flat)
    assert_close(results(name, operands, axis=None), [value, gradient.reshape(4, 3, 5)])


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_target_says_the_same(name):
    """A mask of any integer dtype, numbers of 0 and 1, and class indices of any integer dtype."""
    for options in ({}, ANY, {"from_logits": "sigmoid"}):
        indices = drawn(name, (3, 5, 4, 6), 1, "index", from_logits=bool(options))
        hot = np.moveaxis(np.arange(5) == indices["target"][..., np.newaxis], -1, 1)
        expected = results(name, indices, **options)
        for dtype in INTEGERS:
            mask = {**indices, "target": np.ascontiguousarray(hot).astype(dtype)}
            assert_close(results(name, mask, **options), expected, str(dtype))
            if dtype.kind != "b":
                found = results(name, {**indices, "target": indices["target"].astype(dtype)}, **options)
                for one, other in zip(found, expected, strict=True):
                    assert_same(one, other, str(dtype))
        for dtype in (np.float16, np.float32, np.float64):
            assert_close(results(name, {**indices, "target": hot.astype(dtype)}, **options), expected, str(dtype))


@pytest.mark.parametrize("name", NAMES)
def test_what_from_logits_stands_for(name):
    """True is a softmax for class indices, and a sigmoid where there is one class."""
    loss = cases.loss(name)
    indices = drawn(name, (3, 4, 9), 1, "index", from_logits=True)
    assert loss(**indices, from_logits=True) == loss(**indices, from_logits="softmax")
    assert loss(**indices, from_logits=True) != loss(**indices, from_logits="sigmoid")
    for switch in (True, False):
        found = (loss(**indices, from_logits=given) for given in (np.bool_(switch), switch))
        np.testing.assert_equal(*found)  # NaN is NaN
    for shape, axis in (((3, 9), None), ((3, 4, 9), None), ((3, 1, 9), 1), ((9,), None)):
        operands = drawn(name, shape, axis, "mask", from_logits=True)
        assert loss(**operands, axis=axis, from_logits=True) == loss(**operands, axis=axis, from_logits="sigmoid")
    for kind in ("soft", "mask"):
        for classes in (2, 4):
            operands = drawn(name, (3, classes, 9), 1, kind, from_logits=True)
            with pytest.raises(ValueError, match=rf"^{name}: from_logits.*'sigmoid'.*'softmax'"):
                loss(**operands, from_logits=True)
    for activation, make in (("sigmoid", lambda z: 1 / (1 + np.exp(-z))), ("softmax", region_draws.softmax)):
        operands = drawn(name, (3, 4, 9), 1, "soft", from_logits=True)
        p = make(operands["input"]) if activation == "sigmoid" else make(operands["input"], 1)
        value = loss(**{**operands, "input": p})
        assert loss(**operands, from_logits=activation) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("activation", [False, "sigmoid", "softmax"])
@pytest.mark.parametrize("name", NAMES)
def test_masked_pixels_are_as_if_they_were_not_there(name, activation):
    for kind in region_draws.KINDS:
        operands = drawn(name, (1, 3, 50), 1, kind, from_logits=bool(activation))
        kept = cases.seed(name, kind).random(50) < 0.6
        some = {each: x[..., kept] for each, x in operands.items()}
        wrt = BOTH if kind == "soft" else ("input",)
        value, *gradients = results(name, operands, wrt, where=kept[np.newaxis], from_logits=activation)
        expected, *slopes = results(name, some, wrt, from_logits=activation)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        for gradient, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(gradient[..., kept], slope, rtol=1e-12, atol=1e-14)
            assert not gradient[..., ~kept].any()


@pytest.mark.parametrize("name", NAMES)
def test_masks_of_every_shape(name):
    """Of the pixels, aligned to their leading axes, or of the input; with 1 where they are broadcast."""
    rng = cases.seed(name, "masks")
    for shape, axis in (((4, 3, 5, 6), 1), ((4, 5, 6, 3), -1), ((3, 5, 6), 0), ((4, 5, 6), None)):
        operands = drawn(name, shape, axis)
        pixels = shape if axis is None else tuple(np.delete(shape, axis))
        masks = [pixels, pixels[:1], (*pixels[:1], *(1 for _ in pixels[1:])), (*pixels[:-1], 1), shape]
        masks.append(tuple(1 if k == len(shape) - 1 else n for k, n in enumerate(shape)))
        for each in masks:
            where = rng.random(each) < 0.7
            assert_right(name, operands, np.float64, axis, f"{shape} {each}", where=where)
        for where in (np.True_, True, np.ones(pixels, bool)):
            assert_close(results(name, operands, axis=axis, where=where), results(name, operands, axis=axis))


@pytest.mark.parametrize("name", NAMES)
def test_ignored_pixels_are_masked(name):
    for kind, ignore_index in itertools.product(("mask", "index"), (-100, -1, 0, 1, 255, 2**40)):
        operands = drawn(name, (3, 3, 40), 1, kind)
        ignored = cases.seed(name, kind).random(operands["target"].shape) < 0.3
        target = np.where(ignored, ignore_index, operands["target"])
        value, gradient = results(name, {**operands, "target": target}, ignore_index=ignore_index)
        clean = np.where(target == ignore_index, 2 if kind == "index" and ignore_index != 2 else 0, target)
        given = {**operands, "target": clean}
        assert_close([value, gradient], results(name, given, where=target != ignore_index, ignore_index=-7), f"{kind}")
    operands = drawn(name, (3, 3, 40), 1, "index")
    unsigned = {**operands, "target": operands["target"].astype(np.uint8)}
    for ignore_index in (-100, 255, 256):  # which no number of these is
        for one, other in zip(results(name, unsigned, ignore_index=ignore_index), results(name, operands), strict=True):
            assert_same(one, other, f"{ignore_index}")


@pytest.mark.parametrize("name", NAMES)
def test_options_that_say_what_is_summed(name):
    """Are what slices, transposes and reshapes of the arrays say."""
    operands = drawn(name, (3, 4, 5, 6), 1)
    merges = REGION_REFERENCES[name].class_weights is not None
    value, *gradients = results(name, operands, BOTH, include_background=False)
    fewer, *slopes = results(name, {each: x[:, 1:] for each, x in operands.items()}, BOTH)
    assert_close([value, *(g[:, 1:] for g in gradients)], [fewer, *slopes], "include_background")
    assert not any(g[:, 0].any() for g in gradients)
    together = {each: np.moveaxis(x, 1, 0).reshape(4, -1) for each, x in operands.items()}
    if merges:
        expected, *slopes = results(name, together, BOTH, axis=0)
    else:
        expected, *slopes = results(name, together, BOTH)
    value, *gradients = results(name, operands, BOTH, batch=True)
    turned = [np.moveaxis(g, 1, 0).reshape(4, -1) for g in gradients]
    assert_close([value, *turned], [expected, *slopes], "batch")
    if merges:
        return
    flat = {each: x.reshape(3, -1) for each, x in operands.items()}
    expected, *slopes = results(name, flat, BOTH)
    value, *gradients = results(name, operands, BOTH, merge_classes=True)
    assert_close([value, *(g.reshape(3, -1) for g in gradients)], [expected, *slopes], "merge_classes")
    one = {each: x.reshape(-1) for each, x in operands.items()}
    value = cases.loss(name)(**operands, merge_classes=True, batch=True, reduction="none")
    assert value == pytest.approx(cases.loss(name)(**one), rel=1e-13)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_weights_of_classes(name):
    loss, weight = cases.loss(name), np.array([0.5, 2.0, 0.0, 1.5])
    operands = drawn(name, (3, 4, 20), 1)
    each = loss(**operands, reduction="none")
    assert_close([loss(**operands, weight=weight, reduction="none")], [each * weight])
    mean = (each * weight).sum() / (3 * weight.sum())
    assert loss(**operands, weight=weight) == pytest.approx(mean, rel=1e-13)
    assert loss(**operands, weight=weight, normalizer="count") == pytest.approx((each * weight).mean(), rel=1e-13)
    # They are those of all classes, whether the first counts or not.
    fewer = loss(**operands, weight=[np.nan, 2.0, 0.0, 1.5], include_background=False)
    assert fewer == pytest.approx((each * weight)[:, 1:].sum() / (3 * weight[1:].sum()), rel=1e-13)
    batch = loss(**operands, reduction="none", batch=True)
    assert loss(**operands, weight=weight, batch=True) == pytest.approx((batch * weight).sum() / 4, rel=1e-13)
    assert loss(**operands, weight=2.0) == pytest.approx(loss(**operands), rel=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_batchmean_divides_by_the_number_of_samples(name):
    loss = cases.loss(name)
    for options in ({}, {"batch": True}, {"include_background": False}):
        operands = drawn(name, (5, 3, 20), 1)
        call = {**operands, **options}
        expected = loss(**call, reduction="sum") / 5
        assert loss(**call, reduction="batchmean") == pytest.approx(expected, rel=1e-14)
        gradient = loss.grad(**call, reduction="batchmean")
        np.testing.assert_allclose(gradient, loss.grad(**call, reduction="sum") / 5, rtol=1e-13, atol=1e-16)
    one = drawn(name, (3, 20), 0)
    assert loss(**one, axis=0, reduction="batchmean") == loss(**one, axis=0, reduction="sum")


@pytest.mark.parametrize("name", NAMES)
def test_sums_of_a_large_image_in_narrow_numbers(name):
    """A million terms of .1 are off by a hundredth if they are added in float32, and float16 ends at 65504."""
    smooth = {} if name == "mcc_loss" else {"smooth": 0.0}  # beside weights of 1 / T**2 the default is large
    for dtype in (np.float32, np.float16):
        input = np.full((1, 1_000_003), 0.1, dtype)
        target = np.arange(1_000_003)[np.newaxis] % 2
        value = cases.loss(name)(input, target, **smooth)
        few = cases.loss(name)(np.full(2 * 10**6, float(input[0, 0])), np.arange(2 * 10**6) % 2, **smooth)
        assert value.dtype == np.float32
        assert value == pytest.approx(few, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_does_not_depend_on_the_others(name):
    """Not on its place, nor on how many there are."""
    for dtype, options in itertools.product(cases.DTYPES, ({}, ANY)):
        operands = drawn(name, (37, 3, 129), 1, "soft", dtype, from_logits=bool(options))
        whole = results(name, operands, BOTH, **options)
        for first, last in ((0, 1), (5, 22), (36, 37)):
            some = {each: x[first:last].copy() for each, x in operands.items()}
            for one, other in zip(results(name, some, BOTH, **options), whole, strict=True):
                assert_same(one, other[first:last], f"{first} {last}")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_alone_and_beside_gradients_has_the_same_bits(name):
    loss = cases.loss(name)
    for dtype, shape in itertools.product(cases.DTYPES, ((3, 2, 50), (2, 3, 70_001), (40, 2, 3_000))):
        for options in ({}, ANY):
            operands = drawn(name, shape, 1, "soft", dtype, from_logits=bool(options))
            for reduction in ("none", "mean", "sum"):
                call = {**operands, **options, "reduction": reduction}
                alone, (value, gradient) = loss(**call), loss.value_and_grad(**call)
                assert_same(alone, value, reduction)
                assert_same(loss.grad(**call), gradient, reduction)
                both = loss.grad(**call, wrt=BOTH)
                for one, other in zip(both, (gradient, loss.grad(**call, wrt="target")), strict=True):
                    assert_same(one, other, reduction)


@pytest.mark.parametrize("name", NAMES)
def test_what_widens_the_computation(name):
    """Floating targets do, as in losses of elements; weights and masks do not."""
    for kind in region_draws.KINDS:
        operands = drawn(name, (3, 2, 9), 1, kind, np.float32)
        assert cases.loss(name)(**operands).dtype == np.float32
        wide = {**operands, "target": operands["target"].astype(np.float64)} if kind == "soft" else None
        if wide:
            assert cases.loss(name)(**wide).dtype == np.float64
        if name in OF_CLASSES:
            assert cases.loss(name)(**operands, weight=np.ones(2)).dtype == np.float32
    halves = drawn(name, (3, 2, 9), 1, "mask", np.float16)
    value, gradient = cases.loss(name).value_and_grad(**halves)
    assert (value.dtype, gradient.dtype) == (np.float32, np.float16)


def test_further_names():
    assert fl.iou_loss is fl.jaccard_loss
