"""Losses of the margin, the product of a score and a label, that have a kink or a corner in their slope."""

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
        are broadcast; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    margin : float, default 1.0
        The score, in the right direction, at which an example stops counting.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data: **labels 0 and
        1 passed as "signed" give every negative example a constant loss and no gradient.**

    Returns
    -------
    {reductions}

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


@declare(
    family="margin",
    task="binary classification",
    convex=True,
    differentiable="C1",
    twice_differentiable=False,
    robust=False,
    units="margin squared",
    reference="C.-J. Hsieh et al., A Dual Coordinate Descent Method for Large-Scale Linear SVM, 2008",
    aliases=("L2-SVM loss", "quadratic hinge loss"),
)
def squared_hinge_loss(
    input: ArrayLike, target: ArrayLike, *, margin: float = 1.0, labels: Literal["signed", "01"] = "signed"
) -> None:
    """Square of the hinge loss.

    ::

        l = max(0, margin - y * input)**2     with y = target (-1 or 1), or 2 * target - 1 for labels 0 and 1

    Use it for a maximum margin where a gradient without jumps is wanted, as second-order solvers
    do. An example that is wrong by much counts quadratically: `hinge_loss` is the choice when
    labels are noisy.

    Parameters
    ----------
    input : array_like
        Scores, of any shape.
    target : array_like
        Labels, of any numeric dtype. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    margin : float, default 1.0
        The score, in the right direction, at which an example stops counting.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, with h = max(0, margin - y * input): -2 * y * h in input, -2 * input * h in target
    (twice that for labels 0 and 1). The second derivative is 2 where y * input <= margin and 0
    elsewhere. A value that overflows still has its finite gradient.

    References
    ----------
    C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi and S. Sundararajan, "A Dual Coordinate
    Descent Method for Large-Scale Linear SVM", International Conference on Machine Learning, 2008.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.squared_hinge_loss([0.5, 1.0, 2.0], [1, -1, 1], reduction="none")
    array([0.25, 4.  , 0.  ])
    >>> fl.squared_hinge_loss.grad([0.5, 1.0, 2.0], [1, -1, 1], reduction="sum")
    array([-1.,  4.,  0.])
    >>> fl.squared_hinge_loss([0.5, 1.0, 2.0], [1, 0, 1], labels="01", reduction="sum")
    np.float64(4.25)
    """


@declare(
    family="margin",
    task="binary classification",
    convex=True,
    differentiable="C1",
    twice_differentiable=False,
    robust=True,
    units="margin squared",
    reference="T. Zhang, Solving Large Scale Linear Prediction Problems Using SGD Algorithms, 2004",
    aliases=("smoothed hinge loss", "quadratically smoothed hinge loss"),
)
def modified_huber_loss(input: ArrayLike, target: ArrayLike, *, labels: Literal["signed", "01"] = "signed") -> None:
    """Squared hinge loss that goes on as a straight line for gross errors.

    ::

        m = y * input             with y = target (-1 or 1), or 2 * target - 1 for labels 0 and 1
        l = max(0, 1 - m)**2      where m >= -1
            -4 * m                elsewhere

    Use it like `squared_hinge_loss` where some labels are wrong. A score s estimates a probability
    as well: (clip(s, -1, 1) + 1) / 2.

    Parameters
    ----------
    input : array_like
        Scores, of any shape.
    target : array_like
        Labels, of any numeric dtype. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients: -2 * y * max(0, 1 - m) in input where m >= -1, and -4 * y elsewhere; in target the
    same with input in place of y (twice that for labels 0 and 1). Value and gradient are continuous
    at m = -1 and at m = 1; the second derivative is 2 between them, both included, and 0 outside.

    References
    ----------
    T. Zhang, "Solving Large Scale Linear Prediction Problems Using Stochastic Gradient Descent
    Algorithms", International Conference on Machine Learning, 2004.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.modified_huber_loss([0.5, 1.0, 3.0], [1, -1, -1], reduction="none")
    array([ 0.25,  4.  , 12.  ])
    >>> fl.modified_huber_loss.grad([0.5, 1.0, 3.0], [1, -1, -1], reduction="sum")
    array([-1.,  4.,  4.])
    >>> fl.modified_huber_loss([0.5, 1.0, 3.0], [1, 0, 0], labels="01", reduction="sum")
    np.float64(16.25)
    """


