"""Pairs along a direction that was made without them: does plural − singular order the rest?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.probe.question import read_only
from model.space.questions.asks import Along, AlongFound
from model.space.registry import SpaceError
from model.space.table import VectorTable


def answer(question: Along, table: VectorTable) -> Iterator[AlongFound | None]:
    """All at once: it is a few vectors only.

    Raises:
        SpaceError: there are too few pairs, or they give no direction.
    """
    held = question.held_out
    if len(question.pairs) < (1 if held or question.singles else 2):
        raise SpaceError("Give two pairs or more, such as cats cat: a pair is held out in turn.")
    rows = [row for pair in (*question.pairs, *held) for row in pair] + list(question.singles)
    if any(not 0 <= row < len(table) for row in rows):
        raise SpaceError(f"A pair names a row that {table.name} does not have.")
    made_P2D = _vectors(table, question.pairs)
    steps_PD = made_P2D[:, 0] - made_P2D[:, 1]
    whole_D = _unit(steps_PD.sum(0))
    if held or len(question.pairs) < 2:
        looked, looked_P2D = held, _vectors(table, held)
        directions_PD = whole_D.expand(len(looked), -1)
    else:
        looked, looked_P2D = question.pairs, made_P2D
        directions_PD = torch.stack([_unit(steps_PD.sum(0) - step) for step in steps_PD])
    dots_P2 = (looked_P2D * directions_PD[:, None]).sum(-1)
    apart_PD = looked_P2D[:, 0] - looked_P2D[:, 1]
    lengths_P = apart_PD.norm(dim=1)
    cosines_P = (apart_PD * directions_PD).sum(1) / lengths_P.clamp_min(1e-30)
    ids = torch.tensor(question.singles, dtype=torch.long, device=table.rows_ND.device)
    singles_S = table.rows_ND[ids].double().cpu() @ whole_D
    yield AlongFound(
        question=question,
        looked=looked,
        dots_P2=read_only(dots_P2.numpy()),
        cosines_P=read_only(cosines_P.numpy()),
        singles_S=read_only(singles_S.numpy().astype(np.float64)),
        direction_D=read_only(whole_D.numpy()),
    )


def _vectors(table: VectorTable, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    ids = torch.tensor(pairs, dtype=torch.long, device=table.rows_ND.device).reshape(-1, 2)
    return table.rows_ND[ids].double().cpu()


def _unit(vector_D: Tensor) -> Tensor:
    length = vector_D.norm()
    if not bool(torch.isfinite(length)) or float(length) <= 1e-12:
        raise SpaceError("These pairs give no direction: their differences cancel out.")
    return vector_D / length
