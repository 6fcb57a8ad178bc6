"""The distance of two embeddings, as a function with gradients."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss._function import Function


class PairwiseDistance(Function, function="pairwise_distance"):
    """Distance of each embedding from another, in the p-norm of their difference.

    ::

        d = sum(abs(x1 - x2 + eps)**p)**(1 / p)
            max(abs(x1 - x2 + eps))              p = inf

    Of embeddings that are pairs already: each vector of the one array with the vector at its place in the other.

    Parameters
    ----------
    {two_embeddings}
    p : float, default 2.0
        The exponent, above 0: 2 is the Euclidean distance, 1 the sum of the differences, inf the largest of them.
    {distance_eps}
    keepdim : bool, default False
        Whether the result keeps the axis of the features, with the extent 1.
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

    An exponent so small that D**(1 / p) overflows is an error. The value is computed relative to the largest
    difference, so that no power of one overflows.

    References
    ----------
    ``torch.nn.functional.pairwise_distance``, of which this has the eps inside of the difference: d(x, x) is not 0,
    nor d(x1, x2) quite d(x2, x1), but with ``eps=0``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> x1, x2 = [[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 1.0]]
    >>> fl.pairwise_distance(x1, x2, eps=0)
    array([5., 0.])
    >>> fl.pairwise_distance(x1, x2, p=1, eps=0, keepdim=True)
    array([[7.],
           [0.]])
    >>> fl.pairwise_distance(x1, x2, p=np.inf, axis=0, eps=0)
    array([3., 4.])
    >>> fl.pairwise_distance([[1.0, 1.0]], [[1.0, 1.0]])  # eps in each of two features
    array([1.41421356e-06])
    """

    def __call__(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
        axis: int = -1,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        to = self._dropped("out", out, keepdim, axis)
        value = self._loss(x1, x2, reduction="none", p=p, eps=eps, axis=axis, out=to)
        return out if out is not None else self._kept(value, keepdim, axis)

    def _dropped(self, name: str, given: Any, keepdim: bool, axis: int) -> Any:
        """What belongs to the units, of an array that has the axis of the features with the extent 1."""
        if not keepdim or given is None or (name == "out" and not isinstance(given, np.ndarray)):
            return given
        array: NDArray[Any] = np.asanyarray(given)
        if name == "grad_output" and array.ndim == 0:
            return given
        if not -array.ndim <= axis < array.ndim or array.shape[axis] != 1:
            raise ValueError(
                f"{self.__name__}: {name} has shape {array.shape}; with keepdim its extent on axis {axis} must be 1"
            )
        return np.squeeze(array, axis)

    @staticmethod
    def _kept(value: Any, keepdim: bool, axis: int) -> NDArray[Any]:
        result: NDArray[Any] = np.expand_dims(value, axis) if keepdim else value
        return result

    @overload
    def grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: str | int,
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
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
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
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
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
        axis: int = -1,
        out: Any = None,
    ) -> Any:
        """Vector-Jacobian product of `pairwise_distance`: the gradient of sum(grad_output * pairwise_distance(x1, x2)).

        Parameters
        ----------
        x1, x2, p, eps, keepdim, axis
            As `pairwise_distance` takes them.
        {distance_flow}
        {distance_wrt}
        {distance_gradient_out}

        Returns
        -------
        {distance_gradient}

        Raises
        ------
        ValueError, TypeError
            As `pairwise_distance` does, and if the shape of grad_output does not fit or `wrt` names no operand.

        Notes
        -----
        With r = x1 - x2 + eps, the gradient in x1 is sign(r) * (abs(r) / d)**(p - 1), and that in x2 its negative.
        It is 0 where d is, and where r is 0, for p below 1 too. With ``p=inf`` it is sign(r) where abs(r) is
        largest, shared evenly where several are.

        Examples
        --------
        >>> import fastloss as fl
        >>> x1, x2 = [[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 1.0]]
        >>> fl.pairwise_distance.grad(x1, x2, eps=0, wrt="x1").round(4)
        array([[-0.6, -0.8],
               [ 0. ,  0. ]])
        >>> in_x1, in_x2 = fl.pairwise_distance.grad(x1, x2, grad_output=[2.0, 1.0], eps=0)
        >>> in_x2[0].round(4)
        array([1.2, 1.6])
        """
        flow = self._dropped("grad_output", grad_output, keepdim, axis)
        return self._loss.grad(x1, x2, reduction="none", grad_output=flow, wrt=wrt, p=p, eps=eps, axis=axis, out=out)

    @overload
    def value_and_grad(
        self,
        x1: ArrayLike,
        x2: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: str | int,
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
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
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
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
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
        axis: int = -1,
        out: Any = None,
    ) -> Any:
        """Value and vector-Jacobian product of `pairwise_distance`, both in one pass.

        Parameters
        ----------
        x1, x2, grad_output, wrt, p, eps, keepdim, axis
            As `grad` takes them.
        out : ndarray or tuple of ndarray, optional
            Where the gradient goes, as for `grad`.

        Returns
        -------
        value : ndarray
            As `pairwise_distance` returns it, bit for bit.
        gradient : ndarray or tuple of ndarray
            As `grad` returns it.

        Raises
        ------
        ValueError, TypeError
            As `grad` does.

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.pairwise_distance.value_and_grad([[0.0, 0.0]], [[3.0, 4.0]], eps=0, wrt="x1")
        >>> value, gradient.round(4)
        (array([5.]), array([[-0.6, -0.8]]))
        """
        flow = self._dropped("grad_output", grad_output, keepdim, axis)
        value, gradient = self._loss.value_and_grad(
            x1, x2, reduction="none", grad_output=flow, wrt=wrt, p=p, eps=eps, axis=axis, out=out
        )
        return self._kept(value, keepdim, axis), gradient


pairwise_distance = PairwiseDistance()
