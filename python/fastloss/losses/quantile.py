"""Losses whose minimum is a quantile or an expectile of the target, instead of its median or mean."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="quantile",
    task="quantile regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target": "0"},
    reference="R. Koenker and G. Bassett, Regression Quantiles, 1978",
    also_named=("pinball_loss",),
    aliases=("pinball loss", "check loss", "tilted absolute error", "newsvendor loss"),
)
def quantile_loss(input: ArrayLike, target: ArrayLike, quantile: ArrayLike = 0.5) -> None:
    """Quantile loss, or pinball loss: its minimum is a quantile of the target.

    ::

        l = quantile * (target - input)          where input <= target
            (1 - quantile) * (input - target)    elsewhere

    Use it where a bound or an interval is wanted and not a mean: a model fitted with quantile=0.9
    predicts what the target stays below nine times out of ten. A prediction that is too low costs
    quantile / (1 - quantile) times as much as one that is as much too high.

    Parameters
    ----------
    input : array_like
        Predictions of the quantile, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    quantile : array_like, default 0.5
        Which quantile is wanted, strictly between 0 and 1: one number, or an array that aligns to the
        *trailing* axes of input, such as one number for each column of an input of shape (N, Q).

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If a quantile is not strictly between 0 and 1, in every call and not only under errstate.

    Notes
    -----
    Gradients: in input -quantile where it is too low and 1 - quantile where it is too high; the
    opposite in target; target - input in quantile. At the kink, input = target, the subgradient is 0,
    so that half of `l1_loss` is this loss with quantile=0.5 there too. The second derivative is 0
    everywhere.

    For several quantiles of one target, see `multi_quantile_loss`; for a gradient without a jump,
    `huber_quantile_loss` and `expectile_loss`. PyTorch has no such loss; scikit-learn's
    `PinballLoss` has the gradient -quantile at the kink.

    References
    ----------
    R. Koenker and G. Bassett, "Regression Quantiles", Econometrica 46(1), 1978.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.quantile_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0], quantile=0.75)  # (0.375 + 0.125 + 0 + 0.25) / 4
    np.float64(0.1875)
    >>> fl.quantile_loss.grad([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0], quantile=0.75, reduction="sum")
    array([-0.75,  0.25,  0.  ,  0.25])

    Three quantiles at once, one for each column; the target has one column, which is broadcast:

    >>> predictions = [[1.0, 2.0, 4.0], [0.0, 1.0, 1.0]]
    >>> targets = [[3.0], [1.0]]
    >>> fl.quantile_loss(predictions, targets, [0.25, 0.5, 0.75], reduction="none")
    array([[0.5 , 0.5 , 0.25],
           [0.25, 0.  , 0.  ]])
    """


@declare(
    family="quantile",
    task="quantile regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target": "0"},
    reference="R. Wen et al., A Multi-Horizon Quantile Recurrent Forecaster, 2017",
    aliases=("MQ loss", "multi-quantile loss"),
)
def multi_quantile_loss(input: ArrayLike, target: ArrayLike, quantiles: ArrayLike = (0.1, 0.5, 0.9)) -> None:
    """Quantile loss of several quantiles of each target, which lie along the last axis of the input.

    ::

        l = quantiles * (target - input)          where input <= target
            (1 - quantiles) * (input - target)    elsewhere

    Use it where a model predicts an interval or a whole distribution: Q numbers for each target,
    averaged as a rough approximation of the continuous ranked probability score.

    Parameters
    ----------
    input : array_like
        Predictions of shape (..., Q): along the last axis the Q quantiles of one target.
    target : array_like
        Targets of shape (...), input's shape without its last axis; of input's rank with extents of 1
        where they are broadcast; or one number.
    quantiles : array_like, default (0.1, 0.5, 0.9)
        The quantiles that are predicted, strictly between 0 and 1, of shape (Q,). They need not be in
        order.

    Returns
    -------
    scalar or ndarray
        ============  ===================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input, which has Q)
        "batchmean"   sum(l) / input.shape[0]
        ============  ===================================================

    Raises
    ------
    ValueError
        If the last axis of input is not as long as quantiles, or a quantile is not strictly between 0
        and 1, in every call and not only under errstate.

    Notes
    -----
    Gradients: in input -q where it is too low and 1 - q where it is too high, q being the quantile of
    its column; the opposite in target and target - input in quantiles, each summed over the axes that
    it is broadcast along. At a kink, input = target, the subgradient is 0. The second derivative is 0
    everywhere.

    Nothing here keeps the quantiles from crossing: each is fitted by itself.

    References
    ----------
    R. Wen, K. Torkkola, B. Narayanaswamy and D. Madeka, "A Multi-Horizon Quantile Recurrent
    Forecaster", NIPS Time Series Workshop, 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> predictions = [[1.0, 2.0, 4.0], [1.0, 0.0, 1.0]]  # three quantiles of two targets
    >>> fl.multi_quantile_loss(predictions, [3.0, 0.0], reduction="none")
    array([[0.2, 0.5, 0.1],
           [0.9, 0. , 0.1]])
    >>> fl.multi_quantile_loss(predictions, [3.0, 0.0], quantiles=[0.25, 0.5, 0.75])
    np.float64(0.375)
    >>> fl.multi_quantile_loss.grad(predictions, [3.0, 0.0], quantiles=[0.25, 0.5, 0.75], reduction="sum")
    array([[-0.25, -0.5 ,  0.25],
           [ 0.75,  0.  ,  0.25]])
    """


@declare(
    family="quantile",
    task="quantile regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target, with delta = 0": "0"},
    reference="W. Dabney et al., Distributional Reinforcement Learning with Quantile Regression, 2018",
    aliases=("quantile Huber loss", "QR-DQN loss"),
)
def huber_quantile_loss(input: ArrayLike, target: ArrayLike, quantile: ArrayLike = 0.5, *, delta: float = 1.0) -> None:
    """Quantile loss that is squared near the target, so that its gradient has no jump.

    ::

        u = target - input
        l = |quantile - 1{u < 0}| * u**2 / (2 * delta)     where |u| < delta
            |quantile - 1{u < 0}| * (|u| - delta / 2)      elsewhere

    Use it where the quantile loss is wanted and its kink hurts: with few data, or in distributional
    reinforcement learning, where it is the loss of QR-DQN. With delta = 0 it is `quantile_loss`.

    Parameters
    ----------
    input : array_like
        Predictions of the quantile, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    quantile : array_like, default 0.5
        Which quantile is wanted, strictly between 0 and 1: one number, or an array that aligns to the
        *trailing* axes of input, such as one number for each column of an input of shape (N, Q).
    delta : float, default 1.0
        Where the loss turns from quadratic to linear, in the units of the target; at least 0.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If a quantile is not strictly between 0 and 1, in every call and not only under errstate.

    Notes
    -----
    Gradients, with c = |quantile - 1{u < 0}|: in input -c u / delta near the target and -c sign(u)
    elsewhere, the opposite in target; in quantile the smoothed |u| with the sign of u. The second
    derivative jumps at u = 0 from (1 - quantile) / delta to quantile / delta, which it is at u = 0
    itself, and to 0 at |u| = delta.

    The Huber function is divided by delta here, as in QR-DQN: far from the target the loss is that of
    `quantile_loss`, less a constant, whatever delta is. The minimum is the quantile only as delta goes
    to 0; in general it lies between the quantile and the expectile.

    References
    ----------
    W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, "Distributional Reinforcement Learning with
    Quantile Regression", AAAI, 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.huber_quantile_loss([2.0, 2.5, 5.0], [3.0, 3.0, 3.0], quantile=0.75, reduction="none")
    array([0.375  , 0.09375, 0.375  ])
    >>> fl.huber_quantile_loss.grad([2.0, 2.5, 5.0], [3.0, 3.0, 3.0], quantile=0.75, reduction="sum")
    array([-0.75 , -0.375,  0.25 ])
    >>> fl.huber_quantile_loss([2.0, 2.5, 5.0], [3.0, 3.0, 3.0], quantile=0.75, delta=0.0, reduction="none")
    array([0.75 , 0.375, 0.5  ])
    """


@declare(
    family="quantile",
    task="expectile regression",
    convex=True,
    differentiable="C1",
    twice_differentiable=False,
    robust=False,
    units="target squared",
    reference="W. K. Newey and J. L. Powell, Asymmetric Least Squares Estimation and Testing, 1987",
    aliases=("asymmetric least squares", "asymmetric squared error"),
)
def expectile_loss(input: ArrayLike, target: ArrayLike, tau: ArrayLike = 0.5) -> None:
    """Expectile loss: squared error with different weights above and below the target.

    ::

        u = target - input
        l = |tau - 1{u < 0}| * u**2

    Use it as a smooth relative of `quantile_loss`: its minimum, the expectile, is to the mean what the
    quantile is to the median, and it depends on how far the targets lie out and not only on how many do.

    Parameters
    ----------
    input : array_like
        Predictions of the expectile, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    tau : array_like, default 0.5
        Which expectile is wanted, strictly between 0 and 1: one number, or an array that aligns to the
        *trailing* axes of input, such as one number for each column of an input of shape (N, Q).

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If tau is not strictly between 0 and 1, in every call and not only under errstate.

    Notes
    -----
    Gradients, with c = |tau - 1{u < 0}|: -2 c u in input, the opposite in target, and u**2 with the sign
    of u in tau. They have no jump; the second derivative is 2 c, which jumps at u = 0, and is 2 tau
    there. With tau = 0.5 this is half of `mse_loss`.

    References
    ----------
    W. K. Newey and J. L. Powell, "Asymmetric Least Squares Estimation and Testing", Econometrica 55(4),
    1987.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.expectile_loss([1.0, 3.0], [3.0, 1.0], tau=0.75, reduction="none")
    array([3., 1.])
    >>> fl.expectile_loss.grad([1.0, 3.0], [3.0, 1.0], tau=0.75, reduction="sum")
    array([-3.,  1.])
    >>> fl.expectile_loss([[1.0, 1.0]], [[3.0]], tau=[0.5, 0.75], reduction="none")  # a level for each column
    array([[2., 3.]])
    """
