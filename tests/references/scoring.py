"""References of scoring rules: Gneiting et al. (2005); Jordan, Krueger and Lerch (2019).

Each score is s E(z) with z = r / s. By hand: its derivative in r is E'(z), in s E(z) - z E'(z), and E'' is twice the
density of the distribution.
"""

import numpy as np

from references.draws import INF, beside, normal, positive, positive_wide, real
from references.schema import Kink, Operand, Reference

PI = 4 * np.arctan(np.longdouble(1))
INPUT = Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 1e-30, 1e18, -3e38, INF, -INF))
TARGET = Operand("target", beside("input"), normal, (0.0, 1.0, -2.0, 1e18, INF))
SCALE = Operand(
    "scale",
    positive_wide,
    positive,
    (0.0, 1e-30, 0.5, 1.0, 30.0, 1e30, INF),
    kinds=("full", "scalar", "column", "row", "leading"),
    checked_always=True,
)


def erf(x):
    """By Kummer's series of positive terms, and beyond 3 by the continued fraction of erfc (DLMF 7.6.2, 7.9.1)."""
    a = np.abs(x)
    near = np.minimum(a, 3)
    term = total = near
    for n in range(1, 90):
        term = term * 2 * near * near / (2 * n + 1)
        total = total + term
    small = 2 / np.sqrt(PI) * np.exp(-near * near) * total
    far = np.maximum(a, 3)
    fraction = far
    for n in range(120, 0, -1):
        fraction = far + np.longdouble(n) / 2 / fraction
    return np.sign(x) * np.where(a < 3, small, 1 - np.exp(-far * far) / np.sqrt(PI) / fraction)


def standardized(input, target, scale):
    r = input - target
    return r, np.where(r == 0, 0, r / scale)


def times(a, b):
    """a * b, and 0 where a is."""
    with np.errstate(invalid="ignore"):
        return np.where(a == 0, a, a * b)


def rule(name, slope, bounded, in_scale, curvature, slope_times_r, by_z, torch_score, **more):
    """The reference of one score: r slope_times_r(z) + s bounded(z)."""
    limit = in_scale(np.longdouble(INF))

    def value(input, target, scale):
        r, z = standardized(input, target, scale)
        return r * slope_times_r(z) + scale * bounded(z)

    def gradient(input, target, scale):
        return slope(standardized(input, target, scale)[1])

    def gradient_in_scale(input, target, scale):
        return in_scale(standardized(input, target, scale)[1])

    def hessian(input, target, scale):
        e = curvature(standardized(input, target, scale)[1])
        return np.where(e == 0, e, e / scale)

    def in_terms_of_z(factor):
        """The quotient z and the difference r, as they move what has the slope factor(z, s) in z."""

        def terms(input, target, scale):
            r, z = standardized(input, target, scale)
            by = np.abs(factor(z, scale))
            per_scale = np.where(by == 0, 0, by / scale)
            return [(z, by), (r, per_scale), (z / 2, 2 * by)]

        return terms

    def terms_of_value(input, target, scale):
        r, z = standardized(input, target, scale)
        return [
            (r * slope_times_r(z), 1),
            (scale * bounded(z), 1),
            (r, np.abs(slope_times_r(z))),
            (z, scale * np.abs(by_z(z))),
        ]

    def terms_in_scale(input, target, scale):
        _, z = standardized(input, target, scale)
        parts = in_terms_of_z(lambda z, s: times(curvature(z), z))(input, target, scale)
        return [*parts, (in_scale(z) - limit, 1)]

    def terms_of_hessian(input, target, scale):
        _, z = standardized(input, target, scale)
        parts = in_terms_of_z(lambda z, s: times(curvature(z), z / s))(input, target, scale)
        return [*parts, (curvature(z), np.where(curvature(z) == 0, 0, 1 / scale))]

    def torch_call(torch, operands, options, reduction):
        r = operands["input"] - operands["target"]
        loss = operands["scale"] * torch_score(torch, r / operands["scale"])
        return loss if reduction == "none" else getattr(loss, reduction)()

    return Reference(
        name=name,
        operands=(INPUT, TARGET, SCALE),
        value=value,
        gradients={"input": gradient, "target": lambda **o: -gradient(**o), "scale": gradient_in_scale},
        hessian=hessian,
        outside={"scale": -0.25},
        formed_first={
            "value": terms_of_value,
            "input": in_terms_of_z(lambda z, s: curvature(z)),
            "target": in_terms_of_z(lambda z, s: curvature(z)),
            "scale": terms_in_scale,
            "hessian": terms_of_hessian,
        },
        distance_to_kink=lambda input, target, scale: np.where(scale == 0, np.abs(input - target), scale),
        torch=torch_call,
        properties=frozenset({"symmetric", "convex", "non-negative"}),
        optimum=lambda target, scale: target,
        **more,
    )


