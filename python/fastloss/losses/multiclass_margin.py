"""Losses of class scores: how far the right class is ahead, and several right classes at once."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="multiclass_margin",
    task="classification",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="margin",
    kinks={"input[y] - input[c] = margin": "0"},
    reference="torch.nn.functional.multi_margin_loss",
    aliases=("multiclass hinge loss", "Weston-Watkins loss"),
)
def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    p: float = 1.0,
    margin: float = 1.0,
) -> None:
    """Hinge loss of several classes: every class that is not behind the right one by the margin costs.

    ::

        l = w_y / C * sum_(c != y) max(0, margin - z_y + z_c)**p      for the class index y

    A support vector machine for several classes (Weston and Watkins). The scores are no logits, and no
    probabilities come of them.

    Parameters
    ----------
    {scores}
    target : array_like
        Class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
        classes. Beside an input of shape (C,) also of shape (1,), which "none" then has, as in torch.
    weight : array_like, optional
        Weight of each class, of shape (C,) or a number. That of the right class multiplies the loss of the
        row, and is in no denominator. Default: ones.
    p : float, default 1.0
        1, or 2 for squares.
    margin : float, default 1.0
        By how much the right class must be ahead.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient of a row in a score z_c of another class: w_y / C where margin - z_y + z_c > 0 (p = 1), or
    2 * w_y / C * max(0, margin - z_y + z_c) (p = 2); in z_y minus their sum. At the tie it is 0, as in torch.
    The second derivative for p = 1 is 0 everywhere.

    References
    ----------
    ``torch.nn.functional.multi_margin_loss``; J. Weston and C. Watkins, "Support Vector Machines for
    Multi-Class Pattern Recognition", ESANN 1999.

    Examples
    --------
    >>> import fastloss as fl
    >>> z = [[0.1, 0.2, 0.4, 0.8]]
    >>> fl.multi_margin_loss(z, [3]).round(6)  # (0.3 + 0.4 + 0.6) / 4
    np.float64(0.325)
    >>> fl.multi_margin_loss.grad(z, [3])
    array([[ 0.25,  0.25,  0.25, -0.75]])
    >>> fl.multi_margin_loss(z, [3], p=2.0).round(6)
    np.float64(0.1525)

    """


@declare(
    family="multiclass_margin",
    task="classification",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="margin",
    kinks={"input[y] - max input[c] = margin": "-1", "max input[c]": "first"},
    reference="K. Crammer and Y. Singer, Multiclass Kernel-Based Vector Machines, 2001",
    aliases=("Crammer-Singer loss", "multiclass perceptron loss"),
)
def categorical_hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
) -> None:
    """Hinge loss of several classes: the right one must be ahead of the best other one by the margin.

    ::

        l = max(0, margin - z_y + max_(c != y) z_c)      for the class index y

    A support vector machine for several classes (Crammer and Singer). The scores are no logits, and no
    probabilities come of them. With a margin of 0 it is the loss of the multiclass perceptron.

    Parameters
    ----------
    {scores}
    {class_indices}
    margin : float, default 1.0
        By how much the right class must be ahead.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient of a row: -1 in the score of the right class and 1 in that of the best other one (the first, if
    several are equal) where margin - z_y + max z_c >= 0, else 0. The second derivative is 0.

    References
    ----------
    K. Crammer and Y. Singer, "On the Algorithmic Implementation of Multiclass Kernel-Based Vector Machines",
    Journal of Machine Learning Research 2, 2001.

    Examples
    --------
    >>> import fastloss as fl
    >>> z = [[0.5, 0.0, 0.25]]
    >>> fl.categorical_hinge_loss(z, [0])  # 1 - 0.5 + 0.25
    np.float64(0.75)
    >>> fl.categorical_hinge_loss.grad(z, [0])
    array([[-1.,  0.,  1.]])
    >>> fl.categorical_hinge_loss(z, [1], margin=0.0)
    np.float64(0.5)

    """


@declare(
    family="multiclass_margin",
    task="classification",
    convex=True,
    differentiable="C1",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    reference="A. F. T. Martins and R. F. Astudillo, From Softmax to Sparsemax, 2016",
    aliases=("sparsemax loss",),
)
def multiclass_sparsemax_loss(
    input: ArrayLike,
    target: ArrayLike,
) -> None:
    """Loss of the sparsemax: a softmax that gives unlikely classes the probability 0.

    ::

        p = argmin |p - z|**2      over probabilities p: the projection onto the simplex
        l = sum_c(p_c * (z_c - p_c / 2)) - z_y + 1/2      for the class index y

    Use it where probabilities of exactly 0 are wanted. It is 0, and its gradient with it, as soon as the
    right class is ahead of all others by 1.

    Parameters
    ----------
    {scores}
    {class_indices}

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient of a row: p - onehot(y). Its second derivative is that of the projection, which is constant as
    long as the same classes have probabilities above 0.

    References
    ----------
    A. F. T. Martins and R. F. Astudillo, "From Softmax to Sparsemax: A Sparse Model of Attention and
    Multi-Label Classification", ICML 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.multiclass_sparsemax_loss([[0.5, 0.0]], [0])  # (1 - 0.5)**2 / 4
    np.float64(0.0625)
    >>> fl.multiclass_sparsemax_loss.grad([[0.5, 0.0, -1.0]], [1])
    array([[ 0.75, -0.75,  0.  ]])
    >>> fl.multiclass_sparsemax_loss([[1.5, 0.0]], [0])
    np.float64(0.0)

    """


@declare(
    family="multiclass_margin",
    task="multi-label classification",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="margin",
    kinks={"input[j] - input[i] = 1": "0"},
    reference="torch.nn.functional.multilabel_margin_loss",
    aliases=("multi-label hinge loss",),
)
def multilabel_margin_loss(input: ArrayLike, target: ArrayLike) -> None:
    """Hinge loss of samples with several right classes: each of them against every class that is not right.

    ::

        l = 1/C * sum_(j listed) sum_(i not listed) max(0, 1 - (z_j - z_i))

    The scores are no logits, and no probabilities come of them. The time it takes is that of
    `multi_margin_loss` times the number of right classes.

    Parameters
    ----------
    {scores}
    target : array_like
        The right classes of each row, of input's shape and of any integer dtype: along the axis of the classes
        class indices from 0 to C - 1 up to the first -1. A class that is listed twice counts twice. What
        stands behind the -1 does not matter, but must be a class or -1. An unsigned dtype has no -1: there
        the list is the whole row.

    Returns
    -------
    {reductions}

    Raises
    ------
    IndexError
        If a number in `target`, behind the end of a list too, is neither a class index nor -1; but for masked
        rows. No other negative number ends a list.

    Notes
    -----
    Gradient of a row: of each pair (j, i) with z_j - z_i < 1 it has 1 / C at i and -1 / C at j. The second
    derivative is 0. A row without right classes, and one of which all classes are right, has the loss 0
    whatever its scores are, and counts in the mean.

    References
    ----------
    ``torch.nn.functional.multilabel_margin_loss``, for int64 and the classes on the last axis of one or two.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.multilabel_margin_loss([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]]).round(6)  # 3 and 0 against 1 and 2
    np.float64(0.85)
    >>> fl.multilabel_margin_loss.grad([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]])
    array([[-0.5,  0.5,  0.5, -0.5]])
    >>> fl.multilabel_margin_loss([[0.5, 0.0], [0.0, 2.0]], [[0, -1], [-1, -1]], reduction="none")
    array([0.25, 0.  ])

    """


@declare(
    family="multiclass_margin",
    task="multi-label classification",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="torch.nn.functional.multilabel_soft_margin_loss",
)
def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
) -> None:
    """Binary cross-entropy of every class, for samples that may belong to several classes or to none.

    ::

        l = -1/C * sum_c w_c * (t_c * log(sigmoid(z_c)) + (1 - t_c) * log(sigmoid(-z_c)))

    Pass logits. It is `binary_cross_entropy_with_logits` averaged over the classes of a row, and so has one
    loss for each row.

    Parameters
    ----------
    {logits}
    target : array_like
        Which classes are right, of input's shape: 1 or 0, or probabilities between.
    {class_weight}

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients of a row: w * (sigmoid(z) - t) / C in input, -w * z / C in target. Logits of either infinity
    cost 0 or inf, and never NaN.

    References
    ----------
    ``torch.nn.functional.multilabel_soft_margin_loss``. There the classes are always on the last axis; here
    they are where `axis` says.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.multilabel_soft_margin_loss([[1.0, -1.0]], [[1.0, 0.0]]).round(6)  # log(1 + exp(-1))
    np.float64(0.313262)
    >>> fl.multilabel_soft_margin_loss.grad([[0.0, 0.0]], [[1.0, 0.0]])
    array([[-0.25,  0.25]])
    >>> fl.multilabel_soft_margin_loss([[0.0, 0.0]], [[1.0, 0.5]], [1.0, 3.0]).round(6)
    np.float64(1.386294)

    """
