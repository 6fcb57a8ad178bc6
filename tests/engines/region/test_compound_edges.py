"""Sums of a loss of regions and one of pixels: where nothing is left, missing numbers, memory, threads, bad calls."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from engines.region.test_compound import BOTH, NAMES, drawn, results
from references import COMPOUND_REFERENCES, region_draws

# A shape, its axis of classes, the kind of target, and what makes probabilities of the input.
WAYS = [
    ((7,), None, "soft", "sigmoid"),
    ((5, 33), None, "soft", "sigmoid"),
    ((3, 4, 6, 7), 1, "index", "softmax"),
    ((3, 4, 6, 7), 1, "soft", "softmax"),
    ((3, 4, 6, 7), 1, "mask", "sigmoid"),
    ((3, 6, 7, 4), -1, "index", "softmax"),
    ((4, 6, 7), 0, "soft", "sigmoid"),
    ((2, 2, 700), 1, "soft", "softmax"),
]


def refused(name, error, match, operands, **arguments):
    """By every method, with a message that begins with the name of the loss, and with nothing written."""
    loss, given = cases.loss(name), {**operands, **arguments}
    out = np.full_like(np.asarray(operands["input"], float), 7.0)
    for call in (loss, loss.statistics):
        with pytest.raises(error, match=rf"^{name}: .*{match}"):
            call(**given)
    for call in (loss.grad, loss.value_and_grad):
        with pytest.raises(error, match=rf"^{name}: .*{match}"):
            call(**given, out=out)
    assert (out == 7).all()


# ---- where a part has nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_part_without_a_weight_has_no_part_in_anything(name):
    part = COMPOUND_REFERENCES[name].part_weight
    for activation, kind in (("softmax", "index"), ("sigmoid", "soft")):
        operands = drawn(name, (3, 4, 50), 1, kind)
        whole, first, second, neither = (
            results(name, operands, from_logits=activation, **{"dice_weight": a, part: b})
            for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))
        )
        dice = fl.dice_loss(**operands, from_logits=activation)
        assert first[0] == pytest.approx(dice, rel=1e-13)
        for k, x in enumerate(whole):
            np.testing.assert_allclose(first[k] + second[k], x, rtol=1e-12, atol=1e-15)
            assert not np.any(neither[k])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left(name):
    """Neither part has a mean: NaN, of which the gradient is 0."""
    loss, operands = cases.loss(name), drawn(name, (3, 4, 20))
    for way in ({"where": False}, {"target": np.full((3, 20), -100)}, {"sample_weight": np.zeros(3)}):
        given = {**operands, **way}
        assert np.isnan(loss(**given))
        assert not loss.grad(**given).any()
        assert loss(**given, reduction="sum") == 0
        assert loss.statistics(**given) == (0, 0)
        with fl.errstate(empty="zero"):
            assert loss(**given) == 0
        with fl.errstate(empty="raise"), pytest.raises(ValueError, match=f"^{name}: the mean is over nothing"):
            loss(**given)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_of_the_dice_part(name):
    """No class that counts is there: the sum with the mean over nothing is NaN, the gradient that of the pixels."""
    loss, part = cases.loss(name), COMPOUND_REFERENCES[name].part_weight
    operands = drawn(name, (3, 4, 20))
    operands["target"][:] = 0
    call = {**operands, "absent": "skip", "include_background": False}
    of_pixels = {**call, "dice_weight": 0.0}
    assert np.isnan(loss(**call))
    assert np.isfinite(loss(**of_pixels))
    np.testing.assert_allclose(loss.grad(**call), loss.grad(**of_pixels), rtol=1e-14)
    with fl.errstate(empty="zero"):
        assert loss(**call) == pytest.approx(loss(**of_pixels), rel=1e-14)
    with fl.errstate(empty="raise"), pytest.raises(ValueError, match=f"^{name}: the mean is over nothing"):
        loss(**call)
    assert np.isfinite(loss(**call, reduction="sum"))
    assert np.isnan(loss(**{**call, part: 0.0}))


@pytest.mark.parametrize("name", NAMES)
def test_absent_classes_have_pixels(name):
    """What is done with a class that a sample does not have concerns the Dice part alone."""
    operands = drawn(name, (3, 4, 60))
    operands["target"][1][operands["target"][1] == 2] = 0
    for absent in ("count", "zero", "skip"):
        dice = fl.dice_loss(**operands, from_logits=True, absent=absent)
        rest = cases.loss(name)(**operands, dice_weight=0.0)
        assert cases.loss(name)(**operands, absent=absent) == pytest.approx(dice + rest, rel=1e-13)


# ---- numbers that are not there --------------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("name", NAMES)
def test_masked_pixels_may_hold_anything(name, activation, isa, use_isa):
    use_isa(isa)
    for dtype, kind in itertools.product(cases.DTYPES, region_draws.KINDS):
        clean = drawn(name, (3, 4, 53), 1, kind, dtype)
        where = cases.seed(name, kind).random((3, 53)) < 0.7
        call = {"where": where, "from_logits": activation}
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
def test_ignored_pixels_are_masked(name):
    for activation, ignore_index in itertools.product(("sigmoid", "softmax"), (-100, -1, 0, 1, 255, 2**40)):
        operands = drawn(name, (3, 3, 40), weight=True)
        ignored = cases.seed(name).random((3, 40)) < 0.3
        target = np.where(ignored, ignore_index, operands["target"])
        found = results(name, {**operands, "target": target}, from_logits=activation, ignore_index=ignore_index)
        clean = np.where(target == ignore_index, 2, target)
        call = {"from_logits": activation, "where": target != ignore_index, "ignore_index": -7}
        for one, other in zip(found, results(name, {**operands, "target": clean}, **call), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-16, err_msg=f"{activation} {ignore_index}")


@pytest.mark.parametrize("name", NAMES)
def test_no_classes(name):
    for target in (np.full((2, 4), -100), np.zeros((2, 0, 4)), np.zeros((2, 0, 4), int)):
        for activation in ("softmax", "sigmoid"):
            value, gradient = cases.loss(name).value_and_grad(np.zeros((2, 0, 4)), target, from_logits=activation)
            assert np.isnan(value)
            assert gradient.shape == (2, 0, 4)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_of_what_counts_nowhere_may_be_anything(name):
    """Of a class without a pixel, and of a sample without one."""
    operands, where = drawn(name, (2, 2, 20), kind="mask"), np.ones((2, 2, 20), bool)
    where[:, 1] = False
    call = {"from_logits": "sigmoid", "where": where}
    for wrong in (np.nan, np.inf):
        for one, other in zip(
            results(name, operands, weight=[1, wrong], **call),
            results(name, operands, weight=[1, 1], **call),
            strict=True,
        ):
            assert_same(one, other, wrong)


@pytest.mark.parametrize("name", NAMES)
def test_the_message_names_a_place_that_counts(name):
    """A number whose pixel is ignored for another class may be any."""
    target = np.array([[[-1, 0, 0], [7, 5, 1]]])
    operands = {"input": np.zeros((1, 2, 3)), "target": target}
    refused(name, ValueError, r"got 5 at index \(0, 1, 1\)", operands, from_logits="softmax", ignore_index=-1)


@pytest.mark.parametrize("name", NAMES)
def test_ignored_places_of_a_mask(name):
    """By themselves with a sigmoid; with a softmax they take their pixel with them."""
    operands = drawn(name, (3, 4, 40), kind="index")
    hot = np.moveaxis(np.arange(4) == operands["target"][..., np.newaxis], -1, 1).astype(int)
    ignored = cases.seed(name).random((3, 4, 40)) < 0.1
    target = np.where(ignored, 255, hot)
    for activation, where in (("sigmoid", ~ignored), ("softmax", ~ignored.any(axis=1))):
        found = results(name, {**operands, "target": target}, from_logits=activation, ignore_index=255)
        expected = results(name, {**operands, "target": hot}, from_logits=activation, where=where)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-16, err_msg=activation)


@pytest.mark.parametrize("name", NAMES)
def test_a_background_that_is_in_no_region_is_still_a_class(name):
    operands = drawn(name, (2, 3, 40))
    part = COMPOUND_REFERENCES[name].part_weight
    for activation in ("softmax", "sigmoid"):
        call = {**operands, "from_logits": activation}
        alone = cases.loss(name)(**call, include_background=False, dice_weight=0.0)
        assert alone == cases.loss(name)(**call, dice_weight=0.0)
        dice = fl.dice_loss(**call, include_background=False)
        assert cases.loss(name)(**call, include_background=False, **{part: 0.0}) == pytest.approx(dice, rel=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_is_missing(name):
    loss = cases.loss(name)
    for activation, kind in (("softmax", "index"), ("sigmoid", "mask")):
        operands = drawn(name, (3, 4, 40), 1, kind)
        operands["input"][1, 2, 7] = np.nan
        value, gradient = loss.value_and_grad(**operands, from_logits=activation)
        assert np.isnan(value)
        assert np.isnan(gradient[1, 2, 7])
        assert np.isfinite(gradient[[0, 2]]).all()
        with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match=name):
            loss(**operands, from_logits=activation)
        keep = np.array([1.0, 0.0, 2.0])
        value, gradient = loss.value_and_grad(**operands, from_logits=activation, sample_weight=keep)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert not gradient[1].any()
        assert not loss.grad(**operands, from_logits=activation, grad_output=0.0).any()


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_infinite_and_saturated_logits(name, dtype, isa, use_isa):
    """A class that is impossible costs nothing unless it is the target's; what is sure and right is not lost."""
    use_isa(isa)
    operands = drawn(name, (2, 3, 33), dtype=dtype)
    operands["target"][operands["target"] == 1] = 0
    operands["input"][:, 1] = -np.inf
    value, gradient = results(name, operands)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert not gradient[:, 1].any()
    operands["target"][0, 0] = 1
    assert np.isinf(cases.loss(name)(**operands))
    large = dtype(80 if dtype == np.float32 else 600)
    mask = drawn(name, (2, 40), None, "mask", dtype)
    mask["input"] = np.where(mask["target"], large, -large).astype(dtype)
    for operands in (mask, {**mask, "input": -mask["input"]}):
        value, gradient = results(name, operands)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
    assert results(name, mask)[0] < 1e-5
    slopes = np.where(mask["target"], -1, 1)
    assert (results(name, {**mask, "input": -mask["input"]}, dice_weight=0.0)[1] * slopes > 0).all()
    sure = {**mask, "input": np.where(mask["target"], np.inf, -np.inf).astype(dtype)}
    value, gradient = results(name, sure)
    assert value == pytest.approx(0, abs=1e-6)
    assert not gradient.any()


