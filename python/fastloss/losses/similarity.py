"""Contrastive losses: of the similarities of all pairs of a batch of embeddings, whose matrix is never held."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="similarity",
    task="contrastive learning",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="A. van den Oord, Y. Li and O. Vinyals, Contrastive Predictive Coding, 2018",
    aliases=(
        "InfoNCE",
        "multiple negatives ranking loss",
        "MNRL",
        "in-batch softmax loss",
        "contrastive cross-entropy",
    ),
)
def info_nce_loss(
    input: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike | None = None,
    temperature: ArrayLike = 0.1,
    *,
    symmetric: bool = False,
    in_batch: bool = True,
) -> None:
    """InfoNCE: a cross-entropy that finds each sample's positive among the others' and further negatives.

    ::

        s(a, b) = (a . b) / (|a| |b| temperature)
        l_i = -log(exp(s(input_i, positive_i)) / (exp(s(input_i, positive_i)) + sum_b exp(s(input_i, b))))
            b = positive_j of every j other than i (in_batch), and every row of negative, or of negative_i

    Use it where pairs are what there is: a query and its answer, a sentence and its translation, two crops of an image.
    Large batches make it harder and better; `negative` adds rows that are like the anchors and no positives.

    Parameters
    ----------
    input : array_like
        Embeddings of the anchors, of shape (N, D).
    positive : array_like
        Embeddings of their positives, of input's shape.
    negative : array_like, optional
        Further negatives: of shape (M, D), all of them of every row of input; or (N, K, D), K of each.
    {temperature}
    symmetric : bool, default False
        Whether positives are anchors as well, which find their input among the inputs; a unit's loss is the mean of
        both.
    in_batch : bool, default True
        Whether the positives of other samples are negatives. If not, those in `negative` are alone.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `temperature` is not above 0, or in_batch=False stands beside symmetric=True or without `negative`.

    Notes
    -----
    Units are the samples, (N,). A sample that has no negative has the loss 0.

    {pair_rules}

    A loss is log(1 + sum exp(s(input_i, b) - s(input_i, positive_i))), so that a small one has all its digits.

    Other libraries are this with

    - sentence-transformers' ``MultipleNegativesRankingLoss``: temperature=0.05, its scale being 1 / temperature.
    - lightly's ``NTXentLoss`` and SimCLR are `nt_xent_loss`, which has both views of other samples as negatives.

    References
    ----------
    A. van den Oord, Y. Li and O. Vinyals, "Representation Learning with Contrastive Predictive Coding",
    arXiv:1807.03748, 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> anchors, positives = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
    >>> fl.info_nce_loss(anchors, positives).round(4)  # log(1 + exp((0.6 - 0.8) / 0.1))
    np.float64(0.1269)
    >>> fl.info_nce_loss(anchors, positives, [[-1.0, 0.0]], temperature=0.5, in_batch=False, reduction="none").round(4)
    array([0.027 , 0.1839])
    >>> fl.info_nce_loss.grad(anchors, positives, wrt="input").round(4)
    array([[0.    , 0.1192],
           [0.1192, 0.    ]])
    """


@declare(
    family="similarity",
    task="contrastive learning",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="T. Chen et al., SimCLR, 2020",
    aliases=("NT-Xent", "normalized temperature-scaled cross-entropy", "SimCLR loss"),
)
def nt_xent_loss(
    input: ArrayLike,
    other: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    memory: ArrayLike | None = None,
    memory_labels: ArrayLike | None = None,
    temperature: ArrayLike = 0.5,
) -> None:
    """NT-Xent, the loss of SimCLR: each of two views of a sample finds the other among all views of the batch.

    ::

        z = all 2 N rows of input and other,   s(a, b) = (a . b) / (|a| |b| temperature)
        l_i = -log(exp(s(z_i, z_p)) / sum_j exp(s(z_i, z_j)))     j other than i; z_p is the other view of z_i

    With labels in the place of other, z is input, and each row with the label of i finds its way alone among those
    of other labels::

        l_i = -mean over p of log(exp(s(z_i, z_p)) / (exp(s(z_i, z_p)) + sum_n exp(s(z_i, z_n))))

    Use it to learn embeddings without labels, from two augmentations of each sample; or from more than two views, with
    labels that tell samples apart. A row is never compared with itself, neither in the value nor in the gradient.

    Parameters
    ----------
    input : array_like
        Embeddings of one view of each sample, or of all rows, of shape (N, D).
    other : array_like, optional
        Embeddings of the other view, of input's shape.
    labels : array_like, optional
        Labels of the rows of input, (N,): any numbers of any integer dtype. Either other or labels must be given.
    memory : array_like, optional
        Embeddings of earlier batches, of shape (M, D): every row of this one is compared with them, too. They are
        negatives, or with labels positives of the rows of their label. They are no anchors, and no gradient is in them
        unless `wrt` says so.
    memory_labels : array_like, optional
        Labels of the rows of memory, (M,). Given with labels, and only then.
    temperature : array_like, default 0.5
        What similarities are divided by, above 0: a number, or an array of shape (). It has a gradient, for those who
        learn it.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `temperature` is not above 0, not one of other and labels is given, or memory lacks the labels that input
        has.

    Notes
    -----
    Units are the rows of input and those of other behind them, (2 N,); with labels those of input, (N,). One whose
    other view is masked, or that is alone with its label, has no positive and counts nowhere; it is a negative of
    others all the same.

    {pair_rules}

    Only one half of the tiles is computed, as the other mirrors it: a pair of blocks of rows gives the sums and
    gradients of both.

    Other libraries are this with

    - lightly's ``NTXentLoss`` without a memory bank, MONAI's ``ContrastiveLoss``: the same temperature. With a bank,
      whose rows are the only negatives there, it is `info_nce_loss` with ``negative=bank, in_batch=False``, as in MoCo.
    - pytorch-metric-learning's ``CrossBatchMemory`` around ``NTXentLoss``: memory and memory_labels. The rows of the
      batch are in its memory already; here they are compared with each other anyway, and the memory holds older ones.
    - optax's ``ntxent`` and pytorch-metric-learning's ``NTXentLoss``: labels, and temperature=0.07. `supcon_loss` has
      the other positives in each denominator as well.

    References
    ----------
    T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A Simple Framework for Contrastive Learning of Visual
    Representations", ICML 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> one, other = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
    >>> fl.nt_xent_loss(one, other, reduction="none").round(4)
    array([0.6271, 0.6271, 1.1143, 1.1143])
    >>> fl.nt_xent_loss(one, other).round(4)
    np.float64(0.8707)
    >>> fl.nt_xent_loss(one + other, labels=[0, 1, 0, 1]).round(4)
    np.float64(0.8707)
    """


@declare(
    family="similarity",
    task="contrastive learning",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="A. Radford et al., CLIP, 2021",
    aliases=("CLIP", "symmetric InfoNCE", "image-text contrastive loss", "ITC"),
)
def clip_loss(image: ArrayLike, text: ArrayLike, logit_scale: ArrayLike = 2.659260036932778) -> None:
    """The loss of CLIP: each image finds its text among all texts, and each text its image.

    ::

        s_ij = exp(logit_scale) * (image_i . text_j) / (|image_i| |text_j|)
        l_i = -(log(exp(s_ii) / sum_j exp(s_ij)) + log(exp(s_ii) / sum_j exp(s_ji))) / 2

    Use it for pairs of two kinds, such as images and texts, whose encoders differ. The scale is learned with them: its
    logarithm is an operand with a gradient, ``wrt="logit_scale"``.

    Parameters
    ----------
    image : array_like
        Embeddings of images, of shape (N, D).
    text : array_like
        Embeddings of their texts, of image's shape.
    logit_scale : array_like, default 2.659260036932778
        Logarithm of what the cosines are multiplied with, of 1 / 0.07 by default: a number, or an array of shape ().
        CLIP keeps it below log(100).

    Returns
    -------
    {reductions}

    Notes
    -----
    Units are the samples, (N,).

    {pair_rules}

    It is `info_nce_loss` with ``symmetric=True`` and temperature=exp(-logit_scale). open_clip's ``ClipLoss`` takes
    exp(logit_scale) and embeddings that have the length 1 already.

    References
    ----------
    A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> images, texts = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
    >>> fl.clip_loss(images, texts).round(4)
    np.float64(0.0558)
    >>> fl.clip_loss.grad(images, texts, wrt="logit_scale").round(4)
    np.float64(-0.1552)
    """


@declare(
    family="similarity",
    task="contrastive learning",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="X. Zhai et al., SigLIP, 2023",
    aliases=("SigLIP", "sigmoid loss for language image pre-training", "pairwise sigmoid loss"),
)
def siglip_loss(image: ArrayLike, text: ArrayLike, scale: ArrayLike = 10.0, bias: ArrayLike = -10.0) -> None:
    """The loss of SigLIP: of each pair of an image and a text, whether they belong together.

    ::

        s_ij = scale * (image_i . text_j) / (|image_i| |text_j|) + bias
        l_i = -log(sigmoid(s_ii)) - sum_j log(sigmoid(-s_ij))     j other than i

    Use it in the place of `clip_loss`: every pair has a binary cross-entropy of its own, no sum over the batch is in
    another's denominator, and small batches do as well. The bias, which is learned as the scale is, makes up for
    there being so many more negatives.

    Parameters
    ----------
    image : array_like
        Embeddings of images, of shape (N, D).
    text : array_like
        Embeddings of their texts, of image's shape.
    scale : array_like, default 10.0
        What the cosines are multiplied with: a number, or an array of shape ().
    bias : array_like, default -10.0
        What is added to them: a number, or an array of shape ().

    Returns
    -------
    {reductions}

    Notes
    -----
    Units are the samples, (N,): the pairs of one image with all texts.

    {pair_rules}

    The paper learns the logarithm of the scale, whose gradient is scale times that in scale. open_clip's ``SigLipLoss``
    takes exp of it, and embeddings that have the length 1 already.

    References
    ----------
    X. Zhai, B. Mustafa, A. Kolesnikov and L. Beyer, "Sigmoid Loss for Language Image Pre-Training", ICCV 2023.

    Examples
    --------
    >>> import fastloss as fl
    >>> images, texts = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
    >>> fl.siglip_loss(images, texts).round(4)  # log(1 + exp(10 - 8)) + log(1 + exp(6 - 10))
    np.float64(2.1451)
    >>> fl.siglip_loss.grad(images, texts, wrt=("scale", "bias"))[1].round(4)
    np.float64(-0.8628)
    """


@declare(
    family="similarity",
    task="contrastive learning",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="P. Khosla et al., Supervised Contrastive Learning, 2020",
    aliases=("SupCon", "supervised contrastive loss"),
)
def supcon_loss(
    input: ArrayLike,
    target: ArrayLike,
    memory: ArrayLike | None = None,
    memory_labels: ArrayLike | None = None,
    temperature: ArrayLike = 0.1,
    *,
    base_temperature: float | None = None,
) -> None:
    """Supervised contrastive loss: rows of one label are to be more alike than rows of different ones.

    ::

        s(a, b) = (a . b) / (|a| |b| temperature)
        l_i = -mean over p of log(exp(s(x_i, x_p)) / sum_j exp(s(x_i, x_j)))     j other than i
            p = every other row with the label of i, in the memory too

    Use it to learn embeddings from labels. It is the loss L_out of the paper, whose mean is outside of the logarithm,
    and has all other rows in the denominator, those of the same label too.

    Parameters
    ----------
    input : array_like
        Embeddings, of shape (N, D). Several views of a sample are rows with the same label.
    target : array_like
        Labels, (N,): any numbers of any integer dtype.
    memory : array_like, optional
        Embeddings of earlier batches, of shape (M, D), which every row of this one is compared with, too. They are no
        anchors, and no gradient is in them unless `wrt` says so.
    memory_labels : array_like, optional
        Labels of the rows of memory, (M,). Given with memory, and only then.
    {temperature}
    base_temperature : float, optional
        Multiplies the loss by temperature / base_temperature, so that gradients of different temperatures are of one
        size, as the authors' code does with 0.07. Default: it is not multiplied.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `temperature` is not above 0, or one of memory and memory_labels is given without the other.

    Notes
    -----
    Units are the rows, (N,). One that is alone with its label, in the memory too, has no positive and counts nowhere:
    the mean over none is NaN.

    {pair_rules}

    What an anchor has of its positives is computed from the sums of the rows of each label.

    Other libraries are this with

    - the authors' ``SupConLoss``: ``temperature=0.07, base_temperature=0.07``, of all views as rows.
    - pytorch-metric-learning's ``SupConLoss``: the same temperature. Rows without a positive are 0 there and counted by
      some reducers; and an anchor without a negative is 0 there.

    References
    ----------
    P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> x, labels = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], [0, 0, 1]
    >>> fl.supcon_loss(x, labels, temperature=0.5, reduction="none").round(4)  # the last is alone
    array([0.1839, 0.513 , 0.    ])
    >>> fl.supcon_loss(x, labels, temperature=0.5).round(4)
    np.float64(0.3485)
    >>> earlier, their_labels = [[0.0, 1.0], [-1.0, 0.0]], [1, 0]
    >>> fl.supcon_loss(x, labels, earlier, their_labels, temperature=0.5, reduction="none").round(4)
    array([2.1585, 2.4677, 0.5423])
    """


@declare(
    family="similarity",
    task="contrastive learning",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="C.-H. Yeh et al., Decoupled Contrastive Learning, 2022",
    aliases=("DCL", "DCLW", "decoupled contrastive loss"),
)
def dcl_loss(
    input: ArrayLike, positive: ArrayLike, temperature: ArrayLike = 0.1, *, sigma: float | None = None
) -> None:
    """Decoupled contrastive loss: NT-Xent without the positive in the denominator.

    ::

        z = all 2 N rows of input and positive,   s(a, b) = (a . b) / (|a| |b| temperature)
        d_i = -w s(z_i, z_p) + log(sum_j exp(s(z_i, z_j)))     j other than i and p; z_p is the positive of z_i
        l = the mean of d over both rows of a sample
        w = 1, or with sigma: 2 - exp(cos(z_i, z_p) / sigma) / (mean of that over the samples)

    Use it in the place of `nt_xent_loss` where batches are small: a pair that is alike already keeps its gradient.

    Parameters
    ----------
    input : array_like
        Embeddings of one view of each sample, of shape (N, D).
    positive : array_like
        Embeddings of the other view, of input's shape.
    {temperature}
    sigma : float, optional
        Weighs positives, those that are least alike the most (DCLW; the paper has 0.5). The weights are constants in
        the gradient. Default: all weights are 1.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If `temperature` is not above 0.

    Notes
    -----
    Units are the samples, (N,). One without negatives, as it is alone, counts nowhere.

    {pair_rules}

    The paper's code has the two views' losses in turn, and one logarithm over the negatives of both views, as here;
    lightly's ``DCLLoss`` adds two logarithms, each over the negatives of one view.

    References
    ----------
    C.-H. Yeh, C.-Y. Hong, Y.-C. Hsu, T.-L. Liu, Y. Chen and Y. LeCun, "Decoupled Contrastive Learning", ECCV 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> one, other = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.0, 1.0]]
    >>> fl.dcl_loss(one, other, temperature=0.5).round(4)
    np.float64(-0.4218)
    >>> fl.dcl_loss(one, other, temperature=0.5, sigma=0.5).round(4)
    np.float64(-0.3823)
    """
