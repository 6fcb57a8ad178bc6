"""Reference of the asymmetric loss: the paper's formula, linear in the target, with the bound of its authors' code."""

import numpy as np

from references.binary import LOG2, sigmoid, softplus, times
from references.draws import INF
from references.logits import LOGIT, TARGET, reduced, root_of, times_power, variance
from references.schema import Kink, Reference


def log_cross_entropy(probability_log, eps):
    """-log max(p, eps) from -log p."""
    return np.minimum(probability_log, -np.log(eps)) if eps > 0 else probability_log


def shifted(z, clip):
    return np.maximum(sigmoid(z) - clip, 0)


def shifted_loss(z, clip, eps):
    q = shifted(z, clip)
    exact = softplus(z) if clip == 0 else np.where(q < 0.5, -np.log1p(-q), -np.log(sigmoid(-z) + clip))
    return log_cross_entropy(exact, eps)


def asymmetric_positive(z, gamma, eps):
    return sigmoid(-z) ** gamma * log_cross_entropy(softplus(-z), eps)


def asymmetric_negative(z, gamma, clip, eps):
    return times((shifted(z, clip) > 0) * shifted(z, clip) ** gamma, shifted_loss(z, clip, eps))


def asymmetric(input, target, gamma_neg, gamma_pos, clip, eps):
    return times(target, asymmetric_positive(input, gamma_pos, eps)) + times(
        1 - target, asymmetric_negative(input, gamma_neg, clip, eps)
    )


def asymmetric_parts(input, target, gamma_neg, gamma_pos, clip, eps):
    """The terms of the gradient, each a product formed first."""
    p, rest = sigmoid(input), sigmoid(-input)
    free = p >= eps
    positive = [
        -(rest ** (gamma_pos + 1)) * free,
        times(-gamma_pos * p * rest**gamma_pos, log_cross_entropy(softplus(-input), eps)),
    ]
    q, free = shifted(input, clip), rest + clip >= eps
    inside = q > 0
    negative = [
        inside * q**gamma_neg * p * (np.ones_like(p) if clip == 0 else rest / (rest + clip)) * free,
        inside * times_power(q, gamma_neg - 1, gamma_neg * times(p * rest, shifted_loss(input, clip, eps))),
    ]
    return [times(target, x) for x in positive] + [times(1 - target, x) for x in negative]


def asymmetric_in_input(input, target, gamma_neg, gamma_pos, clip, eps):
    return sum(asymmetric_parts(input, target, gamma_neg, gamma_pos, clip, eps))


def asymmetric_curvatures(input, target, gamma_neg, gamma_pos, clip, eps):
    """The terms of the second derivative."""
    p, rest, v = sigmoid(input), sigmoid(-input), variance(input)
    weight, free, loss = rest**gamma_pos, p >= eps, log_cross_entropy(softplus(-input), eps)
    positive = [
        weight * v * free,
        2 * gamma_pos * p * weight * rest * free,
        times(gamma_pos**2 * p**2 * weight, loss),
        times(-gamma_pos * v * weight, loss),
    ]
    q, kept = shifted(input, clip), rest + clip
    inside, free, loss = q > 0, kept >= eps, shifted_loss(input, clip, eps)
    share = np.ones_like(p) if clip == 0 else rest / kept
    bend = v if clip == 0 else v / kept * (rest - p * clip / kept)
    negative = [
        q**gamma_neg * bend * free,
        2 * times_power(q, gamma_neg - 1, gamma_neg * v * p * share * free),
        times_power(q, gamma_neg - 2, gamma_neg * (gamma_neg - 1) * times(v**2, loss)),
        times_power(q, gamma_neg - 1, gamma_neg * times(v * (rest - p), loss)),
    ]
    return [times(target, x) for x in positive] + [times(1 - target, inside * x) for x in negative]


def rounded(terms, decaying, by_variance=False, with_p=()):
    """What rounding moves: each term, p (of the terms of the first half in `with_p`, and of the second half), 1 - p (in
    the terms from `decaying` on), p - clip, p (1 - p).
    """

    def moved(input, target, gamma_neg, gamma_pos, clip, eps):
        parts = [np.abs(part) for part in terms(input, target, gamma_neg, gamma_pos, clip, eps)]
        count = len(parts) // 2
        p, rest, q = sigmoid(input), sigmoid(-input), shifted(input, clip)
        by_q = per((gamma_neg + 1) * sum(parts[count:]), q)
        by_rest = per(gamma_pos * sum(parts[:count]) + sum(parts[decaying:], np.zeros_like(p)), rest)
        by_p = by_q + per(sum((parts[i] for i in with_p), np.zeros_like(p)), p)
        by_v = per(sum(parts), p * rest) if by_variance else np.zeros_like(p)
        return [*((part, 1) for part in parts), (p, by_p), (q, by_q), (rest, by_rest), (p * rest, by_v)]

    return moved


