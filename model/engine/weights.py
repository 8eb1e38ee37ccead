"""What the window asks about the weights, done in slices: the engine advances it.

Three questions can be going side by side, one of each kind; a newer one replaces the older. The
figures of all tensors, one tensor in detail, the singular values of one.

A result's ``seconds`` are of its own work, without what was done between its slices.

Knows messages and `model.probe`; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from model import messages as m
from model.probe.weights.matrix_layout import layout_of

if TYPE_CHECKING:
    from torch import Tensor

    from model.engine.opened_model import ModelView

SLICE_SECONDS = 0.02
"""A slice of this work, after which other requests are answered."""

BUNDLE_SECONDS = 0.1
"""Figures of many tensors are handed over in bundles, this often."""

TELL_AFTER_SECONDS = 0.5
"""Work that takes longer than this tells how far it is."""

Question: TypeAlias = "m.DescribeWeights | m.ExamineWeight | m.FindSingularValues"
Answering: TypeAlias = Generator[m.Result | None, None, None]
Found = TypeVar("Found")


TIMED = m.WeightsDescribed | m.WeightExamined | m.SingularValuesFound
"""Results that say how many seconds of work they took."""


class WeightWork:
    """Questions about weights that are being answered."""

    def __init__(self) -> None:
        self._going: dict[type[m.Request], tuple[Question, Answering]] = {}
        # Seconds of work for each request: between its slices, other things are done.
        self._spent: dict[int, float] = {}

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self._going)

    def begin(self, request: Question, viewed: ModelView, step: int | None) -> None:
        """Start on a question; one of the same kind that is going is dropped.

        Raises:
            KeyError: the network has no such parameter.
            ValueError: the parameter has no such part or window.
        """
        match request:
            case m.DescribeWeights():
                answering = _describe(request, viewed, step)
            case m.ExamineWeight():
                answering = _examine(request, viewed, step)
            case m.FindSingularValues():
                answering = _singular_values(request, viewed, step)
        if type(request) in self._going:
            self._drop(type(request), self._going[type(request)][0])
        self._going[type(request)] = (request, answering)

    def cancel(self, request_id: int) -> bool:
        """Drop the question of that id; whether it was going."""
        for kind, (request, _) in tuple(self._going.items()):
            if request.id == request_id:
                self._drop(kind, request)
                return True
        return False

    def clear(self) -> None:
        """Drop everything: the model that was asked about is gone."""
        self._going.clear()
        self._spent.clear()

    def advance(self) -> Iterator[m.Result]:
        """One slice of each question.

        Raises:
            WeightsError: one of them has no answer; the others go on.
        """
        for kind, (request, answering) in tuple(self._going.items()):
            began = time.perf_counter()
            before = self._spent.get(request.id, 0.0)
            try:
                while True:
                    result = next(answering)
                    spent = time.perf_counter() - began
                    self._spent[request.id] = before + spent
                    if isinstance(result, TIMED):
                        yield replace(result, seconds=before + spent)
                    elif result is not None:
                        yield result
                    if spent > SLICE_SECONDS:
                        break
            except StopIteration:
                self._drop(kind, request)
            except Exception as error:
                self._drop(kind, request)
                raise WeightsError(request, error) from error

    def _drop(self, kind: type[m.Request], request: Question) -> None:
        self._spent.pop(request.id, None)
        if kind in self._going and self._going[kind][0] is request:
            del self._going[kind]


class WeightsError(Exception):
    """A question that has no answer.

    Attributes:
        request: the question.
        cause: what was raised.
    """

    def __init__(self, request: Question, cause: Exception) -> None:
        super().__init__(str(cause))
        self.request = request
        self.cause = cause


def listed(request: m.ListWeights, viewed: ModelView) -> m.WeightsListed:
    """Every parameter's name, shape and place, without reading a number."""
    from model.checkpoint.file_names import file_names
    from model.parameters import parameter, parameter_names

    transformer = viewed.lm.transformer
    in_file = file_names(viewed.lm.family, transformer)
    places: dict[tuple[int, ...], str] = {}
    found = []
    for name in parameter_names(transformer.config):
        tensor = parameter(transformer, name)
        place = (tensor.untyped_storage().data_ptr(), int(tensor.storage_offset()), tensor.numel())
        same_as = places.setdefault(place, name)
        layer, part = part_of(name)
        found.append(
            m.WeightTensor(
                name=name,
                shape=tuple(tensor.shape),
                dtype=str(tensor.dtype).removeprefix("torch."),
                layer=layer,
                part=part,
                tied_to="" if same_as == name or not tensor.numel() else same_as,
                in_file=in_file.get(name, ""),
            )
        )
    return m.WeightsListed(
        request_id=request.id, model_id=viewed.info.model_id, tensors=tuple(found)
    )


def part_of(name: str) -> tuple[int | None, str]:
    """The block that a parameter is in, and its part, as in ``parameter_counts``."""
    layer = None
    rest = name
    if name.startswith("blocks."):
        number, _, rest = name.removeprefix("blocks.").partition(".")
        layer = int(number)
    modules = rest.split(".")[:-1]
    if modules and (modules[-1].startswith("ln") or modules[-1].endswith("_norm")):
        return layer, "norm"
    if layer is not None:
        return layer, "attention" if modules[0] == "attn" else "mlp"
    ends = ("W_U", "b_U", "W_proj_out", "mlm_head.W", "mlm_head.b")
    return None, "unembedding" if rest in ends else "embedding"