# ---- memory and threads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_place_of_operands(name, isa, use_isa):
    use_isa(isa)
    for dtype, (shape, axis, kind, activation) in itertools.product(cases.DTYPES, WAYS):
        operands = drawn(name, shape, axis, kind, dtype)
        expected = results(name, operands, axis=axis, from_logits=activation)
        own = {each: x.copy() for each, x in operands.items()}
        outs = tuple(own[each] for each in (BOTH if kind == "soft" else ("input",)))
        found = results(name, own, axis=axis, from_logits=activation, out=outs)
        for one, other in zip((*found, *outs), (*expected, *expected[1:]), strict=True):
            assert_same(one, other, f"{shape} {activation}")


@pytest.mark.parametrize("layout", layouts.ALL)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers_wherever_they_lie(name, layout):
    turn = layouts.ALL[layout]
    for dtype, (shape, axis, kind, activation) in itertools.product(cases.DTYPES, WAYS):
        operands = drawn(name, shape, axis, kind, dtype)
        expected = results(name, operands, axis=axis, from_logits=activation)
        alone = ({**operands, each: turn(x)} for each, x in operands.items())
        for moved in ({each: turn(x) for each, x in operands.items()}, *alone):
            found = results(name, moved, axis=axis, from_logits=activation)
            for one, other in zip(found, expected, strict=True):
                room = 16 * np.finfo(dtype).eps
                np.testing.assert_allclose(one, other, rtol=room, atol=room * np.abs(other).max(initial=0))


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name, isa, use_isa):
    """Many samples, one that threads share, many classes, and pixels whose classes lie side by side."""
    use_isa(isa)
    ways = [
        ((40, 2, 4_001), 1, "index", "softmax"),
        ((1, 2, 300_001), 1, "soft", "softmax"),
        ((2, 50, 3_001), 1, "index", "softmax"),
        ((2, 50, 3_001), 1, "mask", "sigmoid"),
        ((2, 70_001, 3), -1, "index", "softmax"),
        ((400_003,), None, "soft", "sigmoid"),
    ]
    for dtype, (shape, axis, kind, activation) in itertools.product(cases.DTYPES, ways):
        operands, found = drawn(name, shape, axis, kind, dtype), set()
        for threads in (1, 2, 3, 7):
            with fl.threads(threads):
                got = results(name, operands, axis=axis, from_logits=activation)
            found.add(tuple(np.asarray(x).tobytes() for x in got))
        assert len(found) == 1, f"{shape} {activation}"


