"""Cases of losses of pairs of boxes, all in corners.

In NumPy a loss is a function of what the boxes have in common, with its slopes in that; one way back leads from there
to the coordinates.
"""

from __future__ import annotations

import importlib
import math
from functools import cached_property

import numpy as np

from bench.boxes import Boxes

EPS = 1e-7
IMAGE = 128.0  # the extent of an image that has the boxes in it
TO_UNIT = 4 / math.pi**2  # of squared angles


class Pairs:
    """Pairs of boxes as eight contiguous arrays; a `t` is of the target."""

    def __init__(self, input, target):
        self.x1, self.y1, self.x2, self.y2 = np.ascontiguousarray(input.T)
        self.tx1, self.ty1, self.tx2, self.ty2 = np.ascontiguousarray(target.T)
        self.w, self.h = self.x2 - self.x1, self.y2 - self.y1
        self.tw, self.th = self.tx2 - self.tx1, self.ty2 - self.ty1
        self.iw = shared(self.x1, self.x2, self.tx1, self.tx2)
        self.ih = shared(self.y1, self.y2, self.ty1, self.ty2)
        self.intersection = self.iw * self.ih
        self.union = self.w * self.h
        self.union += self.tw * self.th
        self.union -= self.intersection
        self.iou = self.intersection / (self.union + EPS)

    @cached_property
    def hull(self):
        """The width and height of the box around both."""
        return (
            np.maximum(self.x2, self.tx2) - np.minimum(self.x1, self.tx1),
            np.maximum(self.y2, self.ty2) - np.minimum(self.y1, self.ty1),
        )

    @cached_property
    def shift(self):
        """From the centre of the target to that of the input."""
        return (
            ((self.x1 + self.x2) - (self.tx1 + self.tx2)) * 0.5,
            ((self.y1 + self.y2) - (self.ty1 + self.ty2)) * 0.5,
        )

    @cached_property
    def distance2(self):
        """The squared distance of the centres."""
        return np.square(self.shift[0]) + np.square(self.shift[1])

    @cached_property
    def diagonal2(self):
        """The squared diagonal of the hull, and eps."""
        return np.square(self.hull[0]) + np.square(self.hull[1]) + EPS

    def gradient(self, out, iou=None, union=None, w=None, h=None, cw=None, ch=None, dx=None, dy=None, corners=None):
        """The mean's gradient in the input, from the slopes of each loss; with `corners` as a slope in themselves."""
        out = np.empty((len(self.w), 4), self.w.dtype) if out is None else out
        area, intersection = None, None
        if iou is not None:
            area = iou / (self.union + EPS)
            intersection = area * (1 + self.iou)
            area *= -self.iou
        if union is not None:
            area, intersection = area + union, intersection - union
        if area is not None:
            w = added(w, area * self.h)
            h = added(h, area * self.w)
        if corners is not None:
            out[:] = corners
        else:
            out[:] = 0
        inner = None if intersection is None else (intersection * self.ih, intersection * self.iw)
        overlap = (self.iw > 0) & (self.ih > 0)
        axes = (
            (0, self.x1, self.x2, self.tx1, self.tx2, w, cw, dx),
            (1, self.y1, self.y2, self.ty1, self.ty2, h, ch, dy),
        )
        for k, low, high, target_low, target_high, side, around, along in axes:
            if side is not None:
                out[:, k] -= side
                out[:, k + 2] += side
            if inner is not None:
                out[:, k] -= np.where(overlap & (low >= target_low), inner[k], 0)
                out[:, k + 2] += np.where(overlap & (high <= target_high), inner[k], 0)
            if around is not None:
                out[:, k] -= np.where(low <= target_low, around, 0)
                out[:, k + 2] += np.where(high >= target_high, around, 0)
            if along is not None:
                half = along * 0.5
                out[:, k] += half
                out[:, k + 2] += half
        out *= 1 / len(out)
        return out


def shared(low, high, target_low, target_high):
    """How long the part of an axis is that both boxes have."""
    length = np.minimum(high, target_high)
    length -= np.maximum(low, target_low)
    return np.maximum(length, 0, out=length)


