"""References of negative log-likelihoods: Nix and Weigend (1994); torch's documentation of gaussian_nll_loss."""

import numpy as np

from references.draws import INF, beside, normal, positive, positive_wide, real
from references.schema import Kink, Operand, Reference

HALF_LOG_2_PI = np.log(8 * np.arctan(np.longdouble(1))) / 2


def squared_quotient(r, v):
    return r * (r / v)


def value(input, target, var, full, eps):
    v = np.maximum(var, eps)
    return (np.log(v) + squared_quotient(input - target, v)) / 2 + (HALF_LOG_2_PI if full else 0)


def in_input(input, target, var, full, eps):
    return (input - target) / np.maximum(var, eps)


def in_var(input, target, var, full, eps):
    # torch clamps the variance without differentiating the clamp: below eps the gradient is that at eps.
    v = np.maximum(var, eps)
    return (1 / v - ((input - target) / v) ** 2) / 2


def terms_of_value(input, target, var, full, eps):
    v = np.maximum(var, eps)
    return [
        (np.log(v), 0.5),
        (squared_quotient(input - target, v), 0.5),
        (input - target, np.abs(in_input(input, target, var, full, eps))),
    ]


def terms_in_var(input, target, var, full, eps):
    v = np.maximum(var, eps)
    q = (input - target) / v
    return [(1 / v, 0.5), (q, np.abs(q)), (q * q, 0.5), (input - target, np.abs(q / v))]


def torch_call(torch, operands, options, reduction):
    return torch.nn.functional.gaussian_nll_loss(**operands, reduction=reduction, **options)


GAUSSIAN_NLL = Reference(
    name="gaussian_nll_loss",
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 1e-30, 1e18, -3e38, INF, -INF)),
        Operand("target", beside("input"), normal, (0.0, 1.0, -2.0, 1e18, INF)),
        Operand(
            "var",
            positive_wide,
            positive,
            (0.0, 1e-30, 1e-6, 0.5, 1.0, 1e30, INF),
            kinds=("full", "scalar", "column", "row", "leading"),
            checked_always=True,
        ),
    ),
    value=value,
    gradients={"input": in_input, "target": lambda **o: -in_input(**o), "var": in_var},
    hessian=lambda input, target, var, full, eps: 1 / np.maximum(var, eps) + 0 * np.sign(input - target),
    kinks=(
        Kink(
            "variance at eps",
            {"input": 1.0, "target": 1.0, "var": 0.25},
            float(np.log(0.5)),
            {"input": 0.0, "target": 0.0, "var": 2.0},
            4.0,
            {"eps": 0.25},
        ),
        Kink(
            "variance below eps",
            {"input": 2.0, "target": 1.0, "var": 0.125},
            float(np.log(0.5)) + 2,
            {"input": 4.0, "target": -4.0, "var": -6.0},
            4.0,
            {"eps": 0.25},
        ),
        Kink(
            "variance 0",
            {"input": 1.0, "target": 1.0, "var": 0.0},
            float(np.log(0.5)),
            {"input": 0.0, "target": 0.0, "var": 2.0},
            4.0,
            {"eps": 0.25},
        ),
        Kink(
            "infinite input",
            {"input": INF, "target": 0.0, "var": 1.0},
            INF,
            {"input": INF, "target": -INF, "var": -INF},
            1.0,
        ),
        Kink(
            "infinite variance",
            {"input": 1.0, "target": 0.0, "var": INF},
            INF,
            {"input": 0.0, "target": 0.0, "var": 0.0},
            0.0,
        ),
    ),
    golden=((((0.0, 1.5), (0.0, 1.0), (1.0, 0.25)), {}, -0.0965735903),),
    outside={"var": -0.25},
    options={"full": (True,), "eps": (1e-3, 0.5, 1e-30)},
    defaults={"full": False, "eps": 1e-6},
    formed_first={
        "value": terms_of_value,
        "var": terms_in_var,
        "input": lambda input, target, var, full, eps: [(input - target, 1 / np.maximum(var, eps))],
    },
    distance_to_kink=lambda input, target, var, full, eps: np.where(var > eps, var - eps, 0),
    torch=torch_call,
    torch_options={"full": (True,), "eps": (1e-3,)},
    properties=frozenset({"symmetric", "convex"}),
    optimum=lambda target, var, full, eps: target,
)

REFERENCES = (GAUSSIAN_NLL,)
