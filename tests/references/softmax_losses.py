"""Losses of softmax probabilities beside the cross-entropy, each from its paper or the library that it comes from."""

from __future__ import annotations

import numpy as np

from references import row_draws
from references.rows_schema import Logit, RowCase, RowOperand, RowReference
from references.softmax import INDEX, SCORES, TARGET, WEIGHT
from references.units import times


def on_matrix(loss):
    """torch's spelling for scores of shape (rows, classes), made one for any shape with the classes on axis 1, or 0."""

    def of_any_shape(torch, operands, options, reduction):
        axis, scores = min(1, operands["input"].ndim - 1), operands["input"]
        classes, rows = scores.shape[axis], torch.movedim(scores, axis, -1).shape[:-1]

        def flat(x):
            return torch.movedim(x, axis, -1).reshape(-1, classes) if x.is_floating_point() else x.reshape(-1)

        per_class = {"weight", "prior", "counts", "class_counts"}
        tables = {k: v if k in per_class else flat(v) for k, v in operands.items()}
        result = loss(torch, tables, options, reduction)
        return result.reshape(rows) if reduction == "none" else result

    return of_any_shape


def _torch_log_p(torch, operands):
    return torch.log_softmax(operands["input"], 1)


def _torch_reduce(torch, losses, operands, reduction, ignore_index=-100):
    """The reductions of a loss by class indices, with the weights of the targets in the denominator."""
    target = operands["target"]
    keep = target != ignore_index
    index = torch.where(keep, target, 0)
    picked = losses.gather(1, index.unsqueeze(1)).squeeze(1)
    weight = operands["weight"][index] if operands.get("weight") is not None else torch.ones_like(picked)
    weight = weight * keep
    loss = picked * weight
    if reduction == "none":
        return loss
    return loss.sum() / weight.sum() if reduction == "mean" else loss.sum()


def _torch_class_loss(term):
    """torch's spelling of sum_c w_c t_c term(log p_c), or of the target's term alone."""

    def loss(torch, operands, options, reduction):
        options = dict(options)
        ignore_index = options.pop("ignore_index", -100)
        smoothing = options.pop("label_smoothing", 0.0)
        target, terms = operands["target"], term(torch, _torch_log_p(torch, operands), **options)
        if not target.is_floating_point() and not smoothing:
            return _torch_reduce(torch, terms, operands, reduction, ignore_index)
        assert target.is_floating_point(), "smoothed class indices are cross-entropy's"
        classes = terms.shape[1]
        target = (1 - smoothing) * target + smoothing / classes
        if operands.get("weight") is not None:
            shape = [1, classes] + [1] * (terms.ndim - 2)
            target = target * operands["weight"].reshape(shape)
        rows = (target * terms).sum(1)
        return {"none": lambda x: x, "mean": torch.mean, "sum": torch.sum}[reduction](rows)

    return on_matrix(loss)


def focal_parts(u, gamma):
    """1 - p, p, and r = v / (e^v - 1) for v = -u with its slope in v, which has a series near 0."""
    v, rest, p = -u, -np.expm1(u), np.exp(u)
    r = np.where(v == 0, 1, np.where(np.isinf(v), 0, v * p / rest))
    near = v < 1e-3
    small = np.where(near, v, 0)
    series = -0.5 + small / 6 - small**3 / 180 + small**5 / 5040
    bend = np.where(near, series, np.where(np.isinf(v), 0, r / v * (1 - v - r)))
    return rest, p, r, bend


def focal_value(u, t, alpha, gamma):
    factor = 1 if alpha is None else alpha
    return times(t, factor * times(np.power(-np.expm1(u), gamma), -u))


def focal_slope(u, t, alpha, gamma):
    factor = 1 if alpha is None else alpha
    rest, _, r, _ = focal_parts(u, gamma)
    return times(t, -factor * np.power(rest, gamma) * (1 + gamma * r))


def focal_curve(u, t, alpha, gamma):
    """At p = 1 it is 0 by convention: nothing but (1 - p)^2 times it is ever formed."""
    factor = 1 if alpha is None else alpha
    rest, p, r, bend = focal_parts(u, gamma)
    inner = np.power(rest, gamma - 1) * p * (1 + gamma * r) + np.power(rest, gamma) * bend
    return times(t, factor * np.where((rest == 0) & (gamma < 1), 0, times(gamma, inner)))


