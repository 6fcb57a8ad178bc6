"""A rare class of pixels, by `cross_entropy` alone and by `dice_ce_loss`: the same model, and as many steps.

The picture is scikit-image's section of a gland, stained brown, with nuclei that are blue where the brown is not. The
model sees it in grey, and has to tell three classes that are taken from the colours: the light tissue, what is brown,
and the blue nuclei, which have one pixel in eighty. It learns from the left half and is judged by the right one.

Run it with `python examples/segmentation.py`, which needs scikit-image; with `docs/segmentation.png` behind it, it also
draws the picture of docs/losses.md.
"""

import sys

import numpy as np
from scipy import ndimage
from skimage import data, io

import fastloss as fl

CLASSES = ("light tissue", "brown", "nuclei")
COLOURS = np.array([[235, 235, 235], [190, 140, 90], [30, 60, 200]], np.uint8)
LOSSES = {"cross_entropy": fl.cross_entropy, "dice_ce_loss": fl.dice_ce_loss}
SCALES = (1, 2, 4, 8)  # pixels


def load():
    """The colours of a 256 x 256 picture, from 0 to 1, and the class of each pixel."""
    colours = data.immunohistochemistry().reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)) / 255
    blue = ndimage.gaussian_filter(colours[..., 2] - colours[..., 0], 1)
    return colours, np.where(blue < -0.1, 1, np.where(blue > 0.11, 2, 0))


def features_of(grey):
    """What filters of several widths see around each pixel: lightness, edges, blobs, and how much it varies."""
    found = [grey]
    for scale in SCALES:
        mean = ndimage.gaussian_filter(grey, scale)
        variance = ndimage.gaussian_filter(grey**2, scale) - mean**2
        edges, blobs = ndimage.gaussian_gradient_magnitude(grey, scale), ndimage.gaussian_laplace(grey, scale)
        found += [mean, np.sqrt(np.maximum(variance, 0)), scale * edges, scale**2 * blobs]
    features = np.stack(found)
    return (features - features.mean(axis=(1, 2), keepdims=True)) / features.std(axis=(1, 2), keepdims=True)


def scores(weights, features):
    """The hidden layer, and the scores of the classes, (classes, rows, columns)."""
    first, offsets, second, biases = weights
    hidden = np.tanh(np.einsum("hf,fyx->hyx", first, features, optimize=True) + offsets)
    return hidden, np.einsum("ch,hyx->cyx", second, hidden, optimize=True) + biases


def fit(loss, features, classes, hidden=16, steps=150, rate=0.01):
    """Adam on all pixels of one sample. The weights begin the same for every loss."""
    rng = np.random.default_rng(0)
    weights = [
        rng.normal(size=(hidden, len(features))) / np.sqrt(len(features)),
        np.zeros((hidden, 1, 1)),
        rng.normal(size=(len(CLASSES), hidden)) / np.sqrt(hidden),
        np.zeros((len(CLASSES), 1, 1)),
    ]
    means, squares = [0 * w for w in weights], [0 * w for w in weights]
    for step in range(1, steps + 1):
        activity, z = scores(weights, features)
        g = loss.grad(z[np.newaxis], classes[np.newaxis])[0]
        back = np.einsum("ch,cyx->hyx", weights[2], g, optimize=True) * (1 - activity**2)
        gradients = [
            np.einsum("hyx,fyx->hf", back, features, optimize=True),
            back.sum(axis=(1, 2), keepdims=True),
            np.einsum("cyx,hyx->ch", g, activity, optimize=True),
            g.sum(axis=(1, 2), keepdims=True),
        ]
        for w, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            w -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def overlap(found, true):
    """The Dice score and the IoU of two sets of pixels."""
    common, either = (found & true).sum(), (found | true).sum()
    return 2 * common / (common + either), common / either


def draw(colours, classes, predicted, file):
    """What the model sees, the truth, and what each loss has taught it, side by side."""
    grey = np.repeat(colours.mean(axis=-1, keepdims=True) * 255, 3, axis=-1).astype(np.uint8)
    panels = [grey, *(COLOURS[found] for found in (classes, *predicted.values()))]
    gap = np.full((len(grey), 6, 3), 255, np.uint8)
    row = np.concatenate([each for panel in panels for each in (panel, gap)][:-1], axis=1)
    io.imsave(file, row.repeat(2, axis=0).repeat(2, axis=1), check_contrast=False)


def main(picture=None):
    colours, classes = load()
    features = features_of(colours.mean(axis=-1))
    seen, unseen = np.s_[..., :128], np.s_[..., 128:]
    print(f"of the pixels that are judged, {(classes[unseen] == 2).mean():.1%} are nuclei")
    predicted = {}
    for name, loss in LOSSES.items():
        weights = fit(loss, features[seen], classes[seen])
        predicted[name] = scores(weights, features[unseen])[1].argmax(axis=0)
    found = {
        name: [overlap(those == c, classes[unseen] == c) for c in range(len(CLASSES))]
        for name, those in predicted.items()
    }
    for name, of_classes in found.items():
        text = "; ".join(f"{each} {dice:.2f}, {iou:.2f}" for each, (dice, iou) in zip(CLASSES, of_classes, strict=True))
        print(f"{name:14}Dice score and IoU: {text}")
    if picture:
        draw(colours[:, 128:], classes[unseen], predicted, picture)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
