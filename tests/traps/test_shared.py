"""What loss functions get wrong in the wild, one test each; the numbers are those of the project's list of traps."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

INF, NAN = float("inf"), float("nan")
bce = fl.binary_cross_entropy_with_logits
F32 = np.float32


def f32(*values):
    return np.array(values, F32)


def ordinary(name, shapes):
    """A number that each operand of a call may be, in these shapes; the operands without one are left out."""
    described = [REFERENCES[name].operand(n) for n in cases.required(name)]
    return {
        o.name: np.full(shape, cases.bare_number(name, o.name), o.dtype(np.float64))
        for o, shape in zip(described, shapes, strict=False)
    }


@pytest.mark.parametrize("name", [n for n in cases.NAMES if len(cases.required(n)) > 1])
def test_trap_001_002_nothing_broadcasts_silently(name):
    second = REFERENCES[name].operand(cases.required(name)[1])
    for x, t in (((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((1, 3), (2, 3)), ((3,), (1, 3))):
        if "leading" in second.kinds and t == x[:-1]:
            continue  # one for each row
        with pytest.raises(ValueError, match=second.name):
            cases.loss(name)(**ordinary(name, [x, t] + [x] * 4))


def test_trap_003_the_mean_of_nothing_is_nan_and_the_sum_is_zero():
    assert np.isnan(fl.mse_loss([], []))
    assert fl.mse_loss([], [], reduction="sum") == 0
    assert fl.mse_loss([], [], reduction="none").shape == (0,)
    assert fl.mse_loss.grad(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)


def test_trap_004_005_the_denominators_of_torch():
    x, t, w = [1.0, 2.0], [0.0, 0.0], [1.0, 3.0]
    assert fl.mse_loss(x, t, w) == 13 / 4
    assert fl.l1_loss(x, t, w) == 7 / 4
    assert fl.huber_loss(x, t, w) == (1 * 0.5 + 3 * 1.5) / 2
    assert bce([0.0, 0.0], [0.0, 1.0], w) == pytest.approx(4 * np.log(2) / 2)
    assert bce([0.0, 0.0], [0.0, 1.0], pos_weight=3.0) == pytest.approx(4 * np.log(2) / 2)
    # sample_weight is a weighted average everywhere.
    for loss in (fl.mse_loss, fl.l1_loss, fl.huber_loss):
        each = loss(x, t, reduction="none")
        assert loss(x, t, sample_weight=w) == pytest.approx((each[0] + 3 * each[1]) / 4)
    assert fl.mse_loss(x, t, w, sample_weight=[2.0, 0.5]) == pytest.approx(
        (2 * 1 * 1 + 0.5 * 3 * 4) / (2 * 1 + 0.5 * 3)
    )
    assert fl.huber_loss(x, t, w, normalizer="weight") == pytest.approx(5 / 4)
    assert fl.mse_loss(x, t, w, normalizer="count") == pytest.approx(13 / 2)


def test_trap_006_unsigned_predictions_do_not_wrap():
    x, t = np.array([1, 2], np.uint8), np.array([2, 5], np.uint8)
    np.testing.assert_array_equal(fl.l1_loss(x, t, reduction="none"), [1.0, 3.0], strict=True)
    np.testing.assert_array_equal(fl.mse_loss.grad(x, t), [-1.0, -3.0], strict=True)
    assert fl.mse_loss(np.array([True]), np.array([False])) == 1.0


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_trap_008_009_half_precision_means_do_not_overflow_or_stall(dtype):
    ones = np.ones(300_000, dtype)
    mean = fl.l1_loss(ones, np.zeros(300_000, dtype))
    assert mean == 1
    assert mean.dtype == F32
    assert fl.l1_loss(ones, 0, reduction="sum") == 300_000
    assert bce(np.zeros(100_000, dtype), ones[:100_000]) == pytest.approx(np.log(2), rel=1e-6)


def test_trap_010_a_float32_sum_keeps_its_digits():
    x = np.full(17_825_792, F32(0.1))
    exact = float(F32(0.1)) * x.size
    assert abs(float(fl.l1_loss(x, F32(0), reduction="sum")) - exact) <= 1e-6 * exact
    assert abs(float(fl.l1_loss(x, F32(0))) - float(F32(0.1))) <= 1e-7


def test_trap_011_more_than_two_to_the_31_elements():
    # Zero strides: the loop runs over 2^31 + 9 elements of which memory holds one; the last one counts.
    count = 2**31 + 9
    x = np.broadcast_to(np.uint8(3), (count,))
    assert fl.l1_loss(x, 1, reduction="sum", where=np.broadcast_to(np.True_, (count,))) == 2.0 * count


@pytest.mark.parametrize("name", cases.NAMES)
def test_trap_012_a_nan_value_has_a_nan_gradient(name):
    operands = ordinary(name, [(3,)] * 6)
    described = [REFERENCES[name].operand(n) for n in operands]
    for operand in (o.name for o in described if not o.integer):
        poisoned = {**operands, operand: np.where([False, True, False], NAN, operands[operand])}
        for wrt in (o.name for o in described if o.differentiable):
            value, gradient = cases.loss(name).value_and_grad(**poisoned, reduction="none", wrt=wrt)
            assert np.isnan(value).tolist() == np.isnan(gradient).tolist() == [False, True, False]


def test_trap_013_missing_targets():
    t = np.array([1.0, NAN, 3.0])
    value, gradient = fl.mse_loss.value_and_grad(np.zeros(3), t, where=~np.isnan(t))
    assert value == 5.0
    np.testing.assert_array_equal(gradient, [-1.0, 0.0, -3.0])
    np.testing.assert_array_equal(fl.mse_loss(np.zeros(3), t, where=~np.isnan(t), reduction="none"), [1.0, 0.0, 9.0])


def test_trap_014_reversed_big_endian_and_read_only():
    x = np.arange(5.0)
    assert fl.mse_loss(x[::-1], np.zeros(5)) == 6.0
    np.testing.assert_array_equal(fl.mse_loss.grad(x[::-1], np.zeros(5), reduction="sum"), 2 * x[::-1])
    assert fl.mse_loss(x.astype(">f8"), np.zeros(5, ">f4")) == 6.0
    gradient = fl.mse_loss.grad(np.asfortranarray(x[:4].reshape(2, 2)), np.zeros((2, 2)))
    assert gradient.shape == (2, 2)
    assert gradient.flags.f_contiguous  # in the order of what it is of, as NumPy's results are
    assert gradient.dtype.isnative


def test_trap_015_no_negative_zero():
    for value in (
        fl.l1_loss([-0.0], [0.0]),
        fl.mse_loss([-0.0], [0.0]),
        bce([INF], [1.0]),
        bce([-INF], [0.0]),
        fl.hinge_loss([2.0], [1.0]),
    ):
        assert value == 0
        assert not np.signbit(value)


def test_trap_016_eps_acts_in_the_computation_dtype():
    for dtype in (np.float16, ml_dtypes.bfloat16, F32):
        x, v = np.zeros(2, dtype), np.zeros(2, dtype)
        value, (gx, gv) = fl.gaussian_nll_loss.value_and_grad(x, x, v, wrt=("input", "var"))
        assert value == pytest.approx(0.5 * np.log(1e-6), rel=1e-6)
        assert not np.isnan(gv.astype(float)).any()
        assert not gx.astype(float).any()


def test_trap_017_huber_of_a_huge_residual():
    for dtype, huge in ((F32, 3e38), (np.float64, 1.5e308)):
        x, zero = np.array([huge, -huge, INF], dtype), np.zeros(3, dtype)
        value, gradient = fl.huber_loss.value_and_grad(x, zero, reduction="none")
        np.testing.assert_allclose(value, np.array([huge, huge, INF], dtype), rtol=1e-6)
        np.testing.assert_array_equal(gradient, np.array([1, -1, 1], dtype))
        value, gradient = fl.huber_loss.value_and_grad(x, zero, reduction="none", delta=2.0)
        np.testing.assert_array_equal(value, np.full(3, INF, dtype))
        np.testing.assert_array_equal(gradient, np.array([2, -2, 2], dtype))
        np.testing.assert_array_equal(fl.huber_loss.hess(x, zero, reduction="none"), zero)


def test_trap_018_huber_is_not_smooth_l1():
    np.testing.assert_array_equal(fl.huber_loss([1.0, 5.0], [0.0, 0.0], delta=2.0, reduction="none"), [0.5, 8.0])


@pytest.mark.parametrize("delta", [0.0, -1.0, NAN, -INF])
def test_trap_019_delta_is_validated(delta):
    with pytest.raises(ValueError, match="delta"):
        fl.huber_loss([1.0], [0.0], delta=delta)


def test_trap_020_half_precision_intermediates():
    assert fl.huber_loss(np.array([300.0], np.float16), np.array([0.0], np.float16), delta=1000.0) == 45000.0
    assert fl.mse_loss(np.array([300.0], np.float16), np.array([0.0], np.float16)) == 90000.0


def test_trap_021_huber_has_two_sides():
    value = fl.huber_loss([-5.0, 5.0], [0.0, 0.0], reduction="none")
    assert value[0] == value[1] == 4.5
    np.testing.assert_array_equal(fl.huber_loss.grad([-5.0, 5.0], [0.0, 0.0], reduction="none"), [-1.0, 1.0])


def test_trap_022_the_value_overflows_the_gradient_does_not():
    value, gradient = fl.mse_loss.value_and_grad(f32(2e19), f32(0))
    assert value == INF
    np.testing.assert_array_equal(gradient, f32(4e19))


def test_trap_023_rmse_at_zero():
    for dtype in cases.DTYPES:
        x = np.array([1, 2], dtype)
        for reduction in ("none", "mean", "sum", "batchmean"):
            value, (gx, gt) = fl.rmse_loss.value_and_grad(x, x, reduction=reduction, wrt=("input", "target"))
            assert not np.any(value)
            assert not gx.any()
            assert not gt.any()
    # Neither an overflow nor an underflow of the squares.
    np.testing.assert_array_equal(fl.rmse_loss(f32(1e25, 1e-30), f32(0, 0), reduction="none"), f32(1e25, 1e-30))
    for huge in (f32(1e25), f32(1e-30)):
        value, gradient = fl.rmse_loss.value_and_grad(huge, f32(0))
        np.testing.assert_allclose(value, huge[0], rtol=1e-6)
        np.testing.assert_allclose(gradient, [1.0], rtol=1e-6)


def test_trap_032_a_variance_of_zero():
    value, gradient = fl.gaussian_nll_loss.value_and_grad(
        [1.0, 2.0], [1.0, 1.0], [0.0, 0.0], reduction="none", wrt="var"
    )
    np.testing.assert_allclose(value, [0.5 * np.log(1e-6), 0.5 * np.log(1e-6) + 5e5], rtol=1e-12)
    np.testing.assert_allclose(gradient, [5e5, 5e5 - 5e11], rtol=1e-12)
    with pytest.raises(ValueError, match="var"):
        fl.gaussian_nll_loss([1.0], [1.0], [-1e-30])
    assert np.isnan(fl.gaussian_nll_loss([1.0], [1.0], [NAN]))
    assert fl.gaussian_nll_loss([1.0], [1.0], [-0.0]) == pytest.approx(0.5 * np.log(1e-6))


def test_trap_033_every_shape_of_a_broadcast_variance():
    x, t = np.arange(48.0).reshape(4, 3, 2, 2) / 7, np.zeros((4, 3, 2, 2))
    for shape in ((4, 1, 2, 2), (4, 3, 1, 1), (1, 1, 1, 1), (1, 3, 1, 1), (4, 3, 2), ()):
        var = np.arange(1.0, 1 + int(np.prod(shape))).reshape(shape)
        full = np.broadcast_to(var.reshape((*shape, 1)) if len(shape) == 3 else var, x.shape)
        value, gradient = fl.gaussian_nll_loss.value_and_grad(x, t, var, wrt="var")
        each = fl.gaussian_nll_loss.grad(x, t, full.copy(), wrt="var")
        np.testing.assert_allclose(value, fl.gaussian_nll_loss(x, t, full), rtol=1e-13)
        axes = tuple(i for i in range(4) if (*shape, 1)[i] == 1) if len(shape) in (3, 4) else (0, 1, 2, 3)
        np.testing.assert_allclose(gradient, each.sum(axis=axes).reshape(shape), rtol=1e-12)
    for shape in ((3,), (1,), (2, 2), (4, 1)):
        with pytest.raises(ValueError, match="var"):
            fl.gaussian_nll_loss(x, t, np.ones(shape))


def test_trap_034_a_variance_of_one_rank_less_means_rows():
    x, t, var = np.ones((2, 2)), np.zeros((2, 2)), np.array([1.0, 4.0])
    rows = fl.gaussian_nll_loss(x, t, var, reduction="none")
    np.testing.assert_allclose(rows, 0.5 * (np.log(var) + 1 / var)[:, None] * np.ones((2, 2)), rtol=1e-15)


def test_trap_037_targets_outside_of_the_unit_interval():
    assert bce([1.0], [7.0]) == pytest.approx(-6 * np.log1p(np.e) + 7 * np.log1p(np.exp(-1)))
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="target"):
        bce([1.0], [7.0])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_038_infinite_logits(dtype):
    x = np.array([INF, -INF, INF, -INF, INF, -INF], dtype)
    t = np.array([1, 0, 0, 1, 0.3, 0.3], dtype)
    value, gradient = bce.value_and_grad(x, t, reduction="none")
    np.testing.assert_array_equal(value, np.array([0, 0, INF, INF, INF, INF], dtype))
    np.testing.assert_allclose(gradient, np.array([0, 0, 1, -1, 0.7, -0.3], dtype), rtol=1e-6)
    np.testing.assert_array_equal(bce.hess(x, t, reduction="none"), np.zeros(6, dtype))


def test_trap_039_tiny_losses_are_not_zero():
    np.testing.assert_allclose(
        bce(f32(-20, 20), f32(0, 1), reduction="none"), f32(2.0611536e-9, 2.0611536e-9), rtol=3e-7
    )
    assert bce(np.array([-700.0]), np.array([0.0])) == pytest.approx(np.exp(-700.0), rel=1e-13)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_040_the_max_trick_at_zero_and_far_out(dtype):
    x = np.array([0.0, -0.0, -100.0, 100.0, -120.0], dtype)
    for pos_weight in (1.0, 3.0):
        value, gradient = bce.value_and_grad(x, np.ones(5, dtype), pos_weight=pos_weight, reduction="none")
        np.testing.assert_allclose(value, pos_weight * np.logaddexp(0, -x.astype(float)), rtol=1e-6, atol=1e-44)
        np.testing.assert_allclose(gradient[:2], -0.5 * pos_weight)
        np.testing.assert_allclose(gradient[[2, 4]], -pos_weight)


def test_trap_041_042_weights_align_to_the_trailing_axes():
    x, t = np.zeros((2, 2)), np.ones((2, 2))
    columns = np.log(2) * np.array([[1.0, 3.0], [1.0, 3.0]])
    np.testing.assert_allclose(bce(x, t, weight=[1.0, 3.0], reduction="none"), columns)
    np.testing.assert_allclose(bce(x, t, pos_weight=[1.0, 3.0], reduction="none"), columns)
    np.testing.assert_allclose(bce(x, t, sample_weight=[1.0, 3.0], reduction="none"), columns.T)
    for keyword in ("weight", "pos_weight"):
        with pytest.raises(ValueError, match=rf"{keyword}.*\(4,\).*\(4, 3\)"):
            bce(np.zeros((4, 3)), np.zeros((4, 3)), **{keyword: np.ones(4)})


def test_trap_043_gradient_in_the_target():
    x = np.array([-3.0, 0.0, 2.0])
    for t in ([0.2, 0.5, 0.9], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]):
        np.testing.assert_allclose(bce.grad(x, t, reduction="none", wrt="target"), -x, rtol=1e-14, atol=1e-15)
    p = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(bce.hess(x, np.zeros(3), reduction="none"), p * (1 - p), rtol=1e-14)


def test_trap_082_hinge_labels():
    x = np.array([0.3, -0.4])
    assert fl.hinge_loss(x, [1, 0], labels="01") == fl.hinge_loss(x, [1, -1])
    with fl.errstate(domain="raise"):
        with pytest.raises(ValueError, match="target"):
            fl.hinge_loss(x, [1, 0])
        with pytest.raises(ValueError, match="target"):
            fl.hinge_loss(x, [1, -1], labels="01")
        # No guessing from the values: a batch of positives means the same under both.
        assert fl.hinge_loss(x, [1, 1], labels="01") == fl.hinge_loss(x, [1, 1])


def test_trap_115_116_subnormal_numbers_survive():
    code = (
        "import numpy as np, fastloss\n"
        "x = np.float32(1e-40)\n"
        "assert x * np.float32(0.5) > 0\n"
        "print(fastloss.l1_loss(x, 0) == x)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    exact = np.exp(np.longdouble(-90))
    assert float(bce(f32(-90), f32(0))) == pytest.approx(float(exact), abs=3e-45)
    tiny = f32(1e-42, -3e-41)
    np.testing.assert_array_equal(fl.l1_loss(tiny, f32(0, 0), reduction="none"), np.abs(tiny))
    np.testing.assert_array_equal(fl.mse_loss.grad(tiny, f32(0, 0), reduction="none"), 2 * tiny)
    np.testing.assert_allclose(fl.huber_loss.grad(tiny, f32(0, 0), reduction="none"), tiny, rtol=0, atol=3e-45)


def test_trap_118_a_reduced_call_allocates_nothing_large():
    x, t, out = np.ones(1_000_000), np.zeros(1_000_000), np.empty(1_000_000)
    fl.mse_loss.value_and_grad(x, t, out=out)
    tracemalloc.start()
    fl.mse_loss.value_and_grad(x, t, out=out)
    fl.mse_loss(x[::-1], t)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000
