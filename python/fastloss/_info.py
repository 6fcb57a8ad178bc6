"""What `fastloss.losses()` tells of each loss, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

Differentiable = Literal["smooth", "C1", "kinks"]
Value = TypeVar("Value")


class FixedMapping(Mapping[str, Value]):
    """A mapping that stays as it is. Unlike a `MappingProxyType` it can be hashed, copied and pickled."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Value]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> Value:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


@dataclass(frozen=True)
class OperandInfo:
    """An array (or number) that a loss takes.

    Attributes
    ----------
    name : str
        Name of the parameter.
    optional : bool
        May be left out.
    default : float, tuple of float or None
        What holds where it is left out: a number, or one number for each element along the last axis. `partial` binds
        another number. None for an operand that must be given, or that does nothing where it is left out.
    differentiable : bool
        Has a gradient: `wrt` may name it.
    multiplies : bool
        Multiplies the loss from outside the formula, as torch's `weight` does.
    integer : bool
        Class indices or counts: only integer and bool dtypes are accepted, floating ones are a TypeError.
    roles : tuple of str
        What it is to the engine of the loss. Of losses of classes: "class_index" (class indices of any integer dtype,
        one for each row), "distribution" (one number for each class of each row; with "class_index": either, as the
        dtype says), "per_class" (one number for each class), "class_list" (class indices of any integer dtype, those of
        a row up to its first -1), "as_logits" (with "distribution": logits, of which a softmax makes probabilities),
        and others that only the formula knows. Of losses of boxes: "rotated" (boxes of five numbers, the last of which
        is an angle). Of losses of keypoints: "per_keypoint" (one number for each keypoint), "visibility" (a mask or
        weights of the keypoints of each instance). Of Lovász losses: "class_index" as above, or
        "binary_mask" (0 and 1). Of losses of regions: "class_index" and "per_class" as above, and
        "region" (numbers or a mask of 0 and 1 for each pixel of each class). Of losses of embeddings: "embedding"
        (a vector of features for each unit).
    domain : str
        The values that it may take, such as "[0, 1]"; empty where all are allowed.
    """

    name: str
    optional: bool
    default: float | tuple[float, ...] | None
    differentiable: bool
    multiplies: bool
    integer: bool
    roles: tuple[str, ...]
    domain: str

    @property
    def class_index(self) -> bool:
        """Has the role "class_index"."""
        return "class_index" in self.roles

    @property
    def class_list(self) -> bool:
        """Has the role "class_list"."""
        return "class_list" in self.roles

    @property
    def distribution(self) -> bool:
        """Has the role "distribution"."""
        return "distribution" in self.roles

    @property
    def as_logits(self) -> bool:
        """Has the role "as_logits"."""
        return "as_logits" in self.roles

    @property
    def per_class(self) -> bool:
        """Has the role "per_class"."""
        return "per_class" in self.roles


@dataclass(frozen=True)
class OptionInfo:
    """A number, switch or choice that shapes the formula of a loss, with its default and the values it may take."""

    name: str
    kind: Literal["number", "toggle", "choice"]
    default: float | bool | str | None
    domain: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class LossInfo:
    """What is known about a loss. ``fastloss.losses()`` gives one for every loss.

    Attributes
    ----------
    name, family, task, summary, formula, reference : str
        Name, family, the task it is made for, first sentence of the documentation, formula, source.
        Summary and formula are empty under ``python -OO``, which drops all documentation.
    operands, options : tuple
        Descriptions of the operands and options, in order.
    defaults : mapping
        The default of every option.
    convex : bool or str
        Convex in the first operand; a string says in what else, or under which condition.
    differentiable : {"smooth", "C1", "kinks"}
        Of every order; once, continuously; or everywhere but at `kinks`.
    twice_differentiable : bool
        The second derivative exists everywhere.
    robust : bool, str or None
        Grows at most linearly, so that outliers have bounded influence; None where the question makes no sense.
    units : str
        Units of the value: "target", "target squared", "nats", "margin", "margin squared", "unitless" or "distance",
        or others in words.
    kinks : mapping
        Where the loss is not differentiable, and the derivative that is returned there.
    engine : str
        What computes it, and so what its unreduced value has a number for: of "pointwise" each element, of "rowwise"
        and "linear" each row of class scores, of "box" each pair of boxes, of "keypoint" each instance with its
        keypoints, of "region" each class of each sample, or what its options make one of these, of "distance" each
        pair, triplet or quadruplet of embeddings; the documentation of each loss says it.
    methods : tuple of str
        The methods that it has: always "grad", "value_and_grad" and "statistics".
    has_ufunc : bool
        `ufunc` and `grad_ufunc` exist.
    also_named : tuple of str
        Other names of the same object in this package.
    aliases : tuple of str
        Other names in use, for searching.
    """

    name: str
    family: str
    task: str
    summary: str
    formula: str
    operands: tuple[OperandInfo, ...]
    options: tuple[OptionInfo, ...]
    defaults: Mapping[str, float | bool | str | None]
    convex: bool | str
    differentiable: Differentiable
    twice_differentiable: bool
    robust: bool | str | None
    units: str
    kinks: Mapping[str, str]
    reference: str
    engine: str
    methods: tuple[str, ...]
    has_ufunc: bool
    also_named: tuple[str, ...]
    aliases: tuple[str, ...]

    @property
    def elementwise(self) -> bool:
        """The unreduced loss has one value per element, and its sum or mean is the reduced one."""
        return self.engine == "pointwise" and "hess" in self.methods

    @property
    def rowwise(self) -> bool:
        """The unreduced loss has one value per row of class scores."""
        return self.engine == "rowwise"

    @property
    def linear(self) -> bool:
        """The unreduced loss has one value per row of class scores, which are those of a linear layer."""
        return self.engine == "linear"
