"""What published implementations compute, in torch's operations, with the options under which fastloss gives it.

Each is written from the formula that its library documents and computes, for autograd: input of shape (N, C, H, W),
targets as a `Peer` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np


def one_hot(torch, labels, classes, like):
    """Class indices as numbers of every class, on axis 1."""
    return torch.nn.functional.one_hot(labels, classes).movedim(-1, 1).to(like)


def monai_overlap(torch, p, t, axes, order, soft):
    """True positives, false positives and false negatives: by norms where targets are soft, or numbers squared.

    None is negative, so that the norm of order 1 is a sum.
    """
    of_p, of_t = p.pow(order).sum(axes), t.pow(order).sum(axes)
    products = order == 1 and not soft
    tp = (p * t).sum(axes) if products else (of_p + of_t - (p - t).abs().pow(order).sum(axes)) / 2
    return tp, of_p - tp, of_t - tp


def monai_input(torch, x, t, activation, include_background, to_onehot):
    """Probabilities and targets of the classes that count."""
    if to_onehot:
        t = one_hot(torch, t, x.shape[1], x)
    p = {"sigmoid": torch.sigmoid, "softmax": partial(torch.softmax, dim=1), None: lambda z: z}[activation](x)
    t = t.to(p)
    return (p, t) if include_background else (p[:, 1:], t[:, 1:])


def monai_dice(
    torch,
    x,
    t,
    *,
    activation=None,
    include_background=True,
    to_onehot=False,
    squared=False,
    jaccard=False,
    batch=False,
    soft_label=False,
    weight=None,
    smooth=1e-5,
):
    """MONAI's DiceLoss; a Jaccard index has twice the union below twice the intersection."""
    p, t = monai_input(torch, x, t, activation, include_background, to_onehot)
    axes = ((0,) if batch else ()) + tuple(range(2, p.ndim))
    tp, fp, fn = monai_overlap(torch, p, t, axes, 2 if squared else 1, soft_label)
    below = 2 * (tp + fp + fn) if jaccard else 2 * tp + fp + fn
    f = 1 - (2 * tp + smooth) / (below + smooth)
    if weight is not None:
        f = f * torch.tensor(weight, dtype=f.dtype)
    return f.mean()


def monai_tversky(torch, x, t, *, alpha=0.5, beta=0.5, activation=None, soft_label=False, batch=False, smooth=1e-5):
    """MONAI's TverskyLoss."""
    p, t = monai_input(torch, x, t, activation, True, False)
    axes = ((0,) if batch else ()) + tuple(range(2, p.ndim))
    tp, fp, fn = monai_overlap(torch, p, t, axes, 1, soft_label)
    return (1 - (tp + smooth) / (tp + alpha * fp + beta * fn + smooth)).mean()


def monai_generalized_dice(
    torch, x, t, *, activation=None, w_type="square", include_background=True, batch=False, smooth=1e-5
):
    """MONAI's GeneralizedDiceLoss, whose weights of absent classes are the largest of the others."""
    p, t = monai_input(torch, x, t, activation, include_background, False)
    axes = ((0,) if batch else ()) + tuple(range(2, p.ndim))
    common, true, predicted = (p * t).sum(axes), t.sum(axes), p.sum(axes)
    w = true.detach() ** -{"square": 2.0, "simple": 1.0, "uniform": 0.0}[w_type]
    infinite = torch.isinf(w)
    w = torch.where(infinite, torch.zeros_like(w), w)
    w = torch.where(infinite, w.max(dim=-1, keepdim=True).values, w)
    return (1 - (2 * (w * common).sum(-1) + smooth) / ((w * (true + predicted)).sum(-1) + smooth)).mean()


def smp_input(torch, x, t, mode, ignore_index):
    """Probabilities and targets as (N, C, pixels), both 0 where the target is ignored."""
    n, classes = x.shape[:2]
    p = x.log_softmax(dim=1).exp() if mode == "multiclass" else torch.nn.functional.logsigmoid(x).exp()
    kept = torch.ones_like(t, dtype=torch.bool) if ignore_index is None else t != ignore_index
    if mode == "multiclass":
        t, kept = one_hot(torch, t * kept, classes, x), kept[:, None]
    shape = (n, 1, -1) if mode == "binary" else (n, classes, -1)
    return (p * kept).reshape(shape), (t * kept).reshape(shape).to(p)


