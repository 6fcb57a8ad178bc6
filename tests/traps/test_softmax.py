"""What cross-entropy gets wrong in the wild, and what it does here; numbers of the list of traps."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl

INF, NAN = float("inf"), float("nan")
ce = fl.cross_entropy
CALLS = (ce, ce.grad, ce.value_and_grad, ce.hess)


def softmax(z):
    """Row by row, of finite scores."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_trap_008_a_mean_of_many_float16_rows_is_finite():
    for count in (29_000, 66_000, 100_000):
        for more in ({}, {"weight": np.full(10, 2.0, np.float16)}, {"label_smoothing": 0.1}):
            value, gradient = ce.value_and_grad(np.zeros((count, 10), np.float16), np.zeros(count, int), **more)
            assert value == pytest.approx(np.log(10), rel=1e-6)
            assert np.isfinite(gradient).all()
    deep = ce(np.zeros((200, 10, 1025), np.float16), np.zeros((200, 1025), int))
    assert deep == pytest.approx(np.log(10), rel=1e-6)


def test_trap_009_a_sum_of_many_bfloat16_rows_does_not_stall():
    z, t = np.zeros((100_000, 10), ml_dtypes.bfloat16), np.zeros(100_000, int)
    assert ce(z, t) == pytest.approx(np.log(10), rel=1e-6)
    assert ce(z, t, reduction="sum") == pytest.approx(100_000 * np.log(10), rel=1e-6)


def test_trap_010_a_float32_mean_of_millions_of_rows_keeps_its_digits():
    z, t = np.zeros((3_000_000, 2), np.float32), np.zeros(3_000_000, np.uint8)
    assert ce(z, t) == pytest.approx(np.log(2), rel=1e-7)
    assert ce(z, t, reduction="sum") == pytest.approx(3_000_000 * np.log(2), rel=1e-7)


def test_trap_044_all_ignored():
    z, t = np.ones((3, 4)), np.full(3, -100)
    value, gradient = ce.value_and_grad(z, t)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, np.zeros((3, 4)))
    np.testing.assert_array_equal(ce(z, t, reduction="none"), np.zeros(3))
    assert ce(z, t, reduction="sum") == 0
    with fl.errstate(empty="zero"):
        assert ce(z, t) == 0
    with fl.errstate(empty="raise"), pytest.raises(ValueError, match="cross_entropy"):
        ce(z, t)


def test_trap_045_weights_of_zero_give_no_gradient():
    value, gradients = ce.value_and_grad(np.ones((2, 3)), [0, 1], [0.0, 0.0, 1.0], wrt=("input", "weight"))
    assert np.isnan(value)
    for gradient in gradients:
        assert (gradient == 0).all()


def test_trap_046_masked_vocabulary():
    value, gradient = ce.value_and_grad([[-INF, 0.0, 1.0]], [1], reduction="none")
    assert value == pytest.approx(np.log1p(np.e))
    np.testing.assert_allclose(gradient[0], [0, -1 / (1 + 1 / np.e), 1 / (1 + 1 / np.e)], rtol=1e-15)
    value, gradient = ce.value_and_grad([[-INF, 0.0, 1.0]], [0], reduction="none")
    assert value == INF
    np.testing.assert_allclose(gradient[0], [-1, 1 / (1 + np.e), 1 / (1 + 1 / np.e)], rtol=1e-15)


@pytest.mark.parametrize("classes", [2, 3, 12, 40, 700])
@pytest.mark.parametrize("poison", [-INF, INF, NAN])
def test_trap_047_a_row_without_probabilities_is_nan_alone(classes, poison):
    z = np.zeros((3, classes))
    z[1] = poison
    for target in (np.zeros(3, int), np.full((3, classes), 1 / classes)):
        value, gradient = ce.value_and_grad(z, target, reduction="none")
        np.testing.assert_array_equal(np.isnan(value), [False, True, False])
        np.testing.assert_array_equal(np.isnan(gradient).all(axis=1), [False, True, False])
        np.testing.assert_array_equal(np.isnan(gradient).any(axis=1), [False, True, False])


