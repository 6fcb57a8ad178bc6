"""hausdorff_dt_loss: values and gradients in images and volumes, masks, regions without a boundary, MONAI's rules."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from engines.region.adapter import Hausdorff
from references import DISTANCE_REFERENCES, region_draws
from references.region_distance import HausdorffLoss
from references.signed_distance import signed_distance

NAME = "hausdorff_dt_loss"
REFERENCE = DISTANCE_REFERENCES[NAME]
CALL = Hausdorff(NAME, "soft")
IMAGES = [((2, 3, 9, 11), 1), ((3, 14, 5), None), ((2, 2, 4, 5, 6), 1), ((6, 7, 3), 2), ((4, 30), None), ((25,), None)]


def drawn(shape, axis, kind="mask", dtype=np.float64, **more):
    return region_draws.ordinary(cases.seed(NAME, shape, axis, kind), shape, axis, kind, dtype, **more)


def check(operands, dtype, axis, options=None, **arguments):
    """The value, and the gradients that there are, against the definition."""
    options = options or {}
    exact = HausdorffLoss(REFERENCE, operands, options, axis=axis, **arguments)
    for reduction in ("mean", "none"):
        want = exact.reduce(reduction)
        wrt = ("input", "target") if exact.soft_target else ("input",)
        value, gradients = fl.hausdorff_dt_loss.value_and_grad(
            **operands, **options, **arguments, axis=axis, wrt=wrt, reduction=reduction
        )
        room = CALL.room(want.value, want.magnitudes["value"], dtype, 1)
        cases.assert_stored(value, np.asarray(want.value), room, dtype, None, f"{options} {reduction}")
        for name, got in zip(wrt, gradients, strict=True):
            due, size = want.gradients[name], want.magnitudes[name]
            cases.assert_stored(got, due, CALL.room(due, size, dtype, 1), dtype, np.dtype(dtype), f"{options} {name}")


def test_the_reference_is_complete():
    info = fl.losses()[NAME]
    assert tuple(o.name for o in info.operands) == REFERENCE.operands
    assert dict(info.defaults) == dict(REFERENCE.defaults)
    assert all(set(REFERENCE.options[o.name]) - {o.default} for o in info.options)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("kind", region_draws.KINDS)
def test_values_and_gradients_of_every_option(kind, dtype, isa, use_isa):
    use_isa(isa)
    for options in Hausdorff(NAME, kind).option_sets():
        logits = bool(options.get("from_logits"))
        operands = drawn((3, 3, 40), 1, kind, dtype, from_logits=logits, weight=not options.get("merge_classes"))
        check(operands, dtype, 1, options)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("shape", "axis"), IMAGES, ids=str)
def test_images_and_volumes(shape, axis, dtype):
    for kind in region_draws.KINDS if axis is not None else region_draws.KINDS[:2]:
        check(drawn(shape, axis, kind, dtype), dtype, axis)
        check(drawn(shape, axis, kind, dtype, from_logits=True), dtype, axis, {"from_logits": "sigmoid", "alpha": 1.0})


def test_golden_values():
    for case in REFERENCE.golden:
        got = fl.hausdorff_dt_loss(*case.operands, **case.keywords)
        np.testing.assert_allclose(got, case.value, rtol=0, atol=1e-10)


def test_gradients_are_those_of_finite_differences_where_distances_are_kept():
    operands = drawn((2, 2, 5, 6), 1, "soft")
    assert np.abs(operands["input"] - 0.5).min() > 1e-4
    operands["target"] = np.clip(operands["target"], 0.01, 0.99)
    for name in ("input", "target"):
        gradient = fl.hausdorff_dt_loss.grad(**operands, wrt=name)
        for place in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {each: x.copy() for each, x in operands.items()}
                moved[name][place] += step
                ends.append(fl.hausdorff_dt_loss(**moved))
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-8)


def monai(p, t, alpha=2.0, include_background=False, batch=False):
    """MONAI's HausdorffDTLoss of probabilities and one-hot targets (N, C, ...), reduction "none"."""

    def field(x):
        found = np.zeros(x.shape)
        for cell in np.ndindex(x.shape[:2]):
            region = x[cell] > 0.5
            if region.any() and not region.all():
                found[cell] = np.abs(signed_distance(region))
        return found

    if not include_background and p.shape[1] > 1:
        p, t = p[:, 1:], t[:, 1:]
    weighted = (p - t) ** 2 * (field(p) ** alpha + field(t) ** alpha)
    return weighted.mean(axis=tuple(range(2, p.ndim)) if not batch else (0, *range(2, p.ndim)))