def added(x, y):
    """A sum of slopes, the first of which may be missing."""
    return y if x is None else x + y


def mean_of(loss):
    """The peer of a loss `f(pairs) -> (values, slopes)`, where the slopes are computed by a call."""

    def numpy(mode, out, input, target):
        pairs = Pairs(input, target)
        values, slopes = loss(pairs)
        value = values.mean() if mode.value else None
        return value, pairs.gradient(out, **slopes()) if mode.gradient else None

    return numpy


def iou(p):
    """1 - IoU."""
    return 1 - p.iou, lambda: {"iou": np.full_like(p.iou, -1)}


def giou(p):
    """1 - IoU, and the share of the hull that is empty."""
    cw, ch = p.hull
    hull = cw * ch
    outside = (hull - p.union) / (hull + EPS)

    def slopes():
        of_union = -1 / (hull + EPS)
        of_hull = (outside - 1) * of_union
        return {"iou": np.full_like(p.iou, -1), "union": of_union, "cw": of_hull * ch, "ch": of_hull * cw}

    return 1 - p.iou + outside, slopes


def centres(p, factor=2.0):
    """The slopes of the squared distance over the squared diagonal, times half the factor."""
    unit = factor / p.diagonal2
    pulled = unit * (p.distance2 / -p.diagonal2)
    return {"dx": unit * p.shift[0], "dy": unit * p.shift[1], "cw": pulled * p.hull[0], "ch": pulled * p.hull[1]}


def diou(p):
    """1 - IoU + distance^2 / diagonal^2."""
    values = 1 - p.iou + p.distance2 / p.diagonal2
    return values, lambda: {"iou": np.full_like(p.iou, -1), **centres(p)}


def ciou(p):
    """DIoU + a v."""
    turned = np.arctan2(p.tw, p.th) - np.arctan2(p.w, p.h)
    v = TO_UNIT * np.square(turned)
    a = v / (1 - p.iou + v + EPS)
    values, others = diou(p)

    def slopes():
        turn = a * turned * (-2 * TO_UNIT) / (np.square(p.w) + np.square(p.h) + EPS)
        return {**others(), "w": turn * p.h, "h": turn * -p.w}

    return values + a * v, slopes


def eiou(p):
    """DIoU + (w - tw)^2 / cw^2 + (h - th)^2 / ch^2."""
    values, others = diou(p)
    terms = [(side - target, 1 / (np.square(c) + EPS), c) for side, target, c in zip(*sides(p), p.hull, strict=True)]

    def slopes():
        found = others()
        for name, around, (difference, inverse, c) in zip("wh", ("cw", "ch"), terms, strict=True):
            found[name] = 2 * difference * inverse
            found[around] -= 2 * np.square(difference * inverse) * c
        return found

    for difference, inverse, _ in terms:
        values = values + np.square(difference) * inverse
    return values, slopes


def sides(p):
    """Widths and heights, of the input and of the target."""
    return (p.w, p.h), (p.tw, p.th)


def siou(p):
    """1 - IoU + (distance + shape) / 2."""
    dx, dy = p.shift
    ax, ay = np.abs(dx), np.abs(dy)
    length2 = p.distance2 + EPS
    angle = 2 * ax * ay / length2
    inverse = [1 / (np.square(c) + EPS) for c in p.hull]
    apart = [np.square(d) * i for d, i in zip(p.shift, inverse, strict=True)]
    near = [np.exp((angle - 2) * q) for q in apart]
    largest = [np.maximum(side, target) + EPS for side, target in zip(*sides(p), strict=True)]
    other = [np.abs(side - target) / m for side, target, m in zip(*sides(p), largest, strict=True)]
    alike = [np.exp(-o) for o in other]
    shape = [np.square(np.square(1 - e)) for e in alike]
    values = 2 - p.iou + (shape[0] + shape[1] - near[0] - near[1]) * 0.5

    def slopes():
        found = {"iou": np.full_like(p.iou, -1)}
        of_gamma = (apart[0] * near[0] + apart[1] * near[1]) * 0.5
        axes = zip("xy", "wh", p.shift, (ay, ax), p.hull, inverse, apart, near, strict=True)
        for axis, side, d, across, c, i, q, n in axes:
            of_apart = (2 - angle) * n * i
            found[f"d{axis}"] = of_apart * d + of_gamma * 2 * (angle * d - across * np.sign(d)) / length2
            found[f"c{side}"] = -of_apart * q * c
        for name, side, target, m, o, e in zip("wh", *sides(p), largest, other, alike, strict=True):
            found[name] = 2 * (1 - e) ** 3 * e * (np.sign(side - target) - np.where(side >= target, o, 0)) / m
        return found

    return values, slopes


