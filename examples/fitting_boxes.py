"""Boxes fitted by gradient descent from places without an overlap: IoU, GIoU and DIoU side by side.

The IoU is flat there, so that its loss moves no box. GIoU widens boxes until they meet their targets, DIoU moves them.

Run it with `python examples/fitting_boxes.py`; with `docs/boxes.svg` behind it, it also draws the picture of
docs/losses.md, and needs matplotlib for that.
"""

import sys

import numpy as np

import fastloss as fl

LOSSES = {"IoU": fl.box_iou_loss, "GIoU": fl.generalized_box_iou_loss, "DIoU": fl.distance_box_iou_loss}
FORMATS = ("cxcywh", "xyxy")  # of the boxes that are fitted, and of their targets
STEPS = 300


def make_pairs(rng, n):
    """Boxes on a ring around their targets: centres and sizes, and corners of the targets."""
    angle, distance = rng.uniform(0, 2 * np.pi, n), rng.uniform(2, 3, n)
    centres = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sizes, target_sizes = rng.uniform(0.8, 1.6, (2, n, 2))
    return np.hstack([centres, sizes]), np.hstack([-target_sizes, target_sizes]) / 2


def fit(loss, boxes, targets, rate=0.3):
    """The boxes before the first step and after each. Steps are in logarithms of sizes, so that these stay positive."""
    path = [boxes]
    for step in range(STEPS):
        gradient = loss.grad(path[-1], targets, fmt=FORMATS, reduction="sum")  # of each pair by itself
        moves = rate * (step / STEPS - 1) * gradient  # they shrink: the gradient does not, at a perfect fit
        centres, sizes = np.hsplit(path[-1], 2)
        path.append(np.hstack([centres + moves[:, :2], sizes * np.exp(sizes * moves[:, 2:])]))
    return np.array(path)


def mean_iou(path, targets):
    """Of all pairs, after each step."""
    return np.array([1 - fl.box_iou_loss(boxes, targets, fmt=FORMATS) for boxes in path])


def draw(paths, targets, file):
    """For each loss the way of four boxes, and beside these the mean IoU of all."""
    import matplotlib.pyplot as plt

    def add(panel, x, y, width, height, **look):
        panel.add_patch(plt.Rectangle((x - width / 2, y - height / 2), width, height, **look))

    plt.rcParams.update({"svg.hashsalt": "boxes", "svg.fonttype": "none"})  # the same file every time, text as text
    figure, panels = plt.subplots(1, len(paths) + 1, figsize=(13, 3.4), layout="constrained")
    looks = {0: {"ls": "--"}, 15: {"alpha": 0.4}, 30: {"alpha": 0.4}, 60: {"alpha": 0.4}, STEPS: {"lw": 2}}  # of steps
    for panel, (name, path) in zip(panels, paths.items(), strict=False):
        for i, (right, up) in enumerate([(0, 0), (5, 0), (0, 5), (5, 5)]):
            add(panel, right, up, *(targets[i, 2:] - targets[i, :2]), color="0.8")
            for step, look in looks.items():
                x, y, *size = path[step, i]
                add(panel, x + right, y + up, *size, fill=False, color="C0", **look)
        panel.set(title=name, xlim=(-3.5, 8.5), ylim=(-3.5, 8.5), aspect="equal", xticks=[], yticks=[])
        panels[-1].plot(mean_iou(path, targets), label=name)
    panels[-1].set(title=f"mean IoU of {len(targets)} pairs", xlabel="step")
    panels[-1].legend()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main(picture=None):
    boxes, targets = make_pairs(np.random.default_rng(0), 200)
    paths = {name: fit(loss, boxes, targets) for name, loss in LOSSES.items()}
    found = {name: mean_iou(path, targets) for name, path in paths.items()}
    for name, overlap in found.items():
        print(f"{name:5}mean IoU after 0, 50, 100 and {STEPS} steps: {np.round(overlap[[0, 50, 100, STEPS]], 2)}")
    if picture:
        draw(paths, targets, picture)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
