"""The cosine of the angle between two embeddings, as a function with gradients."""

from __future__ import annotations

from typing import Any, overload

from numpy.typing import ArrayLike, NDArray

from fastloss._function import Function


class CosineSimilarity(Function, function="cosine_similarity"):
    """Cosine of the angle between each embedding and another.

    ::

        cos = sum(x1 * x2) / (max(norm(x1), eps) * max(norm(x2), eps))

    Of embeddings that are pairs already: each vector of the one array with the vector at its place in the other.

    Parameters
    ----------
    {two_embeddings}
    {cosine_eps}
    {feature_axis}
    {distance_out}

    Returns
    -------
    {distance_result}

    Raises
    ------
    {distance_errors}

    Notes
    -----
    {embedding_rules}

    A vector of zeros has the cosine 0 with any other.

    References
    ----------
    ``torch.nn.functional.cosine_similarity``, whose gradient below eps is not that of its value, and whose axis is 1
    and called `dim`.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cosine_similarity([[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [0.0, 2.0]]).round(4)
    array([0.96, 0.  ])
    >>> fl.cosine_similarity([[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [0.0, 2.0]], axis=0).round(4)
    array([0.9487, 0.8321])
    """

    def __call__(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        eps: float = 1e-8,
        axis: int = -1,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        result: NDArray[Any] = self._loss(x1, x2, reduction="none", eps=eps, axis=axis, out=out)
        return result

    @overload
    def grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: str | int,
        eps: float = 1e-8,
        axis: int = -1,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: tuple[str | int, ...] | list[str] | list[int] | list[str | int] | None = None,
        eps: float = 1e-8,
        axis: int = -1,
        out: tuple[NDArray[Any] | None, ...] | list[NDArray[Any] | None] | list[NDArray[Any]] | None = None,
    ) -> tuple[NDArray[Any], ...]: ...
    def grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: Any = None,
        eps: float = 1e-8,
        axis: int = -1,
        out: Any = None,
    ) -> Any:
        """Vector-Jacobian product of `cosine_similarity`: the gradient of sum(grad_output * cosine_similarity(x1, x2)).

        Parameters
        ----------
        x1, x2, eps, axis
            As `cosine_similarity` takes them.
        {distance_flow}
        {distance_wrt}
        {distance_gradient_out}

        Returns
        -------
        {distance_gradient}

        Raises
        ------
        ValueError, TypeError
            As `cosine_similarity` does, and if the shape of grad_output does not fit or `wrt` names no operand.

        Notes
        -----
        {cosine_rules}

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.cosine_similarity.grad([[3.0, 4.0]], [[4.0, 3.0]], wrt="x1").round(4)
        array([[ 0.0448, -0.0336]])
        >>> in_x1, in_x2 = fl.cosine_similarity.grad([[3.0, 4.0]], [[4.0, 3.0]])
        >>> in_x2.round(4)
        array([[-0.0336,  0.0448]])
        """
        return self._loss.grad(x1, x2, reduction="none", grad_output=grad_output, wrt=wrt, eps=eps, axis=axis, out=out)

    @overload
    def value_and_grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: str | int,
        eps: float = 1e-8,
        axis: int = -1,
        out: NDArray[Any] | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: tuple[str | int, ...] | list[str] | list[int] | list[str | int] | None = None,
        eps: float = 1e-8,
        axis: int = -1,
        out: tuple[NDArray[Any] | None, ...] | list[NDArray[Any] | None] | list[NDArray[Any]] | None = None,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]: ...
    def value_and_grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: Any = None,
        eps: float = 1e-8,
        axis: int = -1,
        out: Any = None,
    ) -> Any:
        """Value and vector-Jacobian product of `cosine_similarity`, both in one pass.

        Parameters
        ----------
        x1, x2, grad_output, wrt, eps, axis
            As `grad` takes them.
        out : ndarray or tuple of ndarray, optional
            Where the gradient goes, as for `grad`.

        Returns
        -------
        value : ndarray
            As `cosine_similarity` returns it, bit for bit.
        gradient : ndarray or tuple of ndarray
            As `grad` returns it.

        Raises
        ------
        ValueError, TypeError
            As `grad` does.

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.cosine_similarity.value_and_grad([[3.0, 4.0]], [[4.0, 3.0]], wrt="x1")
        >>> value.round(4), gradient.round(4)
        (array([0.96]), array([[ 0.0448, -0.0336]]))
        """
        return self._loss.value_and_grad(
            x1, x2, reduction="none", grad_output=grad_output, wrt=wrt, eps=eps, axis=axis, out=out
        )


cosine_similarity = CosineSimilarity()
