"""The logarithm of a sum of exponentials, as a function with gradients."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastloss._row_function import RowFunction, log_sum_exp


class LogSumExp(RowFunction):
    """Logarithm of the sum of the exponentials of each row: a smooth maximum.

    ::

        lse = log(sum_k exp(z_k))

    Scores of any size are right: nothing overflows. Its gradient is `softmax`.

    Parameters
    ----------
    input : array_like
        Scores z, of any shape but ().
    axis : int, default -1
        The axis that is summed over; may be negative. Every place on the other axes is a row.
    out : ndarray, optional
        Where the result goes: an array of its shape and dtype that shares no memory with `input`. It is
        returned.

    Returns
    -------
    ndarray
        Of input's shape without `axis`. float32 and float64 keep their dtype; for float16 and bfloat16 it
        is float32, in which they are computed, and for integers float64.

    Raises
    ------
    ValueError
        If input has no axes, `axis` is not one of them, or `out` has another shape or overlaps input.
    TypeError
        If an array has an unsupported dtype (complex, object, string, longdouble) or `out` another one than
        the result, or if an argument is of the wrong kind.

    Notes
    -----
    A score of -inf adds nothing; a row of nothing but -inf, or without scores, is -inf, and a row with +inf
    is inf. There the gradient is NaN, as no class has a probability. NaN makes its row NaN. The same call
    gives the same bits at any number of threads.

    References
    ----------
    P. Blanchard, D. J. Higham and N. J. Higham, "Accurately Computing the Log-Sum-Exp and Softmax
    Functions", IMA Journal of Numerical Analysis 41(4), 2021.

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

    _axis_name = "axis"

    def __call__(self, input: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        result: NDArray[Any] = self._run(log_sum_exp, input, axis=axis, reduction="none", out=out)
        return result

    def grad(
        self, input: ArrayLike, grad_output: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Vector-Jacobian product of `logsumexp`: the gradient of sum(grad_output * logsumexp(input)) in input.

        ::

            softmax(input) * g

        Parameters
        ----------
        input : array_like
            Scores, as `logsumexp` takes them.
        grad_output : array_like
            The gradient g flowing in, of the shape of the value, or one number for all rows.
        axis : int, default -1
            The axis that is summed over.
        out : ndarray, optional
            Where the gradient goes: an array of its shape and dtype. It may be exactly `input`, or share no
            memory with `input` and `grad_output`. It is returned.

        Returns
        -------
        ndarray
            Of input's shape and dtype; float64 for integers.

        Raises
        ------
        ValueError, TypeError
            As `logsumexp` does, and if grad_output has another shape than the value.

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.logsumexp.grad([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]], [1.0, 10.0]).round(4)
        array([[0.7856, 0.1753, 0.0391],
               [2.1194, 5.7612, 2.1194]])
        """
        result: NDArray[Any] = self._run(log_sum_exp.grad, input, axis=axis, **self._per_row(grad_output), out=out)
        return result

    def value_and_grad(
        self, input: ArrayLike, grad_output: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Value and vector-Jacobian product of `logsumexp`, both in one pass.

        Parameters
        ----------
        input, grad_output, axis
            As `grad` takes them.
        out : ndarray, optional
            Where the gradient goes, as for `grad`.

        Returns
        -------
        value, gradient : ndarray
            As `logsumexp` and `logsumexp.grad` return them, bit for bit.

        Raises
        ------
        ValueError, TypeError
            As `grad` does.

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.logsumexp.value_and_grad([[2.0, 0.5, -1.0]], [1.0])
        >>> value.round(4), gradient.round(4)
        (array([2.2413]), array([[0.7856, 0.1753, 0.0391]]))
        """
        call = self._per_row(grad_output)
        value, gradient = self._run(log_sum_exp.value_and_grad, input, axis=axis, **call, out=out)
        return value, gradient

    def _per_row(self, grad_output: ArrayLike) -> dict[str, Any]:
        if grad_output is None:  # to the core that is ones
            raise TypeError(f"{self.__name__}: grad_output must be an array or a number, not NoneType")
        return {"grad_output": grad_output, "reduction": "none"}


logsumexp = LogSumExp("logsumexp")
