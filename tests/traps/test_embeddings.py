"""What losses of embeddings get wrong in the wild."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl

SQRT_HALF = np.sqrt(0.5)


def test_eps_is_inside_of_the_difference():
    """As in torch, where d(x, x) is not 0, nor d(x, y) that of (y, x); with eps=0 both hold."""
    x, y = np.array([[1.0, 2.0]]), np.array([[1.5, 1.0]])
    np.testing.assert_allclose(fl.pairwise_distance(x, x), [1e-6 * np.sqrt(2)], rtol=1e-9)
    for gradient, sign in zip(fl.pairwise_distance.grad(x, x), (1, -1), strict=True):
        np.testing.assert_allclose(gradient, [[sign * SQRT_HALF] * 2], rtol=1e-9)
    assert fl.pairwise_distance(x, y) != fl.pairwise_distance(y, x)
    assert fl.pairwise_distance(x, y, eps=0) == fl.pairwise_distance(y, x, eps=0)
    assert fl.pairwise_distance(x, x, eps=0) == 0
    assert not any(gradient.any() for gradient in fl.pairwise_distance.grad(x, x, eps=0))


def test_p_of_zero_counts_nothing():
    """Peers count the coordinates that differ, all of them with eps, and have no gradient."""
    for p in (0, 0.0, -2):
        with pytest.raises(ValueError, match=r"pairwise_distance: p must be"):
            fl.pairwise_distance([[1.0, 2.0]], [[1.0, 3.0]], p=p)
        with pytest.raises(ValueError, match=r"triplet_margin_loss: p must be"):
            fl.triplet_margin_loss([1.0, 2.0], [1.0, 3.0], [0.0, 0.0], p=p)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_root_at_no_distance_has_no_nan(dtype):
    """0 / 0 in a gradient written by hand, even where the hinge is inactive and it is multiplied by 0."""
    anchor = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], dtype)
    positive = np.array([[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]], dtype)
    negative = np.array([[9.0, 2.0], [1.0, 2.0], [1.0, 2.0]], dtype)
    with fl.errstate(nonfinite="raise"):
        value, gradients = fl.triplet_margin_loss.value_and_grad(anchor, positive, negative, eps=0, reduction="none")
    np.testing.assert_array_equal(value, [0, 1, 6])
    for gradient in gradients:
        assert np.isfinite(gradient).all()
        assert not gradient[:2].any()
    np.testing.assert_allclose(gradients[1][2], [0.6, 0.8], rtol=1e-6)
    assert not gradients[2][2].any()
    for target in (0, 1):
        assert not any(g.any() for g in fl.contrastive_loss.grad(anchor[0], anchor[0], target, eps=0))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_powers_do_not_overflow(dtype):
    """p = 100 is inf with a gradient of NaN in torch, and so is p = 2 of vectors of 1e20."""
    x1, x2 = np.array([[5.0, 1.0]], dtype), np.zeros((1, 2), dtype)
    with fl.errstate(nonfinite="raise"):
        value, (gradient, _) = fl.pairwise_distance.value_and_grad(x1, x2, p=100, eps=0)
        np.testing.assert_allclose(value, [5], rtol=1e-6)
        np.testing.assert_allclose(gradient, [[1, 0]], atol=1e-30)
        huge = np.array([[3e20, 4e20]], dtype)
        value, (gradient, _) = fl.pairwise_distance.value_and_grad(huge, x2)
        np.testing.assert_allclose(value, [5e20], rtol=1e-6)
        np.testing.assert_allclose(gradient, [[0.6, 0.8]], rtol=1e-6)
        value = fl.triplet_margin_loss(huge, x2, 2 * huge, p=100)
        assert value == pytest.approx(1, abs=4e20 * 4 * float(np.finfo(dtype).eps))
    with pytest.raises(ValueError, match=r"triplet_margin_loss: p is so small"):
        fl.triplet_margin_loss(x1, x2, x1, p=1e-6)


@pytest.mark.parametrize("margin", [0.0, -1.0])
def test_a_triplet_needs_a_margin(margin):
    """Without one all embeddings collapse to one point, at no cost."""
    x = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"triplet_margin_loss: margin must be"):
        fl.triplet_margin_loss(x, x, x, margin=margin)
    with pytest.raises(ValueError, match=r"triplet_margin_with_distance_loss: margin must be"):
        fl.triplet_margin_with_distance_loss(x, x, x, margin=margin)


def test_at_the_hinge_of_a_triplet_the_gradient_flows():
    """d(a, p) - d(a, n) + margin is 2 - 3 + 1."""
    value, gradients = fl.triplet_margin_loss.value_and_grad([0.0, 0.0], [0.0, 2.0], [3.0, 0.0], eps=0)
    assert value == 0
    np.testing.assert_allclose(gradients, [[1, -1], [0, 1], [-1, 0]], atol=1e-15)


def test_triplets_that_cost_nothing_count():
    """The mean is over all of them; one over those that cost something is 0 / 0 where none does."""
    far = [[9.0, 0.0], [9.0, 0.0]]
    assert fl.triplet_margin_loss([[0.0, 0.0]] * 2, [[0.0, 0.0]] * 2, far) == 0
    assert fl.triplet_margin_loss([[0.0, 0.0]] * 2, [[0.0, 0.0], [9.0, 0.0]], far, eps=0) == 0.5


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_cosines_of_long_and_of_narrow_vectors(dtype):
    """Of 1e20 in float32, and of 300 in float16, torch's are NaN."""
    length = 300 if dtype == np.float16 else 1e20
    x1 = np.full((1, 64), length).astype(dtype)
    x2 = (x1.astype(np.float64) * np.where(np.arange(64) % 2, 1, -1)).astype(dtype)
    for other, cos in ((x1, 1), (-x1, -1), (x2, 0)):
        with fl.errstate(nonfinite="raise"):
            for target, want in ((1, 1 - cos), (-1, max(0, cos))):
                value, gradients = fl.cosine_embedding_loss.value_and_grad(x1, other, [target])
                assert value == pytest.approx(want, abs=1e-6)
                assert all(np.isfinite(g.astype(np.float64)).all() for g in gradients)
            assert fl.cosine_similarity(x1, other).astype(np.float64) == pytest.approx(cos, abs=1e-6)


