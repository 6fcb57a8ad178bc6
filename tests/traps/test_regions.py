"""What losses of regions get wrong in the wild; the numbers are those of the project's list of traps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from references import COMPOUND_REFERENCES, REGION_REFERENCES, region_draws

OF_CELLS = [name for name, reference in REGION_REFERENCES.items() if not reference.class_weights]


def test_trap_092_empty_masks():
    """Of nothing, nothing is right; anything is wrong, whatever a score says of the prediction."""
    for dtype, smooth in itertools.product(cases.DTYPES, (0.0, 1e-6, 1e-5)):
        empty, full = np.zeros((1, 1, 4, 4), dtype), np.ones((1, 1, 4, 4), dtype)
        for loss in (fl.dice_loss, fl.jaccard_loss, fl.tversky_loss, fl.soft_fbeta_loss):
            with fl.errstate(nonfinite="raise"):
                assert loss(empty, empty, smooth=smooth) == 0
                value, gradient = loss.value_and_grad(full, empty, smooth=smooth)
            assert value == pytest.approx(1, abs=1e-5)
            assert (gradient >= 0).all()
    assert not fl.dice_loss.grad(empty, empty, smooth=0.0).any()


def test_trap_092_a_sample_without_the_region_among_others():
    """Its loss is 1 for whatever is predicted, however little: `absent` says whether it takes part."""
    rng = np.random.default_rng(92)
    p, t = rng.uniform(0.01, 0.1, (3, 1, 30)), np.zeros((3, 1, 30), int)
    t[:2, :, :5] = 1
    each = fl.dice_loss(p, t, reduction="none")[:, 0]
    assert each[2] == pytest.approx(1, abs=1e-5)
    assert fl.dice_loss(p, t) == pytest.approx(each.mean())
    assert fl.dice_loss(p, t, absent="zero") == pytest.approx(each[:2].sum() / 3)
    assert fl.dice_loss(p, t, absent="skip") == pytest.approx(each[:2].mean())


def test_trap_093_of_samples_or_of_the_batch():
    """The trap's numbers: the mean of two samples, and one index of what they have together."""
    p = np.array([[1.0, 0.0], [0.5, 0.5]])
    t = np.array([[1, 0], [1, 0]])
    np.testing.assert_allclose(fl.dice_loss(p, t, smooth=1.0, reduction="none"), [0, 1 / 3])
    assert fl.dice_loss(p, t, smooth=1.0) == pytest.approx(0.1667, abs=5e-5)
    assert fl.dice_loss(p, t, smooth=1.0, batch=True) == pytest.approx(0.2)
    assert fl.dice_loss(p, t, smooth=1.0, batch=True) == fl.dice_loss(p.reshape(-1), t.reshape(-1), smooth=1.0)


def test_trap_093_the_mean_of_ratios_is_over_cells():
    """Samples and classes alike, not over the pixels of them."""
    operands = region_draws.ordinary(cases.seed("cells"), (3, 4, 5, 6), 1, "mask")
    for name in OF_CELLS:
        each = cases.loss(name)(**operands, reduction="none")
        assert each.shape == (3, 4)
        assert cases.loss(name)(**operands) == pytest.approx(each.mean(), rel=1e-14)


def test_trap_094_weights_do_not_cancel():
    """Weights inside of each class's fraction cancel: the sums over classes come first."""
    p = np.array([[[0.9] * 9 + [0.4], [0.1] * 9 + [0.6]]])
    t = np.array([[0] * 9 + [1]])
    i, volumes, predicted = np.array([8.1, 0.6]), np.array([9.0, 1.0]), np.array([8.5, 1.5])
    weights = 1 / volumes**2
    expected = 1 - 2 * (weights * i).sum() / (weights * (volumes + predicted)).sum()
    assert fl.generalized_dice_loss(p, t, smooth=0.0) == pytest.approx(expected, rel=1e-14)
    cancelled = (1 - 2 * i / (volumes + predicted)).mean()
    assert abs(fl.generalized_dice_loss(p, t, smooth=0.0) - cancelled) > 0.05
    assert fl.dice_loss(p, t, smooth=0.0) == pytest.approx(cancelled, rel=1e-14)


