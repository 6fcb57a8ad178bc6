"""Calls that a contrastive loss refuses, before anything is written."""

from __future__ import annotations

import numpy as np
import pytest

import fastloss as fl

X = np.linspace(-1, 1, 24).reshape(6, 4)
LABELS = np.arange(6) % 3


def refuses(error, match, loss, *operands, **call):
    out = np.full(X.shape, 7.0)
    with pytest.raises(error, match=match):
        loss(*operands, **call)
    with pytest.raises(error, match=match):
        loss.grad(*operands, **call, wrt=0, out=out)
    assert (out == 7).all()


def test_embeddings_have_two_axes():
    for wrong in (X[0], X[np.newaxis], 1.0):
        refuses(ValueError, r"input has shape .* axis of samples and one of features", fl.info_nce_loss, wrong, X)
        refuses(ValueError, r"input has shape .*\(N, D\)", fl.supcon_loss, wrong, LABELS)


def test_shapes_of_other_embeddings():
    for wrong in (X[:5], X[:, :3], X[0], X.T):
        refuses(ValueError, r"positive has shape .* shape of input, \(6, 4\)", fl.info_nce_loss, X, wrong)
        refuses(ValueError, r"text has shape .* shape of image, \(6, 4\)", fl.clip_loss, X, wrong)
    for wrong in (X[:, :3], X[0], X.reshape(2, 3, 4), np.ones((6, 2, 3)), np.ones((6, 1, 1, 4))):
        refuses(ValueError, r"negative has shape .* 4 features of input", fl.info_nce_loss, X, X, wrong)


def test_labels():
    for wrong in (LABELS[:5], LABELS[:, np.newaxis], 1):
        refuses(ValueError, r"target has shape .* label of each row of input.* shape \(6,\)", fl.supcon_loss, X, wrong)
    for dtype in (np.float64, bool):
        refuses(TypeError, "target must be .* integer dtype", fl.supcon_loss, X, LABELS.astype(dtype))


@pytest.mark.parametrize("temperature", [0, 0.0, -0.0, -1.0, -np.inf, np.float32(-2), np.array(0)])
def test_a_temperature_is_above_zero(temperature):
    for loss in (fl.info_nce_loss, fl.nt_xent_loss, fl.dcl_loss):
        refuses(ValueError, "temperature must be > 0, got", loss, X, X, temperature=temperature)
    refuses(ValueError, "temperature must be > 0, got", fl.supcon_loss, X, LABELS, temperature=temperature)


def test_scales_are_numbers():
    for wrong in (np.ones(6), np.ones(1)):
        refuses(ValueError, r"temperature has shape .* must be a number", fl.nt_xent_loss, X, X, temperature=wrong)
        refuses(ValueError, r"scale has shape .* must be a number", fl.siglip_loss, X, X, scale=wrong)
        refuses(ValueError, r"bias has shape .* must be a number", fl.siglip_loss, X, X, bias=wrong)
        refuses(ValueError, r"logit_scale has shape .* must be a number", fl.clip_loss, X, X, logit_scale=wrong)


def test_options_in_their_range():
    refuses(ValueError, "base_temperature", fl.supcon_loss, X, LABELS, base_temperature=-1.0)
    refuses(ValueError, "sigma", fl.dcl_loss, X, X, sigma=-0.5)


def test_negatives_must_come_from_somewhere():
    refuses(ValueError, "in_batch=False .* negative is not given", fl.info_nce_loss, X, X, in_batch=False)
    refuses(ValueError, "symmetric=True .* in_batch=False", fl.info_nce_loss, X, X, X, in_batch=False, symmetric=True)


def test_positives_are_given_once():
    """By the other view, or by labels."""
    refuses(ValueError, "one of other or labels must be given", fl.nt_xent_loss, X)
    refuses(ValueError, "one of other or labels must be given, .* not both", fl.nt_xent_loss, X, X, LABELS)
    refuses(ValueError, r"labels has shape .* shape \(6,\)", fl.nt_xent_loss, X, labels=LABELS[:5])


def test_the_memory():
    memory, labels = X[:3], LABELS[:3]
    for wrong in (X[0], X[:, :3], X[np.newaxis]):
        refuses(ValueError, r"memory has shape .* 4 features of input", fl.supcon_loss, X, LABELS, wrong, LABELS)
    for wrong in (LABELS, LABELS[0], labels[:2]):
        refuses(ValueError, r"memory_labels has shape .* each row of memory", fl.supcon_loss, X, LABELS, memory, wrong)
    refuses(TypeError, "memory_labels must be .* integer", fl.supcon_loss, X, LABELS, memory, labels.astype(float))
    refuses(ValueError, "memory_labels must be given with memory", fl.supcon_loss, X, LABELS, memory)
    refuses(ValueError, "memory_labels are those of memory", fl.supcon_loss, X, LABELS, memory_labels=labels)
    refuses(ValueError, "memory_labels must be given", fl.nt_xent_loss, X, labels=LABELS, memory=memory)
    refuses(ValueError, "memory_labels say nothing", fl.nt_xent_loss, X, X, memory=memory, memory_labels=labels)