def per(x, y):
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


def asymmetric_values(input, target, gamma_neg, gamma_pos, clip, eps):
    """The terms of the value."""
    return [
        times(target, asymmetric_positive(input, gamma_pos, eps)),
        times(1 - target, asymmetric_negative(input, gamma_neg, clip, eps)),
    ]


def both_values(input, target, *options):
    """The values at the targets 1 and 0."""
    return (
        asymmetric_values(input, np.ones_like(target), *options)[:1]
        + asymmetric_values(input, np.zeros_like(target), *options)[1:]
    )


def asymmetric_in_target(input, target, gamma_neg, gamma_pos, clip, eps):
    return asymmetric_positive(input, gamma_pos, eps) - asymmetric_negative(input, gamma_neg, clip, eps)


def asymmetric_distance(input, target, gamma_neg, gamma_pos, clip, eps):
    """To the logits where p = clip, p = eps and 1 - p + clip = eps."""
    with np.errstate(divide="ignore", invalid="ignore"):
        edges = [np.log(x) - np.log1p(-x) for x in (clip, eps, 1 + clip - eps)]
        return np.min(
            [np.abs(input - edge) if np.isfinite(edge) else np.full_like(input, INF) for edge in edges], axis=0
        )


def torch_asymmetric(torch, operands, options, reduction):
    z, t = operands["input"], operands["target"]
    p = torch.sigmoid(z)
    q = (p - options.get("clip", 0.05)).clamp(min=0)
    eps = options.get("eps", 1e-8)
    positive = (1 - p) ** options.get("gamma_pos", 1.0) * torch.log(p.clamp(min=eps))
    negative = q ** options.get("gamma_neg", 4.0) * torch.log((1 - q).clamp(min=eps))
    return reduced(torch, -t * positive - (1 - t) * negative, reduction)


ASYMMETRIC = Reference(
    name="asymmetric_loss",
    operands=(LOGIT, TARGET),
    value=asymmetric,
    gradients={"input": asymmetric_in_input, "target": asymmetric_in_target},
    hessian=lambda **operands: sum(asymmetric_curvatures(**operands)),
    kinks=(
        Kink("logit 0, target 1", {"input": 0.0, "target": 1.0}, LOG2 / 2, {"input": -1 / 4 - LOG2 / 4}, None),
        Kink("an easy negative", {"input": -3.0, "target": 0.0}, 0.0, {"input": 0.0}, 0.0),
        Kink(
            "an easy negative at the edge",
            {"input": 0.0, "target": 0.0},
            0.0,
            {"input": 0.0, "target": LOG2 / 2},
            0.0,
            {"clip": 0.5},
        ),
        Kink("logit inf, target 1", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0}, 0.0),
        Kink("logit -inf, target 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0}, 0.0),
        Kink("logit -inf, target 1", {"input": -INF, "target": 1.0}, -float(np.log(1e-8)), {"input": 0.0}, 0.0),
        Kink("logit -inf, no eps", {"input": -INF, "target": 1.0}, INF, {"input": -1.0}, 0.0, {"eps": 0.0}),
        Kink("logit inf, no clip", {"input": INF, "target": 0.0}, INF, {"input": 1.0}, 0.0, {"eps": 0.0, "clip": 0.0}),
    ),
    golden=(
        (((0.0, 0.0), (1.0, 0.0)), {"clip": 0.25}, (LOG2 / 2 - 0.25**4 * float(np.log(0.75))) / 2),
        (((0.0, 0.0), (1.0, 0.0)), {"clip": 0.0, "gamma_neg": 2.0, "gamma_pos": 0.0}, 5 * LOG2 / 8),
    ),
    outside={"target": 1.25},
    options={
        "gamma_neg": (0.0, 0.5, 1.0, 2.0, 3.0, 5.0),
        "gamma_pos": (0.0, 0.5, 2.0),
        "clip": (0.0, 0.25, 1.0),
        "eps": (0.0, 0.25),
    },
    defaults={"gamma_neg": 4.0, "gamma_pos": 1.0, "clip": 0.05, "eps": 1e-8},
    formed_first={
        "value": rounded(asymmetric_values, 2),
        "input": rounded(asymmetric_parts, 2, with_p=(1,)),
        "hessian": rounded(asymmetric_curvatures, 4, by_variance=True),
        "target": rounded(both_values, 2),
    },
    distance_to_kink=asymmetric_distance,
    torch=torch_asymmetric,
    torch_options={"gamma_neg": (2.0,), "gamma_pos": (0.0, 2.0), "clip": (0.25,), "eps": (1e-3,)},
    properties=frozenset({"bounded", "non-negative"}),
    optimum=lambda target, **options: root_of(lambda z, t: asymmetric_in_input(z, t, **options), target),
)
