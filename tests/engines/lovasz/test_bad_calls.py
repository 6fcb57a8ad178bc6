"""Calls that a Lovász loss refuses, before anything is written."""

from __future__ import annotations

import numpy as np
import pytest

import fastloss as fl

X, MASK = np.linspace(-1, 1, 24).reshape(2, 3, 4), np.arange(24).reshape(2, 3, 4) % 2
P, LABELS = np.full((2, 3, 4), 1 / 3), np.arange(8).reshape(2, 4) % 3


def refuses(error, match, loss, input, target, **call):
    out = np.full(np.shape(input), 7.0)
    with pytest.raises(error, match=match):
        loss(input, target, **call)
    with pytest.raises(error, match=match):
        loss.grad(input, target, **call, out=out)
    assert (out == 7).all()


def test_shapes_of_targets():
    for target in (MASK[0], MASK[..., :2], MASK[np.newaxis]):
        refuses(
            ValueError, r"target has shape .* it must have the shape of input of shape", fl.lovasz_hinge_loss, X, target
        )
    for target in (MASK, LABELS[0], LABELS.T):
        refuses(
            ValueError, r"target has shape .* without its axis of classes, \(2, 4\)", fl.lovasz_softmax_loss, P, target
        )
    refuses(ValueError, r"axis of pixels, got shape \(\)", fl.lovasz_hinge_loss, 1.0, 1)
    refuses(ValueError, r"axis of classes, got shape \(\)", fl.lovasz_softmax_loss, 1.0, 1)


def test_axes():
    for axis in (3, -4):
        refuses(ValueError, "axis must be from -3 to 2", fl.lovasz_softmax_loss, P, LABELS, axis=axis)
    with pytest.raises(TypeError, match="axis"):
        fl.lovasz_hinge_loss(X, MASK, axis=1)


def test_dtypes_of_labels():
    for dtype in (np.float64, np.float32, bool):
        refuses(TypeError, "class indices of an integer dtype", fl.lovasz_softmax_loss, P, LABELS.astype(dtype))


@pytest.mark.parametrize("wrong", [2, -1, 255, 2**31, -(2**63)])
def test_masks_of_other_numbers_than_0_and_1(wrong):
    for dtype in "bBhHiIlLqQ":
        if np.iinfo(dtype).min <= wrong <= np.iinfo(dtype).max:
            target = MASK.astype(dtype)
            target[1, 0, 2] = wrong
            match = rf"target is a mask, of 0 and 1, or ignore_index=-100, got {wrong} at index \(1, 0, 2\)"
            refuses(ValueError, match, fl.lovasz_hinge_loss, X, target)
            assert fl.lovasz_hinge_loss(X, target, where=target != wrong) > 0
            assert fl.lovasz_hinge_loss(X, target, ignore_index=wrong) > 0


@pytest.mark.parametrize("wrong", [0.5, -1.0, 1.0000001, np.nan, np.inf])
def test_masks_of_fractions(wrong):
    target = MASK.astype(np.float64)
    target[1, 0, 2] = wrong
    refuses(ValueError, r"target is a mask, of 0 and 1, got .* at index \(1, 0, 2\)", fl.lovasz_hinge_loss, X, target)
    where = np.ones(MASK.shape, bool)
    where[1, 0, 2] = False
    assert fl.lovasz_hinge_loss(X, target, where=where) > 0


@pytest.mark.parametrize("wrong", [3, -1, 255, 2**40, -(2**63)])
def test_labels_out_of_range(wrong):
    target = LABELS.astype(np.int64)
    target[1, 2] = wrong
    match = rf"target must be a class from 0 to 2 .* got {wrong} at index \(1, 2\)"
    for options in ({}, {"from_logits": True}, {"per_image": True}):
        refuses(IndexError, match, fl.lovasz_softmax_loss, P, target, **options)
    assert fl.lovasz_softmax_loss(P, target, where=target != wrong) > 0
    assert fl.lovasz_softmax_loss(P, target, ignore_index=wrong) > 0


def test_labels_where_there_are_no_classes():
    match = r"target must be a class, of which there are none \(input has 0 on axis 1\), or ignore_index=-100, got 0 at"
    for loss in (fl.lovasz_softmax_loss, fl.cross_entropy):
        refuses(IndexError, match, loss, P[:, :0], LABELS)


def test_the_first_wrong_label_of_many_is_named():
    x, t = np.zeros((2, 100_000)), np.zeros((2, 100_000), np.uint8)
    t[1, 70_000:] = 9
    t[0, 99_999] = 7
    for threads in (1, 2):
        with fl.threads(threads), pytest.raises(ValueError, match=r"got 7 at index \(0, 99999\)"):
            fl.lovasz_hinge_loss(x, t, per_image=True)


def test_masks_of_pixels():
    for where in (np.ones((2, 3, 5), bool), np.ones(3, bool), np.ones((1, 2, 3, 4), bool)):
        refuses(ValueError, "where .* masks pixels", fl.lovasz_hinge_loss, X, MASK, where=where)
    for where in (np.ones((2, 3, 4), bool), np.ones(3, bool), np.ones((2, 3), bool)):
        refuses(ValueError, "where .* masks pixels", fl.lovasz_softmax_loss, P, LABELS, where=where)


def test_ignore_index_is_for_integers():
    refuses(ValueError, "ignore_index", fl.lovasz_hinge_loss, X, MASK.astype(float), ignore_index=1)


def test_gradients_are_in_the_input_alone():
    for loss, x, t in ((fl.lovasz_hinge_loss, X, MASK), (fl.lovasz_softmax_loss, P, LABELS)):
        with pytest.raises(ValueError, match="wrt names 'target', which has no gradient"):
            loss.grad(x, t, wrt="target")


def test_weights_are_of_units():
    refuses(ValueError, "sample_weight", fl.lovasz_hinge_loss, X, MASK, sample_weight=np.ones(2))
    assert fl.lovasz_hinge_loss(X, MASK, sample_weight=np.ones(2), per_image=True) > 0
    assert fl.lovasz_hinge_loss(X, MASK, sample_weight=2.0, reduction="sum") == 2 * fl.lovasz_hinge_loss(X, MASK)
