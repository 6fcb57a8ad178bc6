"""References of the losses of pairs of rotated boxes, as distances of normal distributions.

Llerena et al. (2021) and Yang et al. (2021, two papers). The formulas have no matrices: determinants and traces are
written as sums of what is not negative, which do not cancel between boxes that are alike. `boxes_torch` and
`test_definition` have the matrices.
"""

import numpy as np

from references import boxes_torch
from references.boxes_schema import BoxCase, BoxReference, RotatedPair
from references.jets import decay, excess, log, log1p, of_one, sqrt, square, where
from references.units import LONG

EPS = (1.0,)  # some of the boxes that are drawn have shorter sides
LARGEST = LONG(1e18)


def capped(distance):
    """What is above counts as the largest distance, and does not change."""
    return where(distance.value <= LARGEST, distance, distance.constant(LARGEST))


def probiou_value(pair, mode):
    """Covariances are those of boxes that are filled evenly: w^2 / 12 along the width."""
    s2, c2 = pair.turn2
    areas = pair.w * pair.h * (pair.tw * pair.th)
    wider, higher = pair.w - pair.tw, pair.h - pair.th
    # The difference of the areas, h tw - w th and h th - w tw.
    larger = wider * pair.h + pair.tw * higher
    straight = higher * pair.tw - wider * pair.th
    turned = (pair.h - pair.w) * pair.th + pair.w * (pair.th - pair.tw)
    more = square(larger) + c2 * square(straight) + s2 * square(turned)
    excess = capped(more / (areas * 4))  # 4 (1 + excess) areas / 144 is the determinant of the sum of both covariances
    (u, v), (tu, tv) = pair.shift, pair.tshift
    apart = square(pair.h * u) + square(pair.w * v) + square(pair.th * tu) + square(pair.tw * tv)
    bhattacharyya = capped(apart / areas) * 0.75 / (excess + 1) + log1p(excess) * 0.5
    return bhattacharyya if mode == "l2" else sqrt(decay(bhattacharyya))


def of_distance(distance, tau, fun):
    """1 - 1 / (tau + f(distance))."""
    distance, tau = capped(distance), LONG(tau)
    f = log1p(distance) if fun == "log1p" else sqrt(distance)
    whole = tau + f.value
    return of_one(f, (tau - 1 + f.value) / whole, 1 / whole**2, -2 / whole**3)


def gwd_value(pair, tau, fun):
    """Covariances have the halves of the sides as deviations."""
    s2, c2 = pair.turn2
    p, q = pair.w * pair.tw + pair.h * pair.th, pair.w * pair.th + pair.h * pair.tw
    root = sqrt(c2 * square(p) + s2 * square(q))
    alike = square(pair.w - pair.tw) + square(pair.h - pair.th) + s2 * pair.oblong * 2 / (p + root)
    crossed = square(pair.w - pair.th) + square(pair.h - pair.tw) - c2 * pair.oblong * 2 / (q + root)
    shape = where(pair.oblong.value >= 0, alike, crossed)
    u, v = pair.shift  # along sides, and so by the angle, to which rounding errors of the distance belong
    return of_distance(square(u) + square(v) + shape * 0.25, tau, fun)


def kld_value(pair, tau, fun):
    """The covariances are the same."""
    s2, c2 = pair.turn2
    tu, tv = pair.tshift
    apart = (square(tu / pair.tw) + square(tv / pair.th)) * 2
    turned = pair.oblong / square(pair.tw * pair.th) * 0.5
    alike = of_ratio(pair.w, pair.tw) + of_ratio(pair.h, pair.th) + s2 * turned
    crossed = of_ratio(pair.w, pair.th) + of_ratio(pair.h, pair.tw) - c2 * turned
    return of_distance(apart + where(pair.oblong.value >= 0, alike, crossed), tau, fun)


def of_ratio(x, y):
    """(r^2 - 1) / 2 - log r for the ratio r of two lengths."""
    r, more = x / y, (x - y) / y
    near = np.abs(more.value) < 0.5
    near_one = where(near, more, 0)
    return where(near, square(near_one) * 0.5 + excess(near_one), (square(r) - 1) * 0.5 - log(r))


# Upright and lying, at one place; the third is the first, turned by a right angle.
UPRIGHT, LYING = (1.0, 2.0, 2.0, 4.0, 0.0), (1.0, 2.0, 4.0, 2.0, 0.0)
TURNED = (1.0, 2.0, 2.0, 4.0, np.pi / 2)
# Squares, apart by 5.
SQUARE, MOVED = (0.0, 0.0, 2.0, 2.0, 0.3), (3.0, 4.0, 2.0, 2.0, 1.1)
FIRST, SECOND = (0.0, 0.0, 4.0, 2.0, 0.5), (1.0, -0.5, 3.0, 1.0, -0.25)
FLAT = (1.0, 2.0, 2.0, 0.0, 0.0)


