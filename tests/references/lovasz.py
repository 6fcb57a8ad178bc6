"""References of the Lovász losses: errors of pixels.

Berman, Rannen Triki and Blaschko (2018); Yu and Blaschko (2015) for the hinge.
"""

import numpy as np

from references.lovasz_schema import LovaszCase, LovaszReference


def hinge(x, t):
    """1 - x (2 t - 1)."""
    sign = np.where(t, 1, -1).astype(x.dtype)
    return 1 - x * sign, -sign


def distance(p, t):
    """|p - t|."""
    difference = p - t.astype(p.dtype)
    return np.abs(difference), np.sign(difference)


# Errors 1.5, 0.5, 0 and -1; one, then the other of the two pixels of the mask are wrong: 1.5 / 3 + 0.5 / 3.
FOUR = ((2.0, 0.5, -1.0, 0.5), (1, 1, 0, 0))
# Errors of both classes 0.4 and 0.1: 0.4 / 2 + 0.1 / 2 and 0.4.
TWO = (np.array([[[0.9, 0.4], [0.1, 0.6]]]), np.array([[0, 1]]))
# All is class 0: 0.6 / 2 + 0.1 / 2, and of class 1, which is absent, the largest error 0.6.
ABSENT = (TWO[0], np.array([[0, 0]]))

LOVASZ_REFERENCES = (
    LovaszReference(
        name="lovasz_hinge_loss",
        error=hinge,
        has_classes=False,
        defaults={"per_image": False},
        options={"per_image": (True,)},
        golden=(
            LovaszCase(FOUR, {}, 2 / 3),
            LovaszCase(((3.0, -1.0), (0, 0)), {}, 4.0),  # nothing is in the mask: the largest error
            LovaszCase(((-1.0, 3.0), (1, 1)), {}, 1.0),  # 2 / 2
            LovaszCase((((2.0, 0.5), (-1.0, 0.5)), ((1, 1), (0, 0))), {}, 2 / 3),
            LovaszCase((((2.0, 0.5), (-1.0, 0.5)), ((1, 1), (0, 0))), {"per_image": True}, 0.875),  # 0.25 and 1.5
        ),
    ),
    LovaszReference(
        name="lovasz_softmax_loss",
        error=distance,
        has_classes=True,
        defaults={"from_logits": False, "per_image": False, "classes": "present"},
        options={"from_logits": (True,), "per_image": (True,), "classes": ("all",)},
        combined_options=({"from_logits": True, "per_image": True, "classes": "all"},),
        golden=(
            LovaszCase(TWO, {}, 0.325),
            LovaszCase(ABSENT, {}, 0.35),
            LovaszCase(ABSENT, {"classes": "all"}, 0.475),
            LovaszCase((np.log(TWO[0]), TWO[1]), {"from_logits": True}, 0.325),
        ),
    ),
)
