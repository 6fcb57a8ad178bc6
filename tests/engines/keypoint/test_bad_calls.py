"""Keypoints, areas, sigmas and weights that a call refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest

import cases
import fastloss as fl
from references import keypoint_draws
from references.keypoints_schema import KeypointLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "keypoint"]
BOTH = KeypointLoss.names


def methods(name):
    loss = cases.loss(name)
    return [loss, loss.grad, loss.value_and_grad, loss.statistics]


def refused(name, message, operands, **changed):
    """By every method, with exactly these words."""
    for call in methods(name):
        with pytest.raises(ValueError, match=f"^{re.escape(f'{name}: {message}')}$"):
            call(**{**operands, **changed})


@pytest.fixture
def operands():
    return keypoint_draws.ordinary(cases.seed("refused"), (3, 5), 7)


@pytest.mark.parametrize("name", NAMES)
def test_keypoints_have_two_coordinates(name):
    for shape in ((), (2,), (3, 3), (4, 17, 3), (17, 1), (4, 0, 2), (2, 17)):
        x = np.ones(shape)
        for call in methods(name):
            with pytest.raises(
                ValueError, match=rf"^{name}: input has shape {re.escape(str(shape))}; .*\(\.\.\., K, 2\)"
            ):
                call(x, x, 1.0, 0.1)


@pytest.mark.parametrize("name", NAMES)
def test_every_keypoint_has_one_target(name):
    for shape in ((3, 5, 6, 2), (5, 7, 2), (3, 1, 7, 2), (7, 2), ()):
        for call in methods(name):
            with pytest.raises(ValueError, match=rf"^{name}: target") as raised:
                call(np.ones((3, 5, 7, 2)), np.ones(shape), 1.0, 0.1)
            assert "(3, 5, 7, 2)" in str(raised.value)
            assert str(shape) in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_of_the_other_operands(name, operands):
    for operand, shapes in {
        "area": [(5,), (3, 5, 7), (3, 5, 1), (3, 4), (7,)],
        "sigmas": [(1,), (6,), (5, 7), (1, 7), (7, 1)],
        "visible": [(5,), (6,), (3, 5), (5, 7), (3, 5, 6), (3, 5, 7, 1), (3, 5, 7, 2), (1, 3, 5, 7)],
        "sample_weight": [(5,), (3, 5, 7), (7,)],
    }.items():
        for shape in shapes:
            for call in methods(name):
                with pytest.raises(ValueError, match=rf"^{name}: {operand} has shape {re.escape(str(shape))}"):
                    call(**{**operands, operand: np.ones(shape)})


def test_sigmas_are_known_for_coco_alone():
    for keypoints in (1, 16, 18, 133):
        x = np.ones((4, keypoints, 2))
        noun = "keypoint" if keypoints == 1 else "keypoints"
        message = f"sigmas must be given for {keypoints} {noun}: left out, they are those of 17, and "
        message += f"input has shape {x.shape}"
        refused("oks_loss", message, {"input": x, "target": x, "area": 1.0})
        refused("oks_loss", message, {"input": x, "target": x, "area": 1.0}, sigmas=None)


@pytest.mark.parametrize("name", NAMES)
def test_sigmas_are_checked_in_every_call(name, operands):
    out = tuple(np.full_like(operands[each], 7.0) for each in BOTH)
    for wrong, text in ((0.0, "0.0"), (-0.1, "-0.1"), (1e-11, "1e-11"), (np.inf, "inf"), (1e11, "1e+11")):
        sigmas = operands["sigmas"].copy()
        sigmas[4] = wrong
        message = f"sigmas must be between 1e-10 and 1e+10, got {text} at index (4,)"
        refused(name, message, operands, sigmas=sigmas)
        with pytest.raises(ValueError, match="sigmas must be"):
            cases.loss(name).grad(**{**operands, "sigmas": sigmas}, wrt=BOTH, out=out)
        refused(name, message.replace("(4,)", "()"), operands, sigmas=wrong)
    assert all((x == 7).all() for x in out)
    operands["sigmas"][2] = np.nan
    assert np.isnan(cases.loss(name)(**{**operands, "visible": 1}))


@pytest.mark.parametrize("name", NAMES)
def test_areas_and_weights_below_zero_are_found_when_asked_for(name, operands):
    wrong = {each: operands[each].copy() for each in ("area", "visible")}
    wrong["area"][2, 1], wrong["visible"][1, 3, 6] = -2.5, -0.5
    mask = np.ones((3, 5), bool)
    for operand, index, got, place in (("area", "(2, 1)", "-2.5", (2, 1)), ("visible", "(1, 3, 6)", "-0.5", (1, 3))):
        changed = {operand: wrong[operand]}
        assert np.isnan(cases.loss(name)(**{**operands, **changed}))  # silent by default
        with fl.errstate(domain="raise"):
            refused(name, f"{operand} must be >= 0, got {got} at index {index}", operands, **changed)
            mask[place] = False
            assert np.isfinite(cases.loss(name)(**{**operands, **changed}, where=mask))
            mask[place] = True
    with fl.errstate(domain="raise"):
        assert np.isfinite(cases.loss(name)(**operands))
        operands["area"][0, 0] = operands["visible"][1, 1, 1] = np.nan  # missing, not wrong
        assert np.isnan(cases.loss(name)(**operands))


@pytest.mark.parametrize("name", NAMES)
def test_eps_is_in_its_range(name, operands):
    for eps in (0.0, -1.0, 1e-31):
        with pytest.raises(ValueError, match=rf"^{name}: eps must be >= 1e-30"):
            cases.loss(name)(**operands, eps=eps)
