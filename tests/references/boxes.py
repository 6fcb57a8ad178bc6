"""References of the losses of pairs of boxes.

Yu et al. (2016), Rezatofighi et al. (2019), Zheng et al. (2020), Zhang et al. (2021), Gevorgyan (2022), He et al.
(2021), Ma and Xu (2023), Tong et al. (2023), Tychsen-Smith and Petersson (2018).
"""

import numpy as np

from references import boxes_torch
from references.boxes_schema import CHOICES, BoxCase, BoxReference
from references.jets import absolute, atan2, exp, log, maximum, minimum, power, square, where
from references.units import LONG

PI = LONG(4) * np.arctan(LONG(1))
FMT = CHOICES[1:]  # all but the default
EPS = (1e-3,)
DEFAULTS = {"eps": 1e-7, "fmt": "xyxy"}
OPTIONS = {"eps": EPS, "fmt": FMT}

# The boxes of the example that the project implements: they share 1 of 7, and 9 is the area around them.
FIRST, SECOND = (1.0, 1.0, 3.0, 3.0), (2.0, 2.0, 4.0, 4.0)
# Upright and flat: they share 1 of 3.
UPRIGHT, FLAT = (0.0, 0.0, 1.0, 2.0), (0.0, 0.0, 2.0, 1.0)
WHOLE = {"eps": 1e-15}  # numbers by hand have no eps


def iou_value(pair, mode, eps):
    iou = pair.iou(eps)
    if mode == "square":
        return 1 - square(iou)
    return -log(where(iou.value > eps, iou, eps)) if mode == "log" else 1 - iou


def outside(pair, eps):
    """The share of the hull that neither box covers."""
    hull = pair.hull[0] * pair.hull[1]
    return (hull - pair.union) / (hull + eps)


def distance(pair, eps):
    """The distance of the centres in units of the hull's diagonal, squared; above 2 only where boxes are inverted."""
    return capped(pair.distance2 / (pair.diagonal2 + eps))


def capped(relative):
    return where(relative.value <= 2, relative, relative.constant(2))


def aspect(pair, eps):
    """How far the aspects are apart, and its weight, which is a constant of the gradient."""
    turned = atan2(pair.tw, pair.th, eps) - atan2(pair.w, pair.h, eps)
    v = square(turned) * (4 / PI**2)
    return v, (v / (1 - pair.iou(eps) + v + eps)).stopped


def giou_value(pair, eps):
    return 1 - pair.iou(eps) + outside(pair, eps)


def diou_value(pair, eps):
    return 1 - pair.iou(eps) + distance(pair, eps)


def ciou_value(pair, eps):
    v, a = aspect(pair, eps)
    return diou_value(pair, eps) + a * v


def eiou_value(pair, eps):
    cw, ch = pair.hull
    sides = square(pair.w - pair.tw) / (square(cw) + eps) + square(pair.h - pair.th) / (square(ch) + eps)
    return diou_value(pair, eps) + sides


def siou_value(pair, theta, eps):
    ax, ay = pair.distances
    gamma = 2 - ax * ay * 2 / (pair.distance2 + eps)
    apart, shape = [], []
    for along, side in zip(pair.shift, pair.hull, strict=True):
        apart.append(1 - exp(-(gamma * (square(along) / (square(side) + eps)))))
    for side, target_side in ((pair.w, pair.tw), (pair.h, pair.th)):
        other = absolute(side - target_side) / (maximum(side, target_side) + eps)
        shape.append(power(1 - exp(-other), theta))
    return 1 - pair.iou(eps) + (apart[0] + apart[1] + shape[0] + shape[1]) * 0.5


def alpha_value(pair, alpha, base, eps):
    loss = 1 - power(pair.iou(eps), alpha)
    if base == "giou":
        return loss + power(outside(pair, eps), alpha)
    if base in ("diou", "ciou"):
        loss = loss + power(distance(pair, eps), alpha)
    if base == "ciou":
        v, b = aspect(pair, eps)
        loss = loss + power(b * v, alpha)
    return loss


def mpdiou_value(pair, image_width, image_height, eps):
    first = square(pair.x1 - pair.tx1) + square(pair.y1 - pair.ty1)
    second = square(pair.x2 - pair.tx2) + square(pair.y2 - pair.ty2)
    return 1 - pair.iou(eps) + (first + second) / (LONG(image_width) ** 2 + LONG(image_height) ** 2)


