"""Reference of the log-normal likelihood: Galton (1879); torch's documentation of distributions.LogNormal."""

import numpy as np

from references.draws import INF, normal, positive, positive_wide, real
from references.likelihood_scale import SCALE
from references.schema import Kink, Operand, Reference

HALF_LOG_2_PI = np.log(8 * np.arctan(np.longdouble(1))) / 2


def standardized(input, target, scale, eps):
    s = np.maximum(scale, eps)
    return (np.log(target) - input) / s, s


def value(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    nll = np.log(target) + np.log(s) + z * z / 2 + (HALF_LOG_2_PI if full else 0)
    return np.where((target == 0) & ~np.isnan(z), INF, nll)  # no density at 0


def in_input(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    return -z / s


def in_target(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    return np.where(np.isinf(target), 0 * np.sign(z), (1 + z / s) / target)


def in_scale(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    return (1 - z * z) / s


def terms_of_value(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    u = np.log(target)
    return [(np.log(s), 1), (z * z / 2, 1), (u, 1 + np.abs(z) / s), (u - input, np.abs(z) / s), (u + np.log(s), 1)]


def terms_in_input(input, target, scale, full, eps):
    _, s = standardized(input, target, scale, eps)
    return [(np.log(target), 1 / s / s), (np.log(target) - input, 1 / s / s)]


def terms_in_target(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    u = np.log(target)
    return [(u, 1 / s / s / target), (u - input, 1 / s / s / target), (z / s, 1 / target), (1 + z / s, 1 / target)]


def terms_in_scale(input, target, scale, full, eps):
    z, s = standardized(input, target, scale, eps)
    slope = 2 * np.abs(z) / s
    return [(1 / s, 1), (z * z / s, 1), (z, slope), (np.log(target), slope / s), (np.log(target) - input, slope / s)]


def torch_call(torch, operands, options, reduction):
    distribution = torch.distributions.LogNormal(operands["input"], operands["scale"])
    loss = -distribution.log_prob(operands["target"]) - (0 if options.get("full") else float(HALF_LOG_2_PI))
    return loss if reduction == "none" else getattr(loss, reduction)()


LOG_NORMAL_NLL = Reference(
    name="log_normal_nll_loss",
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 1e-30, 1e18, -3e38, INF, -INF)),
        Operand("target", positive_wide, positive, (0.0, 1e-30, 0.5, 1.0, 3e38, INF)),
        SCALE,
    ),
    value=value,
    gradients={"input": in_input, "target": in_target, "scale": in_scale},
    hessian=lambda input, target, scale, full, eps: 1 / np.maximum(scale, eps) ** 2 + 0 * np.sign(input),
    kinks=(
        Kink(
            "at the median",
            {"input": 0.0, "target": 1.0, "scale": 0.5},
            -float(np.log(2.0)),
            {"input": 0.0, "target": 1.0, "scale": 2.0},
            4.0,
        ),
        Kink(
            "scale below eps",
            {"input": 1.0, "target": 1.0, "scale": 0.125},
            8 - float(np.log(4.0)),
            {"input": 16.0, "target": -15.0, "scale": -60.0},
            16.0,
            {"eps": 0.25},
        ),
        Kink(
            "scale 0",
            {"input": 0.0, "target": 1.0, "scale": 0.0},
            -float(np.log(4.0)),
            {"input": 0.0, "target": 1.0, "scale": 4.0},
            16.0,
            {"eps": 0.25},
        ),
        Kink(
            "target 0",
            {"input": 1.0, "target": 0.0, "scale": 1.0},
            INF,
            {"input": INF, "target": -INF, "scale": -INF},
            1.0,
        ),
        Kink(
            "infinite target",
            {"input": 1.0, "target": INF, "scale": 1.0},
            INF,
            {"input": -INF, "target": 0.0, "scale": -INF},
            1.0,
        ),
        Kink(
            "infinite input",
            {"input": INF, "target": 2.0, "scale": 1.0},
            INF,
            {"input": INF, "target": -INF, "scale": -INF},
            1.0,
        ),
    ),
    golden=(
        (((0.0, 1.0), (1.0, 1.0), (1.0, 0.5)), {}, 0.6534264097),
        # mpmath: -log of exp(-(log 3 - 0.5)^2 / (2 0.75^2)) / (3 0.75 sqrt(2 pi))
        (((0.5,), (3.0,), (0.75,)), {"full": True}, 2.0483902358),
    ),
    outside={"target": 0.0, "scale": -0.25},
    options={"full": (True,), "eps": (1e-3, 0.5, 1e-30)},
    defaults={"full": False, "eps": 1e-6},
    formed_first={
        "value": terms_of_value,
        "input": terms_in_input,
        "target": terms_in_target,
        "scale": terms_in_scale,
        "hessian": lambda input, target, scale, full, eps: [(1 / np.maximum(scale, eps), 1 / np.maximum(scale, eps))],
    },
    distance_to_kink=lambda input, target, scale, full, eps: np.where(scale > eps, scale - eps, 0),
    torch=torch_call,
    torch_options={"full": (True,)},
    properties=frozenset({"convex"}),
    optimum=lambda target, scale, full, eps: np.log(target),
)