# ---- calls that are refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_logits(name):
    operands = drawn(name, (3, 4, 20))
    refused(
        name,
        ValueError,
        "from_logits must be one of.*True.*'sigmoid'.*'softmax'.*not False",
        operands,
        from_logits=False,
    )
    for wrong, error in (("relu", ValueError), (None, TypeError), (2.0, TypeError), (np.ones(2), TypeError)):
        with pytest.raises(error, match="from_logits"):
            cases.loss(name)(**operands, from_logits=wrong)
    for given in (drawn(name, (3, 7), None, "mask"), drawn(name, (7,), None, "mask")):
        refused(name, ValueError, "from_logits='softmax'.*axis of.*classes", given, from_logits="softmax")
    for option in ("log_loss", "alpha"):
        with pytest.raises(TypeError, match=f"unexpected keyword.*{option}"):
            cases.loss(name)(**operands, **{option: True})


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_parts_are_at_least_0(name):
    for option in ("dice_weight", COMPOUND_REFERENCES[name].part_weight, "smooth", *["gamma"] * ("focal" in name)):
        for wrong in (-1e-9, -1.0):
            refused(name, ValueError, f"{option} must be", drawn(name, (3, 4, 20)), **{option: wrong})


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_of_each_class_is_for_a_sigmoid(name):
    for kind in region_draws.KINDS:
        operands, where = drawn(name, (3, 4, 20), 1, kind), np.ones((3, 4, 20), bool)
        assert np.isfinite(cases.loss(name)(**operands, from_logits="sigmoid", where=where))
        refused(name, ValueError, "where has shape", operands, from_logits="softmax", where=where)
        for shape in ((4,), (3, 4), (3, 20, 1), (2, 20)):
            refused(name, ValueError, "where has shape", operands, from_logits="sigmoid", where=np.ones(shape, bool))


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_of_samples(name):
    operands = drawn(name, (3, 4, 20))
    for shape in ((4,), (3, 4), (3, 20), (3, 1)):
        match = rf"sample_weight has shape {re.escape(str(shape))}"
        refused(name, ValueError, match, operands, sample_weight=np.ones(shape))
    for wrong in (np.ones(3), 1.0):
        refused(name, ValueError, "sample_weight.*batch=True", operands, sample_weight=wrong, batch=True)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_classes_that_do_not_fit(name):
    operands = drawn(name, (3, 4, 20))
    for shape in ((3,), (5,), (4, 1), (3, 4), (1,)):
        refused(name, ValueError, rf"weight has shape {re.escape(str(shape))}", operands, weight=np.ones(shape))
    refused(name, ValueError, "weight.*merge_classes", operands, weight=np.ones(4), merge_classes=True)
    refused(name, ValueError, "weight.*classes", drawn(name, (3, 7), None, "mask"), weight=np.ones(1))


