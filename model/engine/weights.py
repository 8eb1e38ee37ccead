"""What the window asks about the weights, answered in slices.

The figures of all tensors, one tensor in detail, the singular values of one. A result's
``seconds`` are of its own work, without what was done between its slices.

Knows messages and `model.probe`; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from model import messages as m
from model.engine.arrays import to_array, to_ints
from model.engine.job import Job, JobCancelled
from model.engine.workplace import Workplace
from model.probe.weights.matrix_layout import MatrixLayout, layout_of

if TYPE_CHECKING:
    from torch import Tensor

    from model.language_model import LanguageModel

SLICE_SECONDS = 0.02
"""A slice of this work, after which other requests are answered."""

BUNDLE_SECONDS = 0.1
"""Figures of many tensors are handed over in bundles, this often."""

TELL_AFTER_SECONDS = 0.5
"""Work that takes longer than this tells how far it is."""

TIMED = m.WeightsDescribed | m.WeightExamined | m.SingularValuesFound
"""Results that say how many seconds of work they took."""

Found = TypeVar("Found")


def list_weights(request: m.ListWeights, place: Workplace) -> Job:
    """Answers `ListWeights`."""
    yield m.WeightsListed(request_id=request.id, model_id=place.model_id, tensors=listed(place.lm))


def describe_weights(request: m.DescribeWeights, place: Workplace) -> Job:
    """Answers `DescribeWeights`."""
    _check_model(request, place)
    yield from _in_slices(_figures(request, place.lm, place.model_id, place.step), place)


def examine_weight(request: m.ExamineWeight, place: Workplace) -> Job:
    """Answers `ExamineWeight`."""
    model_id, step = place.model_id, place.step
    _check_model(request, place)
    tensor, layout = _still(request, place)
    yield from _in_slices(_examined(request, tensor, layout, model_id, step), place)


def find_singular_values(request: m.FindSingularValues, place: Workplace) -> Job:
    """Answers `FindSingularValues`."""
    model_id, step = place.model_id, place.step
    _check_model(request, place)
    tensor, layout = _still(request, place)
    yield from _in_slices(_singular_values(request, tensor, layout, model_id, step), place)


def _check_model(
    request: m.DescribeWeights | m.ExamineWeight | m.FindSingularValues, place: Workplace
) -> None:
    """A request that waited while another model came into view is about none that is there.

    Raises:
        JobCancelled: so it is.
    """
    if request.model_id not in (None, place.model_id):
        raise JobCancelled


def _in_slices(work: Job, place: Workplace) -> Job:
    """Work in slices of some time, its results with the seconds that it took.

    The first is empty: what waits already is answered before, and a newer question of the kind
    costs nothing. Work that another model was opened during is given up.
    """
    openings, spent = place.openings, 0.0
    yield from _pause(place, openings)
    began = time.perf_counter()
    for result in work:
        now = time.perf_counter() - began
        if isinstance(result, TIMED):
            yield replace(result, seconds=spent + now)
        elif result is not None:
            yield result
        if now > SLICE_SECONDS:
            spent += now
            yield from _pause(place, openings)
            began = time.perf_counter()


def _pause(place: Workplace, openings: int) -> Job:
    """The end of a slice; another model that is opened meanwhile ends the job."""
    yield None
    if place.openings != openings:
        raise JobCancelled


def _still(
    request: m.ExamineWeight | m.FindSingularValues, place: Workplace
) -> tuple[Tensor, MatrixLayout]:
    """The tensor, copied if it is learning: all slices then see one step's weights.

    Raises:
        KeyError: the network has no such parameter.
        ValueError: the parameter has no such part.
    """
    from model.parameters import parameter

    tensor = parameter(place.lm.transformer, request.name)
    layout = layout_of(request.name, tuple(tensor.shape), request.part)
    return tensor.clone() if place.info.training else tensor, layout


def listed(lm: LanguageModel) -> tuple[m.WeightTensor, ...]:
    """Every parameter's name, shape and place, without reading a number."""
    from model.checkpoint.file_names import file_names
    from model.operations import parameter_names
    from model.parameters import parameter

    transformer = lm.transformer
    in_file = file_names(lm.family, transformer)
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
    return tuple(found)


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


def _figures(request: m.DescribeWeights, lm: LanguageModel, model_id: int, step: int | None) -> Job:
    from model.parameters import parameter
    from model.probe.weights.compute import figures

    handed = time.perf_counter()
    bundle: list[m.WeightFigures] = []
    for done, name in enumerate(request.names):
        work = figures(parameter(lm.transformer, name))
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
                model_id=model_id,
                step=step,
                figures=tuple(bundle),
                done=done + 1,
                total=len(request.names),
                seconds=0.0,
            )
            bundle, handed = [], now


def _examined(
    request: m.ExamineWeight,
    tensor: Tensor,
    layout: MatrixLayout,
    model_id: int,
    step: int | None,
) -> Job:
    from model.probe.weights import compute as weights

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
        model_id=model_id,
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
        counts=to_ints(counts),
        rows=rows,
        columns=columns,
        block=drawn.block,
        values=to_array(drawn.values_RC),
        value_rows=to_ints(drawn.rows_RC),
        value_columns=to_ints(drawn.columns_RC),
        seconds=0.0,
    )


def _singular_values(
    request: m.FindSingularValues,
    tensor: Tensor,
    layout: MatrixLayout,
    model_id: int,
    step: int | None,
) -> Job:
    from model.probe.singular_values import compute as sv
    from model.probe.weights.compute import as_matrix

    began = time.perf_counter()
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
                model_id=model_id,
                name=request.name,
                part=request.part,
                share=share,
            )
            if telling
            else None
        )
    yield m.SingularValuesFound(
        request_id=request.id,
        model_id=model_id,
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