def test_monai():
    operands = drawn((3, 4, 8, 9), 1)
    operands["target"][1, 2] = 0
    p, t = operands.values()
    for alpha in (2.0, 1.5):
        for background in (True, False):
            for batch in (True, False):
                got = fl.hausdorff_dt_loss(
                    p, t, alpha=alpha, include_background=background, batch=batch, reduction="none"
                )
                np.testing.assert_allclose(got, monai(p, t, alpha, background, batch), rtol=1e-12)


def test_regions_without_a_boundary_have_no_distances():
    rng = cases.seed("no boundary")
    p, full, empty = rng.uniform(0.1, 0.4, (1, 1, 6, 7)), np.ones((1, 1, 6, 7)), np.zeros((1, 1, 6, 7))
    for sure, t in ((p, empty), (p, full), (1 - p, full), (1 - p, empty)):
        value, gradient = fl.hausdorff_dt_loss.value_and_grad(sure, t)
        assert value == 0
        np.testing.assert_array_equal(gradient, np.zeros(p.shape))
    one = empty.copy()
    one[0, 0, 2, 3] = 1
    expected = ((p - one) ** 2 * np.abs(signed_distance(one[0, 0])) ** 2).mean()
    assert fl.hausdorff_dt_loss(p, one) == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize(("dtype", "alpha"), [("float32", 30.0), ("float64", 200.0)])
def test_powers_that_the_dtype_does_not_hold_count_where_there_is_an_error(dtype, alpha):
    t = np.zeros(100, dtype)
    t[0] = 1
    p = t.copy()
    p[1] = 0.25
    value, gradients = fl.hausdorff_dt_loss.value_and_grad(p, t, alpha=alpha, wrt=("input", "target"))
    assert value == pytest.approx(2 * 0.25**2 / 100, rel=1e-6)
    for gradient, sign in zip(gradients, (1, -1), strict=True):
        np.testing.assert_allclose(gradient, sign * 4 * (p - t) / 100, rtol=1e-6)
    p[99] = 1e-30  # whose square float32 does not hold
    value, gradient = fl.hausdorff_dt_loss.value_and_grad(p, t, alpha=alpha)
    assert value == np.inf
    np.testing.assert_array_equal(np.isinf(gradient), np.arange(100) == 99)
    assert not np.isnan(gradient).any()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    ("spacing", "alpha"),
    [(1e-50, 0.5), (1e-50, 2.0), (1e-9, 3.0), (700.0, 2.0), (1e11, 0.25), (1e30, 1.0)],
)
def test_a_power_of_the_spacing_is_a_factor(spacing, alpha, dtype):
    operands = drawn((2, 2, 6, 7), 1, dtype=dtype)
    value, gradient = fl.hausdorff_dt_loss.value_and_grad(**operands, alpha=alpha)
    got, got_gradient = fl.hausdorff_dt_loss.value_and_grad(**operands, alpha=alpha, spacing=spacing)
    for found, at_one in ((got, value), (got_gradient, gradient)):
        info = ml_dtypes.finfo(found.dtype)
        wanted = np.asarray(at_one, np.float64) * spacing**alpha
        held = (np.abs(wanted) > 2 * float(info.smallest_normal)) & (np.abs(wanted) < 0.5 * float(info.max))
        np.testing.assert_allclose(np.asarray(found, np.float64)[held], wanted[held], rtol=50 * float(info.eps))
        assert not np.isnan(np.asarray(found, np.float64)).any()


