"""What published sums of a Dice loss and a loss of pixels compute, in torch's operations.

As in `regions_torch`; the options of fastloss are those of one call.
"""

from __future__ import annotations

from functools import partial

from references.regions_torch import WEIGHT, Peer, monai_dice, one_hot


def weighted(torch, x, weight):
    """The weights of classes, or none."""
    return None if weight is None else torch.tensor(weight, dtype=x.dtype)


def monai_dice_ce(torch, x, t, *, lambda_dice=1.0, lambda_ce=1.0, weight=None, **dice):
    """MONAI's DiceCELoss: torch's cross-entropy of several channels, and its binary one of one."""
    functional = torch.nn.functional
    background = dice.get("include_background", True)
    of_dice = None if weight is None else weight if background else weight[1:]
    found = lambda_dice * monai_dice(torch, x, t, weight=of_dice, **dice)
    if x.shape[1] == 1:
        return found + lambda_ce * functional.binary_cross_entropy_with_logits(x, t.to(x))
    return found + lambda_ce * functional.cross_entropy(x, t, weight=weighted(torch, x, weight))


def monai_focal(torch, x, t, *, softmax, gamma, weight=None):
    """MONAI's FocalLoss of one-hot targets: the mean over pixels and channels, of a softmax too."""
    if softmax:
        u = x.log_softmax(dim=1)
        loss = -((1 - u.exp()) ** gamma) * u * t
    else:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
        loss = loss * torch.exp(gamma * torch.nn.functional.logsigmoid(-x * (2 * t - 1)))
    if weight is not None:
        loss = loss * weighted(torch, x, weight).reshape(1, -1, 1, 1)
    return loss.mean()


def monai_dice_focal(
    torch, x, t, *, gamma=2.0, lambda_dice=1.0, lambda_focal=1.0, weight=None, activation="sigmoid", **dice
):
    """MONAI's DiceFocalLoss with include_background; class indices are one-hot to both parts (to_onehot_y)."""
    if t.ndim < x.ndim:
        t = one_hot(torch, t, x.shape[1], x)
    focal = monai_focal(torch, x, t.to(x), softmax=activation == "softmax", gamma=gamma, weight=weight)
    return lambda_dice * monai_dice(torch, x, t, activation=activation, weight=weight, **dice) + lambda_focal * focal


def nnunet_dice_ce(torch, x, t, *, weight_ce=1.0, weight_dice=1.0, batch=True, smooth=1e-5, ignore_label=None):
    """nnU-Net's DC_and_CE_loss, whose Dice part is minus the index of the classes but the background, plus 1 here."""
    kept = torch.ones_like(t, dtype=torch.bool) if ignore_label is None else t != ignore_label
    labels = torch.where(kept, t, 0)
    p, y = torch.softmax(x, dim=1)[:, 1:] * kept[:, None], one_hot(torch, labels, x.shape[1], x)[:, 1:] * kept[:, None]
    axes = (0, 2, 3) if batch else (2, 3)
    index = (2 * (p * y).sum(axes) + smooth) / ((p + y).sum(axes) + smooth).clamp_min(1e-8)
    ce = torch.nn.functional.cross_entropy(x, t, ignore_index=-100 if ignore_label is None else ignore_label)
    return weight_ce * ce + weight_dice * (1 - index.mean())


def mean_of(weight):
    """By which a mean over the number of classes is larger than one over their weights."""
    return sum(weight) / len(weight)


IGNORED = 255

