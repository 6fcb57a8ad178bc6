"""Shapes, axes, options, targets and masks that a call refuses: with the right exception, and nothing written."""

from __future__ import annotations

import re

import numpy as np
import pytest

import cases
from references import REGION_REFERENCES, region_draws

NAMES = list(REGION_REFERENCES)
OF_CLASSES = [name for name in NAMES if not REGION_REFERENCES[name].class_weights]


def drawn(name, shape=(3, 4, 5, 6), axis=1, kind="mask", **more):
    return region_draws.ordinary(cases.seed(name, shape, axis, kind), shape, axis, kind, **more)


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


@pytest.mark.parametrize("name", NAMES)
def test_targets_of_other_shapes(name):
    x = np.full((3, 4, 5, 6), 0.5)
    for shape in ((3, 4, 5, 7), (3, 4, 5), (3, 1, 5, 6), (3, 4, 30), (5, 6), (), (3, 4, 5, 6, 1), (3, 5, 6), (3, 6, 5)):
        refused(
            name,
            ValueError,
            rf"target has shape {re.escape(str(shape))}.*{re.escape(str(x.shape))}",
            {"input": x, "target": np.ones(shape)},
        )  # floating
    for shape in ((3, 4, 5, 7), (3, 4, 5), (3, 1, 5, 6), (3, 6, 5), (3, 1, 6), (5, 6), (3, 5, 6, 1)):
        refused(
            name, ValueError, rf"target has shape {re.escape(str(shape))}", {"input": x, "target": np.ones(shape, int)}
        )
    refused(name, ValueError, "target", {"input": x, "target": np.ones((3, 5, 6), int)}, axis=None)
    refused(name, ValueError, "target", {"input": x, "target": np.ones((3, 4, 5), int)}, axis=2)
    refused(name, ValueError, "target", {"input": x[0, 0], "target": np.ones(5, int)})  # rank 2 has no classes


@pytest.mark.parametrize("name", NAMES)
def test_axes_that_there_are_not(name):
    for axis in (4, -5, 99):
        refused(name, ValueError, rf"axis.*{axis}", drawn(name), axis=axis)
    for wrong in (1.0, "1", (1,)):
        with pytest.raises(TypeError, match=f"axis must be an integer, None or 'auto', not {type(wrong).__name__}$"):
            cases.loss(name)(**drawn(name), axis=wrong)
    for axis in ("auto", None, 0):
        with pytest.raises(ValueError, match=f"^{name}: (input|axis)"):
            cases.loss(name)(0.5, 1.0, axis=axis)


@pytest.mark.parametrize("name", NAMES)
def test_class_indices_that_there_are_not(name):
    operands = drawn(name, kind="index")
    for wrong in (4, -1, 255, -(2**40)):
        target = operands["target"].copy()
        target[2, 3, 4] = wrong
        given = {**operands, "target": target}
        refused(name, IndexError, rf"target must be a class from 0 to 3.*got {wrong} at index \(2, 3, 4\)", given)
        where = target != wrong
        assert np.isfinite(cases.loss(name)(**given, where=where))
        assert np.isfinite(cases.loss(name)(**given, ignore_index=wrong))
    refused(
        name,
        TypeError,
        "target.*class indices of an integer dtype.*bool",
        {**operands, "target": operands["target"] > 0},
    )


@pytest.mark.parametrize("name", NAMES)
def test_masks_of_other_numbers_than_0_and_1(name):
    """A mask of 0 and 255 is not one of 0 and 1, whose sum it would be 255 times."""
    operands = drawn(name)
    for dtype, wrong in ((np.uint8, 255), (np.int64, 2), (np.int16, -1)):
        target = operands["target"].astype(dtype)
        target[2, 1, 3, 4] = wrong
        given = {**operands, "target": target}
        refused(name, ValueError, rf"target must be 0 or 1.*got {wrong} at index \(2, 1, 3, 4\)", given)
        assert np.isfinite(cases.loss(name)(**given, where=target != wrong))
        assert np.isfinite(cases.loss(name)(**given, ignore_index=wrong))


@pytest.mark.parametrize("name", NAMES)
def test_ignore_index_is_for_integers(name):
    operands = drawn(name, kind="soft")
    refused(name, ValueError, "ignore_index", operands, ignore_index=0)
    for wrong in (1.5, "0", None):
        with pytest.raises(TypeError, match="ignore_index"):
            cases.loss(name)(**drawn(name), ignore_index=wrong)