def test_trap_094_classes_that_are_not_there():
    """1 / 0 is not the largest weight, by which a background that is not there would outweigh what is."""
    p = np.array([[[0.2, 0.2, 0.2], [0.7, 0.1, 0.1], [0.1, 0.7, 0.7]]])
    t = np.array([[1, 2, 2]])
    value, gradient = fl.generalized_dice_loss.value_and_grad(p, t, smooth=0.0)
    assert value == pytest.approx(1 - 2 * (0.7 + 1.4 / 4) / (1.9 + 3.5 / 4), rel=1e-14)
    assert not gradient[0, 0].any()
    largest = fl.generalized_dice_loss(p, t, smooth=0.0, absent="largest")
    assert largest == pytest.approx(1 - 2 * (0.7 + 1.4 / 4) / (0.6 + 1.9 + 3.5 / 4), rel=1e-14)
    with fl.errstate(nonfinite="raise"):
        for absent in ("zero", "largest"):
            assert fl.generalized_dice_loss(p, 0 * t, absent=absent) >= 0
            fl.generalized_dice_loss.grad(p, np.zeros_like(p, int), absent=absent)


def test_trap_094_one_weight_for_each_class_with_or_without_the_background():
    operands = region_draws.ordinary(cases.seed("weights"), (2, 3, 20), 1, "mask")
    each = fl.dice_loss(**operands, reduction="none")
    weight = np.array([100.0, 1.0, 3.0])
    value = fl.dice_loss(**operands, weight=weight, include_background=False)
    assert value == pytest.approx((each[:, 1:] * weight[1:]).sum() / (2 * 4), rel=1e-13)
    with pytest.raises(ValueError, match="weight"):
        fl.dice_loss(**operands, weight=weight[1:], include_background=False)


def test_trap_094_the_gradient_in_a_soft_target_keeps_the_weights():
    """They are constants there: with them the gradient pulls volumes to where they weigh less."""
    p, t = np.array([[[0.6, 0.3], [0.4, 0.7]]]), np.array([[[0.5, 0.25], [0.5, 0.75]]])
    gradient = fl.generalized_dice_loss.grad(p, t, smooth=0.0, wrt="target")
    w = 1 / t.sum(axis=2, keepdims=True) ** 2
    above, below = 2 * (w * p * t).sum(), (w * (p + t)).sum()
    np.testing.assert_allclose(gradient, w * (above / below - 2 * p) / below, rtol=1e-13)


@pytest.mark.parametrize("name", REGION_REFERENCES)
def test_trap_095_ignored_pixels_are_in_no_sum(name):
    """Not in those of predictions either, which a target of zeros alone would leave there."""
    loss = cases.loss(name)
    operands = region_draws.ordinary(cases.seed(name, "ignored"), (2, 3, 40), 1, "index", from_logits=True)
    target = operands["target"].copy()
    target[:, 30:] = 255
    few = {"input": operands["input"][..., :30], "target": target[:, :30]}
    value, gradient = loss.value_and_grad(operands["input"], target, from_logits=True, ignore_index=255)
    expected, slopes = loss.value_and_grad(**few, from_logits=True)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient[..., :30], slopes, rtol=1e-12, atol=1e-16)
    assert not gradient[..., 30:].any()
    assert loss(**operands, from_logits=True, where=target != 255) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", OF_CELLS)
def test_trap_095_unreduced_is_a_number_for_each_cell(name):
    for kind, shape in itertools.product(region_draws.KINDS, ((2, 3, 7), (2, 3, 4, 5), (2, 3, 2, 3, 4))):
        operands = region_draws.ordinary(cases.seed(name), shape, 1, kind)
        assert cases.loss(name)(**operands, reduction="none").shape == (2, 3)
        assert cases.loss(name).grad(**operands, reduction="none", grad_output=np.ones((2, 3))).shape == shape


