"""Values and gradients of Lovász losses: by hand, by the definition, and with every option."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from references import LOVASZ_REFERENCES, lovasz_draws
from references.lovasz_schema import LovaszLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "lovasz"]
GOLDEN = [(name, case) for name in NAMES for case in LOVASZ_REFERENCES[name].golden]


def drawn(name, shape, axis=1, dtype=np.float64, *, from_logits=False):
    """Scores and a mask of a shape, or scores of classes on an axis of it."""
    rng = cases.seed(name, shape, axis)
    if not LOVASZ_REFERENCES[name].has_classes:
        return lovasz_draws.mask(rng, shape, dtype)
    return lovasz_draws.classes(rng, shape, axis, dtype, from_logits=from_logits)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize(("name", "case"), GOLDEN, ids=str)
def test_golden_values(name, case, isa, use_isa):
    use_isa(isa)
    operands = tuple(map(np.asarray, case.operands))
    assert cases.loss(name)(*operands, **case.keywords) == pytest.approx(case.value, rel=1e-14)
    narrow = (operands[0].astype(np.float32), operands[1])
    assert cases.loss(name)(*narrow, **case.keywords) == pytest.approx(case.value, rel=1e-6)


def jaccard_loss_of(wrong, positive):
    """|M| / |Y or M| of the sets of wrong pixels and of those of the class; 0 of none."""
    return wrong.sum() / (positive | wrong).sum() if wrong.any() else 0.0


def choquet_integral(errors, positive):
    """The Lovász extension of a set function: of its values on the sets of errors above a level, over all levels."""
    levels = np.unique(np.concatenate([[0.0], errors[errors > 0]]))
    above = [jaccard_loss_of(errors > level, positive) for level in levels[:-1]]
    return float(np.dot(np.diff(levels), above))


def test_the_hinge_is_the_extension_by_its_definition():
    rng = cases.seed("definition")
    for n, share in itertools.product((1, 2, 3, 8, 40), (0.0, 0.3, 1.0)):
        for _ in range(5):
            x, t = 2 * rng.standard_normal(n), rng.random(n) < share
            want = choquet_integral(1 - x * np.where(t, 1, -1), t)
            assert fl.lovasz_hinge_loss(x, t) == pytest.approx(want, rel=1e-12, abs=1e-15)


def test_the_softmax_loss_is_the_extension_by_its_definition():
    rng = cases.seed("definition of classes")
    for n, classes in itertools.product((1, 2, 9, 40), (1, 2, 5)):
        p, y = rng.dirichlet(np.ones(classes), n), rng.integers(0, classes, n)
        of_classes = [choquet_integral(np.abs((y == c) - p[:, c]), y == c) for c in range(classes)]
        present = [value for c, value in enumerate(of_classes) if (y == c).any()]
        assert fl.lovasz_softmax_loss(p, y) == pytest.approx(np.mean(present), rel=1e-12, abs=1e-15)
        assert fl.lovasz_softmax_loss(p, y, classes="all") == pytest.approx(np.mean(of_classes), rel=1e-12, abs=1e-15)


def test_errors_of_0_and_1_give_the_jaccard_loss():
    """What is extended: one minus intersection over union of two masks."""
    rng = cases.seed("corners")
    for _ in range(20):
        predicted, true = rng.random((2, 30)) < rng.random((2, 1))
        union, common = (predicted | true).sum(), (predicted & true).sum()
        want = 1 - common / union if union else 0.0
        p, y = np.stack([~predicted, predicted], axis=1).astype(float), true.astype(int)
        both = fl.lovasz_softmax_loss(p, y, classes="all")
        swapped_union, swapped = (~predicted | ~true).sum(), (~predicted & ~true).sum()
        other = 1 - swapped / swapped_union if swapped_union else 0.0
        assert both == pytest.approx((want + other) / 2, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name):
    reference = LOVASZ_REFERENCES[name]
    for shape, options in itertools.product(((3, 4, 5, 6), (2, 3, 700), (1, 2, 3)), reference.option_sets()):
        logits = options.get("from_logits", False)
        operands = drawn(name, shape, from_logits=logits)
        rng = cases.seed(name, shape, options)
        operands["target"][rng.random(operands["target"].shape) < 0.1] = -100
        where = rng.random(operands["target"].shape) < 0.9
        want = LovaszLoss(reference, operands, options, where=where).reduce("sum", grad_output=2.0)
        value = cases.loss(name)(**operands, **options, where=where, reduction="sum")
        gradient = cases.loss(name).grad(**operands, **options, where=where, reduction="sum", grad_output=2.0)
        assert value == pytest.approx(float(want.value), rel=1e-13), f"{shape} {options}"
        np.testing.assert_allclose(gradient, want.gradients["input"].astype(float), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", NAMES)
def test_the_shape_of_the_units(name):
    loss = cases.loss(name)
    for shape in ((4, 3), (4, 3, 5), (4, 3, 5, 2)):
        operands = drawn(name, shape)
        assert loss(**operands, reduction="none").shape == ()
        assert loss(**operands, reduction="none", per_image=True).shape == (4,)
        assert loss(**operands, reduction="batchmean") == loss(**operands) / 4
    alone = drawn(name, (5,), 0)
    assert loss(**alone, reduction="none", per_image=True).shape == ()


def test_masks_of_every_dtype():
    rng = cases.seed("masks")
    x, mask = rng.standard_normal((3, 50)), rng.random((3, 50)) < 0.4
    want = fl.lovasz_hinge_loss.value_and_grad(x, mask)
    for dtype in "bBhHiIlLqQefd?":
        for order in "<>":
            got = fl.lovasz_hinge_loss.value_and_grad(x, mask.astype(np.dtype(dtype).newbyteorder(order)))
            np.testing.assert_array_equal(got[0], want[0])
            np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -3])
def test_the_axis_of_classes(axis):
    operands = drawn("lovasz_softmax_loss", (3, 4, 5, 6), axis)
    rank = 4
    moved = np.moveaxis(operands["input"], axis, 1 if axis % rank else 0)
    for options in ({}, {"from_logits": True}, {"per_image": True, "reduction": "sum"}):
        value, gradient = fl.lovasz_softmax_loss.value_and_grad(**operands, axis=axis, **options)
        if axis % rank == 0:  # one sample
            again = fl.lovasz_softmax_loss.value_and_grad(moved[np.newaxis], operands["target"][np.newaxis], **options)
            np.testing.assert_array_equal(gradient, again[1][0])
        else:
            again = fl.lovasz_softmax_loss.value_and_grad(moved, operands["target"], **options)
            np.testing.assert_array_equal(np.moveaxis(gradient, axis, 1), again[1])
        assert value == again[0]


def test_samples_that_are_pixels():
    """(N, C): all samples are the pixels of one unit, and with per_image each is a unit."""
    operands = drawn("lovasz_softmax_loss", (40, 3))
    x, y = operands["input"], operands["target"]
    image = fl.lovasz_softmax_loss(x.T[np.newaxis], y[np.newaxis])
    assert fl.lovasz_softmax_loss(x, y) == image
    each = fl.lovasz_softmax_loss(x, y, per_image=True, reduction="none")
    np.testing.assert_allclose(each, 1 - x[np.arange(40), y], rtol=1e-15)
    assert fl.lovasz_softmax_loss(x[7], y[7]) == each[7]


def test_what_the_computation_keeps_of_large_images():
    """Ranks and counts beyond float32's 2^24 take part in double: here they are near the end of a million pixels."""
    n = 1_000_000
    x = np.linspace(-1, 1, n, dtype=np.float32)
    value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, np.zeros(n, int))
    assert value == 2  # the largest error alone
    assert gradient[-1] == 1
    assert np.count_nonzero(gradient) == 1
