"""Contrastive losses of batches that lack something: rows, negatives, directions, numbers."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from engines.similarity.test_values import NAMES, drawn
from references import SIMILARITY_REFERENCES

TWO_VIEWS = ("info_nce_loss", "nt_xent_loss", "clip_loss")


@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_nothing(name):
    for shape in ((0, 4), (0, 0)):
        operands, loss = drawn(name, *shape), cases.loss(name)
        value, gradients = loss.value_and_grad(**operands, wrt=SIMILARITY_REFERENCES[name].embeddings[:1])
        assert np.isnan(value)
        assert gradients[0].shape == shape
        assert loss(**operands, reduction="none").shape == (0,)
        assert loss(**operands, reduction="sum") == 0


@pytest.mark.parametrize("name", NAMES)
def test_rows_without_features_are_all_alike(name):
    operands = drawn(name, 6, 0, negatives=0)
    if SIMILARITY_REFERENCES[name].proxies:  # with margins, of which test_proxies.py knows
        return
    if name == "supcon_loss":
        operands["target"] = np.arange(6) % 2
    if name == "siglip_loss":  # whose pairs are not compared with one another
        assert fl.siglip_loss(**operands) == pytest.approx(np.log1p(np.exp(10)) + 5 * np.log1p(np.exp(-10)), rel=1e-14)
        return
    others = {"info_nce_loss": 6, "nt_xent_loss": 11, "clip_loss": 6, "supcon_loss": 5, "dcl_loss": 10}[name]
    assert cases.loss(name)(**operands) == pytest.approx(np.log(others), rel=1e-15)
    assert cases.loss(name).grad(**operands, wrt=0).shape == (6, 0)


@pytest.mark.parametrize("name", TWO_VIEWS)
def test_without_a_negative_there_is_nothing_to_learn(name):
    x, other = np.array([[1.0, 2.0]]), np.array([[2.0, 1.0]])
    value, gradients = cases.loss(name).value_and_grad(x, other)
    assert value == 0
    assert not np.any(gradients)
    assert np.isnan(fl.dcl_loss(x, other))  # whose denominator would be a sum of nothing


def test_labels_of_one_row_are_no_anchors():
    x = cases.seed("alone").standard_normal((5, 3))
    losses = fl.supcon_loss(x, [0, 1, 1, 2, 1], reduction="none")
    assert (losses == 0).tolist() == [True, False, False, True, False]
    assert fl.supcon_loss(x, [0, 1, 1, 2, 1]) == pytest.approx(losses.sum() / 3, rel=1e-15)
    assert np.isnan(fl.supcon_loss(x, np.arange(5)))
    assert not fl.supcon_loss.grad(x, np.arange(5)).any()


def test_an_anchor_without_a_negative_has_a_loss_of_its_positives():
    """Which others set to 0: -mean log of softmax over the positives."""
    x = cases.seed("one label").standard_normal((4, 3))
    z = x / np.linalg.norm(x, axis=1, keepdims=True)
    s = z @ z.T / 0.1
    np.fill_diagonal(s, -np.inf)
    want = [np.log(np.exp(row[np.isfinite(row)]).sum()) - row[np.isfinite(row)].mean() for row in s]
    np.testing.assert_allclose(fl.supcon_loss(x, np.zeros(4, int), reduction="none"), want, rtol=1e-12)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_zeros_is_like_no_other(name, dtype):
    """Its cosines are 0, and so is its gradient; those of all others are finite."""
    reference, operands = SIMILARITY_REFERENCES[name], drawn(name, 8, 3, dtype)
    if name == "supcon_loss":
        operands["target"] = np.arange(8) % 2
    first = reference.embeddings[0]
    operands[first][2] = 0
    names = tuple(n for n in reference.embeddings if n in operands)
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=names)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in gradients)
    assert not gradients[0][2].any()
    operands[first][:] = 0
    assert np.isfinite(cases.loss(name)(**operands))


@pytest.mark.parametrize("name", NAMES)
def test_lengths_near_the_ends_of_the_range(name):
    """Directions alone count, whatever a square of a length would be."""
    for dtype, lengths in (
        (np.float32, (1e-30, 1e30)),
        (np.float64, (1e-300, 1e300)),
        (np.float16, (2.0**-10, 2.0**10)),
    ):
        reference, operands = SIMILARITY_REFERENCES[name], drawn(name, 8, 3, dtype)
        want = cases.loss(name)(**operands)
        for length in lengths:
            longer = {n: x * dtype(length) if n in reference.embeddings else x for n, x in operands.items()}
            rel = 1e-13 if dtype == np.float64 else 1e-2 if dtype == np.float16 else 1e-5
            assert cases.loss(name)(**longer) == pytest.approx(want, rel=rel)
            gradient = cases.loss(name).grad(**longer, wrt=0)
            assert dtype == np.float16 or np.isfinite(gradient).all()


@pytest.mark.parametrize("name", NAMES)
def test_nan_spreads_to_whoever_meets_it(name):
    operands = drawn(name, 8, 3)
    if name == "supcon_loss":
        operands["target"] = np.arange(8) % 2
    operands[SIMILARITY_REFERENCES[name].embeddings[0]][2, 1] = np.nan
    assert np.isnan(cases.loss(name)(**operands))
    assert np.isnan(cases.loss(name).grad(**operands, wrt=0)[2]).all()