SOFTMAX_FOCAL = RowReference(
    name="softmax_focal_loss",
    operands=(SCORES, TARGET, WEIGHT),
    value=focal_value,
    slope=focal_slope,
    curve=focal_curve,
    in_target=lambda u, t, alpha, gamma: focal_value(u, np.ones_like(u), alpha, gamma),
    defaults={"alpha": None, "gamma": 2.0, "label_smoothing": 0.0},
    options={"alpha": (0.25,), "gamma": (0.0, 0.5, 1.0, 3.5), "label_smoothing": (0.125,)},
    combined_options=({"gamma": 1.5, "label_smoothing": 0.25, "alpha": 2.0},),
    scale=1e3,
    golden=(
        RowCase(([0.0, 0.0], 0), {}, 0.1732867951),  # log(2) / 4
        RowCase(([0.0, 0.0], 0), {"gamma": 0.0}, 0.6931471806),
        RowCase(([[0.0, 0.0], [0.0, 0.0]], [0, 1]), {"gamma": 1.0, "alpha": 0.25}, 0.0866433976),
        RowCase(([[0.0, 0.0]], [[0.5, 0.5]]), {}, 0.1732867951),
    ),
    torch=_torch_class_loss(
        lambda torch, u, alpha=None, gamma=2.0: (1 if alpha is None else alpha) * -u * (1 - u.exp()) ** gamma
    ),
    torch_options={"gamma": (3.5,), "alpha": (0.25,)},
    properties=frozenset({"shift-invariant", "non-negative"}),
)


def excess(u):
    """e^u - 1 - u, by its series where that cancels."""
    near = np.abs(u) < 0.1
    small, series, term = np.where(near, u, 0), 0 * u, np.ones_like(u) / 2
    for k in range(3, 20):
        series = series + term
        term = term * np.where(near, u, 0) / k
    return np.where(near, small * small * series, np.expm1(u) - u)


def poly_value(u, t, epsilon):
    finite = np.where(np.isinf(u), 0, u)
    return times(t, np.where(np.isinf(u), np.inf, times(1 + epsilon, -finite) - times(epsilon, excess(finite))))


POLY = RowReference(
    name="poly_loss",
    operands=(SCORES, TARGET, WEIGHT),
    value=poly_value,
    slope=lambda u, t, epsilon: times(t, -(1 + epsilon) - epsilon * np.expm1(u)),
    curve=lambda u, t, epsilon: times(t, -epsilon * np.exp(u)),
    in_target=lambda u, t, epsilon: poly_value(u, np.ones_like(u), epsilon),
    defaults={"epsilon": 2.0, "label_smoothing": 0.0},
    options={"epsilon": (0.0, 0.5, -1.0, -0.5), "label_smoothing": (0.125,)},
    golden=(
        RowCase(([0.0, 0.0], 0), {}, 1.6931471806),
        RowCase(([0.0, 0.0], 0), {"epsilon": -1.0}, 0.1931471806),
        RowCase(([[0.0, 0.0]], [[0.5, 0.5]]), {"epsilon": 1.0}, 1.1931471806),
    ),
    torch=_torch_class_loss(lambda torch, u, epsilon=2.0: -u + epsilon * (1 - u.exp())),
    torch_options={"epsilon": (0.5, -0.5)},
    properties=frozenset({"shift-invariant", "non-negative"}),
)


def box_cox(u, t, q):
    return times(t, -u if q == 0 else -np.expm1(q * u) / q)


