"""Cases of losses of pairs of rotated boxes.

Determinants and traces are written without matrices, and as sums that do not cancel between boxes that are alike: what
others do with matrices has too few digits in float32 for the worst of a million pairs.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from bench.boxes import Boxes

EPS = 1e-7


class Pairs:
    """Pairs of rotated boxes in any array module; a `t` is of the target."""

    def __init__(self, xp, input, target):
        self.xp = xp
        x, y, w, h, angle = (input[..., k] for k in range(5))
        tx, ty, tw, th, tangle = (target[..., k] for k in range(5))
        self.dx, self.dy = x - tx, y - ty
        self.w, self.h, self.tw, self.th = (xp.clip(side, EPS, None) for side in (w, h, tw, th))
        self.angle, self.tangle = angle, tangle
        self.sin, self.cos = xp.sin(tangle - angle), xp.cos(tangle - angle)
        self.s2, self.c2 = self.sin * self.sin, self.cos * self.cos

    @cached_property
    def axes(self):
        """Sine and cosine of the input's angle, and the distance along its sides."""
        return self._along(self.angle)

    @cached_property
    def taxes(self):
        """The same of the target."""
        return self._along(self.tangle)

    def _along(self, angle):
        s, c = self.xp.sin(angle), self.xp.cos(angle)
        return s, c, c * self.dx + s * self.dy, c * self.dy - s * self.dx

    @cached_property
    def areas(self):
        """Of both."""
        return self.w * self.h, self.tw * self.th

    @cached_property
    def oblong(self):
        """(w^2 - h^2) (tw^2 - th^2)."""
        return (self.w - self.h) * (self.w + self.h) * ((self.tw - self.th) * (self.tw + self.th))


def bhattacharyya(p):
    """The distance, and what its slopes are made of."""
    area, tarea = p.areas
    across, along = p.h * p.tw - p.w * p.th, p.h * p.th - p.w * p.tw
    more = (area - tarea) ** 2 + p.c2 * across**2 + p.s2 * along**2
    four = 4 * area * tarea
    determinant = four + more
    (_, _, u, v), (_, _, tu, tv) = p.axes, p.taxes
    apart = (p.h * u) ** 2 + (p.w * v) ** 2 + (p.th * tu) ** 2 + (p.tw * tv) ** 2
    return 3 * apart / determinant + 0.5 * p.xp.log1p(more / four), (across, along, determinant, apart)


def probiou_formula(p):
    """sqrt(1 - exp(-B))."""
    return p.xp.sqrt(-p.xp.expm1(-bhattacharyya(p)[0]))


def probiou(p):
    """The same, and its slopes."""
    distance, (across, along, determinant, apart) = bhattacharyya(p)
    values = np.sqrt(-np.expm1(-distance))

    def slopes():
        scale = np.exp(-distance) / (2 * values)
        of_apart = 3 * scale / determinant
        of_determinant = (0.5 * scale - of_apart * apart) / determinant
        (s, c, u, v), (ts, tc, tu, tv), (area, tarea) = p.axes, p.taxes, p.areas
        hu, wv, thu, twv = p.h**2 * u, p.w**2 * v, p.th**2 * tu, p.tw**2 * tv
        both, across_c, along_s = area + tarea, p.c2 * across, p.s2 * along
        return (
            2 * of_apart * (hu * c - wv * s + thu * tc - twv * ts),
            2 * of_apart * (hu * s + wv * c + thu * ts + twv * tc),
            2 * (of_apart * p.w * v**2 + of_determinant * (both * p.h - across_c * p.th - along_s * p.tw))
            - 0.5 * scale / p.w,
            2 * (of_apart * p.h * u**2 + of_determinant * (both * p.w + across_c * p.tw + along_s * p.th))
            - 0.5 * scale / p.h,
            2 * (of_apart * u * v * (p.h**2 - p.w**2) + of_determinant * p.sin * p.cos * (across**2 - along**2)),
        )

    return values, slopes


def of_distance(p, distance):
    """f / (1 + f) of f = log(1 + distance)."""
    f = p.xp.log1p(distance)
    return f / (1 + f)


