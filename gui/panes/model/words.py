"""What a number among the weights is, in words: its axes, its index, how to fetch it.

Knows the store's state; no widget.
"""

from __future__ import annotations

from gui.reading.axes import SIZES, index_words, letters_of
from gui.reading.inspecting import inspected_parameter
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.parts import share_words
from model import messages as m
from model.counting import counted
from model.interventions import SetWeight
from model.probe.weights.matrix_layout import MatrixLayout

_AXES = {**SIZES, "M": "d_mlp"}


def axes_words(store: Store, tensor: m.WeightTensor) -> str:
    """What its axes are: "head × d_model × d_head"; empty where that is not known."""
    return " × ".join(_AXES.get(letter, "") for letter in _letters(store, tensor))


def matrix_titles(store: Store, tensor: m.WeightTensor, layout: MatrixLayout) -> tuple[str, str]:
    """What the rows and the columns of its picture are."""
    letters = _letters(store, tensor)
    if not letters:
        return "row", "column"
    rows, columns = (
        " · ".join(_AXES.get(letters[axis], "") for axis in axes)
        for axes in (layout.rows, layout.columns)
    )
    return rows or "row", columns or "column"


def number_words(store: Store, number: Inspected) -> str:
    """A number with its name and index, for a tooltip."""
    places = [] if store.model is None else index_words(store.model, (), number.name, number.index)
    where = ", ".join(places)
    return f"{number.value:.8g}\n{number.name}\n[{where}]"


def inspected_tensor(store: Store, tensor: m.WeightTensor) -> Inspected:
    """A whole tensor, for the inspector."""
    n_params = 0 if store.model is None else store.model.n_params
    share = share_words(0 if tensor.tied_to else tensor.n, n_params)
    note = f"{counted(tensor.n, 'number')}, {share} of the model"
    if tensor.tied_to:
        note = f"{counted(tensor.n, 'number')}, the same as {tensor.tied_to}: counted there"
    in_file = f"; in the file: {tensor.in_file}" if tensor.in_file else ""
    return inspected_parameter(tensor.name, note=f"{note}{in_file}.", dtype=tensor.dtype)


def inspected_number(
    store: Store, tensor: m.WeightTensor, layout: MatrixLayout, number: tuple[int, int, float]
) -> Inspected:
    """One number of a tensor by its row and column in the matrix, for the inspector."""
    row, column, value = number
    index = layout.index(row, column)
    figures = store.weights.figures.get(tensor.name)
    note = ""
    if figures is not None and figures.std > 0:
        away = (value - figures.mean) / figures.std
        side = "above" if away > 0 else "below"
        note = f"{abs(away):.1f} standard deviations {side} the tensor's mean."
    at = store.intervening.weight_set(SetWeight(tensor.name, index))
    if at is not None:
        one = store.intervening.entries[at].intervention
        assert isinstance(one, SetWeight)
        note = f"Set to {one.value:.6g} by hand; this is the model's own number."
    return inspected_parameter(tensor.name, index, value, note, dtype=tensor.dtype)


def _letters(store: Store, tensor: m.WeightTensor) -> str:
    letters = "" if store.model is None else letters_of(store.model.config, tensor.name) or ""
    return letters if len(letters) == len(tensor.shape) else ""
