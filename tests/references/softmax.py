"""Cross-entropy and the negative log-likelihood, from their definitions and torch's documentation of its options."""

from __future__ import annotations

import numpy as np

from references import row_draws
from references.reductions import LONG
from references.rows import Parts, formula_parts, others
from references.rows_schema import Logit, RowCase, RowKink, RowOperand, RowReference
from references.units import times

INF = float("inf")
SCORES = RowOperand("input", "scores", row_draws.scores, row_draws.wide_scores)
TARGET = RowOperand("target", "target", row_draws.probabilities, row_draws.wide_probabilities)
INDEX = RowOperand("target", "index", row_draws.probabilities, row_draws.wide_probabilities, differentiable=False)
DISTRIBUTION = RowOperand("target", "distribution", row_draws.probabilities, row_draws.wide_probabilities)
WEIGHT = RowOperand("weight", "weight", row_draws.class_weights, row_draws.wide_class_weights, optional=True)


def _capped(z, softcap):
    return softcap * np.tanh(z / softcap) if softcap else z


def _sech_squared(x):
    """1 - tanh(x)^2, without cancellation."""
    return (2 / (np.exp(np.abs(x)) + np.exp(-np.abs(x)))) ** 2


CAP_AND_TEMPERATURE = Logit(
    value=lambda z, softcap, temperature, **_: _capped(z, softcap) / temperature,
    slope=lambda z, softcap, temperature, **_: (_sech_squared(z / softcap) if softcap else LONG(1)) / temperature,
    curve=lambda z, softcap, temperature, **_: (
        -2 * np.tanh(z / softcap) * _sech_squared(z / softcap) / (softcap * temperature) if softcap else LONG(0)
    ),
)


def of_probabilities(inputs):
    """-sum_c w_c t_c log(max(x_c / sum x, eps)): no slope where the quotient is below eps."""
    x, eps, z_loss = inputs.z, inputs.options["eps"], inputs.options["z_loss"]
    assert inputs.options["temperature"] == 1, "what the temperature of probabilities is, is not defined here"
    assert not inputs.options["softcap"]
    with np.errstate(all="ignore"):
        total = x.sum(axis=-1, keepdims=True)
        rest = others(x)
        u = np.where(x > rest, -np.log1p(rest / x), np.log(x / total))
        clipped = u < np.log(eps)
        bounded = np.where(clipped, np.log(eps), u)
        share = np.where(inputs.counted, inputs.w * inputs.t, 0)
        open_share = np.where(clipped, 0, share)
        whole = open_share.sum(axis=-1, keepdims=True)
        log_total = np.log(total)[:, 0]
        extra = z_loss * log_total**2 if z_loss else 0 * log_total
        extra_slope = (2 * z_loss * log_total if z_loss else 0 * log_total)[:, None] / total
        extra_curve = (2 * z_loss * (1 - log_total) if z_loss else 0 * log_total)[:, None] / total**2
        own = times(open_share, 1 / x)
        alone = inputs.by_index and inputs.smoothing == 0
        slope = own * -(rest / total) + (whole - open_share) / total if alone else whole / total - own
        bend = times(open_share, 1 / (x * x))
        diagonal = bend - whole / total**2 + extra_curve
        magnitudes = {
            "value": np.abs(times(share, bounded)).sum(axis=-1) + np.abs(extra),
            "slope": np.abs(slope) + np.abs(extra_slope)
            if alone
            else np.abs(own) + np.abs(whole / total) + np.abs(extra_slope),
            # The second derivative in the logarithms is turned into that in the amounts: two terms cancel.
            "hessian": np.abs(bend) + np.abs(whole) / total * (1 / total + 1 / x) + np.abs(extra_curve),
            "weight": np.where(inputs.counted, np.abs(times(inputs.t, bounded)), 0),
            "target": np.abs(times(inputs.w, bounded)),
        }
        in_operands = {"weight": np.where(inputs.counted, -times(inputs.t, bounded), 0)}
        if not inputs.by_index:
            in_operands["target"] = (1 - inputs.smoothing) * -times(inputs.w, bounded)

        def product(v):
            along = v.sum(axis=-1, keepdims=True)
            return bend * v + (extra_curve - whole / total**2) * along

        return Parts(
            -times(share, bounded).sum(axis=-1) + extra,
            slope + extra_slope,
            in_operands,
            diagonal,
            product,
            magnitudes,
        )


def _torch_cross_entropy(torch, operands, options, reduction):
    given = {k: v for k, v in options.items() if k in ("label_smoothing", "ignore_index")}
    z = operands["input"]
    if options.get("softcap"):
        z = options["softcap"] * torch.tanh(z / options["softcap"])
    z = z / options.get("temperature", 1.0)
    return torch.nn.functional.cross_entropy(
        z, operands["target"], operands.get("weight"), reduction=reduction, **given
    )