def slope_of_distance(distance):
    """Its slope."""
    return 1 / ((1 + distance) * np.square(1 + np.log1p(distance)))


def wasserstein(p):
    """The squared distance, and what its slopes are made of."""
    straight, crossed = p.w * p.tw + p.h * p.th, p.w * p.th + p.h * p.tw
    root = p.xp.sqrt(p.c2 * straight**2 + p.s2 * crossed**2)
    shape = p.xp.where(
        p.oblong >= 0,
        (p.w - p.tw) ** 2 + (p.h - p.th) ** 2 + 2 * p.s2 * p.oblong / (straight + root),
        (p.w - p.th) ** 2 + (p.h - p.tw) ** 2 - 2 * p.c2 * p.oblong / (crossed + root),
    )
    return p.dx**2 + p.dy**2 + 0.25 * shape, (straight, crossed, root)


def gwd_formula(p):
    """Of the Wasserstein distance."""
    return of_distance(p, wasserstein(p)[0])


def gwd(p):
    """The same, and its slopes."""
    distance, (straight, crossed, root) = wasserstein(p)

    def slopes():
        scale, c, s = slope_of_distance(distance), p.c2 * straight / root, p.s2 * crossed / root
        half = 0.5 * scale
        return (
            2 * scale * p.dx,
            2 * scale * p.dy,
            half * (p.w - c * p.tw - s * p.th),
            half * (p.h - c * p.th - s * p.tw),
            -half * p.sin * p.cos * p.oblong / root,
        )

    return of_distance(p, distance), slopes


def kullback_leibler(p):
    """The divergence of the input from the target, and the inverse squared sides of the target."""
    _, _, tu, tv = p.taxes
    (area, tarea), in_w, in_h = p.areas, 1 / p.tw**2, 1 / p.th**2
    spread = p.c2 * (p.w**2 * in_w + p.h**2 * in_h) + p.s2 * (p.h**2 * in_w + p.w**2 * in_h)
    return 2 * (tu**2 * in_w + tv**2 * in_h) + 0.5 * spread + p.xp.log(tarea / area) - 1, (in_w, in_h)


def kld_formula(p):
    """Of the Kullback-Leibler divergence."""
    return of_distance(p, kullback_leibler(p)[0])


def kld(p):
    """The same, and its slopes."""
    distance, (in_w, in_h) = kullback_leibler(p)

    def slopes():
        scale, (ts, tc, tu, tv) = slope_of_distance(distance), p.taxes
        along, across = 4 * scale * tu * in_w, 4 * scale * tv * in_h
        return (
            along * tc - across * ts,
            along * ts + across * tc,
            scale * (p.w * (p.c2 * in_w + p.s2 * in_h) - 1 / p.w),
            scale * (p.h * (p.c2 * in_h + p.s2 * in_w) - 1 / p.h),
            scale * p.sin * p.cos * (p.w**2 - p.h**2) * (in_w - in_h),
        )

    return of_distance(p, distance), slopes


def mean_of(loss):
    """The peer of a loss `f(pairs) -> (values, slopes)`, where the slopes are computed by a call."""

    def numpy(mode, out, input, target):
        values, slopes = loss(Pairs(np, np.ascontiguousarray(input.T).T, np.ascontiguousarray(target.T).T))
        value = values.mean() if mode.value else None
        if not mode.gradient:
            return value, None
        out = np.empty_like(input) if out is None else out
        for k, slope in enumerate(slopes()):
            np.multiply(slope, 1 / len(values), out=out[:, k])
        return value, out

    return numpy


def formula_of(each):
    """The mean of a formula of pairs."""
    return lambda xp, input, target: each(Pairs(xp, input, target)).mean()


FORMULAS = {
    "probiou_loss": (probiou, probiou_formula),
    "gwd_loss": (gwd, gwd_formula),
    "kld_box_loss": (kld, kld_formula),
}

CASES = {
    name: Boxes(numpy=mean_of(by_hand), jax=formula_of(formula), torch=formula_of(formula))
    for name, (by_hand, formula) in FORMULAS.items()
}
