"""Empty masks, absent classes, masked and missing pixels, saturated logits, ties: the documented rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same
from engines.region.adapter import Region
from references import REGION_REFERENCES, region_draws
from references.regions_schema import RegionLoss

NAMES = list(REGION_REFERENCES)
OF_CLASSES = [name for name in NAMES if not REGION_REFERENCES[name].class_weights]
RATIOS = [name for name in NAMES if "smooth" in REGION_REFERENCES[name].defaults]
LOGARITHMIC = [name for name in NAMES if "log_loss" in REGION_REFERENCES[name].defaults]
BY_DISTANCE = [name for name in NAMES if "intersection" in REGION_REFERENCES[name].defaults]
BOTH = ("input", "target")
WITHOUT_SMOOTH = {name: {"smooth": 0.0} if name in RATIOS else {"eps": 0.0} for name in NAMES}


def drawn(name, shape, axis=1, kind="soft", dtype=np.float64, **more):
    return region_draws.ordinary(cases.seed(name, shape, axis, kind), shape, axis, kind, dtype, **more)


def results(name, operands, wrt="input", **call):
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt, **{"reduction": "none", **call})
    return [value, *(gradients if isinstance(gradients, tuple) else (gradients,))]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_predicted_of_nothing(name, dtype, isa, use_isa):
    """Without a smooth it is 0 / 0: a loss of 0 that pulls nowhere."""
    use_isa(isa)
    operands = drawn(name, (4, 3, 50), dtype=dtype)
    operands["input"][1], operands["target"][1] = 0, 0
    whole = results(name, {each: x[[0, 2, 3]] for each, x in operands.items()}, BOTH, **WITHOUT_SMOOTH[name])
    found = results(name, operands, BOTH, **WITHOUT_SMOOTH[name])
    with fl.errstate(nonfinite="raise"):
        assert_same(results(name, operands, BOTH, **WITHOUT_SMOOTH[name])[0], found[0], "no error")
    for part, expected in zip(found, whole, strict=True):
        assert not part[1].any()
        assert_same(part[[0, 2, 3]], expected, "the others")
    zeros = np.zeros((2, 9), dtype)
    assert cases.loss(name)(zeros, zeros, **WITHOUT_SMOOTH[name]) == 0
    assert not cases.loss(name).grad(zeros, zeros, **WITHOUT_SMOOTH[name]).any()


@pytest.mark.parametrize("smooth", [1e-6, 1.0])
@pytest.mark.parametrize("name", RATIOS)
def test_nothing_predicted_of_nothing_with_a_smooth(name, smooth):
    """A loss of 0; what is then predicted raises it at the rate of the formula, unless a class has no weight."""
    zeros = np.zeros((2, 9))
    value, gradient = cases.loss(name).value_and_grad(zeros, zeros, smooth=smooth, reduction="none")
    assert not value.any()
    rate = {"tversky_loss": 0.5, "focal_tversky_loss": 0.0, "generalized_dice_loss": 0.0}.get(name, 1.0)
    np.testing.assert_allclose(gradient, np.full((2, 9), rate / smooth), rtol=1e-13)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_something_predicted_of_nothing_and_the_reverse(name):
    ones, zeros = np.ones((1, 9)), np.zeros((1, 9))
    for input, target in ((ones, zeros), (zeros, ones)):
        value, gradients = cases.loss(name).value_and_grad(input, target, wrt=BOTH)
        # Of counts with eps in each, a quarter of the coefficient's range is left.
        assert value == pytest.approx(1.5 if name == "mcc_loss" else 1, abs=1e-4)
        assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", RATIOS)
def test_a_perfect_prediction_has_a_loss_of_nothing(name, dtype):
    for options in ({}, {"smooth": 0.0}, *({"intersection": "l1"},) * (name in BY_DISTANCE)):
        target = drawn(name, (3, 4, 501), kind="mask")["target"]
        value, gradient = cases.loss(name).value_and_grad(target.astype(dtype), target, **options, reduction="none")
        assert abs(value).max() <= 1e-15
        assert np.isfinite(gradient).all()
        if name == "focal_tversky_loss":
            assert not value.any()
            assert not gradient.any()


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("kind", region_draws.KINDS)
@pytest.mark.parametrize("name", OF_CLASSES)
def test_classes_that_no_target_has(name, kind, isa, use_isa):
    use_isa(isa)
    for dtype, activation in itertools.product(cases.DTYPES, (False, "softmax")):
        operands = drawn(name, (3, 4, 60), 1, kind, dtype, from_logits=bool(activation))
        absent = np.zeros((3, 4), bool)
        if kind == "index":
            operands["target"][1][operands["target"][1] == 2] = 0
            absent[1, 2] = True
        else:
            operands["target"][1, 2], operands["target"][2, 0] = 0, 0
            absent[1, 2] = absent[2, 0] = True
        wrt = BOTH if kind == "soft" else ("input",)
        call = {"from_logits": activation, "wrt": wrt}
        count = results(name, operands, **call)
        found = {rule: results(name, operands, **call, absent=rule) for rule in ("count", "zero", "skip")}
        for one, other in zip(found["count"], count, strict=True):
            assert_same(one, other, "count")
        for rule in ("zero", "skip"):
            np.testing.assert_array_equal(found[rule][0], np.where(absent, 0, count[0]))
            for one, other in zip(found[rule], found["zero"], strict=True):
                assert_same(one, other, rule)
        if not activation:
            for gradient, whole in zip(found["skip"][1:], count[1:], strict=True):
                assert not gradient[absent].any()
                assert_same(gradient[~absent], whole[~absent], "the others")
        loss, room = cases.loss(name), 16 * float(np.finfo(dtype).eps)
        sums = loss.statistics(**operands, from_logits=activation, absent="zero")
        assert sums[1] == 12
        assert loss.statistics(**operands, from_logits=activation, absent="skip") == (sums[0], 12 - absent.sum())
        weights = np.array([1.0, 2.0, 4.0, 0.5])
        kept = (np.where(absent, 0, count[0]) * weights).sum() / np.where(absent, 0, weights).sum()
        value = loss(**operands, from_logits=activation, absent="skip", weight=weights)
        assert value == pytest.approx(float(kept), rel=room)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_what_is_absent_is_decided_after_masks_and_sums(name):
    loss = cases.loss(name)
    operands = drawn(name, (2, 2, 30), kind="mask")
    operands["target"][0, 0] = 0
    operands["target"][1, 0, :3] = 1
    assert loss(**operands, batch=True, absent="skip", reduction="none")[0] > 0
    assert loss(**operands, absent="skip", reduction="none")[0, 0] == 0
    assert loss(**operands, merge_classes=True, absent="skip", reduction="none").all()
    where = operands["target"][:, 0] == 0
    assert not loss(**operands, where=where, batch=True, absent="skip", reduction="none")[0]


@pytest.mark.parametrize("kind", region_draws.KINDS)
def test_classes_without_a_weight_in_generalized_dice(kind):
    """They are not seen, unless they are given the largest weight of the others."""
    loss = fl.generalized_dice_loss
    operands = drawn("absent", (3, 4, 60), 1, kind)
    if kind == "index":
        operands["target"] %= 3
        present = {**operands, "input": operands["input"][:, :3].copy()}
    else:
        operands["target"][:, 3] = 0
        present = {each: x[:, :3].copy() for each, x in operands.items()}
    for weighting, options in itertools.product(("square", "simple", "uniform"), ({}, {"batch": True})):
        call = {"weighting": weighting, **options, "reduction": "none"}
        value, gradient = loss.value_and_grad(**operands, **call)
        expected, slopes = loss.value_and_grad(**present, **call)
        assert value == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(gradient[:, :3], slopes, rtol=1e-12, atol=1e-16)
        assert not gradient[:, 3].any()
        value, gradient = loss.value_and_grad(**operands, **call, absent="largest")
        assert (value > expected).all()
        assert (gradient[:, 3] > 0).all()
    for absent, smooth in itertools.product(("zero", "largest"), (0.0, 1e-6)):
        zeros = np.zeros((2, 3, 9), int)
        value, gradient = loss.value_and_grad(np.full((2, 3, 9), 0.5), zeros, absent=absent, smooth=smooth)
        assert value == 0
        assert not gradient.any()


@pytest.mark.parametrize("name", NAMES)
def test_units_without_pixels_count_nowhere(name):
    """Nothing is left of a unit whose pixels are all masked or ignored, whatever is done with absent classes."""
    loss = cases.loss(name)
    operands = drawn(name, (4, 3, 20), 1, "index")
    where = np.ones((4, 20), bool)
    where[1] = False
    ignored = np.where(where, operands["target"], -100)
    some = {each: x[[0, 2, 3]] for each, x in operands.items()}
    for absent in ("zero", "largest") if name == "generalized_dice_loss" else ("count", "zero", "skip"):
        expected = loss.statistics(**some, absent=absent)
        assert loss.statistics(**operands, where=where, absent=absent) == pytest.approx(expected, rel=1e-14)
        assert loss.statistics(**{**operands, "target": ignored}, absent=absent) == pytest.approx(expected, rel=1e-14)
    value, gradient = results(name, operands, where=where)
    assert not value[1].any()
    assert not gradient[1].any()
    assert np.isnan(loss(**operands, where=False))
    for shape, axis, samples, classes in (
        ((2, 3, 0), 1, (2,), (3,)),
        ((3, 0), None, (3,), ()),
        ((0,), None, (), ()),
        ((3, 0), 0, (), (3,)),
    ):
        units = (*samples, *classes) if name in OF_CLASSES else samples
        empty = np.zeros(shape)
        value, gradient = results(name, {"input": empty, "target": empty}, axis=axis)
        assert np.shape(value) == units
        assert not np.any(value)
        assert gradient.shape == shape
        assert np.isnan(loss(empty, empty, axis=axis))
        assert loss.statistics(empty, empty, axis=axis) == (0, 0)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("activation", [False, "sigmoid", "softmax"])
@pytest.mark.parametrize("name", NAMES)
def test_masked_pixels_may_hold_anything(name, activation, isa, use_isa):
    use_isa(isa)
    for dtype, kind in itertools.product(cases.DTYPES, region_draws.KINDS):
        clean = drawn(name, (3, 4, 53), 1, kind, dtype, from_logits=bool(activation))
        where = cases.seed(name, kind).random((3, 53)) < 0.7
        wrt = BOTH if kind == "soft" else ("input",)
        call = {"where": where, "from_logits": activation, "wrt": wrt}
        whole, out = results(name, clean, **call), np.broadcast_to(~where[:, np.newaxis], (3, 4, 53))
        for poison in (np.nan, np.inf, -np.inf, 1e30):
            dirty = {each: x.copy() for each, x in clean.items()}
            dirty["input"][out] = poison
            lost = ~where if kind == "index" else out
            dirty["target"][lost] = poison if kind == "soft" else np.iinfo(np.int64).min
            with fl.errstate(nonfinite="raise", domain="raise"):
                found = results(name, dirty, **call)
            for one, other in zip(found, whole, strict=True):
                assert_same(one, other, f"{kind} {poison}")
            assert all(not gradient[out].any() for gradient in found[1:])


@pytest.mark.parametrize("name", NAMES)
def test_places_of_some_classes_masked_under_a_softmax(name):
    """Their logits are in the softmax of the others, with the gradient of that."""
    operands = drawn(name, (2, 3, 11), 1, "mask", from_logits=True)
    where = cases.seed(name).random((2, 3, 11)) < 0.6
    call = Region(name, "mask")
    units = RegionLoss(REGION_REFERENCES[name], operands, {"from_logits": "softmax"}, where=where)
    want = units.reduce("none")
    value, gradient = results(name, operands, where=where, from_logits="softmax")
    for got, part in ((value, "value"), (gradient, "input")):
        exact = want.value if part == "value" else want.gradients[part]
        cases.assert_within(got, exact, call.room(exact, want.magnitudes[part], np.float64, 1.0), np.float64, part)
    masked = ~where & where.any(axis=1, keepdims=True)
    assert gradient[masked].any()
    assert not gradient[np.broadcast_to(~where.any(axis=1, keepdims=True), where.shape)].any()


@pytest.mark.parametrize("name", NAMES)
def test_the_background_that_does_not_count_may_hold_anything(name):
    for activation in (False, "sigmoid"):
        for kind in region_draws.KINDS:
            clean = drawn(name, (3, 4, 20), 1, kind, from_logits=bool(activation))
            call = {"include_background": False, "from_logits": activation}
            dirty = {each: x.copy() for each, x in clean.items()}
            dirty["input"][:, 0] = np.nan
            if kind != "index":
                dirty["target"][:, 0] = np.nan if kind == "soft" else 77
            for one, other in zip(results(name, dirty, **call), results(name, clean, **call), strict=True):
                assert_same(one, other, kind)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_is_missing(name, isa, use_isa):
    """The loss of its unit is missing, and the gradient in what is left of its pixels; nothing of the others."""
    use_isa(isa)
    per_class = name in OF_CLASSES
    for dtype, each in itertools.product(cases.DTYPES, BOTH):
        operands = drawn(name, (3, 4, 40), dtype=dtype)
        where = np.ones((3, 4, 40), bool)
        where[1, 2, 30:] = False
        whole = results(name, operands, BOTH, where=where)
        operands[each][1, 2, 7] = np.nan
        found = results(name, operands, BOTH, where=where)
        lost = np.zeros((3, 4), bool)
        lost[1, 2 if per_class else slice(None)] = True
        units = lost if per_class else lost.any(axis=1)
        assert np.isnan(found[0][units]).all()
        np.testing.assert_array_equal(found[0][~units], whole[0][~units])
        for gradient, expected in zip(found[1:], whole[1:], strict=True):
            assert np.isnan(gradient[1, 2, :30]).all()
            assert not gradient[1, 2, 30:].any()
            np.testing.assert_array_equal(gradient[~lost], expected[~lost])
        assert np.isnan(cases.loss(name)(**operands))
        with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match=name):
            cases.loss(name)(**operands)
        flow = np.where(units, 0.0, 1.0)
        assert np.isfinite(cases.loss(name).grad(**operands, reduction="none", grad_output=flow)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_logit_that_is_missing_under_a_softmax(name):
    """Makes all classes of its sample missing."""
    operands = drawn(name, (3, 4, 10), 1, "index", from_logits=True)
    operands["input"][1, 2, 3] = np.nan
    value, gradient = results(name, operands, from_logits="softmax")
    assert np.isnan(value[1]).all()
    assert np.isfinite(value[[0, 2]]).all()
    assert np.isfinite(gradient[[0, 2]]).all()
    assert np.isnan(gradient[1]).all()


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_infinite_logits_are_certain(name, dtype, isa, use_isa):
    use_isa(isa)
    operands = drawn(name, (2, 3, 33), 1, "mask", dtype, from_logits=True)
    certain = {**operands, "input": np.where(operands["input"] > 0, 1, 0).astype(dtype)}
    infinite = {**operands, "input": np.where(operands["input"] > 0, np.inf, -np.inf).astype(dtype)}
    value, gradient = results(name, infinite, from_logits="sigmoid")
    np.testing.assert_allclose(value, results(name, certain)[0], rtol=1e-6)
    assert not gradient.any()
    operands = drawn(name, (2, 3, 33), 1, "index", dtype, from_logits=True)
    without = {**operands, "input": operands["input"].copy()}
    without["input"][:, 1] = -np.inf
    value, gradient = results(name, without, from_logits="softmax")
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    assert not gradient[:, 1].any()
    two = np.where(np.arange(3)[:, np.newaxis] == 1, dtype(-3e4), operands["input"]).astype(dtype)
    np.testing.assert_allclose(value, results(name, {**operands, "input": two}, from_logits="softmax")[0], rtol=1e-6)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_saturated_logits_keep_their_digits(name, dtype):
    """Where 1 - p is 0 in the dtype, p (1 - p) is not."""
    operands = drawn(name, (2, 40), None, "mask", dtype, from_logits=True)
    large = 80 if dtype == np.float32 else 600
    operands["input"] = np.linspace(-large, large, 80, dtype=dtype).reshape(2, 40)[:, ::-1].copy()
    operands["input"][:, :4] = [0.5, -0.5, 1, -1]
    reference = REGION_REFERENCES[name]
    exact = RegionLoss(reference, operands, {"from_logits": "sigmoid"}).reduce("sum").gradients["input"]
    gradient = cases.loss(name).grad(**operands, from_logits="sigmoid", reduction="sum")
    np.testing.assert_allclose(gradient, exact.astype(float), rtol=1e-4, atol=float(np.finfo(dtype).tiny))
    assert gradient.all()


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_the_logarithm_of_no_overlap(name):
    """An index below 1e-7 counts as 1e-7, without a gradient."""
    target = np.array([[1, 1, 0, 0]])
    for input, low in (([[1e-9, 0, 1, 1]], True), ([[1e-3, 0, 1, 1]], False)):
        value, gradient = cases.loss(name).value_and_grad(np.array(input), target, log_loss=True, smooth=0.0)
        index = 1 - cases.loss(name)(np.array(input), target, smooth=0.0)
        assert value == pytest.approx(-np.log(1e-7 if low else index), rel=1e-9)
        assert gradient.any() != low


@pytest.mark.parametrize("name", BY_DISTANCE)
def test_ties_of_predictions_with_soft_targets(name):
    """The distance of two equal numbers has the slope 0: either way it would only grow."""
    target = np.array([[0.25, 0.5, 1.0, 0.0]])
    step = np.array([0, 1e-7, 0, 0])
    above, below, tie = target + step, target - step, target
    slopes = [
        cases.loss(name).grad(x, target, intersection="l1", smooth=1.0, reduction="sum", wrt=BOTH)
        for x in (above, below, tie)
    ]
    for k in range(2):
        assert slopes[2][k][0, 1] == pytest.approx((slopes[0][k][0, 1] + slopes[1][k][0, 1]) / 2, abs=1e-6)
    if name != "focal_tversky_loss":
        assert slopes[0][0][0, 1] > 0 > slopes[1][0][0, 1]
    assert cases.loss(name)(target, target, intersection="l1") == 0
    assert cases.loss(name)(target, target) > 0.1  # by products, a soft target does not agree with itself


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_weight_of_zero_and_no_gradient_flowing_in_silence_a_unit(name, dtype):
    operands = drawn(name, (4, 3, 20), dtype=dtype)
    whole = results(name, operands, BOTH)
    dirty = {each: x.copy() for each, x in operands.items()}
    dirty["input"][2] = np.nan
    keep = np.array([1.0, 1.0, 0.0, 1.0])
    found = results(name, dirty, BOTH, sample_weight=keep)
    flow = keep if whole[0].ndim == 1 else np.broadcast_to(keep[:, np.newaxis], whole[0].shape)
    for part, expected in zip(found, whole, strict=True):
        assert not part[2].any()
        assert_same(part[[0, 1, 3]], expected[[0, 1, 3]], "the others")
    for gradient, expected in zip(results(name, dirty, BOTH, grad_output=flow)[1:], whole[1:], strict=True):
        assert not gradient[2].any()
        assert_same(gradient[[0, 1, 3]], expected[[0, 1, 3]], "the others")
    if name in OF_CLASSES:
        dirty = {**operands, "input": operands["input"].copy()}
        dirty["input"][:, 1] = np.nan
        value, gradient = results(name, dirty, weight=[1, 0, 1])
        assert not value[:, 1].any()
        assert not gradient[:, 1].any()
        assert_same(value[:, [0, 2]], whole[0][:, [0, 2]], "the others")


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_that_are_none(name):
    """Are taken as they are, unless someone asks."""
    loss, operands = cases.loss(name), drawn(name, (2, 3, 9))
    for each, wrong in itertools.product(BOTH, (1.5, -0.25, 2.0)):
        dirty = {k: x.copy() for k, x in operands.items()}
        dirty[each][1, 2, 4] = wrong
        loss(**dirty)
        with fl.errstate(domain="raise"):
            with pytest.raises(
                ValueError, match=rf"^{name}: {each} must be between 0 and 1, got {wrong} at index \(1, 2, 4\)"
            ):
                loss(**dirty)
            mask = np.ones((2, 3, 9), bool)
            mask[1, 2, 4] = False
            assert np.isfinite(loss(**dirty, where=mask))
    with fl.errstate(domain="raise"):
        assert np.isfinite(loss(**operands))
        operands["input"] *= 10
        assert np.isfinite(loss(**operands, from_logits="sigmoid"))


def test_a_coefficient_of_nothing():
    """0 / 0, where one of the regions is nothing or everything: they agree, or have nothing to do with each other."""
    none, some, all_of_it = np.zeros(4), np.array([1.0, 0, 1, 0]), np.ones(4)
    for input, target, value in (
        (none, none, 0),
        (all_of_it, all_of_it, 0),
        (none, some, 1),
        (some, none, 1),
        (all_of_it, some, 1),
        (none, all_of_it, 1),
    ):
        found, gradients = fl.mcc_loss.value_and_grad(input, target, eps=0.0, wrt=BOTH)
        assert found == value
        assert not np.any(gradients)
    assert np.isnan(fl.mcc_loss([-1.0, 0.0, 0.0], [1, 0, 0]))  # the root of a negative number


def test_regions_whose_sizes_have_no_inverse_square():
    target = np.array([[[1e-200, 0], [1.0, 1.0]]])
    value, gradient = fl.generalized_dice_loss.value_and_grad(np.full((1, 2, 2), 0.5), target)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert fl.dice_loss([1e-310, 0.0], [0.0, 0.0], smooth=0.0) == 1


def test_numbers_of_masks_are_compared_as_integers():
    target = np.array([2**53 + 1, 1, 0])
    with pytest.raises(ValueError, match=r"got 9007199254740993 at index \(0,\)"):
        fl.dice_loss([0.5, 0.5, 0.2], target, ignore_index=2**53)
    assert fl.dice_loss([0.5, 0.5, 0.2], target - [1, 0, 0], ignore_index=2**53) == fl.dice_loss([0.5, 0.2], [1, 0])


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_small_indices_keep_their_digits_as_logarithms(name):
    for dtype, options in itertools.product(cases.DTYPES, ({}, {"intersection": "l1"})):
        if not options.keys() <= REGION_REFERENCES[name].defaults.keys():
            continue
        operands = {"input": np.array([[1e-4, 0.25]], dtype), "target": np.array([[1.0, 0.0]], dtype)}
        call = {**options, "smooth": 0.0, "log_loss": True}
        exact = RegionLoss(REGION_REFERENCES[name], operands, call).reduce("mean")
        value, gradient = cases.loss(name).value_and_grad(**operands, **call)
        eps = 8 * float(np.finfo(dtype).eps)
        assert value == pytest.approx(float(exact.value), rel=eps)
        np.testing.assert_allclose(gradient, exact.gradients["input"].astype(float), rtol=eps)