def alpha_iou(p):
    """1 - IoU^3."""
    square = np.square(p.iou)
    return 1 - square * p.iou, lambda: {"iou": -3 * square}


def mpdiou(p):
    """1 - IoU + the squared distances of the corners."""
    apart = np.stack([p.x1 - p.tx1, p.y1 - p.ty1, p.x2 - p.tx2, p.y2 - p.ty2], axis=1)
    scale = 1 / (2 * IMAGE**2)
    values = 1 - p.iou + scale * np.einsum("ij,ij->i", apart, apart)
    return values, lambda: {"iou": np.full_like(p.iou, -1), "corners": 2 * scale * apart}


def wiou(p):
    """e^(distance^2 / diagonal^2) (1 - IoU)."""
    focus = np.exp(p.distance2 / p.diagonal2)
    values = focus * (1 - p.iou)

    def slopes():
        unit = 2 * values / p.diagonal2
        return {"iou": -focus, "dx": unit * p.shift[0], "dy": unit * p.shift[1]}

    return values, slopes


def bounded_iou(p, beta=0.2, eps=1e-3):
    """Smooth L1 of four bounds."""
    values, found = np.zeros_like(p.iou), {}
    for k, (side, target, d) in enumerate(zip(*sides(p), p.shift, strict=True)):
        apart = 2 * np.abs(d)
        denominator = target + apart + eps
        overlap = (target - apart) / denominator
        of_centre = 1 - np.maximum(overlap, 0)
        narrower, wider = side / (target + eps), target / (side + eps)
        of_side = 1 - np.minimum(narrower, wider)
        for l in (of_centre, of_side):
            values += np.where(l < beta, np.square(l) * (0.5 / beta), l - beta / 2)
        slope = 2 * np.sign(d) * np.where(overlap > 0, 1 + overlap, 0) / denominator
        found["dx" if k == 0 else "dy"] = slope * np.minimum(of_centre / beta, 1)
        slope = np.where(wider <= narrower, wider / (side + eps), -1 / (target + eps))
        found["w" if k == 0 else "h"] = slope * np.minimum(of_side / beta, 1)
    return values, lambda: found


# The formulas for JAX and torch alike, which differentiate them.


def constant(xp, x):
    """What the gradient takes for a constant."""
    if xp.__name__ == "torch":
        return x.detach()
    return x if xp is np else importlib.import_module("jax").lax.stop_gradient(x)


class Formulas:
    """What the formulas have in common."""

    def __init__(self, xp, input, target):
        self.xp = xp
        self.corners = x1, y1, x2, y2 = [input[..., k] for k in range(4)]
        self.target_corners = tx1, ty1, tx2, ty2 = [target[..., k] for k in range(4)]
        self.w, self.h, self.tw, self.th = x2 - x1, y2 - y1, tx2 - tx1, ty2 - ty1
        iw = xp.clip(xp.minimum(x2, tx2) - xp.maximum(x1, tx1), 0, None)
        ih = xp.clip(xp.minimum(y2, ty2) - xp.maximum(y1, ty1), 0, None)
        self.union = self.w * self.h + self.tw * self.th - iw * ih
        self.iou = iw * ih / (self.union + EPS)
        self.cw = xp.maximum(x2, tx2) - xp.minimum(x1, tx1)
        self.ch = xp.maximum(y2, ty2) - xp.minimum(y1, ty1)
        self.dx, self.dy = ((x1 + x2) - (tx1 + tx2)) * 0.5, ((y1 + y2) - (ty1 + ty2)) * 0.5
        self.distance2 = self.dx * self.dx + self.dy * self.dy
        self.diagonal2 = self.cw * self.cw + self.ch * self.ch + EPS