@pytest.mark.parametrize("name", NAMES)
def test_what_from_logits_may_be(name):
    operands = drawn(name, from_logits=True)
    for wrong, error in (("relu", ValueError), (None, TypeError), (2.0, TypeError), (np.ones(2), TypeError)):
        with pytest.raises(error, match="from_logits"):
            cases.loss(name)(**operands, from_logits=wrong)
    refused(name, ValueError, "from_logits.*'sigmoid'.*'softmax'", operands, from_logits=True)
    for given in (drawn(name, (3, 7), None), drawn(name, (7,), None)):
        refused(name, ValueError, "from_logits='softmax'.*axis of.*classes", given, from_logits="softmax")
    refused(name, ValueError, "from_logits='softmax'", operands, from_logits="softmax", axis=None)


@pytest.mark.parametrize("name", NAMES)
def test_a_background_needs_other_classes(name):
    for operands, axis in ((drawn(name, (3, 7), None), None), (drawn(name, (3, 1, 7)), 1), (drawn(name), None)):
        refused(name, ValueError, "include_background", operands, include_background=False, axis=axis)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_weights_of_classes_that_do_not_fit(name):
    operands = drawn(name)
    for shape in ((3,), (5,), (4, 1), (1, 4), (3, 4), (1,)):
        refused(name, ValueError, rf"weight has shape {re.escape(str(shape))}", operands, weight=np.ones(shape))
    # One for each class, the background included, whether it counts or not.
    refused(name, ValueError, r"weight has shape \(3,\)", operands, weight=np.ones(3), include_background=False)
    refused(name, ValueError, "weight.*merge_classes", operands, weight=np.ones(4), merge_classes=True)
    refused(name, ValueError, "weight.*classes", drawn(name, (3, 7), None), weight=np.ones(1))
    refused(name, ValueError, "weight.*classes", operands, weight=np.ones(4), axis=None)
    for method in (cases.loss(name).grad, cases.loss(name).value_and_grad):
        with pytest.raises(ValueError, match="wrt"):
            method(**operands, weight=np.ones(4), wrt="weight")


@pytest.mark.parametrize("name", NAMES)
def test_only_targets_that_are_numbers_have_a_gradient(name):
    for kind in ("mask", "index"):
        operands = drawn(name, kind=kind)
        for wrt in ("target", 1, ("input", "target")):
            with pytest.raises(ValueError, match=f"^{name}: wrt names 'target'"):
                cases.loss(name).grad(**operands, wrt=wrt)
    assert cases.loss(name).grad(**drawn(name, kind="soft"), wrt="target").shape == (3, 4, 5, 6)


@pytest.mark.parametrize("name", NAMES)
def test_masks_that_do_not_fit(name):
    operands = drawn(name)
    for shape in ((4,), (3, 4), (5, 6), (3, 6, 5), (3, 5, 6, 1), (4, 5, 6), (3, 4, 5, 6, 1), (2, 4, 5, 6)):
        refused(name, ValueError, rf"where has shape {re.escape(str(shape))}", operands, where=np.ones(shape, bool))
    for wrong in (np.ones((3, 5, 6)), np.ones((3, 4, 5, 6), np.int64)):
        refused(name, TypeError, "where must have dtype bool", operands, where=wrong)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_samples_that_do_not_fit(name):
    cells = (3,) if name not in OF_CLASSES else (3, 4)
    operands = drawn(name)
    for shape in ((4,), (*cells, 1), (2, 4), (3, 5, 6)):
        refused(
            name,
            ValueError,
            rf"sample_weight has shape {re.escape(str(shape))}",
            operands,
            sample_weight=np.ones(shape),
        )
    refused(name, ValueError, "sample_weight", operands, sample_weight=np.ones(3), batch=True)
    with pytest.raises(ValueError, match="grad_output"):
        cases.loss(name).grad(**operands, reduction="none", grad_output=np.ones((*cells, 1)))


OUTSIDE = {"smooth": (-1e-9, -1.0), "alpha": (-0.5,), "beta": (-0.5,), "gamma": (0.0, -1.0), "eps": (-1e-9,)}


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_in_their_range(name):
    loss, operands = cases.loss(name), drawn(name)
    for option in REGION_REFERENCES[name].defaults.keys() & OUTSIDE.keys():
        for wrong in OUTSIDE[option]:
            with pytest.raises(ValueError, match=f"^{name}: {option} must be"):
                loss(**operands, **{option: wrong})
    if name == "soft_fbeta_loss":
        with pytest.raises(ValueError, match=f"^{name}: beta must be > 0"):
            loss(**operands, beta=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_choices_and_switches(name):
    loss, operands = cases.loss(name), drawn(name)
    for option in ("absent", "intersection", "weighting"):
        if option in REGION_REFERENCES[name].defaults:
            with pytest.raises(ValueError, match=f"^{name}: {option} must be"):
                loss(**operands, **{option: "none"})
        else:
            with pytest.raises(TypeError, match=f"unexpected keyword.*{option}"):
                loss(**operands, **{option: "l1"})
    for option in ("batch", "include_background"):
        with pytest.raises(TypeError, match=option):
            loss(**operands, **{option: "yes"})