def test_a_power_beyond_float32_of_the_spacing_counts_where_the_value_is_not():
    p, t = np.zeros((2, 8), np.float32)
    t[0], p[0], p[5] = 1, 1, 1e-12
    value = fl.hausdorff_dt_loss(p, t, spacing=1e25)
    assert value == pytest.approx(2 * 5**2 * 1e-24 * 1e50 / 8, rel=1e-6)


def test_a_power_of_the_spacing_beyond_float64_is_none_without_an_error():
    t = np.eye(6)[np.newaxis, np.newaxis]
    value, gradient = fl.hausdorff_dt_loss.value_and_grad(t, t, spacing=1e200)
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros(t.shape))
    assert fl.hausdorff_dt_loss(t * 0.75, t, spacing=1e200) == np.inf


def test_an_axis_of_one_pixel_has_no_boundary():
    assert fl.hausdorff_dt_loss(np.full((3, 2), 0.9), np.zeros((3, 2)), axis=1) == 0


def test_masked_pixels_are_outside_and_may_hold_anything():
    operands = drawn((2, 3, 7, 8), 1, "soft")
    where = cases.seed("where").random((2, 7, 8)) < 0.7
    check(operands, np.float64, 1, where=where)
    expected = fl.hausdorff_dt_loss.value_and_grad(**operands, where=where)
    for filler in (np.nan, 1e30, -7.0):
        filled = {name: np.where(where[:, None], x, filler) for name, x in operands.items()}
        got = fl.hausdorff_dt_loss.value_and_grad(**filled, where=where)
        assert got[0] == expected[0]
        np.testing.assert_array_equal(got[1], expected[1])


def test_ignored_pixels_are_outside():
    operands = drawn((2, 3, 40), 1, "index")
    operands["target"][:, ::3] = -1
    check(operands, np.float64, 1, ignore_index=-1)
    masked = {**operands, "target": np.where(operands["target"] < 0, 2, operands["target"])}
    assert fl.hausdorff_dt_loss(**operands, ignore_index=-1) == fl.hausdorff_dt_loss(
        **masked, where=operands["target"] >= 0
    )


def test_a_missing_number_makes_its_unit_missing():
    operands = drawn((3, 2, 30), 1)
    operands["input"][1, 0, 4] = np.nan
    values = fl.hausdorff_dt_loss(**operands, reduction="none")
    np.testing.assert_array_equal(np.isnan(values), [[False, False], [True, False], [False, False]])


@pytest.mark.parametrize("layout", layouts.ALL)
def test_the_same_numbers_wherever_they_lie(layout):
    operands = drawn((2, 3, 13, 17), 1, "soft", np.float32)
    both = ("input", "target")
    value, gradients = fl.hausdorff_dt_loss.value_and_grad(**operands, wrt=both)
    moved = {name: layouts.ALL[layout](x) for name, x in operands.items()}
    got, moved_gradients = fl.hausdorff_dt_loss.value_and_grad(**moved, wrt=both)
    assert got == pytest.approx(value, rel=1e-6)  # sums follow memory
    for one, other in zip(gradients, moved_gradients, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_gradient_in_place_of_an_operand():
    operands = drawn((2, 3, 13, 17), 1, "soft")
    expected = fl.hausdorff_dt_loss.grad(**operands, wrt=("input", "target"))
    got = fl.hausdorff_dt_loss.grad(**operands, wrt=("input", "target"), out=tuple(operands.values()))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(2, 2, 300, 200), (40, 1, 40, 30)], ids=str)
def test_the_same_bits_with_any_number_of_threads(shape):
    operands = drawn(shape, 1, dtype=np.float32)
    results = []
    for n in (1, 2, 5):
        with fl.threads(n):
            results.append(fl.hausdorff_dt_loss.value_and_grad(**operands))
    for value, gradient in results[1:]:
        assert value == results[0][0]
        np.testing.assert_array_equal(gradient, results[0][1])


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"alpha": -1.0}, {"spacing": 0.0}, {"spacing": float("nan")}])
def test_options_out_of_range(options):
    (name,) = options
    with pytest.raises(ValueError, match=rf"hausdorff_dt_loss: {name} must be"):
        fl.hausdorff_dt_loss([0.5], [1], **options)