def test_trap_048_a_share_of_zero_of_an_impossible_class():
    value, gradients = ce.value_and_grad([[-INF, 0.0, 1.0]], [[0.0, 1.0, 0.0]], wrt=("input", "target"))
    assert value == pytest.approx(1.3132616875)
    np.testing.assert_allclose(gradients[0][0], [0, -0.7310585786300049, 0.7310585786300049], rtol=1e-15)
    assert np.isfinite(gradients[0]).all()
    assert gradients[1][0, 1:].tolist() == pytest.approx([1.3132616875, 0.3132616875])
    assert gradients[1][0, 0] == INF  # what a share of an impossible class would cost


def test_trap_049_smoothing_reaches_impossible_classes():
    value, gradient = ce.value_and_grad([[-INF, 0.0, 1.0]], [1], label_smoothing=0.1)
    assert value == INF
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] == pytest.approx(-0.1 / 3)


@pytest.mark.parametrize("poison", [-INF, INF, NAN])
def test_trap_050_ignored_rows_do_not_spread_their_poison(poison):
    for classes in (3, 12, 40, 700):
        z = np.ones((4, classes))
        z[2] = poison
        for more in ({}, {"label_smoothing": 0.1}, {"weight": np.ones(classes)}, {"z_loss": 0.1}, {"softcap": 5.0}):
            value, gradient = ce.value_and_grad(z, [0, 1, -100, 2], **more)
            clean, slopes = ce.value_and_grad(np.ones((3, classes)), [0, 1, 2], **more)
            assert value == pytest.approx(clean, rel=1e-14)
            np.testing.assert_allclose(np.delete(gradient, 2, axis=0), slopes, rtol=1e-13)
            assert (gradient[2] == 0).all()
            assert (ce.hess(z, [0, 1, -100, 2], **more)[2] == 0).all()


def test_trap_051_huge_logits():
    assert ce([1e8, 1e8], 0) == pytest.approx(np.log(2))
    value, gradient = ce.value_and_grad(np.array([3e38, -3e38], np.float32), 1)
    assert value == INF
    assert gradient.tolist() == [1, -1]
    half = np.array([6e4, -6e4], np.float16)
    value, gradient = ce.value_and_grad(half, 1)
    assert value == np.float32(half[0]) - np.float32(half[1])  # finite in float32
    assert gradient.tolist() == [1, -1]


def test_trap_052_weights_of_indices_and_of_one_hot_targets():
    z, t, weight = np.arange(6.0).reshape(2, 3) / 4, np.array([1, 2]), np.array([2.0, 4.0, 6.0])
    losses = ce(z, t, reduction="none")
    assert ce(z, t, weight) == pytest.approx((4 * losses[0] + 6 * losses[1]) / 10)
    assert ce(z, np.eye(3)[t], weight) == pytest.approx((4 * losses[0] + 6 * losses[1]) / 2)


def test_trap_053_the_weight_of_a_single_row_cancels():
    z = np.array([[0.5, -1.0, 2.0]])
    assert ce(z, [1], [1.0, 7.0, 3.0]) == pytest.approx(ce(z, [1]), rel=1e-15)
    assert ce(z, [1], [1.0, 7.0, 3.0], normalizer="count") == pytest.approx(7 * ce(z, [1]), rel=1e-15)
    np.testing.assert_allclose(ce.grad(z, [1], [1.0, 7.0, 3.0], wrt="weight"), 0, atol=1e-15)


def test_trap_054_ignored_rows_are_not_smoothed():
    z, t = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0], [9.0, 9.0, -9.0]]), np.array([1, 0, -100])
    smooth = ce.value_and_grad(z, t, label_smoothing=0.2)
    two = ce.value_and_grad(z[:2], t[:2], label_smoothing=0.2)
    assert smooth[0] == pytest.approx(two[0], rel=1e-15)
    np.testing.assert_allclose(smooth[1][:2], two[1], rtol=1e-15)
    assert (smooth[1][2] == 0).all()


