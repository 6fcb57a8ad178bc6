"""Losses of rotated boxes against their definitions with matrices, in fifty digits: boxes that nearly agree as well."""

from __future__ import annotations

import functools

import mpmath as mp
import numpy as np
import pytest

import cases
from references import BOX_REFERENCES
from references.boxes_schema import BoxLoss

BOTH = BoxLoss.names
DIGITS = 50
STEP = mp.mpf(10) ** -18


def covariance(box, divisor, power=1):
    """R diag(w^2, h^2) R^T / divisor, or a power of this matrix."""
    _, _, w, h, angle = box
    rotation = mp.matrix([[mp.cos(angle), -mp.sin(angle)], [mp.sin(angle), mp.cos(angle)]])
    return rotation * mp.diag([(w**2 / divisor) ** power, (h**2 / divisor) ** power]) * rotation.T


def quadratic(matrix, box, target):
    """d^T M d for the difference of the centres."""
    d = mp.matrix([box[0] - target[0], box[1] - target[1]])
    return (d.T * matrix * d)[0]


def trace(matrix):
    return matrix[0, 0] + matrix[1, 1]


def bhattacharyya(box, target):
    one, other = covariance(box, 12), covariance(target, 12)
    both = (one + other) / 2
    shape = mp.log(mp.det(both) / mp.sqrt(mp.det(one) * mp.det(other))) / 2
    return quadratic(both**-1, box, target) / 8 + shape


def wasserstein2(box, target):
    one, other, root = covariance(box, 4), covariance(target, 4), covariance(box, 4, mp.mpf(1) / 2)
    coupled = root * other * root
    values = mp.eigsy((coupled + coupled.T) / 2, eigvals_only=True)
    return quadratic(mp.eye(2), box, target) + trace(one) + trace(other) - 2 * sum(map(mp.sqrt, values))


def kullback_leibler(box, target):
    one, other = covariance(box, 4), covariance(target, 4)
    shape = trace(other**-1 * one) / 2 + mp.log(mp.det(other) / mp.det(one)) / 2 - 1
    return quadratic(other**-1, box, target) / 2 + shape


def damped(f):
    """tau = 1."""
    return 1 - 1 / (1 + f)


# By loss and options.
DEFINITIONS = {
    ("probiou_loss", "l1"): (bhattacharyya, lambda b: mp.sqrt(1 - mp.exp(-b))),
    ("probiou_loss", "l2"): (bhattacharyya, lambda b: b),
    ("gwd_loss", "log1p"): (wasserstein2, lambda d: damped(mp.log(1 + d))),
    ("gwd_loss", "sqrt"): (wasserstein2, lambda d: damped(mp.sqrt(d))),
    ("kld_box_loss", "log1p"): (kullback_leibler, lambda d: damped(mp.log(1 + d))),
    ("kld_box_loss", "sqrt"): (kullback_leibler, lambda d: damped(mp.sqrt(d))),
}

FIRST = (0.375, 1.25, 4.0, 1.5, 0.625)
# What the target is more than the first box.
BESIDE = {
    "ordinary": (0.75, -0.5, 1.0, 0.5, -0.875),
    "across": (0.0, 0.25, 0.5, 0.125, 1.5),
    "near": (2**-10, 2**-11, -(2**-12), 2**-10, 2**-11),
    "very near": (2**-18, -(2**-19), 2**-19, -(2**-20), 2**-19),
    "moved": (2**-19, 0.0, 0.0, 0.0, 0.0),
    "wider": (0.0, 0.0, 2**-19, 0.0, 0.0),
    "turned": (0.0, 0.0, 0.0, 0.0, 2**-19),
    "longer and narrower": (0.0, 0.0, 2**-18, -(2**-20), 0.0),
}


@functools.cache
def exact(kind, place):
    """A pair of boxes of numbers that float32 holds, the loss and its ten slopes."""
    distance, function = DEFINITIONS[kind]

    def loss(numbers):
        return function(distance(numbers[:5], numbers[5:]))

    box, target = np.array(FIRST), np.add(FIRST, BESIDE[place])
    assert (target == target.astype(np.float32)).all()
    slopes = []
    with mp.workdps(DIGITS):
        numbers = [mp.mpf(x) for x in (*box.tolist(), *target.tolist())]
        for k in range(10):
            ahead, behind = ([x + sign * STEP * (i == k) for i, x in enumerate(numbers)] for sign in (1, -1))
            slopes.append(float((loss(ahead) - loss(behind)) / (2 * STEP)))
        return box, target, float(loss(numbers)), np.array(slopes)


def options_of(kind):
    """Of a call."""
    name, choice = kind
    return {"mode" if name == "probiou_loss" else "fun": choice}


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("place", BESIDE)
@pytest.mark.parametrize("kind", DEFINITIONS, ids="-".join)
def test_the_definition(kind, place, dtype, isa, use_isa):
    use_isa(isa)
    box, target, want, slopes = exact(kind, place)
    digits = 64 * float(np.finfo(dtype).eps)
    loss = cases.loss(kind[0])
    value, gradients = loss.value_and_grad(box.astype(dtype), target.astype(dtype), **options_of(kind), wrt=BOTH)
    assert value == pytest.approx(want, rel=digits)
    np.testing.assert_allclose(np.concatenate(gradients), slopes, rtol=digits, atol=digits * np.abs(slopes).max())


@pytest.mark.parametrize("kind", DEFINITIONS, ids="-".join)
def test_the_reference_is_the_definition(kind):
    """Which the tests of everything else go by."""
    for place in BESIDE:
        box, target, want, slopes = exact(kind, place)
        operands = {"input": box[None], "target": target[None]}
        found = BoxLoss(BOX_REFERENCES[kind[0]], operands, options_of(kind))
        np.testing.assert_allclose(found.values.astype(float), want, rtol=1e-12)
        room = 1e-12 * np.abs(slopes).max()
        np.testing.assert_allclose(found.slopes[:, 0].astype(float), slopes, rtol=1e-9, atol=room)
