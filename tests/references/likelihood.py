"""References of negative log-likelihoods: Nix and Weigend (1994); Seitzer et al. (2022); torch's documentation."""

import numpy as np

from references.draws import INF, beside, normal, positive, positive_wide, real
from references.likelihood_circular import VON_MISES_NLL
from references.likelihood_log import LOG_NORMAL_NLL
from references.likelihood_scale import LAPLACE_NLL
from references.likelihood_student_t import STUDENT_T_NLL
from references.schema import Kink, Operand, Reference

HALF_LOG_2_PI = np.log(8 * np.arctan(np.longdouble(1))) / 2


def squared_quotient(r, v):
    return r * (r / v)


def factor(v, beta, x):
    """The constant factor v^beta times x; a slope of zero stays zero."""
    with np.errstate(invalid="ignore"):
        return np.where(x == 0, x, v**beta * x)


def value(input, target, var, full, eps, beta):
    v = np.maximum(var, eps)
    nll = (np.log(v) + squared_quotient(input - target, v)) / 2 + (HALF_LOG_2_PI if full else 0)
    return factor(v, beta, nll)


def in_input(input, target, var, full, eps, beta):
    v = np.maximum(var, eps)
    return factor(v, beta, (input - target) / v)


def in_var(input, target, var, full, eps, beta):
    # torch clamps the variance without differentiating the clamp: below eps the gradient is that at eps.
    v = np.maximum(var, eps)
    return factor(v, beta, (1 / v - ((input - target) / v) ** 2) / 2)


def weighted(terms):
    """The terms of a sum as those of the sum times v^beta, which is rounded itself."""

    def of_product(input, target, var, full, eps, beta):
        v = np.maximum(var, eps)
        plain = terms(input, target, v)
        if beta == 0:
            return plain
        total = np.sum([np.abs(term * slope) for term, slope in plain], axis=0)
        return [*((term, slope * v**beta) for term, slope in plain), (v**beta, total)]

    return of_product


@weighted
def terms_of_value(input, target, v):
    return [
        (np.log(v), 0.5),
        (squared_quotient(input - target, v), 0.5),
        (input - target, np.abs((input - target) / v)),
    ]


@weighted
def terms_in_input(input, target, v):
    return [(input - target, 1 / v), ((input - target) / v, 1)]


@weighted
def terms_in_var(input, target, v):
    q = (input - target) / v
    return [(1 / v, 0.5), (q, np.abs(q)), (q * q, 0.5), (input - target, np.abs(q / v))]


def torch_call(torch, operands, options, reduction):
    options = dict(options)
    beta = options.pop("beta", 0)
    if beta == 0:
        return torch.nn.functional.gaussian_nll_loss(**operands, reduction=reduction, **options)
    loss = torch.nn.functional.gaussian_nll_loss(**operands, reduction="none", **options)
    loss = operands["var"].detach() ** beta * loss
    return loss if reduction == "none" else getattr(loss, reduction)()


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
    hessian=lambda input, target, var, full, eps, beta: (
        factor(np.maximum(var, eps), beta, 1 / np.maximum(var, eps)) + 0 * np.sign(input - target)
    ),
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
    golden=(
        (((0.0, 1.5), (0.0, 1.0), (1.0, 0.25)), {}, -0.0965735903),
        # The second element times 1/2: (0 + (log(1/4) + 1) / 4) / 2
        (((0.0, 1.5), (0.0, 1.0), (1.0, 0.25)), {"beta": 0.5}, -0.0482867951),
    ),
    outside={"var": -0.25},
    options={"full": (True,), "eps": (1e-3, 0.5, 1e-30), "beta": (0.5, 1.0)},
    defaults={"full": False, "eps": 1e-6, "beta": 0.0},
    not_slopes={"beta": ("var",)},
    formed_first={
        "value": terms_of_value,
        "var": terms_in_var,
        "input": terms_in_input,
        "target": terms_in_input,
        "hessian": weighted(lambda input, target, v: [(1 / v, 1)]),
    },
    distance_to_kink=lambda input, target, var, full, eps, beta: np.where(var > eps, var - eps, 0),
    torch=torch_call,
    torch_options={"full": (True,), "eps": (1e-3,), "beta": (0.5, 1.0)},
    properties=frozenset({"symmetric", "convex"}),
    optimum=lambda target, var, full, eps, beta: target,
)

REFERENCES = (GAUSSIAN_NLL, LAPLACE_NLL, LOG_NORMAL_NLL, STUDENT_T_NLL, VON_MISES_NLL)