def _describe(request: m.DescribeWeights, viewed: ModelView, step: int | None) -> Answering:
    from model.parameters import parameter
    from model.probe.weights.compute import figures

    handed = time.perf_counter()
    bundle: list[m.WeightFigures] = []
    for done, name in enumerate(request.names):
        work = figures(parameter(viewed.lm.transformer, name))
        found = yield from _finished(work)
        bundle.append(
            m.WeightFigures(
                name=name,
                n=found.n,
                mean=found.mean,
                std=found.std,
                low=found.low,
                high=found.high,
                n_zeros=found.n_zeros,
                norm=found.norm,
                n_not_finite=found.n_not_finite,
            )
        )
        now = time.perf_counter()
        last = done == len(request.names) - 1
        if last or now - handed > BUNDLE_SECONDS:
            yield m.WeightsDescribed(
                request_id=request.id,
                model_id=viewed.info.model_id,
                step=step,
                figures=tuple(bundle),
                done=done + 1,
                total=len(request.names),
                seconds=0.0,
            )
            bundle, handed = [], now


def _examine(request: m.ExamineWeight, viewed: ModelView, step: int | None) -> Answering:
    from model.engine.opened_model import to_array
    from model.parameters import parameter
    from model.probe.weights import compute as weights

    tensor = _still(parameter(viewed.lm.transformer, request.name), viewed)
    layout = layout_of(request.name, tuple(tensor.shape), request.part)
    part = tensor if request.part is None else tensor[request.part]
    rows = request.rows or (0, layout.n_rows)
    columns = request.columns or (0, layout.n_columns)
    if not (0 <= rows[0] < rows[1] <= layout.n_rows):
        raise ValueError(f"{request.name} has no rows {rows[0]} to {rows[1]}.")
    if not (0 <= columns[0] < columns[1] <= layout.n_columns):
        raise ValueError(f"{request.name} has no columns {columns[0]} to {columns[1]}.")
    figures = yield from _finished(weights.figures(part))
    low, high = figures.low, figures.high
    if not low < high:  # all equal, or nothing finite: one bin around it
        low, high = (low - 0.5, high + 0.5) if low == high else (0.0, 1.0)
    counts = yield from _finished(weights.histogram(part, low, high, request.n_bins))
    matrix = weights.as_matrix(tensor, layout)
    drawn = yield from _finished(weights.picture(matrix, rows, columns, request.most_cells))
    yield m.WeightExamined(
        request_id=request.id,
        model_id=viewed.info.model_id,
        step=step,
        name=request.name,
        layout=layout,
        mean=figures.mean,
        std=figures.std,
        low=low,
        high=high,
        rms=figures.rms,
        n=figures.n,
        n_not_finite=figures.n_not_finite,
        counts=_ints(counts),
        rows=rows,
        columns=columns,
        block=drawn.block,
        values=to_array(drawn.values_RC),
        value_rows=_ints(drawn.rows_RC),
        value_columns=_ints(drawn.columns_RC),
        seconds=0.0,
    )


def _singular_values(
    request: m.FindSingularValues, viewed: ModelView, step: int | None
) -> Answering:
    from model.engine.opened_model import to_array
    from model.parameters import parameter
    from model.probe.singular_values import compute as sv
    from model.probe.weights.compute import as_matrix

    began = time.perf_counter()
    tensor = _still(parameter(viewed.lm.transformer, request.name), viewed)
    layout = layout_of(request.name, tuple(tensor.shape), request.part)
    work = sv.singular_values(as_matrix(tensor, layout))
    told = began
    while True:
        try:
            share = next(work)
        except StopIteration as stop:
            values = stop.value
            break
        now = time.perf_counter()
        telling = now - began > TELL_AFTER_SECONDS and now - told > BUNDLE_SECONDS
        told = now if telling else told
        yield (
            m.SingularValuesProgressed(
                request_id=request.id,
                model_id=viewed.info.model_id,
                name=request.name,
                part=request.part,
                share=share,
            )
            if telling
            else None
        )
    yield m.SingularValuesFound(
        request_id=request.id,
        model_id=viewed.info.model_id,
        step=step,
        name=request.name,
        part=request.part,
        values=to_array(values),
        effective_rank=sv.effective_rank(values),
        seconds=0.0,
    )


def _finished(work: Generator[int, None, Found]) -> Generator[None, None, Found]:
    """What the work comes to; nothing is told in between."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            found: Found = stop.value
            return found
        yield None


def _still(tensor: Tensor, viewed: ModelView) -> Tensor:
    """The tensor, copied if it is learning: all slices then see one step's weights."""
    return tensor.clone() if viewed.info.training else tensor


def _ints(tensor: Tensor) -> NDArray[np.integer[Any]]:
    array = tensor.cpu().numpy()
    array.flags.writeable = False
    return array
