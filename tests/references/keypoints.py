"""References of the losses of keypoints.

Lin et al. (2014) and the code of COCO's evaluation, Ronchi and Perona (2017), Maji et al. (2022).
"""

import numpy as np

from references.keypoints_schema import KeypointCase, KeypointReference, Term

# Of COCO's `cocoeval.Params`, which has ten times these.
COCO = (0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)
COCO_SIGMAS = tuple(round(sigma / 10, 4) for sigma in COCO)


def one_minus_similarity(e):
    similarity = np.exp(-e)
    return Term(-np.expm1(-e), similarity, -similarity)


def oks_torch(torch, input, target, area, sigmas, visible, eps):
    """Ultralytics' KeypointLoss before its mean over the instances, with a mask for weights."""
    d = (input - target).pow(2).sum(-1)
    e = d / ((2 * sigmas).pow(2) * (area[..., None] + eps) * 2)
    factor = visible.shape[-1] / visible.sum(-1)
    return (factor[..., None] * ((1 - torch.exp(-e)) * visible)).mean(-1)


# A keypoint five away from where it should be, and one in place; e is 25 / (2 * 0.25 * 100).
AWAY = {"input": ((13.0, 14.0), (20.0, 12.0)), "target": ((10.0, 10.0), (20.0, 12.0)), "area": 100.0}
PERSON = np.zeros((17, 2))
MOVED = PERSON + np.eye(17, 2)  # the nose by one in x, the left eye by one in y

KEYPOINT_REFERENCES = (
    KeypointReference(
        name="oks_loss",
        term=one_minus_similarity,
        torch=oks_torch,
        sigmas=COCO_SIGMAS,
        defaults={"eps": 1e-9},
        options={"eps": (1e-3, 2.0**-52, 4.0)},
        golden=(
            KeypointCase({**AWAY, "sigmas": 0.25}, {}, 0.1967346701),  # (1 - exp(-1/2)) / 2
            KeypointCase({**AWAY, "sigmas": (0.25, 0.5), "visible": (1, 0)}, {}, 0.3934693403),
            KeypointCase({**AWAY, "sigmas": (0.25, 0.5), "visible": (1.0, 3.0)}, {}, 0.0983673351),
            KeypointCase({**AWAY, "sigmas": 0.25}, {"eps": 100.0}, 0.1105996085),  # (1 - exp(-1/4)) / 2
            KeypointCase(
                {"input": MOVED, "target": PERSON, "area": 1000.0},
                {},
                (2 - np.exp(-1 / (8 * 0.026**2 * 1000)) - np.exp(-1 / (8 * 0.025**2 * 1000))) / 17,
            ),
        ),
        outside={"area": -1.0, "sigmas": 0.0, "visible": -0.5},
    ),
)
