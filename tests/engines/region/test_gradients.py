"""Gradients of losses of regions against finite differences, and a descent along them."""

from __future__ import annotations

import numpy as np
import pytest

import cases
from engines.region.adapter import Region
from references import REGION_REFERENCES, region_draws
from references.regions_schema import RegionLoss, Sums

NAMES = list(REGION_REFERENCES)
STEP = 1e-6
SHAPE = (3, 3, 12)


def option_sets(name, kind):
    """Those whose losses are smooth: the drop of an absent class and the tie of an absolute value are not."""
    return [o for o in Region(name, kind).option_sets() if "absent" not in o and o.get("intersection") != "l1"]


def operands_of(name, kind, options):
    """No place is 0 or 1, which would be ties, and every class is there."""
    rng = cases.seed(name, kind, options)
    operands = region_draws.ordinary(rng, SHAPE, 1, kind, from_logits=bool(options.get("from_logits")))
    if kind == "soft":
        operands["target"] = rng.uniform(0.1, 0.9, SHAPE)
    else:
        operands["target"][..., :3] = np.eye(3, dtype=int) if kind == "mask" else np.arange(3)
    return operands


@pytest.mark.parametrize("kind", region_draws.KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name, kind):
    loss = cases.loss(name)
    for options in option_sets(name, kind):
        operands = operands_of(name, kind, options)
        # The weights of generalised Dice are constants of the gradient in the target.
        names = ("input", "target") if kind == "soft" and not REGION_REFERENCES[name].class_weights else ("input",)
        gradients = loss.grad(**operands, **options, reduction="sum", wrt=names)
        for each, gradient in zip(names, gradients, strict=True):
            for place in range(0, operands[each].size, 5):
                moved = []
                for sign in (1, -1):
                    other = operands[each].copy()
                    other.flat[place] += sign * STEP
                    moved.append(loss(**{**operands, each: other}, **options, reduction="sum"))
                slope = (moved[0] - moved[1]) / (2 * STEP)
                assert gradient.flat[place] == pytest.approx(slope, rel=1e-5, abs=1e-8), f"{options} {each} {place}"


@pytest.mark.parametrize("kind", region_draws.KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_has_the_gradients_of_its_values(name, kind):
    """In longdouble, along one direction, with masked pixels and gradients that flow in."""
    reference, step = REGION_REFERENCES[name], np.longdouble(1e-8)
    for options in option_sets(name, kind):
        rng = cases.seed(name, kind, options, "reference")
        operands = operands_of(name, kind, options)
        where = rng.random(SHAPE) < 0.9
        where[..., :3] = True
        units = RegionLoss(reference, operands, options, where=where)
        flow = rng.standard_normal(units.values.shape)
        gradients = units.reduce("none", grad_output=flow).gradients
        for each in gradients if reference.class_weights is None else ("input",):
            direction = rng.standard_normal(SHAPE)
            above, below = (
                (flow * RegionLoss(reference, {**operands, each: x}, options, where=where).values).sum()
                for x in (operands[each] + step * direction, operands[each] - step * direction)
            )
            slope = (gradients[each] * direction).sum()
            size = np.abs(gradients[each] * direction).sum()
            assert abs((above - below) / (2 * step) - slope) <= 1e-6 * size, f"{options} {each}"


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_has_the_derivatives_of_its_index(name):
    reference, step = REGION_REFERENCES[name], np.longdouble(1e-7)
    rng = cases.seed(name, "index")
    i = rng.uniform(0.5, 4, 200).astype(np.longdouble)
    sums = Sums(i, i + rng.uniform(0.1, 5, 200), i + rng.uniform(0.1, 5, 200), np.longdouble(20) + 0 * i)
    for options in reference.option_sets():
        given = {**reference.defaults, **options}
        if not given.get("log_loss"):
            found = reference.index(sums, **given)
            for k, slope in enumerate(found[1:]):
                moved = [list(sums), list(sums)]
                moved[0][k], moved[1][k] = sums[k] + step, sums[k] - step
                above, below = (reference.index(Sums(*x), **given).missing for x in moved)
                np.testing.assert_allclose(
                    ((below - above) / (2 * step)).astype(float), slope.astype(float), rtol=1e-7, atol=1e-9
                )


@pytest.mark.parametrize("name", NAMES)
def test_descent_finds_the_regions(name):
    for activation, kind in (("sigmoid", "mask"), ("softmax", "index")):
        operands = region_draws.ordinary(cases.seed(name, "descent"), (3, 3, 60), 1, kind, from_logits=True)
        operands["input"] = np.zeros_like(operands["input"])
        loss, call = cases.loss(name), {"from_logits": activation, "reduction": "sum"}
        first = loss(**operands, **call)
        for _ in range(200):
            operands["input"] -= 10 * loss.grad(**operands, **call)
        assert loss(**operands, **call) < 0.3 * first
        x, target = operands["input"], operands["target"]
        found = (x > 0) == target if kind == "mask" else x.argmax(axis=1) == target
        assert found.mean() > 0.95
