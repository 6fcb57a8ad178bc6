"""boundary_loss: values and gradients in distances of any kind, its identities, and calls that make no sense."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from engines.adapter import Shape
from engines.region.adapter import RegionDistance
from references import DISTANCE_REFERENCES

NAMES = [name for name, info in fl.losses().items() if info.engine == "region" and info.operands[1].name != "target"]


def drawn(name, shape, kind="floating", dtype=np.float64, **options):
    return RegionDistance(name, kind).draw(cases.seed(name, shape, kind), shape, dtype, options=options)


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_by_distances_has_a_reference(name):
    info, reference = fl.losses()[name], DISTANCE_REFERENCES[name]
    assert tuple(o.name for o in info.operands) == ("input", "distance_map", "weight")
    assert [o.differentiable for o in info.operands] == [True, True, False]
    assert dict(info.defaults) == dict(reference.defaults)
    assert {o.name for o in info.options} == set(reference.options)
    assert reference.golden


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", RegionDistance.KINDS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_values_and_gradients_of_every_option(name, kind, dtype):
    call = RegionDistance(name, kind)
    for options in call.option_sets():
        for shape in call.shapes:
            if len(shape.units) == 1 and (options.get("from_logits") == "softmax" or "include_background" in options):
                continue
            operands = call.draw(cases.seed(name, kind, shape), shape, dtype, options=options)
            exact = call.exact(operands, options)
            want = exact.reduce("mean")
            value, gradients = getattr(fl, name).value_and_grad(**operands, **options, wrt=call.wrt(operands))
            cases.assert_stored(
                value, want.value, call.room(want.value, want.magnitudes["value"], dtype, 1), dtype, None, f"{options}"
            )
            for operand, got in zip(call.wrt(operands), gradients, strict=True):
                due, size = want.gradients[operand], want.magnitudes[operand]
                cases.assert_stored(
                    got, due, call.room(due, size, dtype, 1), dtype, np.dtype(dtype), f"{options} {operand}"
                )


@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    for case in DISTANCE_REFERENCES[name].golden:
        np.testing.assert_allclose(getattr(fl, name)(*case.operands, **case.keywords), case.value, rtol=0, atol=1e-10)


def test_gradients_are_those_of_finite_differences():
    for activation in (False, "sigmoid", "softmax"):
        operands = drawn("boundary_loss", Shape((2, 3), 7), from_logits=activation)
        for operand in ("input", "distance_map"):
            gradient = fl.boundary_loss.grad(**operands, from_logits=activation, wrt=operand)
            for place in np.ndindex(gradient.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = {name: x.copy() for name, x in operands.items()}
                    moved[operand][place] += step
                    ends.append(fl.boundary_loss(**moved, from_logits=activation))
                assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-9)


def test_it_is_the_mean_of_products():
    rng = cases.seed("products")
    p, d = rng.random((4, 3, 9, 11)), rng.standard_normal((4, 3, 9, 11)) * 5
    np.testing.assert_allclose(fl.boundary_loss(p, d), (p * d).mean(), rtol=1e-13)
    np.testing.assert_allclose(fl.boundary_loss(p, d, reduction="none"), (p * d).mean(axis=(2, 3)), rtol=1e-13)
    np.testing.assert_allclose(
        fl.boundary_loss(p, d, batch=True, reduction="none"), (p * d).mean(axis=(0, 2, 3)), rtol=1e-12
    )
    where = rng.random((4, 9, 11)) < 0.5
    kept = np.broadcast_to(where[:, None], p.shape)
    of_kept = (p * d * kept).sum(axis=(2, 3)) / kept.sum(axis=(2, 3))
    np.testing.assert_allclose(fl.boundary_loss(p, d, where=where, reduction="none"), of_kept, rtol=1e-12)


def test_a_perfect_prediction_is_below_all_others():
    mask = np.zeros((1, 1, 20, 20), int)
    mask[..., 5:12, 6:15] = 1
    d = fl.signed_distance(mask, axes=(2, 3))
    best = fl.boundary_loss(mask, d)
    rng = cases.seed("others")
    assert all(best <= fl.boundary_loss(rng.random(mask.shape), d) for _ in range(20))
    assert best < 0
    assert fl.boundary_loss(np.zeros(mask.shape), d) == 0


def test_integers_are_distances():
    p = np.full((2, 3, 4), 0.5)
    d = np.arange(24).reshape(p.shape) - 100  # -100 is what other losses ignore
    for dtype in ("i2", "i8", "f4", ">i4"):
        assert fl.boundary_loss(p, d.astype(dtype)) == (p * d).mean()
    assert fl.boundary_loss(p, d % 2 == 0) == 0.25
    with pytest.raises(ValueError, match=r"boundary_loss: wrt names 'distance_map', which is of an integer dtype"):
        fl.boundary_loss.grad(p, d, wrt="distance_map")


@pytest.mark.parametrize("layout", layouts.ALL)
def test_the_same_numbers_wherever_they_lie(layout):
    operands = drawn("boundary_loss", Shape((3, 2), 37), dtype=np.float32)
    both = ("input", "distance_map")
    value, gradients = fl.boundary_loss.value_and_grad(**operands, wrt=both)
    moved = {name: layouts.ALL[layout](x) for name, x in operands.items()}
    got, moved_gradients = fl.boundary_loss.value_and_grad(**moved, wrt=both)
    assert got == value
    for one, other in zip(gradients, moved_gradients, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_bits_with_any_number_of_threads():
    operands = drawn("boundary_loss", Shape((3, 2), 200_003), dtype=np.float32)
    results = []
    for n in (1, 2, 5):
        with fl.threads(n):
            results.append(fl.boundary_loss.value_and_grad(**operands))
    for value, gradient in results[1:]:
        assert value == results[0][0]
        np.testing.assert_array_equal(gradient, results[0][1])


P = np.full((2, 3, 4, 5), 0.5)


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "text"),
    [
        ((P, np.zeros((2, 4, 5), int)), {}, ValueError, r"distance_map has shape \(2, 4, 5\).*\(2, 3, 4, 5\)$"),
        ((P, np.zeros((2, 3, 4))), {}, ValueError, r"distance_map has shape"),
        ((P, P[:1]), {}, ValueError, "distance_map has shape"),
        ((P, 1.0), {}, ValueError, "distance_map has shape"),
        ((P[0, 0], P[0, 0].T), {}, ValueError, "two axes are samples and pixels"),
        ((0.5, 0.5), {}, ValueError, "input must have an axis of pixels"),
        ((P, P), {"from_logits": True}, ValueError, "must be 'sigmoid' or 'softmax'"),
        ((P, P), {"ignore_index": 0}, TypeError, "ignore_index"),
        ((P, P), {"absent": "skip"}, TypeError, "absent"),
        ((P, P, [1.0, 2.0]), {}, ValueError, "weight"),
        ((P, P, [1.0, 2.0, 3.0]), {"merge_classes": True}, ValueError, "merge_classes"),
        ((P[:, :1], P[:, :1]), {"include_background": False}, ValueError, "include_background=False"),
        ((P, P * 1j), {}, TypeError, "distance_map has dtype complex128"),
    ],
)
def test_calls_that_make_no_sense(arguments, keywords, error, text):
    with pytest.raises(error, match=rf"boundary_loss.*{text}"):
        fl.boundary_loss(*arguments, **keywords)


def test_distances_have_no_range_and_probabilities_do():
    with fl.errstate(domain="raise"):
        fl.boundary_loss([0.5, 1.0], [-7.0, 1e30])
        fl.boundary_loss([-5.0, 9.0], [1, 2], from_logits=True)
        with pytest.raises(ValueError, match=r"boundary_loss: input must be between 0 and 1, got 1\.5"):
            fl.boundary_loss([0.5, 1.5], [1.0, 1.0])
