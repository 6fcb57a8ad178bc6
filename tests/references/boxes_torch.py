"""The published formulas of losses of boxes in torch's operations, for autograd: nothing reduced.

Boxes are in corners, and at the end rotated ones, as normal distributions.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Geometry(NamedTuple):
    """What the formulas have in common."""

    w: object
    h: object
    tw: object
    th: object
    union: object
    iou: object
    cw: object
    ch: object
    dx: object
    dy: object
    rho2: object
    diagonal2: object


def geometry(torch, input, target, eps):
    """As torchvision computes it."""
    x1, y1, x2, y2 = input.unbind(-1)
    tx1, ty1, tx2, ty2 = target.unbind(-1)
    w, h, tw, th = (side.clamp(min=0) for side in (x2 - x1, y2 - y1, tx2 - tx1, ty2 - ty1))
    iw = torch.min(x2, tx2) - torch.max(x1, tx1)
    ih = torch.min(y2, ty2) - torch.max(y1, ty1)
    intersection = torch.where((iw > 0) & (ih > 0), iw * ih, torch.zeros_like(iw))
    union = w * h + tw * th - intersection
    cw = (torch.max(x2, tx2) - torch.min(x1, tx1)).clamp(min=0)
    ch = (torch.max(y2, ty2) - torch.min(y1, ty1)).clamp(min=0)
    dx, dy = (x1 + x2 - tx1 - tx2) / 2, (y1 + y2 - ty1 - ty2) / 2
    iou = intersection / (union + eps)
    return Geometry(w, h, tw, th, union, iou, cw, ch, dx, dy, dx**2 + dy**2, cw**2 + ch**2)


def angle(torch, w, h, eps):
    """atan2(w, h), in whose derivative the squared diagonal has eps beside it."""
    fixed_w, fixed_h = w.detach(), h.detach()
    slope = (fixed_h * w - fixed_w * h) / (fixed_w**2 + fixed_h**2 + eps)
    return torch.atan2(fixed_w, fixed_h) + slope - slope.detach()


def aspect(torch, g, eps):
    """v of complete IoU, and its weight."""
    v = 4 / math.pi**2 * (angle(torch, g.tw, g.th, eps) - angle(torch, g.w, g.h, eps)) ** 2
    with torch.no_grad():
        weight = v / (1 - g.iou + v + eps)
    return v, weight


def iou(torch, input, target, mode, eps):
    """Yu et al. (2016)."""
    iou = geometry(torch, input, target, eps).iou
    return {"linear": 1 - iou, "square": 1 - iou**2, "log": -iou.clamp(min=eps).log()}[mode]


def giou(torch, input, target, eps):
    """Rezatofighi et al. (2019)."""
    g = geometry(torch, input, target, eps)
    hull = g.cw * g.ch
    return 1 - g.iou + (hull - g.union) / (hull + eps)


def diou(torch, input, target, eps):
    """Zheng et al. (2020)."""
    g = geometry(torch, input, target, eps)
    return 1 - g.iou + g.rho2 / (g.diagonal2 + eps)


def ciou(torch, input, target, eps):
    """Zheng et al. (2020)."""
    g = geometry(torch, input, target, eps)
    v, weight = aspect(torch, g, eps)
    return 1 - g.iou + g.rho2 / (g.diagonal2 + eps) + weight * v


def eiou(torch, input, target, eps):
    """Zhang et al. (2021)."""
    g = geometry(torch, input, target, eps)
    sides = (g.w - g.tw) ** 2 / (g.cw**2 + eps) + (g.h - g.th) ** 2 / (g.ch**2 + eps)
    return 1 - g.iou + g.rho2 / (g.diagonal2 + eps) + sides


def siou(torch, input, target, theta, eps):
    """Gevorgyan (2022), the angle without its sines: 1 - 2 sin^2(arcsin(x) - pi/4) is sin(2 arcsin(x))."""
    g = geometry(torch, input, target, eps)
    angle = 2 * g.dx.abs() * g.dy.abs() / (g.rho2 + eps)
    gamma = 2 - angle
    distance = 2 - torch.exp(-gamma * g.dx**2 / (g.cw**2 + eps)) - torch.exp(-gamma * g.dy**2 / (g.ch**2 + eps))
    of_width = (g.w - g.tw).abs() / (torch.max(g.w, g.tw) + eps)
    of_height = (g.h - g.th).abs() / (torch.max(g.h, g.th) + eps)
    shape = (1 - torch.exp(-of_width)) ** theta + (1 - torch.exp(-of_height)) ** theta
    return 1 - g.iou + (distance + shape) / 2


def alpha_iou(torch, input, target, alpha, base, eps):
    """He et al. (2021)."""
    g = geometry(torch, input, target, eps)
    loss = 1 - g.iou**alpha
    if base == "giou":
        hull = g.cw * g.ch
        return loss + ((hull - g.union) / (hull + eps)).clamp(min=0) ** alpha
    if base in ("diou", "ciou"):
        loss = loss + (g.rho2 / (g.diagonal2 + eps)) ** alpha
    if base == "ciou":
        v, weight = aspect(torch, g, eps)
        loss = loss + (weight * v) ** alpha
    return loss


def mpdiou(torch, input, target, image_width, image_height, eps):
    """Ma and Xu (2023)."""
    corners = ((input - target) ** 2).sum(-1)
    return 1 - geometry(torch, input, target, eps).iou + corners / (image_width**2 + image_height**2)


def wiou(torch, input, target, eps):
    """Tong et al. (2023), version 1."""
    g = geometry(torch, input, target, eps)
    return torch.exp(g.rho2 / (g.diagonal2 + eps).detach()) * (1 - g.iou)


def bounded_iou(torch, input, target, beta, eps):
    """Tychsen-Smith and Petersson (2018), as mmdetection computes it, of both boxes and added up."""
    g = geometry(torch, input, target, eps)
    terms = []
    for apart, side, target_side in ((g.dx.abs(), g.w, g.tw), (g.dy.abs(), g.h, g.th)):
        terms.append(1 - ((target_side - 2 * apart) / (target_side + 2 * apart + eps)).clamp(min=0))
        terms.append(1 - torch.min(target_side / (side + eps), side / (target_side + eps)))
    l = torch.stack(terms, -1)
    return torch.where(l < beta, l**2 / (2 * beta), l - beta / 2).sum(-1)


def gaussian(torch, boxes, eps, divisor):
    """Means, and covariances R diag(w^2, h^2) R^T / divisor."""
    side, angle = boxes[..., 2:4].clamp(min=eps), boxes[..., 4]
    c, s = angle.cos(), angle.sin()
    rotation = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
    return boxes[..., :2], rotation @ torch.diag_embed(side**2 / divisor) @ rotation.mT


def mahalanobis2(inverse, x, y):
    """(x - y)^T M (x - y)."""
    d = (x - y).unsqueeze(-1)
    return (d.mT @ inverse @ d).squeeze(-1).squeeze(-1)


def trace(matrix):
    """Of matrices on the last two axes."""
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)


def probiou(torch, input, target, mode, eps):
    """Llerena et al. (2021)."""
    (mean, one), (other_mean, other) = (gaussian(torch, x, eps, 12) for x in (input, target))
    both = (one + other) / 2
    shape = (both.det() / (one.det() * other.det()).sqrt()).log() / 2
    bhattacharyya = mahalanobis2(both.inverse(), mean, other_mean) / 8 + shape
    return bhattacharyya if mode == "l2" else (1 - (-bhattacharyya).exp()).sqrt()


def of_distance(distance, tau, fun):
    """1 - 1 / (tau + f(distance))."""
    return 1 - 1 / (tau + (distance.log1p() if fun == "log1p" else distance.sqrt()))


def gwd(torch, input, target, tau, fun, eps):
    """Yang et al. (2021): the trace of the root of a matrix from its own trace and determinant."""
    (mean, one), (other_mean, other) = (gaussian(torch, x, eps, 4) for x in (input, target))
    coupled = (trace(one @ other) + 2 * (one.det() * other.det()).sqrt()).sqrt()
    distance = ((mean - other_mean) ** 2).sum(-1) + trace(one) + trace(other) - 2 * coupled
    return of_distance(distance, tau, fun)


def kld(torch, input, target, tau, fun, eps):
    """Yang et al. (2021), the second paper: of the prediction from the target."""
    (mean, one), (other_mean, other) = (gaussian(torch, x, eps, 4) for x in (input, target))
    inverse = other.inverse()
    shape = trace(inverse @ one) / 2 + (other.det() / one.det()).log() / 2 - 1
    return of_distance(mahalanobis2(inverse, mean, other_mean) / 2 + shape, tau, fun)