@declare(
    family="margin",
    task="binary classification",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="margin",
    kinks={"input = 0": "-target"},
    reference="F. Rosenblatt, The Perceptron, 1958",
    aliases=("perceptron criterion",),
)
def perceptron_loss(input: ArrayLike, target: ArrayLike, *, labels: Literal["signed", "01"] = "signed") -> None:
    """Loss of the perceptron: the score, where it points the wrong way.

    ::

        l = max(0, -y * input)     with y = target (-1 or 1), or 2 * target - 1 for labels 0 and 1

    Use it for online linear classification: a step along the gradient is the perceptron's rule. It
    asks for no margin, so that scores of 0 have no loss; `hinge_loss` generalises better.

    Parameters
    ----------
    input : array_like
        Scores, of any shape.
    target : array_like
        Labels, of any numeric dtype. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients where y * input <= 0: -y in input, -input in target (-2 * input for labels 0 and 1); 0
    elsewhere. At the kink, a score of 0, the gradient is -y as in scikit-learn, so that a model
    that starts at zero learns. The second derivative is 0 everywhere.

    References
    ----------
    F. Rosenblatt, "The Perceptron: A Probabilistic Model for Information Storage and Organization
    in the Brain", Psychological Review 65(6), 1958.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.perceptron_loss([0.5, 1.5, 0.0], [1, -1, 1], reduction="none")
    array([0. , 1.5, 0. ])
    >>> fl.perceptron_loss.grad([0.5, 1.5, 0.0], [1, -1, 1], reduction="sum")
    array([ 0.,  1., -1.])
    >>> fl.perceptron_loss([0.5, 1.5, 0.0], [1, 0, 1], labels="01", reduction="sum")
    np.float64(1.5)
    """


@declare(
    family="margin",
    task="learning embeddings",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="distance",
    kinks={"input = margin, target = -1": "-1"},
    reference="torch.nn.functional.hinge_embedding_loss",
)
def hinge_embedding_loss(input: ArrayLike, target: ArrayLike, *, margin: float = 1.0) -> None:
    """Distances as they are for similar pairs, and what they lack of a margin for dissimilar ones.

    ::

        l = input                      where target is 1
            max(0, margin - input)     where target is -1

    Use it to learn embeddings from pairs that are known to be similar or dissimilar. Input is a
    distance, not a score: a similar pair has no margin within which it stops counting.

    Parameters
    ----------
    input : array_like
        Distances of pairs, of any shape.
    target : array_like
        1 for similar pairs and -1 for dissimilar ones, of any numeric dtype. Of input's shape; of
        its rank with extents of 1 where they are broadcast; or one number. **Any other value gets the sum
        of both lines above**, as in PyTorch; it is an error only under ``errstate(domain="raise")``.
    margin : float, default 1.0
        The distance from which a dissimilar pair stops counting.

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in input is 1 where target is 1; where it is -1, it is -1 up to the margin, the
    margin included, and 0 beyond. The second derivative is 0 everywhere. There is no gradient in
    target, which chooses between two formulas.

    References
    ----------
    ``torch.nn.functional.hinge_embedding_loss``; R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality
    Reduction by Learning an Invariant Mapping", IEEE Conference on Computer Vision and Pattern
    Recognition, 2006.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge_embedding_loss([0.25, 0.25, 3.0], [1, -1, -1], reduction="none")
    array([0.25, 0.75, 0.  ])
    >>> fl.hinge_embedding_loss.grad([0.25, 0.25, 3.0], [1, -1, -1], reduction="sum")
    array([ 1., -1.,  0.])
    >>> fl.hinge_embedding_loss([0.25, 0.25, 3.0], [1, -1, -1], margin=4.0, reduction="sum")
    np.float64(5.0)
    """