def test_trap_055_smoothing_weights_and_ignored_rows():
    z, weight = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]]), np.array([1.0, 2.0, 3.0])
    for ignored in (-100, -1, 2**40):
        value, gradients = ce.value_and_grad(
            z, np.array([1, ignored]), weight, label_smoothing=0.3, ignore_index=ignored, wrt=("input", "weight")
        )
        one, slopes = ce.value_and_grad(z[:1], [1], weight, label_smoothing=0.3, wrt=("input", "weight"))
        u = np.log(softmax(z))[0]
        assert value == pytest.approx((0.7 * 2 * -u[1] + 0.1 * (weight * -u).sum()) / 2, rel=1e-14)
        assert value == pytest.approx(one, rel=1e-15)
        np.testing.assert_allclose(gradients[0][:1], slopes[0], rtol=1e-14)
        np.testing.assert_allclose(gradients[1], slopes[1], rtol=1e-14)


@pytest.mark.parametrize("bad", [1.1, -0.1, NAN, -1e-12])
def test_trap_056_smoothing_outside_its_range_is_refused(bad):
    for call in CALLS:
        with pytest.raises(ValueError, match="label_smoothing"):
            call([[0.0, 1.0]], [0], label_smoothing=bad)


def test_trap_057_an_ignored_class_stays_in_the_denominator():
    z, t = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.5]]), np.array([1, 0])
    value, gradient = ce.value_and_grad(z, t, ignore_index=0, reduction="none")
    assert value.tolist() == [pytest.approx(-np.log(softmax(z)[0, 1])), 0]
    np.testing.assert_allclose(gradient[0], softmax(z)[0] - [0, 1, 0], rtol=1e-14)
    assert gradient[0, 0] > 0
    assert (gradient[1] == 0).all()


@pytest.mark.parametrize("bad", [3, -1, -4, 2**31, -(2**63), 2**63 - 1])
def test_trap_058_targets_out_of_range(bad):
    z = np.zeros((2, 3))
    for call, reduction in itertools.product(CALLS, ("none", "mean", "sum")):
        with pytest.raises(IndexError, match=rf"target.*{bad}"):
            call(z, np.array([0, bad]), reduction=reduction)


def test_trap_059_the_classes_lie_on_axis_1():
    z, t = np.random.default_rng(1).standard_normal((2, 5, 4)), np.array([[0, 1, 2, 3], [4, 3, 2, 1]])
    first = ce(z, t)
    assert first == pytest.approx(ce(np.ascontiguousarray(np.moveaxis(z, 1, -1)), t, axis=-1), rel=1e-15)
    with pytest.raises(ValueError, match=r"target.*\(2, 4\).*axis 2.*\(2, 5\)"):
        ce(z, t, axis=-1)


def test_trap_060_one_hot_integers_and_floating_indices():
    z = np.zeros((4, 3))
    with pytest.raises(ValueError, match="one-hot targets must be floating"):
        ce(z, np.eye(4, 3, dtype=int))
    with pytest.raises(ValueError, match=r"integer dtype"):
        ce(z, np.zeros(4))
    with pytest.raises(TypeError, match=r"integer.*bool"):
        ce(z, np.zeros(4, bool))


def test_trap_061_probabilities_are_taken_as_they_are():
    z = np.array([[0.5, -1.0], [2.0, 0.0]])
    u = np.log(softmax(z))
    for target in (np.array([[2.0, 2.0], [2.0, 2.0]]), np.array([[-0.5, 1.0], [0.0, 0.0]])):
        assert ce(z, target) == pytest.approx(-(target * u).sum() / 2, rel=1e-14)
        gradient = ce.grad(z, target, reduction="sum")
        expected = softmax(z) * target.sum(axis=1, keepdims=True) - target
        np.testing.assert_allclose(gradient, expected, rtol=1e-13, atol=1e-15)
    for ignore_index in (0, 1, 5):
        with pytest.raises(ValueError, match="ignore_index"):
            ce(z, np.ones((2, 2)), ignore_index=ignore_index)
    assert ce(z, np.ones((2, 2)), ignore_index=-1) == ce(z, np.ones((2, 2)))


