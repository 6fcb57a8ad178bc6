"""Losses of the margin: the product of a score and a label."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="margin",
    task="binary classification",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="margin",
    kinks={"target * input = margin": "-target"},
    reference="C. Cortes and V. Vapnik, Support-Vector Networks, 1995",
    aliases=("SVM loss", "max-margin loss"),
)
def hinge_loss(
    input: ArrayLike, target: ArrayLike, *, margin: float = 1.0, labels: Literal["signed", "01"] = "signed"
) -> None:
    """Hinge loss, of support vector machines.

    ::

        l = max(0, margin - y * input)     with y = target (-1 or 1), or 2 * target - 1 for labels 0 and 1

    Use it for classification with a maximum margin. An example that is right by more than the
    margin adds nothing to the value or the gradient; the scores are not calibrated probabilities.

    Parameters
    ----------
    input : array_like
        Scores, of any shape.
    target : array_like
        Labels, of any numeric dtype. Of input's shape; of its rank with extents of 1 where they
        stretch; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    margin : float, default 1.0
        The score, in the right direction, at which an example stops counting.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data: **labels 0 and
        1 passed as "signed" give every negative example a constant loss and no gradient.**

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

    Notes
    -----
    Gradients where y * input <= margin: -y in input, -input in target (-2 * input for labels 0 and
    1); 0 elsewhere. At the kink, y * input = margin, the gradient is that of the violated side, -y.
    The second derivative is 0 everywhere.

    torch.nn.functional has no hinge loss of this form; optax and Keras do, and Keras changes labels
    0 and 1 to -1 and 1 by itself.

    References
    ----------
    C. Cortes and V. Vapnik, "Support-Vector Networks", Machine Learning 20(3), 1995.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge_loss([0.2, 0.4, 1.2], [1, -1, 1]).round(10)
    np.float64(0.7333333333)
    >>> fl.hinge_loss.grad([0.2, 0.4, 1.2], [1, -1, 1], reduction="sum")
    array([-1.,  1.,  0.])
    >>> fl.hinge_loss([0.2, 0.4, 1.2], [1, 0, 1], labels="01").round(10)
    np.float64(0.7333333333)
    """