@pytest.mark.parametrize("name", NAMES)
def test_targets_that_do_not_fit(name):
    operands = drawn(name, (3, 4, 20))
    for shape in ((3, 4), (3, 4, 21), (3, 1, 20), (4, 20)):
        for dtype in (int, float):
            refused(name, ValueError, "target has shape", {**operands, "target": np.ones(shape, dtype)})
    for wrong in (4, -1, 255):
        target = operands["target"].copy()
        target[2, 3] = wrong
        for activation in ("softmax", "sigmoid"):
            given = {**operands, "target": target, "from_logits": activation}
            refused(name, IndexError, rf"target must be a class from 0 to 3.*got {wrong} at index \(2, 3\)", given)
    # The background of a mask is read, whether it is in the Dice part or not.
    mask = drawn(name, (3, 4, 20), kind="mask")
    mask["target"][2, 0, 5] = 255
    for activation, background in itertools.product(("softmax", "sigmoid"), (True, False)):
        call = {"from_logits": activation, "include_background": background}
        refused(name, ValueError, r"target must be 0 or 1.*got 255 at index \(2, 0, 5\)", mask, **call)
    with pytest.raises(ValueError, match="ignore_index"):
        cases.loss(name)(**drawn(name, (3, 4, 20), kind="soft"), from_logits="softmax", ignore_index=0)


@pytest.mark.parametrize("name", NAMES)
def test_only_targets_that_are_numbers_have_a_gradient(name):
    for kind in ("mask", "index"):
        operands = drawn(name, (3, 4, 20), kind=kind)
        for wrt in ("target", 1, ("input", "target")):
            with pytest.raises(ValueError, match=f"^{name}: wrt names 'target'"):
                cases.loss(name).grad(**operands, from_logits="softmax", wrt=wrt)
    gradient = cases.loss(name).grad(**drawn(name, (3, 4, 20), kind="soft"), from_logits="softmax", wrt="target")
    assert gradient.shape == (3, 4, 20)
