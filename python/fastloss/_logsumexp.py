"""The logarithm of a sum of exponentials, as a function with gradients."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastloss._row_function import RowFunction


class LogSumExp(RowFunction, function="logsumexp", axis="axis"):
    """Logarithm of the sum of the exponentials of each row: a smooth maximum.

    ::

        lse = log(sum_k exp(z_k))

    Scores of any size are right: nothing overflows. Its gradient is `softmax`.

    Parameters
    ----------
    {scores}
    axis : int, default -1
        The axis that is summed over; may be negative. Every place on the other axes is a row.
    out : ndarray, optional
        Where the result goes: an array of its shape, of any floating dtype, to which it is rounded once. It
        shares no memory with `input`, and is returned.

    Returns
    -------
    ndarray
        Of input's shape without `axis`. float32 and float64 keep their dtype; for float16 and bfloat16 it
        is float32, in which they are computed, and for integers float64.

    Raises
    ------
    {errors}

    Notes
    -----
    A score of -inf adds nothing; a row of nothing but -inf, or without scores, is -inf, and a row with +inf
    is inf. There the gradient is NaN, as no class has a probability. NaN makes its row NaN. The same call
    gives the same bits at any number of threads.

    References
    ----------
    {accuracy_reference}

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.logsumexp([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]]).round(4)
    array([2.2413, 1.5514])
    >>> fl.logsumexp([1000.0, 1000.0]).round(4)
    np.float64(1000.6931)
    >>> fl.logsumexp([[10.0, 0.0], [10.0, 0.0]], axis=0).round(4)
    array([10.6931,  0.6931])
    """

    def __call__(self, input: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        result: NDArray[Any] = self._run(self._loss, input, axis=axis, reduction="none", out=out)
        return result

    def grad(
        self, input: ArrayLike, grad_output: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """{product_of_function}

        ::

            softmax(input) * g

        Parameters
        ----------
        {given_scores}
        grad_output : array_like
            The gradient g flowing in, of the shape of the value, or one number for all rows.
        {given_axis}
        out : ndarray, optional
            Where the gradient goes: an array of its shape, of any floating dtype, to which it is rounded once. It
            may be exactly `input`, or share no memory with `input` and `grad_output`. It is returned.

        {product}

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.logsumexp.grad([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]], [1.0, 10.0]).round(4)
        array([[0.7856, 0.1753, 0.0391],
               [2.1194, 5.7612, 2.1194]])
        """
        result: NDArray[Any] = self._run(self._loss.grad, input, axis=axis, **self._per_row(grad_output), out=out)
        return result

    def value_and_grad(
        self, input: ArrayLike, grad_output: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Value and vector-Jacobian product of `logsumexp`, both in one pass.

        {value_and_product}

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.logsumexp.value_and_grad([[2.0, 0.5, -1.0]], [1.0])
        >>> value.round(4), gradient.round(4)
        (array([2.2413]), array([[0.7856, 0.1753, 0.0391]]))
        """
        call = self._per_row(grad_output)
        value, gradient = self._run(self._loss.value_and_grad, input, axis=axis, **call, out=out)
        return value, gradient

    def _per_row(self, grad_output: ArrayLike) -> dict[str, Any]:
        if grad_output is None:  # to the core that is ones
            raise TypeError(f"{self.__name__}: grad_output must be an array or a number, not NoneType")
        return {"grad_output": grad_output, "reduction": "none"}


logsumexp = LogSumExp()
