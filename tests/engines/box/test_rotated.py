"""Rotated boxes: where conventions decide, what the losses do not depend on, and the edges of the numbers."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines.box.adapter import Box
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss

NAMES = [name for name, reference in BOX_REFERENCES.items() if reference.rotated]
BOTH = BoxLoss.names
WIDTH, HEIGHT, ANGLE = 2, 3, 4


def results(name, operands, **call):
    """Value and gradients of each pair."""
    value, gradients = cases.loss(name).value_and_grad(*operands, **call, reduction="none", wrt=BOTH)
    return [value, *gradients]


def drawn(name, count=300, dtype=np.float64):
    """Boxes, as a list of input and target."""
    return list(box_draws.rotated(cases.seed(name, count), (count,), dtype).values())


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_places_where_conventions_decide(name, dtype, isa, use_isa):
    use_isa(isa)
    call = Box(name)
    for options in call.option_sets():
        operands = box_draws.special_of(name, dtype, options)
        for part in results(name, operands.values(), **options):
            finite = np.isfinite(part).reshape(len(part), -1).all(axis=1)
            places = [place for place, x in zip(box_draws.SPECIAL_ROTATED, finite, strict=True) if not x]
            assert finite.all(), f"{options}: {places}"
        check(call, operands, dtype, f"{options}", options=options)


@pytest.mark.parametrize("name", NAMES)
def test_identical_boxes_lose_nothing_and_stay_where_they_are(name):
    for dtype, options in ((t, o) for t in cases.DTYPES for o in Box(name).option_sets()):
        # Of sides from 1e-6 to those whose squares a float32 still holds.
        boxes = drawn(name, 500, dtype)[0] * np.logspace(-6, 17, 500, dtype=dtype)[:, None]
        boxes[:, ANGLE] = np.linspace(-9, 9, 500)
        value, first, second = results(name, (boxes, boxes.copy()), **options)
        tau = options.get("tau", 1.0)
        np.testing.assert_allclose(value, (tau - 1) / tau, rtol=2 * np.finfo(dtype).eps, atol=0)
        assert not first.any(), f"{options}"
        assert not second.any(), f"{options}"


@pytest.mark.parametrize("name", NAMES)
def test_boxes_may_be_moved_turned_and_mirrored(name):
    boxes = drawn(name)
    want = results(name, boxes)
    for shift, turn, mirrored in (((30, -20), 0, False), ((0, 0), 0.7, False), ((5, 1), -2.0, True)):
        c, s = math.cos(turn), math.sin(turn)
        matrix, sign = np.array([[c, -s], [s, c]]), 1
        if mirrored:
            matrix, sign = matrix @ np.diag([1.0, -1.0]), -1
        moved = [x.copy() for x in boxes]
        for x in moved:
            x[:, :2] = x[:, :2] @ matrix.T + shift
            x[:, ANGLE] = sign * x[:, ANGLE] + turn
        value, *gradients = results(name, moved)
        np.testing.assert_allclose(value, want[0], rtol=1e-11, atol=1e-13)
        for gradient, slope in zip(gradients, want[1:], strict=True):
            np.testing.assert_allclose(gradient[:, :2], slope[:, :2] @ matrix.T, rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(gradient[:, 2:4], slope[:, 2:4], rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(gradient[:, ANGLE], sign * slope[:, ANGLE], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["probiou_loss", "kld_box_loss"])
def test_they_do_not_depend_on_the_scale(name):
    boxes = drawn(name)
    value, *gradients = results(name, boxes, eps=1e-9)
    for scale in (1024.0, 2.0**-20):
        scaled = [x * [scale, scale, scale, scale, 1] for x in boxes]
        other, *slopes = results(name, scaled, eps=1e-9)
        np.testing.assert_allclose(other, value, rtol=1e-13)
        for gradient, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(slope * [scale, scale, scale, scale, 1], gradient, rtol=1e-13)


def test_the_distance_of_wasserstein_has_the_scale_of_the_boxes():
    boxes = drawn("gwd_loss")

    def distance(boxes):
        loss = fl.gwd_loss(*boxes, fun="sqrt", reduction="none")
        return loss / (1 - loss)

    scaled = [x * [16, 16, 16, 16, 1] for x in boxes]
    np.testing.assert_allclose(distance(scaled), 16 * distance(boxes), rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_a_box_is_turned_towards_its_target(name):
    """Where only the angle is wrong, the step against the gradient is in the direction of the smaller turn."""
    target = np.array([5.0, 6.0, 8.0, 2.0, 0.4])
    for wrong in (0.3, -0.3, 1.2, -1.2, math.pi - 0.3, 0.3 - math.pi, 2 * math.pi + 0.3):
        box = np.append(target[:4], target[4] + wrong)
        gradient, opposite = cases.loss(name).grad(box, target, wrt=BOTH)
        assert np.sign(gradient[ANGLE]) == np.sign(math.remainder(wrong, math.pi)), wrong
        assert opposite[ANGLE] == pytest.approx(-gradient[ANGLE], rel=1e-9)
        np.testing.assert_allclose(gradient[:2], 0, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_a_side_below_eps_counts_as_eps_and_stays(name):
    target, eps = np.array([1.0, 1.0, 4.0, 2.0, 0.25]), 0.5
    for dtype in cases.DTYPES:
        for k in (WIDTH, HEIGHT):
            box = np.array([0.5, 1.0, 3.0, 3.0, 1.0], dtype)
            box[k] = eps
            want = results(name, (box[None], target[None].astype(dtype)), eps=eps)
            assert want[1][0, k] != 0  # at eps as if above
            for side in (0.25, 0.0, -3.0, -np.inf, np.nextafter(dtype(eps), dtype(0))):
                box[k] = side
                value, first, second = results(name, (box[None], target[None].astype(dtype)), eps=eps)
                assert_same(value, want[0], f"{side}")
                assert_same(second, want[2], f"{side}")
                assert first[0, k] == 0
                rest = np.arange(5) != k
                assert_same(first[:, rest], want[1][:, rest], f"{side}")


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_distance_is_bounded(name):
    """Beyond 1e18 nothing changes, and nothing overflows."""
    box, far, farther = (np.array([[x, 0, 1, 1, 0.5]]) for x in (0, 1e8, 1e12))
    for dtype in cases.DTYPES:
        for options in Box(name).option_sets():
            value, first, second = results(name, (box.astype(dtype), far.astype(dtype)), **options)
            more, *slopes = results(name, (box.astype(dtype), farther.astype(dtype)), **options)
            assert np.isfinite([value, more]).all()
            assert more >= value * dtype(1 - 1e-6)
            assert all(np.isfinite(x).all() for x in (first, second, *slopes))
            if options.get("mode") == "l2" or name != "probiou_loss":  # "l1" has levelled off
                assert first.any(), f"{options}"
                assert second.any(), f"{options}"
            assert not any(x.any() for x in slopes)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_boxes_are_nothing_is_infinite(name, isa, use_isa):
    """Only a pair with NaN, or an angle or squares of sides and distances that are not finite, is NaN, as a whole."""
    use_isa(isa)
    rng = cases.seed(name, "wild")
    for dtype in cases.DTYPES:
        largest = np.log10(float(np.finfo(dtype).max))
        boxes = []
        for _ in BOTH:
            x = rng.choice([-1, 1], (4000, 5)) * 10.0 ** rng.uniform(-largest - 5, largest - 1, (4000, 5))
            x = np.where(rng.random(x.shape) < 0.2, rng.choice([0, 1, 1, 1, np.inf, -np.inf, np.nan], x.shape), x)
            boxes.append(x.astype(dtype))
        with np.errstate(all="ignore"):
            sides = [np.maximum(x[:, [WIDTH, HEIGHT]], dtype(1e-7)) for x in boxes]
            numbers = np.hstack([*sides, boxes[0][:, :2] - boxes[1][:, :2]])
            turn = boxes[0][:, ANGLE] - boxes[1][:, ANGLE]
            present = np.isfinite(np.square(numbers).sum(axis=1)) & np.isfinite(turn)
        assert 100 < np.count_nonzero(present) < 3900
        for options in Box(name).option_sets():
            for part in results(name, boxes, **options):
                part = part.reshape(len(present), -1)
                if options.get("eps", 0) < 1:
                    assert np.isnan(part[~present]).all(), f"{dtype} {options}"
                assert np.isfinite(part[present]).all(), f"{dtype} {options}"


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_large_boxes_of_narrow_numbers(name, dtype):
    """The area of 512 x 512 pixels is beyond float16."""
    boxes = np.array([[256, 256, 512, 512, 0], [240, 200, 480, 500, 0.5], [256, 384, 512, 256, 1]], dtype)
    other = np.array([[256, 256, 512, 512, 0.5], [256, 224, 512, 448, 0.5], [384, 256, 256, 512, 1]], dtype)
    value, *gradients = results(name, (boxes, other))
    wide = results(name, (boxes.astype(np.float32), other.astype(np.float32)))
    assert_same(value, wide[0], name)
    for gradient, slope in zip(gradients, wide[1:], strict=True):
        assert_same(gradient, slope.astype(dtype), name)


@pytest.mark.parametrize("name", NAMES)
def test_angles_of_many_turns(name):
    """They are reduced with all their digits."""
    for dtype, turns in ((np.float32, 1e4), (np.float64, 1e4), (np.float64, 1e12)):
        operands = box_draws.rotated(cases.seed(name, turns), (200,), dtype)
        for k, x in enumerate(operands.values()):
            x[:, ANGLE] += dtype((-1) ** k * turns)
        check(Box(name), operands, dtype, f"{turns}")


@pytest.mark.parametrize("name", ["gwd_loss", "kld_box_loss"])
def test_options_out_of_range(name):
    box = np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    for options in ({"tau": 0.5}, {"tau": 2e6}, {"eps": 0.0}, {"eps": 2.0}, {"fun": "log"}):
        for call in (cases.loss(name), cases.loss(name).grad):
            with pytest.raises(ValueError, match=rf"^{name}.*{next(iter(options))}"):
                call(box, box, **options)


@pytest.mark.parametrize("options", [{"eps": 0.0}, {"eps": 1.5}, {"mode": "l3"}])
def test_options_of_probiou_out_of_range(options):
    box = np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match=rf"^probiou_loss.*{next(iter(options))}"):
        fl.probiou_loss(box, box, **options)


def test_they_have_no_formats():
    box = np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    for name in NAMES:
        with pytest.raises(TypeError, match=r"unexpected keyword.*fmt"):
            cases.loss(name)(box, box, fmt="xyxy")
