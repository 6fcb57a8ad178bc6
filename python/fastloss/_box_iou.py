"""The IoU of every box of one set with every box of another, as a function with gradients."""

from __future__ import annotations

from typing import Any, overload

from numpy.typing import ArrayLike, NDArray

from fastloss._annotations import BoxFormat
from fastloss._function import Function


class BoxIoU(Function, function="box_iou"):
    """Intersection over union of every box of one set with every box of another.

    ::

        I = area of the overlap,  U = area(input[n]) + area(target[m]) - I
        IoU[n, m] = I / (U + eps)

    Predicted boxes are matched with true ones by it, and overlapping predictions are found. Of boxes that
    are pairs already, `box_iou_loss` is 1 less the IoU.

    Parameters
    ----------
    input : array_like
        The boxes of the rows, of shape (N, 4).
    target : array_like
        The boxes of the columns, of shape (M, 4).
    {box_eps}
    {box_format}
    out : ndarray, optional
        Where the result goes: an array of shape (N, M), of any floating dtype, to which it is rounded once. It
        is returned.

    Returns
    -------
    ndarray
        Of shape (N, M). Where both operands have the same floating dtype it has that, else the dtype of the
        computation, float64 or float32. float16 and bfloat16 are computed in float32.

    Raises
    ------
    {box_matrix_errors}

    Notes
    -----
    Boxes without an area, and those that only touch, have the IoU 0 with all others. A width or height below 0
    counts as 0; in ``fastloss.errstate(domain="raise")`` it is an error. A pair is NaN where a number of either
    box is, or where the sum of both areas is not finite; no other pair is.

    Nothing of the size (N, M) is stored beside the result, nor for the gradient. The same call gives the same
    bits at any number of threads.

    References
    ----------
    P. Jaccard, "The Distribution of the Flora in the Alpine Zone", New Phytologist 11(2), 1912. torchvision's
    `box_iou` is the same with eps=0.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0], [8.0, 8.0, 9.0, 9.0]]
    >>> true = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.box_iou(predicted, true).round(4)
    array([[0.1429, 0.5   ],
           [0.    , 0.3333],
           [0.    , 0.    ]])
    >>> fl.box_iou([[2.0, 2.0, 2.0, 2.0]], true, fmt=("cxcywh", "xyxy")).round(4)
    array([[0.1429, 0.5   ]])
    """

    def __call__(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        result: NDArray[Any] = self._loss(input, target, reduction="none", eps=eps, fmt=fmt, out=out)
        return result

    @overload
    def grad(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: str | int | None = None,
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: tuple[str | int, ...] | list[str] | list[int] | list[str | int],
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: tuple[NDArray[Any] | None, ...] | list[NDArray[Any] | None] | list[NDArray[Any]] | None = None,
    ) -> tuple[NDArray[Any], ...]: ...
    def grad(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: Any = None,
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: Any = None,
    ) -> Any:
        """Vector-Jacobian product of `box_iou`: the gradient of sum(grad_output * box_iou(input, target)).

        Parameters
        ----------
        input, target, eps, fmt
            As `box_iou` takes them.
        grad_output : float or array_like, optional
            The gradient flowing in: a number, or an array of shape (N, M). Default: ones. Pairs where it is 0
            have no part in the gradient, NaN or not.
        wrt : str, int or sequence of them, optional
            The operands to differentiate in, by name or position. One gives an array, a sequence gives a
            tuple. Default: `input`.
        out : ndarray or tuple of ndarray, optional
            Where the gradient goes: an array of the operand's shape, or a tuple like `wrt`. Of any floating
            dtype, to which it is rounded once. It may be exactly one of the operands, or share no memory with
            any. It is returned.

        Returns
        -------
        ndarray or tuple of ndarray
            An array has the shape of its operand, and its dtype (for an integer operand that of the
            computation: float64 or float32).

        Raises
        ------
        ValueError, TypeError
            As `box_iou` does, and if the shape of grad_output does not fit or `wrt` names no operand.

        Notes
        -----
        {box_rules}

        Examples
        --------
        >>> import fastloss as fl
        >>> predicted, true = [[1.0, 1.0, 3.0, 3.0]], [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
        >>> fl.box_iou.grad(predicted, true).round(4)
        array([[-0.2092, -0.2092,  0.3724,  0.3724]])
        >>> in_input, in_target = fl.box_iou.grad(predicted, true, grad_output=[[1.0, 0.0]], wrt=("input", "target"))
        >>> in_target.round(4)
        array([[-0.1224, -0.1224, -0.0408, -0.0408],
               [ 0.    ,  0.    ,  0.    ,  0.    ]])
        """
        return self._loss.grad(
            input, target, reduction="none", grad_output=grad_output, wrt=wrt, eps=eps, fmt=fmt, out=out
        )

    @overload
    def value_and_grad(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: str | int | None = None,
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: NDArray[Any] | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: tuple[str | int, ...] | list[str] | list[int] | list[str | int],
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: tuple[NDArray[Any] | None, ...] | list[NDArray[Any] | None] | list[NDArray[Any]] | None = None,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]: ...
    def value_and_grad(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        grad_output: ArrayLike | None = None,
        wrt: Any = None,
        eps: float = 1e-7,
        fmt: BoxFormat = "xyxy",
        out: Any = None,
    ) -> Any:
        """Value and vector-Jacobian product of `box_iou`; those in `input` in one pass.

        Parameters
        ----------
        input, target, grad_output, wrt, eps, fmt
            As `grad` takes them.
        out : ndarray or tuple of ndarray, optional
            Where the gradient goes, as for `grad`.

        Returns
        -------
        value : ndarray
            As `box_iou` returns it, bit for bit.
        gradient : ndarray or tuple of ndarray
            As `grad` returns it.

        Raises
        ------
        ValueError, TypeError
            As `grad` does.

        Examples
        --------
        >>> import fastloss as fl
        >>> value, gradient = fl.box_iou.value_and_grad([[1.0, 1.0, 3.0, 3.0]], [[2.0, 2.0, 4.0, 4.0]])
        >>> value.round(4), gradient.round(4)
        (array([[0.1429]]), array([[0.0408, 0.0408, 0.1224, 0.1224]]))
        """
        return self._loss.value_and_grad(
            input, target, reduction="none", grad_output=grad_output, wrt=wrt, eps=eps, fmt=fmt, out=out
        )


box_iou = BoxIoU()
