"""Embeddings, targets and options that a call refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest

import cases
import fastloss as fl
from references import EMBEDDING_REFERENCES, distance_draws

NAMES = [name for name, info in fl.losses().items() if info.engine == "distance"]
LABELLED = [name for name in NAMES if EMBEDDING_REFERENCES[name].labels]
WITH_TARGET = [name for name in NAMES if EMBEDDING_REFERENCES[name].has_target]


def methods(name):
    loss = cases.loss(name)
    return [loss, loss.grad, loss.value_and_grad, loss.statistics]


def drawn(name, units=(3, 5), width=4):
    return distance_draws.ordinary(cases.seed(name, "refused"), EMBEDDING_REFERENCES[name], units, width)


@pytest.mark.parametrize("name", NAMES)
def test_an_embedding_has_features(name):
    reference, operands = EMBEDDING_REFERENCES[name], drawn(name, ())
    numbers = dict.fromkeys(reference.embeddings, 1.0)
    for call in methods(name):
        with pytest.raises(ValueError, match=rf"^{name}: {reference.embeddings[0]} has shape \(\)"):
            call(**{**operands, **numbers})


@pytest.mark.parametrize("name", NAMES)
def test_all_embeddings_have_one_shape(name):
    operands = drawn(name)
    for each in EMBEDDING_REFERENCES[name].embeddings[1:]:
        for shape in ((3, 5, 3), (5, 4), (3, 1, 4), (3, 5, 1), (4,), (3, 5), (), (1, 3, 5, 4)):
            for call in methods(name):
                with pytest.raises(ValueError, match=rf"^{name}: {each} has shape {re.escape(str(shape))}") as raised:
                    call(**{**operands, each: np.ones(shape)})
                assert "(3, 5, 4)" in str(raised.value)


@pytest.mark.parametrize("name", WITH_TARGET)
def test_a_target_has_a_number_for_each_unit(name):
    """Of shape (N, 1) for units (N,), torch's was once broadcast to (N, N)."""
    operands = drawn(name)
    for shape in ((5,), (3,), (3, 1), (1, 5), (3, 5, 1), (3, 5, 4), (), (5, 3)):
        for call in methods(name):
            with pytest.raises(ValueError, match=rf"^{name}: target has shape {re.escape(str(shape))}"):
                call(**{**operands, "target": np.ones(shape)})


@pytest.mark.parametrize("name", LABELLED)
def test_labels_are_checked_in_every_call(name):
    reference, operands = EMBEDDING_REFERENCES[name], drawn(name)
    outs = tuple(np.full_like(operands[each], 7.0) for each in reference.embeddings)
    for wrong in (2.0, 0.5, -2.0, np.inf, 1.0 + 1e-15, *({0.0, -1.0} - set(reference.labels))):
        changed = {**operands, "target": operands["target"].copy()}
        changed["target"][1, 2] = wrong
        for call in methods(name):
            with pytest.raises(ValueError, match=rf"^{name}: target must be .* at index \(1, 2\)"):
                call(**changed)
        with pytest.raises(ValueError, match="target"):
            cases.loss(name).grad(**changed, out=outs)
        mask = np.ones((3, 5), bool)
        mask[1, 2] = False  # what is masked is not looked at
        assert np.isfinite(cases.loss(name)(**changed, where=mask))
    assert all((out == 7).all() for out in outs)
    for dtype in (np.int8, np.int64, np.float16, np.float32):
        wrong = operands["target"].astype(dtype)
        wrong[0, 0] = 3
        with pytest.raises(ValueError, match=rf"^{name}: target must be .* at index \(0, 0\)"):
            cases.loss(name)(**{**operands, "target": wrong})


@pytest.mark.parametrize("name", LABELLED)
def test_a_label_that_is_missing(name):
    """NaN is not wrong but missing, in the value and in the gradients of its unit alone."""
    reference, operands = EMBEDDING_REFERENCES[name], drawn(name)
    value, gradients = cases.loss(name).value_and_grad(**operands, reduction="none")
    operands["target"][1, 2] = np.nan
    found, slopes = cases.loss(name).value_and_grad(**operands, reduction="none", wrt=reference.embeddings)
    rest = ~np.isnan(operands["target"])
    for part, expected in ((found, value), *zip(slopes, gradients, strict=True)):
        assert np.isnan(part[1, 2]).all()
        np.testing.assert_array_equal(part[rest], expected[rest])


@pytest.mark.parametrize("name", NAMES)
def test_options_are_in_their_ranges(name):
    operands = drawn(name)
    for option, values in EMBEDDING_REFERENCES[name].refused.items():
        for wrong in values:
            for call in methods(name):
                with pytest.raises(ValueError, match=rf"^{name}: {option} must be"):
                    call(**operands, **{option: wrong})


def test_a_margin_of_zero_needs_a_smooth_loss():
    operands = drawn("triplet_margin_loss")
    assert fl.triplet_margin_loss(**operands, margin=0, smooth=True) > 0
    with pytest.raises(ValueError, match=r"^triplet_margin_loss: margin must be above 0 unless smooth=True"):
        fl.triplet_margin_loss(**operands, margin=0)


def test_powers_that_overflow_are_refused():
    """Distances of ones would be infinite."""
    operands = drawn("triplet_margin_loss")
    x = operands["anchor"]
    for p in (1e-6, 1e-300, 0.001):
        with pytest.raises(ValueError, match=r"^triplet_margin_loss: p is so small"):
            fl.triplet_margin_loss(**operands, p=p)
        with pytest.raises(ValueError, match=r"^pairwise_distance: p is so small"):
            fl.pairwise_distance(x, 0 * x, p=p)
    assert np.isfinite(fl.triplet_margin_loss(**operands, p=0.05))
    np.testing.assert_allclose(fl.pairwise_distance([[3.0]], [[1.0]], p=0.01, eps=0), [2.0], rtol=1e-12)
