"""Losses of embeddings and a proxy of each class: cross-entropies of scaled cosines, with margins."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="proxies",
    task="learning embeddings of classes",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="nats",
    kinks={"angle = 0": "finite", "angle = pi - margin": "as if below"},
    reference="J. Deng, J. Guo, N. Xue and S. Zafeiriou, ArcFace, 2019",
    aliases=("ArcFace", "additive angular margin loss", "sub-center ArcFace"),
)
def arcface_loss(
    input: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike = 64.0,
    *,
    margin: float = 0.5,
    subcenters: int = 1,
) -> None:
    """ArcFace: a cross-entropy of cosines with the proxies of classes, in which the own angle is made wider.

    ::

        cos(t_ij) = (input_i . weight_j) / (|input_i| |weight_j|)
        l_i = log(1 + sum_j exp(scale * (cos(t_ij) - cos(t_iy + margin))))     j other than y, the class of i
              cos(t_iy) - margin * sin(margin) in the place of cos(t_iy + margin) where t_iy > pi - margin

    Use it to learn embeddings of many classes, such as faces of many people, that are told apart by their angles.
    Neither the cosines nor anything else of the size (N, C) is held.

    Parameters
    ----------
    {proxy_input}
    {proxy_weight}
    {proxy_target}
    {proxy_scale}
    margin : float, default 0.5
        What is added to the angle with the own class, in radians, from 0 to pi.
    {subcenters}

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `scale` is not above 0, or the proxies are not a multiple of `subcenters`.

    Notes
    -----
    {proxy_units}

    {proxy_rules}

    At an angle of 0 the cosine of the wider angle has no derivative: the gradient is finite there, and along no
    direction that the angle decides.

    Other libraries are this with

    - pytorch-metric-learning's ``ArcFaceLoss``: the margin in radians there is 28.6 degrees; its weight is transposed.
      ``SubCenterArcFaceLoss``: subcenters=3.

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR
    2019; J. Deng, J. Guo, T. Liu, M. Gong and S. Zafeiriou, "Sub-center ArcFace", ECCV 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, weight = [[1.0, 0.0], [0.0, 2.0]], [[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]]
    >>> fl.arcface_loss(x, weight, [0, 1], scale=1.0, margin=0.0, reduction="none").round(4)
    array([0.4791, 0.7121])
    """


@declare(
    family="proxies",
    task="learning embeddings of classes",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="H. Wang et al., CosFace, 2018",
    aliases=("CosFace", "large margin cosine loss", "additive margin softmax", "AM-Softmax"),
)
def cosface_loss(
    input: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike = 64.0,
    *,
    margin: float = 0.35,
    subcenters: int = 1,
) -> None:
    """CosFace: a cross-entropy of cosines with the proxies of classes, of which the own is to be larger by a margin.

    ::

        l_i = log(1 + sum_j exp(scale * (cos_ij - (cos_iy - margin))))     j other than y, the class of i

    Use it as `arcface_loss`; its margin is one of the cosine itself, which is simpler and has no kink.

    Parameters
    ----------
    {proxy_input}
    {proxy_weight}
    {proxy_target}
    {proxy_scale}
    margin : float, default 0.35
        What is subtracted from the cosine with the own class.
    {subcenters}

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `scale` is not above 0, or the proxies are not a multiple of `subcenters`.

    Notes
    -----
    {proxy_units}

    {proxy_rules}

    References
    ----------
    H. Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", CVPR 2018; F. Wang et al., "Additive
    Margin Softmax for Face Verification", 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, weight = [[1.0, 0.0], [0.0, 2.0]], [[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]]
    >>> fl.cosface_loss(x, weight, [0, 1], scale=1.0, margin=0.0, reduction="none").round(4)
    array([0.4791, 0.7121])
    """


@declare(
    family="proxies",
    task="learning embeddings of classes",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="nats",
    kinks={"margin * angle a multiple of pi": "0"},
    reference="W. Liu et al., SphereFace, 2017",
    aliases=("SphereFace", "A-Softmax", "multiplicative angular margin loss"),
)
def sphereface_loss(
    input: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike = 1.0,
    *,
    margin: float = 4.0,
    subcenters: int = 1,
) -> None:
    """SphereFace: a cross-entropy of cosines with the proxies of classes, in which the own angle is multiplied.

    ::

        psi(t) = (-1)**k * cos(margin * t) - 2 * k     k how often pi is in margin * t
        l_i = log(1 + sum_j exp(scale * (cos(t_ij) - psi(t_iy))))     j other than y, the class of i

    Use it where the first of these losses is asked for; `arcface_loss` and `cosface_loss` are easier to train.

    Parameters
    ----------
    {proxy_input}
    {proxy_weight}
    {proxy_target}
    scale : array_like, default 1.0
        What cosines are multiplied with, above 0: a number, or an array of shape (). It has a gradient.
    margin : float, default 4.0
        What the angle with the own class is multiplied with, at least 1.
    {subcenters}

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `scale` is not above 0, or the proxies are not a multiple of `subcenters`.

    Notes
    -----
    {proxy_units}

    {proxy_rules}

    References
    ----------
    W. Liu et al., "SphereFace: Deep Hypersphere Embedding for Face Recognition", CVPR 2017, whose scale is the length
    of the embedding.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, weight = [[1.0, 0.0], [0.0, 2.0]], [[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]]
    >>> fl.sphereface_loss(x, weight, [0, 1], margin=1.0, reduction="none").round(4)
    array([0.4791, 0.7121])
    """


@declare(
    family="proxies",
    task="learning embeddings of classes",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="nats",
    kinks={"angle = 0": "finite"},
    reference="J. Deng, J. Guo, N. Xue and S. Zafeiriou, ArcFace, 2019",
    aliases=("combined margin", "CombinedMarginLoss", "insightface margin"),
)
def combined_margin_loss(
    input: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike = 64.0,
    *,
    m1: float = 1.0,
    m2: float = 0.5,
    m3: float = 0.0,
    subcenters: int = 1,
) -> None:
    """The margins of SphereFace, ArcFace and CosFace in one formula.

    ::

        l_i = log(1 + sum_j exp(scale * (cos(t_ij) - (cos(m1 * t_iy + m2) - m3))))     j other than y, the class of i

    Use it to mix margins. Where m1 * t + m2 is beyond pi its cosine rises again; of one margin alone the other losses
    have a formula that falls all the way.

    Parameters
    ----------
    {proxy_input}
    {proxy_weight}
    {proxy_target}
    {proxy_scale}
    m1 : float, default 1.0
        What the angle with the own class is multiplied with, above 0.
    m2 : float, default 0.5
        What is added to it, in radians, at least 0.
    m3 : float, default 0.0
        What is subtracted from its cosine.
    {subcenters}

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `scale` is not above 0, or the proxies are not a multiple of `subcenters`.

    Notes
    -----
    {proxy_units}

    {proxy_rules}

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR
    2019, section 3.1.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, weight = [[1.0, 0.0], [0.0, 2.0]], [[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]]
    >>> fl.combined_margin_loss(x, weight, [0, 1], scale=1.0, m2=0.0, reduction="none").round(4)
    array([0.4791, 0.7121])
    """


@declare(
    family="proxies",
    task="learning embeddings of classes",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="A. Zhai and H.-Y. Wu, Classification is a Strong Baseline for Deep Metric Learning, 2019",
    aliases=("NormSoftmax", "normalized softmax", "cosine softmax"),
)
def normalized_softmax_loss(
    input: ArrayLike, weight: ArrayLike, target: ArrayLike, temperature: ArrayLike = 0.05
) -> None:
    """A cross-entropy of cosines with the proxies of classes, over a temperature.

    ::

        l_i = log(1 + sum_j exp((cos_ij - cos_iy) / temperature))     j other than y, the class of i

    Use it as the plain member of its family: a linear classifier whose weights and inputs have the length 1.

    Parameters
    ----------
    {proxy_input}
    {proxy_weight}
    {proxy_target}
    temperature : array_like, default 0.05
        What cosines are divided by, above 0: a number, or an array of shape (). It has a gradient.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `temperature` is not above 0.

    Notes
    -----
    {proxy_units}

    {proxy_rules}

    References
    ----------
    A. Zhai and H.-Y. Wu, "Classification is a Strong Baseline for Deep Metric Learning", BMVC 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, weight = [[1.0, 0.0], [0.0, 2.0]], [[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]]
    >>> fl.normalized_softmax_loss(x, weight, [0, 1], temperature=1.0, reduction="none").round(4)
    array([0.4791, 0.7121])
    """


@declare(
    family="proxies",
    task="learning embeddings of classes",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="Y. Movshovitz-Attias et al., No Fuss Distance Metric Learning using Proxies, 2017",
    aliases=("Proxy-NCA", "ProxyNCA", "neighbourhood component analysis with proxies"),
)
def proxy_nca_loss(input: ArrayLike, proxies: ArrayLike, target: ArrayLike, softmax_scale: ArrayLike = 1.0) -> None:
    """Proxy-NCA: each embedding is to be nearer to the proxy of its class than to others, by a softmax of distances.

    ::

        d_ij = |input_i / |input_i| - proxies_j / |proxies_j||**2
        l_i = log(1 + sum_j exp(softmax_scale * (d_iy - d_ij)))     j other than y, the class of i

    Use it where `normalized_softmax_loss` would do; it is the same with temperature = 1 / (2 softmax_scale).

    Parameters
    ----------
    {proxy_input}
    proxies : array_like
        A proxy of each class, of shape (C, D).
    {proxy_target}
    softmax_scale : array_like, default 1.0
        What squared distances are multiplied with, above 0: a number, or an array of shape (). It has a gradient.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `softmax_scale` is not above 0.

    Notes
    -----
    {proxy_units}

    {proxy_rules}

    The own proxy is in the denominator, as in pytorch-metric-learning's ``ProxyNCALoss`` and in Proxy-NCA++; in the
    first paper it is not.

    References
    ----------
    Y. Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", ICCV 2017; E. W. Teh, T. DeVries and
    G. W. Taylor, "ProxyNCA++", ECCV 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, proxies = [[1.0, 0.0], [0.0, 2.0]], [[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]]
    >>> fl.proxy_nca_loss(x, proxies, [0, 1], softmax_scale=0.5, reduction="none").round(4)
    array([0.4791, 0.7121])
    """