def wiou_value(pair, eps):
    return exp(capped(pair.distance2 / (pair.diagonal2 + eps).stopped)) * (1 - pair.iou(eps))


def bounded_value(pair, beta, eps):
    terms = []
    for apart, side, target_side in zip(pair.distances, (pair.w, pair.h), (pair.tw, pair.th), strict=True):
        overlap = (target_side - apart * 2) / (target_side + apart * 2 + eps)
        terms.append(1 - where(overlap.value > 0, overlap, overlap.constant(0)))
        terms.append(1 - minimum(target_side / (side + eps), side / (target_side + eps)))
    smooth = [where(l.value < LONG(beta), square(l) / (2 * LONG(beta)), l - LONG(beta) / 2) for l in terms]
    return smooth[0] + smooth[1] + smooth[2] + smooth[3]


# (4 / pi^2) (atan(2) - atan(1 / 2))^2, and the weight of it that CIoU has where the boxes share a third.
TURNED = 4 / np.pi**2 * (np.arctan(2.0) - np.arctan(0.5)) ** 2
WEIGHED = TURNED**2 / (2 / 3 + TURNED)

BOX_REFERENCES = (
    BoxReference(
        name="box_iou_loss",
        value=iou_value,
        torch=boxes_torch.iou,
        defaults={"mode": "linear", **DEFAULTS},
        options={"mode": ("log", "square"), **OPTIONS},
        combined_options=({"mode": "log", "eps": 0.2}, {"mode": "square", "fmt": "cxcywh,xywh"}),
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 0.8571428571),  # 1 - 1/7
            BoxCase(FIRST, SECOND, {"mode": "log", **WHOLE}, 1.9459101491),  # log 7
            BoxCase(FIRST, SECOND, {"mode": "square", **WHOLE}, 0.9795918367),  # 1 - 1/49
            BoxCase((2.0, 2.0, 2.0, 2.0), SECOND, {"fmt": "cxcywh,xyxy", **WHOLE}, 0.8571428571),
            BoxCase((0.0, 0.0, 1.0, 1.0), (5.0, 5.0, 6.0, 6.0), {"mode": "log"}, 16.1180956510),  # -log 1e-7
        ),
        symmetric=True,
    ),
    BoxReference(
        name="generalized_box_iou_loss",
        value=giou_value,
        torch=boxes_torch.giou,
        defaults=DEFAULTS,
        options=OPTIONS,
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 1.0793650794),  # 1 - 1/7 + 2/9
            BoxCase((0.0, 0.0, 1.0, 1.0), (2.0, 0.0, 3.0, 1.0), WHOLE, 1.3333333333),  # 1 - 0 + 1/3
        ),
        symmetric=True,
    ),
    BoxReference(
        name="distance_box_iou_loss",
        value=diou_value,
        torch=boxes_torch.diou,
        defaults=DEFAULTS,
        options=OPTIONS,
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 0.9682539683),  # 1 - 1/7 + 1/9
            BoxCase((1.0, 1.0, 2.0, 2.0), (2.0, 2.0, 2.0, 2.0), {"fmt": "xywh", **WHOLE}, 0.9682539683),
        ),
        symmetric=True,
    ),
    BoxReference(
        name="complete_box_iou_loss",
        value=ciou_value,
        torch=boxes_torch.ciou,
        defaults=DEFAULTS,
        options=OPTIONS,
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 0.9682539683),
            BoxCase(UPRIGHT, FLAT, WHOLE, 2 / 3 + 1 / 16 + WEIGHED),
        ),
        symmetric=True,
    ),
    BoxReference(
        name="eiou_loss",
        value=eiou_value,
        torch=boxes_torch.eiou,
        defaults=DEFAULTS,
        options=OPTIONS,
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 0.9682539683),
            BoxCase(UPRIGHT, FLAT, WHOLE, 1.2291666667),  # 2/3 + 1/16 + 1/4 + 1/4
        ),
        symmetric=True,
    ),
    BoxReference(
        name="siou_loss",
        value=siou_value,
        torch=boxes_torch.siou,
        defaults={"theta": 4.0, **DEFAULTS},
        options={"theta": (1.0, 2.0), **OPTIONS},
        combined_options=({"theta": 2.0, "fmt": "xywh,cxcywh"},),
        golden=(
            # Centres apart by as much in x as in y: gamma is 1.
            BoxCase(FIRST, SECOND, WHOLE, 6 / 7 + 1 - np.exp(-1 / 9)),
            BoxCase(UPRIGHT, FLAT, WHOLE, 2 / 3 + 1 - np.exp(-1 / 16) + (1 - np.exp(-1 / 2)) ** 4),
            # Apart in x alone: gamma is 2.
            BoxCase((0.0, 0.0, 2.0, 2.0), (1.0, 0.0, 3.0, 2.0), WHOLE, 2 / 3 + (1 - np.exp(-2 / 9)) / 2),
        ),
        symmetric=True,
    ),
    BoxReference(
        name="alpha_iou_loss",
        value=alpha_value,
        torch=boxes_torch.alpha_iou,
        defaults={"alpha": 3.0, "base": "iou", **DEFAULTS},
        options={"alpha": (1.0, 2.0), "base": ("giou", "diou", "ciou"), **OPTIONS},
        combined_options=(
            {"alpha": 2.0, "base": "ciou", "fmt": "cxcywh"},
            {"alpha": 1.0, "base": "giou"},
            {"alpha": 4.0, "base": "diou", "eps": 0.5},
        ),
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 0.9970845481),  # 1 - 1/343
            BoxCase(FIRST, SECOND, {"base": "giou", **WHOLE}, 1 - 1 / 343 + (2 / 9) ** 3),
            BoxCase(FIRST, SECOND, {"base": "diou", **WHOLE}, 1 - 1 / 343 + (1 / 9) ** 3),
            BoxCase(UPRIGHT, FLAT, {"base": "ciou", **WHOLE}, 1 - 1 / 27 + (1 / 16) ** 3 + WEIGHED**3),
            BoxCase(FIRST, SECOND, {"alpha": 2.0, "base": "diou", **WHOLE}, 1 - 1 / 49 + 1 / 81),
        ),
        symmetric=True,
    ),
    BoxReference(
        name="mpdiou_loss",
        value=mpdiou_value,
        torch=boxes_torch.mpdiou,
        defaults={"image_width": 1.0, "image_height": 1.0, **DEFAULTS},
        options={"image_width": (64.0,), "image_height": (48.0,), **OPTIONS},
        combined_options=({"image_width": 640.0, "image_height": 480.0, "fmt": "cxcywh"},),
        golden=(
            BoxCase(FIRST, SECOND, {"image_width": 4.0, "image_height": 4.0, **WHOLE}, 0.9821428571),  # 6/7 + 4/32
            BoxCase(FIRST, SECOND, WHOLE, 2.8571428571),
        ),
        symmetric=True,
    ),
    BoxReference(
        name="wiou_loss",
        value=wiou_value,
        torch=boxes_torch.wiou,
        defaults=DEFAULTS,
        options=OPTIONS,
        golden=(BoxCase(FIRST, SECOND, WHOLE, np.exp(1 / 9) * 6 / 7),),
        symmetric=True,
    ),
    BoxReference(
        name="bounded_iou_loss",
        value=bounded_value,
        torch=boxes_torch.bounded_iou,
        defaults={"beta": 0.2, "eps": 1e-3, "fmt": "xyxy"},
        options={"beta": (1.0,), "eps": (1e-7,), "fmt": FMT},
        combined_options=({"beta": 0.5, "fmt": "xyxy,xywh"},),
        golden=(
            BoxCase(FIRST, SECOND, WHOLE, 1.8),  # centres that are too far apart twice, 1 - 0.1 each
            # 0.4 and 0.5 of the centres, 1/3 of the heights, each less 0.1.
            BoxCase((1.0, 1.0, 3.0, 3.0), (1.25, 1.0, 3.25, 4.0), WHOLE, 0.9333333333),
            BoxCase((1.0, 1.0, 3.0, 3.0), (1.25, 1.0, 3.25, 4.0), {"beta": 1.0, **WHOLE}, 0.08 + 0.125 + 1 / 18),
        ),
    ),
)
