"""The losses of embeddings in torch: its own functions, and where it has none the published formulas in its operations.

Each is unreduced, with features on the last axis.
"""

from __future__ import annotations


def pairwise(torch, x, y, p=2.0, eps=1e-6):
    """torch's, of tensors of one axis too."""
    return torch.nn.functional.pairwise_distance(x, y, p, eps)


def similarity(torch, x, y, eps=1e-8):
    """By the definition: below eps the gradient of torch's own is not that of its value."""
    norms = [torch.linalg.vector_norm(v, dim=-1).clamp_min(eps) for v in (x, y)]
    return (x * y).sum(-1) / (norms[0] * norms[1])


def cosine_embedding_loss(torch, input1, input2, target, margin):
    """torch's own."""
    loss = torch.nn.functional.cosine_embedding_loss
    flat = [x.reshape(-1, x.shape[-1]) for x in (input1, input2)]
    return loss(*flat, target.reshape(-1), margin, reduction="none").reshape(target.shape)


def cosine_distance_loss(torch, input, target, eps):
    """1 less torch's `cosine_similarity`."""
    return 1 - similarity(torch, input, target, eps)


def negative_cosine_loss(torch, input, target, eps):
    """Of SimSiam, without the stop."""
    return -similarity(torch, input, target, eps)


def contrastive_loss(torch, input1, input2, target, margin, eps, positive_label):
    """Hadsell et al. (2006), with labels either way."""
    d = pairwise(torch, input1, input2, eps=eps)
    alike = (target == positive_label).to(d.dtype)
    return alike * d**2 + (1 - alike) * (margin - d).clamp_min(0) ** 2


def triplet_margin_loss(torch, anchor, positive, negative, margin, p, eps, swap, smooth):
    """torch's own; with a softplus as in pytorch-metric-learning."""
    if not smooth:
        own = torch.nn.functional.triplet_margin_loss
        return own(anchor, positive, negative, margin, p, eps, swap, reduction="none")
    near = pairwise(torch, anchor, negative, p, eps)
    if swap:
        near = torch.minimum(near, pairwise(torch, positive, negative, p, eps))
    return torch.nn.functional.softplus(pairwise(torch, anchor, positive, p, eps) - near + margin)


def triplet_margin_with_distance_loss(torch, anchor, positive, negative, distance_function, margin, swap):
    """torch's own, with functions for the names."""
    own = torch.nn.functional.triplet_margin_with_distance_loss
    distance = {
        "l2": None,
        "l1": lambda x, y: pairwise(torch, x, y, 1.0),
        "sqeuclidean": lambda x, y: ((x - y) ** 2).sum(-1),
        "cosine": lambda x, y: 1 - similarity(torch, x, y),
        "dot": lambda x, y: -(x * y).sum(-1),
    }[distance_function]
    return own(anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction="none")


def margin_mse_loss(torch, query, positive, negative, target, similarity):
    """Of sentence-transformers, whose similarities are those of one query with two passages."""
    score = globals()["similarity"] if similarity == "cosine" else (lambda torch, x, y: (x * y).sum(-1))
    return (score(torch, query, positive) - score(torch, query, negative) - target) ** 2


def quadruplet_loss(torch, anchor, positive, negative, negative2, margin, margin2):
    """Chen et al. (2017), equation 8."""
    ap, an, nn = (((x - y) ** 2).sum(-1) for x, y in ((anchor, positive), (anchor, negative), (negative, negative2)))
    return (ap - an + margin).clamp_min(0) + (ap - nn + margin2).clamp_min(0)