GENERALIZED_CROSS_ENTROPY = RowReference(
    name="generalized_cross_entropy",
    operands=(SCORES, TARGET, WEIGHT),
    value=box_cox,
    slope=lambda u, t, q: times(t, -np.exp(q * np.where(np.isinf(u) & (q == 0), 0, u))),
    curve=lambda u, t, q: times(t, times(-q, np.exp(q * np.where(np.isinf(u) & (q == 0), 0, u)))),
    in_target=lambda u, t, q: box_cox(u, np.ones_like(u), q),
    defaults={"q": 0.5},
    options={"q": (0.0, 0.25, 1.0, 2.0**-30)},
    golden=(
        RowCase(([0.0, 0.0], 0), {}, 0.5857864376),  # 2 - sqrt(2)
        RowCase(([0.0, 0.0], 0), {"q": 1.0}, 0.5),
        RowCase(([0.0, 0.0], 0), {"q": 0.0}, 0.6931471806),
    ),
    torch=_torch_class_loss(lambda torch, u, q=0.5: (1 - (q * u).exp()) / q),
    torch_options={"q": (1.0, 0.25)},
    properties=frozenset({"shift-invariant", "non-negative"}),
)

SYMMETRIC_CROSS_ENTROPY = RowReference(
    name="symmetric_cross_entropy",
    operands=(SCORES, INDEX, WEIGHT),
    scale=1e6,  # a product with a large vector
    value=lambda u, t, alpha, beta, clip: times(t, times(alpha, -u) + beta * np.log(clip) * np.expm1(u)),
    slope=lambda u, t, alpha, beta, clip: times(t, -alpha + beta * np.log(clip) * np.exp(u)),
    curve=lambda u, t, alpha, beta, clip: times(t, beta * np.log(clip) * np.exp(u)),
    defaults={"alpha": 0.1, "beta": 1.0, "clip": 1e-4},
    options={"alpha": (0.0, 1.5), "beta": (0.0, 0.25), "clip": (0.125,)},
    golden=(
        RowCase(([0.0, 0.0], 0), {"alpha": 1.0, "beta": 0.0}, 0.6931471806),
        RowCase(([0.0, 0.0], 0), {"alpha": 0.0}, 4.6051701860),  # -log(1e-4) / 2
        RowCase(([[0.0, 0.0], [0.0, 0.0]], [0, 1]), {}, 4.6744849040),
    ),
    torch=_torch_class_loss(
        lambda torch, u, alpha=0.1, beta=1.0, clip=1e-4: -alpha * u - beta * float(np.log(clip)) * (1 - u.exp())
    ),
    torch_options={"alpha": (1.5,), "beta": (0.25,), "clip": (0.125,)},
    properties=frozenset({"shift-invariant", "non-negative"}),
)


def prior(rng, rows, classes, dtype):
    """How often each class occurs."""
    made = rng.gamma(1.0, size=classes) + 0.02
    return (made / max(made.sum(), 1e-9)).astype(dtype)


def wide_prior(rng, rows, classes, dtype):
    """Also rare classes."""
    return (prior(rng, rows, classes, np.float64) * rng.choice(np.array([1, 1, 1e-6, 40]), classes)).astype(dtype)


def counts(rng, rows, classes, dtype):
    """How many samples each class has."""
    return rng.integers(1, 400, classes).astype(dtype)


def wide_counts(rng, rows, classes, dtype):
    """From one to very many."""
    return np.round(np.exp(rng.uniform(0, 14, classes))).astype(dtype)


def linear_formula(**more):
    """The cross-entropy of logits that are something else first."""
    return {
        "value": lambda u, t, **_: -times(t, u),
        "slope": lambda u, t, **_: -t + 0 * np.sign(u),
        "curve": lambda u, t, **_: np.zeros_like(u),
        "in_target": lambda u, t, **_: -u,
        **more,
    }


def _torch_shifted(shift):
    def loss(torch, operands, options, reduction):
        options = dict(options)
        given = {k: options.pop(k) for k in ("label_smoothing", "ignore_index") if k in options}
        z = operands["input"]
        moved = shift(torch, operands, **options).reshape([1, -1] + [1] * (z.ndim - 2))
        return torch.nn.functional.cross_entropy(
            z + moved, operands["target"], operands.get("weight"), reduction=reduction, **given
        )

    return on_matrix(loss)