def smp(torch, x, t, score, *, mode, smooth=0.0, eps=1e-7, log_loss=False, ignore_index=None):
    """SMP's losses of a score of sums over samples and pixels; classes that no target has count as 0."""
    p, t = smp_input(torch, x, t, mode, ignore_index)
    tp, predicted, true = (p * t).sum((0, 2)), p.sum((0, 2)), t.sum((0, 2))
    scores = score(tp, predicted - tp, true - tp, smooth, eps)
    loss = -scores.clamp_min(eps).log() if log_loss else 1 - scores
    return (loss * (true > 0)).mean()


def smp_tversky_score(tp, fp, fn, smooth, eps, alpha=0.5, beta=0.5):
    """Of which SMP's DiceLoss is the case of halves, in its later versions."""
    return (tp + smooth) / (tp + alpha * fp + beta * fn + smooth).clamp_min(eps)


def smp_jaccard_score(tp, fp, fn, smooth, eps):
    """Intersection over union."""
    return (tp + smooth) / (tp + fp + fn + smooth).clamp_min(eps)


def smp_mcc(torch, p, t, *, eps=1e-5):
    """SMP's MCCLoss, of all pixels together."""
    tp, tn = (p * t).sum() + eps, ((1 - p) * (1 - t)).sum() + eps
    fp, fn = (p * (1 - t)).sum() + eps, ((1 - p) * t).sum() + eps
    return 1 - (tp * tn - fp * fn) / torch.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


def keras_dice(torch, p, t, *, axis=None, epsilon=1e-7):
    """keras.losses.dice, with epsilon below alone."""
    axes = tuple(range(p.ndim)) if axis is None else axis
    return (1 - 2 * (p * t).sum(axes) / (t.sum(axes) + p.sum(axes) + epsilon)).mean()


def optax_dice(torch, x, t, *, smooth, alpha=0.5, beta=0.5, weight=None, ignore_background=False):
    """optax.losses.dice_loss, whose classes are on the last axis, and the mean over its samples."""
    p = torch.sigmoid(x) if x.shape[-1] == 1 else torch.softmax(x, -1)
    axes = tuple(range(1, p.ndim - 1))
    tp, predicted, true = (p * t).sum(axes), p.sum(axes), t.sum(axes)
    loss = 1 - (tp + smooth) / (tp + alpha * (predicted - tp) + beta * (true - tp) + smooth)
    if weight is not None:
        loss = loss * torch.tensor(weight, dtype=loss.dtype)
    return (loss[..., 1:] if ignore_background else loss).mean()


def kornia_dice(torch, x, t, *, average="micro", eps=1e-8, weight=None):
    """kornia.losses.dice_loss of class indices."""
    p = torch.softmax(x, dim=1)
    t = one_hot(torch, t, x.shape[1], x)
    axes = (1, 2, 3) if average == "micro" else (2, 3)
    loss = 1 - 2 * (p * t).sum(axes) / ((p + t).sum(axes) + eps)
    if weight is not None:
        weight = torch.tensor(weight, dtype=loss.dtype)
        loss = (loss * weight).sum(-1) / weight.sum()
    return loss.mean()


def kornia_tversky(torch, x, t, *, alpha, beta, eps=1e-8):
    """kornia.losses.tversky_loss of class indices: all classes of a sample together."""
    p = torch.softmax(x, dim=1)
    t = one_hot(torch, t, x.shape[1], x)
    axes = (1, 2, 3)
    tp, fp, fn = (p * t).sum(axes), (p * (1 - t)).sum(axes), ((1 - p) * t).sum(axes)
    return (1 - tp / (tp + alpha * fp + beta * fn + eps)).mean()


def focal_tversky(torch, p, t, *, alpha, beta, gamma, smooth):
    """Abraham and Khan (2019), whose exponent is the inverse of gamma here; the mean over samples and classes."""
    axes = tuple(range(2, p.ndim))
    tp, fp, fn = (p * t).sum(axes), (p * (1 - t)).sum(axes), ((1 - p) * t).sum(axes)
    return ((1 - (tp + smooth) / (tp + alpha * fp + beta * fn + smooth)) ** gamma).mean()


def fbeta(torch, p, t, *, beta, smooth):
    """The F-measure of van Rijsbergen (1979), of precision and recall that are not counts."""
    axes = tuple(range(2, p.ndim))
    tp, fp, fn = (p * t).sum(axes), (p * (1 - t)).sum(axes), ((1 - p) * t).sum(axes)
    b = beta**2
    return (1 - ((1 + b) * tp + smooth) / ((1 + b) * tp + b * fn + fp + smooth)).mean()