CROSS_ENTROPY = RowReference(
    name="cross_entropy",
    operands=(SCORES, TARGET, WEIGHT),
    value=lambda u, t, **_: -times(t, u),
    slope=lambda u, t, **_: -t + 0 * np.sign(u),
    curve=lambda u, t, **_: np.zeros_like(u),
    in_target=lambda u, t, **_: -u,
    logit=CAP_AND_TEMPERATURE,
    of_reference=(
        lambda r, z_loss, **_: z_loss * r * r,
        lambda r, z_loss, **_: 2 * z_loss * r,
        lambda r, z_loss, **_: 2 * z_loss,
    ),
    parts=lambda inputs: formula_parts(inputs) if inputs.options["from_logits"] else of_probabilities(inputs),
    defaults={
        "label_smoothing": 0.0,
        "z_loss": 0.0,
        "softcap": None,
        "temperature": 1.0,
        "from_logits": True,
        "eps": 1e-7,
    },
    options={
        "label_smoothing": (0.125, 1.0),
        "z_loss": (0.0625,),
        "softcap": (4.0, 30.0),
        "temperature": (0.5, 3.0),
        "from_logits": (False,),
        "eps": (0.125,),
    },
    combined_options=(
        {"label_smoothing": 0.25, "z_loss": 0.5, "softcap": 8.0, "temperature": 2.0},
        {"from_logits": False, "eps": 0.125},
        {"from_logits": False, "label_smoothing": 0.125},
        {"from_logits": False, "z_loss": 0.25},
    ),
    golden=(
        RowCase(([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]], [0, 2]), {}, 0.8963780053),
        RowCase(([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]], [0, 1]), {}, 0.3185397696),
        RowCase(([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]], [0, 2]), {"label_smoothing": 0.1}, 0.9547113386),
        RowCase(([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0], [0.2, -0.1, 1.5]], [0, 1, 2], [1.0, 2.0, 3.0]), {}, 0.4181686185),
        RowCase(([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), {}, 0.8963780053),
        RowCase(([[2.0, 1.0, 0.1]], [0]), {}, 0.4170300163),
        RowCase(([[2.0, 1.0, 0.1]], [[1.0, 0.0, 0.0]]), {}, 0.4170300163),
        RowCase(([[0.0, 0.0], [0.0, 0.0]], [0, 1]), {}, 0.6931471806),
        RowCase(([0.0, -20.0], 0), {}, 2.0611536203e-9),
        RowCase(([0.0, 0.0], 0), {"z_loss": 1.0}, 0.6931471806 + 0.4804530139),
        RowCase(([[0.25, 0.5, 0.25]], [1]), {"from_logits": False}, 0.6931471806),
        RowCase(([[1.0, 2.0, 1.0]], [1]), {"from_logits": False}, 0.6931471806),
        RowCase(([[0.0, 1.0]], [0]), {"from_logits": False, "eps": 0.125}, 2.0794415417),
    ),
    kinks=(
        RowKink("target impossible", (-INF, 0.0, 0.0), 0, INF, (-1.0, 0.5, 0.5)),
        RowKink("another impossible", (0.0, -INF), 0, 0.0, (0.0, 0.0)),
        RowKink("another impossible, probabilities", (0.0, -INF), (1.0, 0.0), 0.0, (0.0, 0.0)),
        RowKink("share of an impossible class", (-INF, 0.0, 0.0), (1.0, 0.0, 0.0), INF, (-1.0, 0.5, 0.5)),
        RowKink("smoothing reaches the impossible", (0.0, -INF), 0, INF, (0.25, -0.25), {"label_smoothing": 0.5}),
        RowKink("the largest score", (3e38, 0.0), 0, 0.0, (0.0, 0.0)),
    ),
    draws={"from_logits": {False: row_draws.open_probabilities}},
    torch=_torch_cross_entropy,
    torch_options={"label_smoothing": (0.1, 1.0), "temperature": (2.0,), "softcap": (5.0,)},
    properties=frozenset({"shift-invariant", "convex", "non-negative"}),
)

NLL = RowReference(
    name="nll_loss",
    operands=(
        RowOperand("input", "scores", row_draws.log_probabilities, row_draws.wide_log_probabilities, outside=0.5),
        INDEX,
        WEIGHT,
    ),
    reference="zero",
    value=lambda u, t: -u,
    slope=lambda u, t: -t + 0 * np.sign(u),
    curve=lambda u, t: np.zeros_like(u),
    ulps=16.0,
    reason="the denominator is a sum of weights",
    golden=(
        RowCase(([[-0.5, -1.0], [-2.0, -0.25]], [0, 1]), {}, 0.375),
        RowCase(([[-0.5, -1.0], [-2.0, -0.25]], [0, 1], [1.0, 3.0]), {}, 0.3125),
    ),
    torch=lambda torch, operands, options, reduction: torch.nn.functional.nll_loss(
        operands["input"], operands["target"], operands.get("weight"), reduction=reduction, **options
    ),
    properties=frozenset({"convex"}),
)

ROW_REFERENCES = (CROSS_ENTROPY, NLL)