def kinks(at_zero, at_four, slope_at_four, curvature, far):
    """At z = 0 and at z = -4; with a scale of 0; at infinities. `far` is the slope in the scale of large |z|."""
    return (
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "scale": 2.0},
            2 * at_zero,
            {"input": 0.0, "target": 0.0, "scale": at_zero},
            curvature[0],
        ),
        Kink(
            "four scales away",
            {"input": -7.0, "target": 1.0, "scale": 2.0},
            2 * at_four,
            {"input": -slope_at_four, "target": slope_at_four, "scale": at_four - 4 * slope_at_four},
            curvature[1],
        ),
        Kink(
            "scale 0",
            {"input": -3.0, "target": 1.0, "scale": 0.0},
            4.0,
            {"input": -1.0, "target": 1.0, "scale": far},
            0.0,
            in_torch=False,
        ),
        Kink(
            "equal, scale 0",
            {"input": 1.0, "target": 1.0, "scale": 0.0},
            0.0,
            {"input": 0.0, "target": 0.0, "scale": at_zero},
            INF,
            in_torch=False,
        ),
        Kink(
            "infinite input",
            {"input": INF, "target": 0.0, "scale": 2.0},
            INF,
            {"input": 1.0, "target": -1.0, "scale": far},
            0.0,
        ),
        Kink(
            "infinite scale",
            {"input": 1.0, "target": 0.0, "scale": INF},
            INF,
            {"input": 0.0, "target": 0.0, "scale": at_zero},
            0.0,
        ),
    )


FOUR = np.longdouble(4)
ROOT_2 = np.sqrt(np.longdouble(2))

CRPS_GAUSSIAN = rule(
    "crps_gaussian",
    slope=lambda z: erf(z / ROOT_2),
    bounded=lambda z: np.sqrt(2 / PI) * np.exp(-z * z / 2) - 1 / np.sqrt(PI),
    in_scale=lambda z: np.sqrt(2 / PI) * np.exp(-z * z / 2) - 1 / np.sqrt(PI),
    curvature=lambda z: np.sqrt(2 / PI) * np.exp(-z * z / 2),
    slope_times_r=lambda z: erf(z / ROOT_2),
    by_z=lambda z: np.zeros_like(z),  # the two terms move by the same, with opposite signs
    torch_score=lambda torch, z: (
        z * torch.erf(z * 0.5**0.5) + (2 / torch.pi) ** 0.5 * torch.exp(-z * z / 2) - torch.pi**-0.5
    ),
    kinks=kinks(
        float(np.sqrt(2 / PI) - 1 / np.sqrt(PI)),
        float(4 * erf(4 / ROOT_2) + np.sqrt(2 / PI) * np.exp(-FOUR * 2) - 1 / np.sqrt(PI)),
        float(erf(4 / ROOT_2)),
        (float(np.sqrt(2 / PI)) / 2, None),  # exp(-8) is as exact as -8
        -float(1 / np.sqrt(PI)),
    ),
    golden=(
        # mpmath: scale (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))
        (((0.0, 2.0), (0.0, 1.0), 1.0), {}, 0.41806816744),
        (((-1.0,), (0.5,), (0.75,)), {}, 1.0895938663),
    ),
)

CRPS_LAPLACE = rule(
    "crps_laplace",
    slope=lambda z: -np.sign(z) * np.expm1(-np.abs(z)),
    bounded=lambda z: np.exp(-np.abs(z)) - 0.75,
    in_scale=lambda z: times(np.exp(-np.abs(z)), 1 + np.abs(z)) - 0.75,
    curvature=lambda z: np.exp(-np.abs(z)),
    slope_times_r=np.sign,
    by_z=lambda z: np.exp(-np.abs(z)),
    torch_score=lambda torch, z: torch.abs(z) + torch.exp(-torch.abs(z)) - 0.75,
    kinks=kinks(0.25, float(3.25 + np.exp(-FOUR)), float(1 - np.exp(-FOUR)), (0.5, float(np.exp(-FOUR)) / 2), -0.75),
    golden=(
        (((0.0, 2.0), (0.0, 1.0), 1.0), {}, 0.43393972059),
        (((-1.0,), (0.5,), (0.75,)), {}, 1.0390014624),
    ),
)

CRPS_LOGISTIC = rule(
    "crps_logistic",
    slope=lambda z: np.tanh(z / 2),
    bounded=lambda z: 2 * np.log1p(np.exp(-np.abs(z))) - 1,
    in_scale=lambda z: (
        2 * np.log1p(np.exp(-np.abs(z))) - 1 + times(2 * np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))), np.abs(z))
    ),
    curvature=lambda z: 2 * np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2,
    slope_times_r=np.sign,
    by_z=lambda z: 2 / (1 + np.exp(np.abs(z))),
    torch_score=lambda torch, z: torch.logaddexp(z, 0 * z) + torch.logaddexp(-z, 0 * z) - 1,
    kinks=kinks(
        2 * float(np.log(2.0)) - 1,
        float(3 + 2 * np.log1p(np.exp(-FOUR))),
        float(np.tanh(FOUR / 2)),
        (0.25, float(1 / (4 * np.cosh(FOUR / 2) ** 2))),
        -1.0,
    ),
    golden=(
        (((0.0, 2.0), (0.0, 1.0), 1.0), {}, 0.50640886808),
        (((-1.0,), (0.5,), (0.75,)), {}, 0.94039201656),
    ),
)

REFERENCES = (CRPS_GAUSSIAN, CRPS_LAPLACE, CRPS_LOGISTIC)
