"""Probabilities of classes and their logarithms, as functions with gradients."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastloss._function import described
from fastloss._row_function import RowFunction

# Its value is -sum(grad_output * log_softmax(input)) in each row: the sign is turned back.
_products = described("log_softmax.grad")
_NEGATED_SUM = {"reduction": "sum", "grad_output": -1.0}


class Softmax(RowFunction, function="softmax", axis="dim"):
    """Probabilities of classes from their scores.

    ::

        p_c = exp(z_c) / sum_k exp(z_k)

    Scores of any size are right: nothing overflows, and small probabilities keep their digits. The losses
    of this package contain the softmax; give them the scores themselves.

    Parameters
    ----------
    {scores}
    dim : int, default -1
        The axis of the classes; may be negative. Every place on the other axes is a row, whose
        probabilities have the sum 1.
    {out}

    Returns
    -------
    {result}

    Raises
    ------
    {errors}

    Notes
    -----
    A score of -inf has the probability 0. A row of nothing but -inf, or with +inf or NaN, is NaN; no other
    row is. The same call gives the same bits at any number of threads.

    References
    ----------
    J. S. Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs, with
    Relationships to Statistical Pattern Recognition", Neurocomputing, NATO ASI Series 68, 1990.
    {accuracy_reference}

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> fl.softmax([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]]).round(4)
    array([[0.7856, 0.1753, 0.0391],
           [0.2119, 0.5761, 0.2119]])
    >>> fl.softmax([1000.0, 1000.0, -np.inf])
    array([0.5, 0.5, 0. ])
    >>> fl.softmax(np.zeros((2, 3), np.float32), dim=0)
    array([[0.5, 0.5, 0.5],
           [0.5, 0.5, 0.5]], dtype=float32)
    """

    def __call__(self, input: ArrayLike, dim: int = -1, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        result: NDArray[Any] = self._run(self._loss.grad, input, axis=dim, reduction="sum", out=out)
        return result

    def grad(
        self, input: ArrayLike, grad_output: ArrayLike, dim: int = -1, *, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """{product_of_function}

        ::

            p * (g - sum(p * g))

        Parameters
        ----------
        {given_scores}
        {grad_output}
        {given_axis}
        {out_of_product}

        {product}

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.softmax.grad([2.0, 0.5, -1.0], [1.0, 0.0, 0.0]).round(4)
        array([ 0.1684, -0.1377, -0.0307])
        """
        result: NDArray[Any] = self._run(self._loss.hvp, input, grad_output, axis=dim, reduction="sum", out=out)
        return result

    def value_and_grad(
        self, input: ArrayLike, grad_output: ArrayLike, dim: int = -1, *, out: NDArray[Any] | None = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Value and vector-Jacobian product of `softmax`.

        {value_and_product}

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.softmax.value_and_grad([2.0, 0.5, -1.0], [1.0, 0.0, 0.0])
        >>> value.round(4), gradient.round(4)
        (array([0.7856, 0.1753, 0.0391]), array([ 0.1684, -0.1377, -0.0307]))
        """
        value = self(input, dim)
        return value, self.grad(input, grad_output, dim, out=out)


class LogSoftmax(RowFunction, function="log_softmax", axis="dim"):
    """Logarithms of the probabilities of classes, from their scores.

    ::

        u_c = z_c - log(sum_k exp(z_k))

    It is exact where the logarithm of a softmax is not: far below the largest score, where that is -inf, and
    next to it, where a probability close to 1 has lost its digits. `cross_entropy` contains it.

    Parameters
    ----------
    {scores}
    dim : int, default -1
        The axis of the classes; may be negative. Every place on the other axes is a row.
    {out}

    Returns
    -------
    {result}

    Raises
    ------
    {errors}

    Notes
    -----
    A score of -inf stays -inf. A row of nothing but -inf, or with +inf or NaN, is NaN; no other row is. The
    same call gives the same bits at any number of threads.

    References
    ----------
    {accuracy_reference}

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> fl.log_softmax([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]]).round(4)
    array([[-0.2413, -1.7413, -3.2413],
           [-1.5514, -0.5514, -1.5514]])
    >>> fl.log_softmax(np.array([0, -20], np.float32))  # log(softmax) has 0 in front
    array([-2.0611537e-09, -2.0000000e+01], dtype=float32)
    """

    def __call__(self, input: ArrayLike, dim: int = -1, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        _, more = self._run(self._loss, input, axis=dim, reduction="sum", return_={"log_probabilities": out})
        result: NDArray[Any] = more["log_probabilities"]
        return result

    def grad(
        self, input: ArrayLike, grad_output: ArrayLike, dim: int = -1, *, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """{product_of_function}

        ::

            g - softmax(input) * sum(g)

        Parameters
        ----------
        {given_scores}
        {grad_output}
        {given_axis}
        {out_of_product}

        {product}

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.log_softmax.grad([2.0, 0.5, -1.0], [1.0, 0.0, 0.0]).round(4)
        array([ 0.2144, -0.1753, -0.0391])
        """
        result: NDArray[Any] = self._run(_products.grad, input, grad_output, **_NEGATED_SUM, axis=dim, out=out)
        return result

    def value_and_grad(
        self, input: ArrayLike, grad_output: ArrayLike, dim: int = -1, *, out: NDArray[Any] | None = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Value and vector-Jacobian product of `log_softmax`, both in one pass.

        {value_and_product}

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.log_softmax.value_and_grad([2.0, 0.5, -1.0], [1.0, 0.0, 0.0])
        >>> value.round(4), gradient.round(4)
        (array([-0.2413, -1.7413, -3.2413]), array([ 0.2144, -0.1753, -0.0391]))
        """
        gradient, more = self._run(
            _products.grad, input, grad_output, **_NEGATED_SUM, axis=dim, return_="log_probabilities", out=out
        )
        return more["log_probabilities"], gradient


softmax = Softmax()
log_softmax = LogSoftmax()