LOGIT_ADJUSTED = RowReference(
    name="logit_adjusted_cross_entropy",
    operands=(SCORES, TARGET, RowOperand("prior", "per_class", prior, wide_prior, outside=-0.5), WEIGHT),
    scale=1e10,
    logit=Logit(
        value=lambda z, is_target, prior, tau: z + times(tau, np.log(prior)),
        slope=lambda z, **_: np.ones_like(z),
        curve=lambda z, **_: np.zeros_like(z),
        in_operands={"prior": lambda z, is_target, prior, tau: tau / prior + 0 * np.where(np.isfinite(z), z, 0)},
        formed_first=lambda z, is_target, prior, tau: np.abs(z) + np.abs(times(tau, np.log(prior))),
    ),
    **linear_formula(
        defaults={"tau": 1.0, "label_smoothing": 0.0},
        options={"tau": (0.0, 0.5, 2.0), "label_smoothing": (0.125,)},
        golden=(
            RowCase(([0.0, 0.0], 0, [0.25, 0.75]), {}, 1.3862943611),
            RowCase(([0.0, 0.0], 0, [3.0, 9.0]), {}, 1.3862943611),
            RowCase(([0.0, 0.0], 0, [0.25, 0.75]), {"tau": 0.0}, 0.6931471806),
            RowCase(([0.0, 0.0], 1, [1.0, 2.0]), {"tau": 2.0}, 0.2231435513),  # log(5 / 4)
        ),
        torch=_torch_shifted(lambda torch, operands, tau=1.0: tau * torch.log(operands["prior"])),
        torch_options={"tau": (0.5,), "label_smoothing": (0.1,)},
        properties=frozenset({"shift-invariant", "convex", "non-negative"}),
    ),
)

BALANCED_SOFTMAX = RowReference(
    name="balanced_softmax_loss",
    operands=(
        SCORES,
        TARGET,
        RowOperand("counts", "per_class", counts, wide_counts, differentiable=False, outside=-1.0),
        WEIGHT,
    ),
    logit=Logit(
        value=lambda z, is_target, counts: z + np.log(counts),
        slope=lambda z, **_: np.ones_like(z),
        curve=lambda z, **_: np.zeros_like(z),
        formed_first=lambda z, is_target, counts: np.abs(z) + np.abs(np.log(counts)),
    ),
    **linear_formula(
        defaults={"label_smoothing": 0.0},
        options={"label_smoothing": (0.125,)},
        golden=(
            RowCase(([0.0, 0.0], 0, [1.0, 3.0]), {}, 1.3862943611),
            RowCase(([0.0, 0.0], 1, [1.0, 3.0]), {}, 0.2876820725),
        ),
        torch=_torch_shifted(lambda torch, operands: torch.log(operands["counts"])),
        torch_without_gradient=("weight", "counts"),
        torch_options={"label_smoothing": (0.1,)},
        properties=frozenset({"shift-invariant", "convex", "non-negative"}),
    ),
)


def relevances(rng, rows, classes, dtype):
    """Grades of documents."""
    return rng.choice(np.array([0.0, 0.5, 1.0, 2.0, 4.0]), (rows, classes)).astype(dtype)


def _torch_ranking(torch, operands, options, reduction):
    rows = -(operands["target"] * torch.log_softmax(operands["input"], 1)).sum(1)
    return {"none": lambda x: x, "mean": torch.mean, "sum": torch.sum}[reduction](rows)


RANKING_SOFTMAX = RowReference(
    name="ranking_softmax_loss",
    operands=(SCORES, RowOperand("target", "distribution", relevances, row_draws.wide_probabilities, outside=-1.0)),
    denominator_term="count",
    **linear_formula(
        golden=(
            RowCase(([[0.0, 0.0]], [[1.0, 2.0]]), {}, 2.0794415417),
            RowCase(([0.0, 1.0, 0.5], [0.0, 1.0, 2.0]), {}, 3.0408090119),
        ),
        torch=on_matrix(_torch_ranking),
        properties=frozenset({"shift-invariant", "convex", "non-negative"}),
    ),
)

ROW_REFERENCES = (
    SOFTMAX_FOCAL,
    POLY,
    GENERALIZED_CROSS_ENTROPY,
    SYMMETRIC_CROSS_ENTROPY,
    LOGIT_ADJUSTED,
    BALANCED_SOFTMAX,
    RANKING_SOFTMAX,
)