@dataclass(frozen=True)
class Peer:
    """An implementation, and the call of fastloss that gives its result.

    Parameters
    ----------
    kind
        Of the target: "soft", "mask" or "index", as `region_draws` has them.
    torch
        `f(torch, input, target) -> tensor` of shape ().
    options
        Of fastloss, with keywords of the call.
    logits
        Whether the input is logits.
    room
        How far results may be apart where the peer adds a constant below the fraction alone.
    """

    name: str
    loss: str
    kind: str
    torch: Callable[..., Any]
    options: Mapping[str, Any]
    logits: bool = True
    axis: int | None = 1
    weight: tuple[float, ...] | None = None
    room: float = 0.0


WEIGHT = (0.5, 2.0, 1.0)
COUNT = {"normalizer": "count"}
# Over the batch, a class that no target has being a unit of loss 0.
SMP = {"batch": True, "absent": "zero", "smooth": 0.0}
IGNORED = 255
# Of (N, C, H, W) all pixels of all samples and classes in one unit.
ONE = {"batch": True, "merge_classes": True}


def smp_of(score, **more):
    """One of SMP's losses."""
    return partial(smp, score=score, **more)


PEERS = (
    Peer("MONAI DiceLoss", "dice_loss", "mask", monai_dice, {"smooth": 1e-5}, logits=False),
    Peer(
        "MONAI DiceLoss(sigmoid, squared_pred, batch)",
        "dice_loss",
        "mask",
        partial(monai_dice, activation="sigmoid", squared=True, batch=True),
        {"from_logits": "sigmoid", "squared": True, "batch": True, "smooth": 1e-5},
    ),
    Peer(
        "MONAI DiceLoss(softmax, to_onehot_y, include_background=False)",
        "dice_loss",
        "index",
        partial(monai_dice, activation="softmax", to_onehot=True, include_background=False),
        {"from_logits": "softmax", "include_background": False, "smooth": 1e-5},
    ),
    Peer(
        "MONAI DiceLoss(softmax, weight)",
        "dice_loss",
        "soft",
        partial(monai_dice, activation="softmax", weight=WEIGHT),
        {"from_logits": "softmax", "smooth": 1e-5, **COUNT},
        weight=WEIGHT,
    ),
    Peer(
        "MONAI DiceLoss(soft_label)",
        "dice_loss",
        "soft",
        partial(monai_dice, soft_label=True),
        {"intersection": "l1", "smooth": 1e-5},
        logits=False,
    ),
    Peer(
        "MONAI DiceLoss(soft_label, squared_pred)",
        "dice_loss",
        "soft",
        partial(monai_dice, soft_label=True, squared=True),
        {"squared": True, "smooth": 1e-5},
        logits=False,
    ),
    Peer(
        "MONAI DiceLoss(jaccard, softmax)",
        "jaccard_loss",
        "soft",
        partial(monai_dice, activation="softmax", jaccard=True),
        {"from_logits": "softmax", "smooth": 0.5e-5},
    ),
    Peer(
        "MONAI TverskyLoss(alpha=0.3, beta=0.7, sigmoid)",
        "tversky_loss",
        "mask",
        partial(monai_tversky, activation="sigmoid", alpha=0.3, beta=0.7),
        {"from_logits": "sigmoid", "alpha": 0.3, "beta": 0.7, "smooth": 1e-5},
    ),
    Peer(
        "MONAI TverskyLoss(soft_label, batch)",
        "tversky_loss",
        "soft",
        partial(monai_tversky, soft_label=True, batch=True),
        {"intersection": "l1", "batch": True, "smooth": 1e-5},
        logits=False,
    ),
    Peer(
        "MONAI GeneralizedDiceLoss(softmax)",
        "generalized_dice_loss",
        "mask",
        partial(monai_generalized_dice, activation="softmax"),
        {"from_logits": "softmax", "absent": "largest", "smooth": 1e-5},
    ),
    Peer(
        "MONAI GeneralizedDiceLoss(w_type='simple', batch, include_background=False)",
        "generalized_dice_loss",
        "soft",
        partial(monai_generalized_dice, w_type="simple", batch=True, include_background=False),
        {"weighting": "simple", "absent": "largest", "batch": True, "include_background": False, "smooth": 1e-5},
        logits=False,
    ),
    Peer(
        "MONAI GeneralizedDiceLoss(w_type='uniform')",
        "generalized_dice_loss",
        "mask",
        partial(monai_generalized_dice, w_type="uniform"),
        {"weighting": "uniform", "absent": "largest", "smooth": 1e-5},
        logits=False,
    ),
    Peer(
        "SMP DiceLoss('multiclass')",
        "dice_loss",
        "index",
        smp_of(smp_tversky_score, mode="multiclass"),
        {"from_logits": True, **SMP},
    ),
    Peer(
        "SMP DiceLoss('multiclass', smooth=1, ignore_index, log_loss)",
        "dice_loss",
        "index",
        smp_of(smp_tversky_score, mode="multiclass", smooth=1.0, log_loss=True, ignore_index=IGNORED),
        {"from_logits": True, "log_loss": True, **SMP, "smooth": 2.0, "ignore_index": IGNORED},
    ),
    Peer(
        "SMP DiceLoss('binary')",
        "dice_loss",
        "mask",
        smp_of(smp_tversky_score, mode="binary"),
        {"from_logits": "sigmoid", "merge_classes": True, **SMP},
    ),
    Peer(
        "SMP DiceLoss('multilabel')",
        "dice_loss",
        "mask",
        smp_of(smp_tversky_score, mode="multilabel"),
        {"from_logits": "sigmoid", **SMP},
    ),
    Peer(
        "SMP JaccardLoss('multiclass', log_loss)",
        "jaccard_loss",
        "index",
        smp_of(smp_jaccard_score, mode="multiclass", log_loss=True),
        {"from_logits": True, "log_loss": True, **SMP},
    ),
    Peer(
        "SMP TverskyLoss('multilabel', alpha=0.2, beta=1.5, smooth=1)",
        "tversky_loss",
        "mask",
        smp_of(partial(smp_tversky_score, alpha=0.2, beta=1.5), mode="multilabel", smooth=1.0),
        {"from_logits": "sigmoid", "alpha": 0.2, "beta": 1.5, **SMP, "smooth": 1.0},
    ),
    Peer("SMP MCCLoss", "mcc_loss", "mask", smp_mcc, ONE, logits=False),
    Peer("keras dice", "dice_loss", "soft", keras_dice, {**ONE, "smooth": 0.0}, logits=False, room=1e-8),
    Peer(
        "keras dice(axis=(1, 2))",
        "dice_loss",
        "soft",
        partial(keras_dice, axis=(1, 2)),
        {"smooth": 0.0},
        logits=False,
        axis=-1,
        room=1e-6,
    ),
    Peer(
        "optax dice_loss",
        "dice_loss",
        "soft",
        partial(optax_dice, smooth=1e-5),
        {"from_logits": "softmax", "smooth": 2e-5},
        axis=-1,
    ),
    Peer(
        "optax dice_loss(class_weights)",
        "dice_loss",
        "soft",
        partial(optax_dice, smooth=1e-5, weight=WEIGHT),
        {"from_logits": "softmax", "smooth": 2e-5, **COUNT},
        axis=-1,
        weight=WEIGHT,
    ),
    Peer(
        "optax dice_loss(alpha=0.3, beta=0.7, ignore_background)",
        "tversky_loss",
        "soft",
        partial(optax_dice, smooth=1.0, alpha=0.3, beta=0.7, ignore_background=True),
        {"from_logits": "softmax", "alpha": 0.3, "beta": 0.7, "smooth": 1.0, "include_background": False},
        axis=-1,
    ),
    Peer(
        "kornia dice_loss",
        "dice_loss",
        "index",
        kornia_dice,
        {"from_logits": True, "merge_classes": True, "smooth": 0.0},
        room=1e-8,
    ),
    Peer(
        "kornia dice_loss(average='macro', weight)",
        "dice_loss",
        "index",
        partial(kornia_dice, average="macro", weight=WEIGHT),
        {"from_logits": True, "smooth": 0.0},
        weight=WEIGHT,
        room=1e-6,
    ),
    Peer(
        "kornia tversky_loss(alpha=0.3, beta=0.7)",
        "tversky_loss",
        "index",
        partial(kornia_tversky, alpha=0.3, beta=0.7),
        {"from_logits": True, "merge_classes": True, "alpha": 0.3, "beta": 0.7, "smooth": 0.0},
        room=1e-8,
    ),
    Peer(
        "focal Tversky, gamma=4/3",
        "focal_tversky_loss",
        "soft",
        partial(focal_tversky, alpha=0.3, beta=0.7, gamma=0.75, smooth=1.0),
        {"alpha": 0.3, "beta": 0.7, "smooth": 1.0},
        logits=False,
    ),
    Peer(
        "F2",
        "soft_fbeta_loss",
        "soft",
        partial(fbeta, beta=2.0, smooth=1e-6),
        {"beta": 2.0},
        logits=False,
    ),
)


def with_ignored(peer, operands, rng):
    """The operands with some pixels ignored, of a peer that does so."""
    if "ignore_index" not in peer.options:
        return operands
    target = np.where(rng.random(operands["target"].shape) < 0.2, peer.options["ignore_index"], operands["target"])
    return {**operands, "target": target}