COMPOUND_PEERS = (
    Peer(
        "MONAI DiceCELoss(softmax, to_onehot_y)",
        "dice_ce_loss",
        "index",
        partial(monai_dice_ce, activation="softmax", to_onehot=True),
        {"smooth": 1e-5},
    ),
    Peer(
        "MONAI DiceCELoss(softmax, to_onehot_y, include_background=False, squared_pred, batch, lambdas)",
        "dice_ce_loss",
        "index",
        partial(
            monai_dice_ce,
            activation="softmax",
            to_onehot=True,
            include_background=False,
            squared=True,
            batch=True,
            lambda_dice=0.5,
            lambda_ce=2.0,
        ),
        {
            "smooth": 1e-5,
            "include_background": False,
            "squared": True,
            "batch": True,
            "dice_weight": 0.5,
            "ce_weight": 2.0,
        },
    ),
    Peer(
        "MONAI DiceCELoss(softmax), of probabilities",
        "dice_ce_loss",
        "soft",
        partial(monai_dice_ce, activation="softmax"),
        {"from_logits": "softmax", "smooth": 1e-5},
    ),
    Peer(
        "MONAI DiceCELoss(softmax, to_onehot_y, weight)",
        "dice_ce_loss",
        "index",
        partial(monai_dice_ce, activation="softmax", to_onehot=True, weight=WEIGHT),
        {"smooth": 1e-5, "dice_weight": mean_of(WEIGHT)},
        weight=WEIGHT,
    ),
    Peer(
        "MONAI DiceCELoss(softmax, to_onehot_y, weight, include_background=False)",
        "dice_ce_loss",
        "index",
        partial(monai_dice_ce, activation="softmax", to_onehot=True, weight=WEIGHT, include_background=False),
        {"smooth": 1e-5, "include_background": False, "dice_weight": mean_of(WEIGHT[1:])},
        weight=WEIGHT,
    ),
    Peer(
        "MONAI DiceCELoss(sigmoid) of one channel",
        "dice_ce_loss",
        "mask",
        lambda torch, x, t: monai_dice_ce(
            torch, x.reshape(-1, 1, *x.shape[2:]), t.reshape(-1, 1, *t.shape[2:]), activation="sigmoid"
        ),
        {"from_logits": "sigmoid", "smooth": 1e-5},
    ),
    Peer(
        "MONAI DiceFocalLoss(sigmoid)",
        "dice_focal_loss",
        "mask",
        monai_dice_focal,
        {"from_logits": "sigmoid", "smooth": 1e-5},
    ),
    Peer(
        "MONAI DiceFocalLoss(sigmoid, weight, gamma=1.5, lambdas)",
        "dice_focal_loss",
        "mask",
        partial(monai_dice_focal, weight=WEIGHT, gamma=1.5, lambda_dice=2.0, lambda_focal=0.5),
        {
            "from_logits": "sigmoid",
            "smooth": 1e-5,
            "gamma": 1.5,
            "dice_weight": 2 * mean_of(WEIGHT),
            "focal_weight": 0.5,
        },
        weight=WEIGHT,
    ),
    Peer(
        "MONAI DiceFocalLoss(softmax, to_onehot_y)",
        "dice_focal_loss",
        "index",
        partial(monai_dice_focal, activation="softmax"),
        {"smooth": 1e-5, "focal_weight": 1 / len(WEIGHT)},
    ),
    Peer(
        "MONAI DiceFocalLoss(softmax, weight) of one-hot targets",
        "dice_focal_loss",
        "mask",
        partial(monai_dice_focal, activation="softmax", weight=WEIGHT),
        {
            "from_logits": "softmax",
            "smooth": 1e-5,
            "dice_weight": mean_of(WEIGHT),
            "focal_weight": 1 / len(WEIGHT),
        },
        weight=WEIGHT,
    ),
    Peer(
        "nnU-Net DC_and_CE_loss",
        "dice_ce_loss",
        "index",
        nnunet_dice_ce,
        {"smooth": 1e-5, "include_background": False, "batch": True},
    ),
    Peer(
        "nnU-Net DC_and_CE_loss(ignore_label)",
        "dice_ce_loss",
        "index",
        partial(nnunet_dice_ce, batch=False, weight_dice=0.5, ignore_label=IGNORED),
        {"smooth": 1e-5, "include_background": False, "dice_weight": 0.5, "ignore_index": IGNORED},
    ),
)