@pytest.mark.parametrize("name", COMPOUND_REFERENCES)
def test_trap_095_masks_reach_both_parts(name):
    """MONAI#3917: pixels that are masked in the Dice part alone still pull through the cross-entropy."""
    loss = cases.loss(name)
    operands = region_draws.ordinary(cases.seed(name, "masked"), (2, 3, 40), 1, "index", from_logits=True)
    few = {"input": operands["input"][..., :30], "target": operands["target"][:, :30]}
    where, ignored = np.arange(40) < 30, operands["target"].copy()
    ignored[:, 30:] = 255
    dirty = {**operands, "input": operands["input"].copy()}
    dirty["input"][..., 30:] = np.nan
    ways = {
        "where": ({**dirty, "target": operands["target"]}, {"where": np.broadcast_to(where, (2, 40))}),
        "ignore_index": ({**dirty, "target": ignored}, {"ignore_index": 255}),
    }
    for activation, part in itertools.product(("softmax", "sigmoid"), (0.0, 1.0)):
        call = {"from_logits": activation, "dice_weight": part}
        expected, slopes = loss.value_and_grad(**few, **call)
        for given, way in ways.values():
            value, gradient = loss.value_and_grad(**given, **call, **way)
            assert value == pytest.approx(expected, rel=1e-13)
            np.testing.assert_allclose(gradient[..., :30], slopes, rtol=1e-12, atol=1e-16)
            assert not gradient[..., 30:].any()


@pytest.mark.parametrize("name", COMPOUND_REFERENCES)
def test_trap_095_there_is_no_unreduced_sum(name):
    """Of numbers of samples and classes with numbers of pixels: MONAI adds them where their shapes broadcast."""
    operands = region_draws.ordinary(cases.seed(name), (2, 3, 7), 1, "index", from_logits=True)
    for call in (cases.loss(name), cases.loss(name).grad, cases.loss(name).value_and_grad):
        with pytest.raises(ValueError, match=f"^{name}: reduction"):
            call(**operands, reduction="none")


def test_alpha_weighs_false_positives():
    """keras has it the other way round, against its own documentation."""
    much, little = np.ones((1, 4)), np.array([[1.0, 0, 0, 0]])
    target = np.array([[1, 1, 0, 0]])
    assert fl.tversky_loss(much, target, alpha=1.0, beta=0.0, smooth=0.0) == 0.5
    assert fl.tversky_loss(much, target, alpha=0.0, beta=1.0, smooth=0.0) == 0
    assert fl.tversky_loss(little, target, alpha=1.0, beta=0.0, smooth=0.0) == 0
    assert fl.tversky_loss(little, target, alpha=0.0, beta=1.0, smooth=0.0) == 0.5


def test_the_exponent_of_focal_tversky_is_on_each_unit():
    """A mean of powers, and not a power of the mean."""
    operands = region_draws.ordinary(cases.seed("focal"), (3, 2, 30), 1, "mask")
    each = fl.tversky_loss(**operands, reduction="none")
    assert fl.focal_tversky_loss(**operands, gamma=2.0) == pytest.approx((each**2).mean(), rel=1e-12)
    perfect = operands["target"].astype(float)
    with fl.errstate(nonfinite="raise"):  # where the derivative of the power is infinite
        value, gradient = fl.focal_tversky_loss.value_and_grad(perfect, operands["target"])
    assert value == 0
    assert not gradient.any()


def test_a_soft_target_agrees_with_itself():
    """By products it does not: the loss is least at a prediction of 0 and 1."""
    target = np.array([[0.25, 0.5, 0.75]])
    assert fl.jaccard_loss(target, target, intersection="l1") == 0
    assert fl.dice_loss(target, target, intersection="l1") == 0
    assert fl.dice_loss(target, target) > fl.dice_loss((target >= 0.5).astype(float), target)


def test_an_image_of_ones_is_not_lost_in_float32():
    """2^24 + 1 is 2^24 there: a sum in float32 stops growing."""
    n = 2**24 + 4_000_000
    p = np.broadcast_to(np.float32(1), (1, n))
    t = np.broadcast_to(np.uint8(1), (1, n))
    assert fl.dice_loss(p, t, smooth=0.0) == 0
    assert fl.jaccard_loss(np.broadcast_to(np.float32(0.5), (1, n)), t, smooth=0.0) == 0.5