def test_trap_062_a_weight_of_zero_wins_over_an_infinity():
    for loss in (fl.nll_loss, ce):
        value, gradient = loss.value_and_grad([[-INF, 0.0]], [0], [0.0, 1.0], reduction="sum")
        assert value == 0
        assert (gradient == 0).all()
        both = loss([[-INF, 0.0], [0.0, -0.5]], [0, 1], [0.0, 1.0])
        assert both == pytest.approx(loss([[0.0, -0.5]], [1]), rel=1e-15)
    assert ce([[-INF, 0.0]], [[0.5, 0.5]], [0.0, 1.0]) == 0


def test_trap_063_float64_targets_do_not_widen_float32_logits():
    z, t = np.zeros((4, 3), np.float32), np.full((4, 3), 1 / 3)
    value, gradients = ce.value_and_grad(z, t, np.ones(3), wrt=("input", "target", "weight"))
    assert value.dtype == np.float32
    assert [g.dtype for g in gradients] == [np.float32, np.float64, np.float64]
    assert ce(z.astype(np.float64), t.astype(np.float32)).dtype == np.float64


def test_log_softmax_and_nll_are_cross_entropy():
    rng = cases.seed("identity")
    z, t = rng.standard_normal((20, 6)), rng.integers(0, 6, 20)
    weight = rng.random(6) + 0.1
    logs = np.log(softmax(z))
    for more in ({}, {"weight": weight}, {"weight": weight, "ignore_index": 3}):
        for reduction in ("mean", "sum", "none"):
            np.testing.assert_allclose(
                fl.nll_loss(logs, t, **more, reduction=reduction), ce(z, t, **more, reduction=reduction), rtol=1e-13
            )


def test_probabilities_instead_of_logits():
    rng = cases.seed("probabilities")
    z, t = rng.standard_normal((20, 6)), rng.integers(0, 6, 20)
    p = softmax(z)
    for target in (t, np.eye(6)[t], rng.random((20, 6))):
        assert ce(p, target, from_logits=False) == pytest.approx(ce(z, target), rel=1e-13)
        # They are divided by their sum, and the gradient knows that.
        value, gradient = ce.value_and_grad(3 * p, target, from_logits=False)
        assert value == pytest.approx(ce(z, target), rel=1e-13)
        np.testing.assert_allclose((gradient * p).sum(axis=1), 0, atol=1e-16)
    value, gradient = ce.value_and_grad([[0.0, 1.0], [0.25, 0.75]], [0, 1], from_logits=False, reduction="none")
    assert value[0] == pytest.approx(-np.log(1e-7))
    assert (gradient[0] == 0).all()
    np.testing.assert_allclose(gradient[1], [1, 1 - 4 / 3], rtol=1e-14)


def test_the_sum_of_the_smoothed_and_the_hard_part():
    rng = cases.seed("parts")
    z, t, weight = rng.standard_normal((20, 6)), rng.integers(0, 6, 20), rng.random(6) + 0.1
    u = np.log(softmax(z))
    for smoothing in (0.1, 0.5, 1.0):
        hard, smooth = -(weight * u)[np.arange(20), t], -(weight * u).sum(axis=1) / 6
        losses = (1 - smoothing) * hard + smoothing * smooth
        np.testing.assert_allclose(ce(z, t, weight, label_smoothing=smoothing, reduction="none"), losses, rtol=1e-13)
        assert ce(z, t, weight, label_smoothing=smoothing) == pytest.approx(losses.sum() / weight[t].sum(), rel=1e-13)


def test_z_loss_is_the_square_of_the_normaliser_and_knows_no_class_weight():
    rng = cases.seed("z_loss")
    z, t, weight = 3 * rng.standard_normal((20, 6)), rng.integers(0, 6, 20), rng.random(6) + 0.1
    lse = np.log(np.exp(z).sum(axis=1))
    for more in ({}, {"weight": weight}, {"label_smoothing": 0.2}):
        extra = ce(z, t, **more, z_loss=0.25, reduction="none") - ce(z, t, **more, reduction="none")
        np.testing.assert_allclose(extra, 0.25 * lse**2, rtol=1e-12)