def test_a_vector_of_zeros_has_a_cosine():
    """0, with the gradient of torch in one formula and a finite one in all; optax has NaN."""
    zeros, ones = np.zeros((1, 4)), np.ones((1, 4))
    with fl.errstate(nonfinite="raise"):
        value, (first, second) = fl.cosine_embedding_loss.value_and_grad(zeros, ones, [1])
        assert value == 1
        np.testing.assert_allclose(first, [[-1e6 / 2] * 4], rtol=1e-6)
        assert not second.any()
        for loss, want in ((fl.cosine_distance_loss, 1), (fl.negative_cosine_loss, 0)):
            for pair in ((zeros, ones), (ones, zeros), (zeros, zeros)):
                value, gradients = loss.value_and_grad(*pair, wrt=("input", "target"))
                assert value == want
                assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize("target", [0, 2, -2, 0.5, 1.5])
def test_labels_other_than_1_and_minus_1_are_no_silent_zero(target):
    x = np.ones((3, 2))
    for dtype in (np.float32, np.float64, np.int64) if target % 1 == 0 else (np.float32, np.float64):
        labels = np.array([1, -1, target], dtype)
        with pytest.raises(ValueError, match=r"cosine_embedding_loss: target must be -1 or 1, got .* at index \(2,\)"):
            fl.cosine_embedding_loss(x, x, labels)


def test_a_column_of_labels_is_not_broadcast():
    """(N, 1) against (N,) made (N, N) of it."""
    x = np.ones((3, 2))
    for loss in (fl.cosine_embedding_loss, fl.contrastive_loss):
        with pytest.raises(ValueError, match=r"target has shape \(3, 1\)"):
            loss(x, x, np.ones((3, 1)))


def test_what_a_label_of_1_means():
    """A pair is alike in Keras and TensorFlow, and is not in Hadsell's paper; half of the code has it wrong."""
    near, far = ([0.0, 0.0], [0.1, 0.0]), ([0.0, 0.0], [2.0, 0.0])
    options = {"eps": 0}
    assert fl.contrastive_loss(*near, 1, **options) == pytest.approx(0.01)
    assert fl.contrastive_loss(*far, 1, **options) == pytest.approx(4)
    assert fl.contrastive_loss(*near, 0, **options) == pytest.approx(0.81)
    assert fl.contrastive_loss(*far, 0, **options) == 0
    for pair in (near, far):
        for label in (0, 1):
            other = fl.contrastive_loss(*pair, 1 - label, positive_label=0, **options)
            assert fl.contrastive_loss(*pair, label, **options) == other
            d = fl.pairwise_distance(*pair, eps=0)
            assert fl.contrastive_distance_loss(d, label) == pytest.approx(float(other), rel=1e-14)
    for loss, given in ((fl.contrastive_loss, near), (fl.contrastive_distance_loss, (0.5,))):
        for wrong in (-1, 2, 0.5):
            with pytest.raises(ValueError, match="target must be 0 or 1"):
                loss(*given, wrong)
        with pytest.raises(ValueError, match="positive_label must be 0 or 1"):
            loss(*given, 1, positive_label=-1)


def test_the_margin_is_of_distances_and_not_of_their_squares():
    """Caffe had max(0, margin - d^2)."""
    assert fl.contrastive_loss([0.0, 0.0], [0.0, 0.5], 0, eps=0) == 0.25
    assert fl.contrastive_distance_loss(0.5, 0) == 0.25


def test_the_target_of_simsiam_stays():
    """A gradient that flows into both branches makes all embeddings the same."""
    x, y = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]])
    gradient = fl.negative_cosine_loss.grad(x, y)
    assert isinstance(gradient, np.ndarray)
    both = fl.negative_cosine_loss.grad(x, y, wrt=("input", "target"))
    np.testing.assert_array_equal(gradient, both[0])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_triplet_that_is_masked_may_hold_anything(dtype):
    x = np.array([[1.0, 2.0], [np.nan, np.inf], [0.0, 1.0]], dtype)
    mask = np.array([True, False, True])
    value, gradients = fl.triplet_margin_loss.value_and_grad(x, x + 1, x - 1, where=mask)
    assert np.isfinite(value)
    for gradient in gradients:
        assert np.isfinite(gradient).all()
        assert not gradient[1].any()