def formula_of(each):
    """The mean of a formula of pairs."""
    return lambda xp, input, target: each(Formulas(xp, input, target)).mean()


def giou_formula(f):
    hull = f.cw * f.ch
    return 1 - f.iou + (hull - f.union) / (hull + EPS)


def diou_formula(f):
    return 1 - f.iou + f.distance2 / f.diagonal2


def angle(xp, w, h):
    """That of a box's diagonal, whose slope stays finite where the box has no height."""
    fixed_w, fixed_h = constant(xp, w), constant(xp, h)
    slope = (fixed_h * w - fixed_w * h) / (fixed_w * fixed_w + fixed_h * fixed_h + EPS)
    return xp.arctan2(fixed_w, fixed_h) + (slope - constant(xp, slope))


def ciou_formula(f):
    turned = angle(f.xp, f.tw, f.th) - angle(f.xp, f.w, f.h)
    v = TO_UNIT * turned * turned
    return diou_formula(f) + constant(f.xp, v / (1 - f.iou + v + EPS)) * v


def eiou_formula(f):
    return diou_formula(f) + (f.w - f.tw) ** 2 / (f.cw**2 + EPS) + (f.h - f.th) ** 2 / (f.ch**2 + EPS)


def siou_formula(f):
    xp = f.xp
    gamma = 2 - 2 * xp.abs(f.dx * f.dy) / (f.distance2 + EPS)
    near = xp.exp(-gamma * f.dx**2 / (f.cw**2 + EPS)) + xp.exp(-gamma * f.dy**2 / (f.ch**2 + EPS))
    of_width = xp.abs(f.w - f.tw) / (xp.maximum(f.w, f.tw) + EPS)
    of_height = xp.abs(f.h - f.th) / (xp.maximum(f.h, f.th) + EPS)
    return 2 - f.iou + ((1 - xp.exp(-of_width)) ** 4 + (1 - xp.exp(-of_height)) ** 4 - near) / 2


def mpdiou_formula(f):
    apart = sum((x - t) ** 2 for x, t in zip(f.corners, f.target_corners, strict=True))
    return 1 - f.iou + apart / (2 * IMAGE**2)


def wiou_formula(f):
    return f.xp.exp(f.distance2 / constant(f.xp, f.diagonal2)) * (1 - f.iou)


def bounded_iou_formula(f, beta=0.2, eps=1e-3):
    xp, total = f.xp, 0
    for d, side, target in ((f.dx, f.w, f.tw), (f.dy, f.h, f.th)):
        apart = 2 * xp.abs(d)
        of_centre = 1 - xp.clip((target - apart) / (target + apart + eps), 0, None)
        of_side = 1 - xp.minimum(target / (side + eps), side / (target + eps))
        for l in (of_centre, of_side):
            total = total + xp.where(l < beta, l * l * (0.5 / beta), l - beta / 2)
    return total


FORMULAS = {
    "box_iou_loss": (iou, lambda f: 1 - f.iou),
    "generalized_box_iou_loss": (giou, giou_formula),
    "distance_box_iou_loss": (diou, diou_formula),
    "complete_box_iou_loss": (ciou, ciou_formula),
    "eiou_loss": (eiou, eiou_formula),
    "siou_loss": (siou, siou_formula),
    "alpha_iou_loss": (alpha_iou, lambda f: 1 - f.iou**3),
    "mpdiou_loss": (mpdiou, mpdiou_formula),
    "wiou_loss": (wiou, wiou_formula),
    "bounded_iou_loss": (bounded_iou, bounded_iou_formula),
}
FIXED = {"mpdiou_loss": {"image_width": IMAGE, "image_height": IMAGE}}

CASES = {
    name: Boxes(numpy=mean_of(by_hand), jax=formula_of(formula), torch=formula_of(formula), fixed=FIXED.get(name, {}))
    for name, (by_hand, formula) in FORMULAS.items()
}