def of_f(f, tau=1.0):
    """What the losses make of a function of a distance."""
    return 1 - 1 / (tau + f)


DEFAULTS = {"tau": 1.0, "fun": "log1p", "eps": 1e-7}
OPTIONS = {"tau": (2.0, 100.0), "fun": ("sqrt",), "eps": EPS}
COMBINED = ({"tau": 3.0, "fun": "sqrt", "eps": 1e-9}, {"fun": "sqrt", "eps": 1.0})

# Those of FIRST and SECOND are mpmath's, of the definitions with matrices.
BOX_REFERENCES = (
    BoxReference(
        name="probiou_loss",
        value=probiou_value,
        torch=boxes_torch.probiou,
        defaults={"mode": "l1", "eps": 1e-7},
        options={"mode": ("l2",), "eps": EPS},
        combined_options=({"mode": "l2", "eps": 1.0}, {"eps": 1e-9}),
        golden=(
            BoxCase(UPRIGHT, LYING, {}, np.sqrt(0.2)),
            BoxCase(UPRIGHT, LYING, {"mode": "l2"}, np.log(1.25)),
            BoxCase(UPRIGHT, TURNED, {"mode": "l2"}, np.log(1.25)),
            BoxCase(LYING, TURNED, {"mode": "l2"}, 0.0),
            BoxCase(SQUARE, MOVED, {"mode": "l2"}, 9.375),  # 25 / 8 * 3
            BoxCase(SQUARE, MOVED, {}, np.sqrt(1 - np.exp(-9.375))),
            BoxCase(FIRST, SECOND, {}, 0.664254080063667),
            BoxCase(FIRST, SECOND, {"mode": "l2"}, 0.582023572652307),
            BoxCase(FLAT, UPRIGHT, {"mode": "l2", "eps": 1.0}, np.log(2.125) / 2),
        ),
        symmetric=True,
        boxes=RotatedPair,
    ),
    BoxReference(
        name="gwd_loss",
        value=gwd_value,
        torch=boxes_torch.gwd,
        defaults=DEFAULTS,
        options=OPTIONS,
        combined_options=COMBINED,
        golden=(
            BoxCase(UPRIGHT, LYING, {}, of_f(np.log(3))),  # the distance is 2
            BoxCase(UPRIGHT, TURNED, {"fun": "sqrt"}, of_f(np.sqrt(2))),
            BoxCase(UPRIGHT, LYING, {"tau": 2.0}, of_f(np.log(3), 2)),
            BoxCase(LYING, TURNED, {}, 0.0),
            BoxCase(LYING, TURNED, {"tau": 2.0}, 0.5),
            BoxCase(SQUARE, MOVED, {}, of_f(np.log(26))),
            BoxCase(SQUARE, MOVED, {"fun": "sqrt", "tau": 4.0}, 8 / 9),
            BoxCase(FIRST, SECOND, {}, 0.561468668389858),
            BoxCase(FIRST, SECOND, {"fun": "sqrt"}, 0.617120433330355),
            BoxCase(FLAT, UPRIGHT, {"eps": 1.0}, of_f(np.log(3.25))),  # (4 - 1)^2 / 4
        ),
        symmetric=True,
        boxes=RotatedPair,
    ),
    BoxReference(
        name="kld_box_loss",
        value=kld_value,
        torch=boxes_torch.kld,
        defaults=DEFAULTS,
        options=OPTIONS,
        combined_options=COMBINED,
        golden=(
            BoxCase(UPRIGHT, LYING, {}, of_f(np.log(2.125))),  # the trace is 1/4 + 4
            BoxCase(UPRIGHT, TURNED, {"fun": "sqrt"}, of_f(np.sqrt(1.125))),
            BoxCase(LYING, TURNED, {}, 0.0),
            BoxCase(SQUARE, MOVED, {}, of_f(np.log(13.5))),
            BoxCase(SQUARE, MOVED, {"fun": "sqrt", "tau": 2.0}, of_f(np.sqrt(12.5), 2)),
            BoxCase(FIRST, SECOND, {}, 0.609533581657327),
            BoxCase(SECOND, FIRST, {}, 0.441987693566459),
            BoxCase(SECOND, FIRST, {"fun": "sqrt"}, 0.523600480438214),
            BoxCase(FLAT, UPRIGHT, {"eps": 1.0}, of_f(np.log(1 + 15 / 32 + np.log(4) - 15 / 16))),
        ),
        boxes=RotatedPair,
    ),
)
