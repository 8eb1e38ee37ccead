"""Tables out of a model are its own tensors, of any kind of network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.slices import finish
from model.space.asking import opening
from model.space.projecting import project
from model.space.projections.asks import PrincipalAxes
from model.space.registry import Source, SpaceError
from model.space.sources.asks import BY_HEAD, WITHIN, InContext, TableFile, TokenTable
from model.space.sources.place import Place
from model.space.table import VectorTable
from tests.model.networks import VARIANTS
from tests.model.probe.asking import Asked


def table_of(source: Source, asked: Asked) -> VectorTable:
    words = {token: f"t{token}" for token in asked.subject.ids}
    return finish(opening(source, Place(asked.bench, 1, None, words)))


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_activations_in_context_are_those_of_the_trace(variant: str) -> None:
    asked = Asked(variant)
    config, trace = asked.config, asked.trace
    layer, head = config.n_layers - 1, config.n_heads - 1
    for part in WITHIN:
        source = InContext(asked.subject, part, layer, head)
        if source.activation not in trace:
            with pytest.raises(SpaceError, match=f"This model has no {source.activation}"):
                table_of(source, asked)
            continue
        expected = trace[source.activation][0]
        if part in BY_HEAD:
            # Heads that share keys and values read the one of their group.
            expected = expected[:, head * expected.shape[1] // config.n_heads]
        table = table_of(source, asked)
        assert np.allclose(table.rows_ND, expected.detach(), atol=1e-5)
        assert table.labels[:2] == ("t3 0", "t17 1")
    assert project(PrincipalAxes(), table_of(InContext(asked.subject), asked)).kept > 0


def test_a_vocabularys_table_is_the_weights_themselves() -> None:
    asked = Asked("untied" if "untied" in VARIANTS else "learned")
    for matrix in ("W_E", "W_U"):
        source = TokenTable("W_U" if matrix == "W_U" else "W_E")
        table = table_of(source, asked)
        weights = asked.network.table(source.matrix)
        assert table.rows_ND.data_ptr() == weights.data_ptr()
        table.known("axes", lambda: "found")
        assert table_of(source, asked).knows("axes"), "what was found is kept with the weights"


def test_a_layer_or_head_that_is_not_there_is_named(tmp_path: Path) -> None:
    asked = Asked()
    for source, says in (
        (InContext(asked.subject, "q", 99), "There is no layer 99"),
        (InContext(asked.subject, "q", 0, 99), "There is no head 99"),
    ):
        with pytest.raises(SpaceError, match=says):
            table_of(source, asked)
    for alone in (TokenTable(), InContext(asked.subject)):
        with pytest.raises(SpaceError, match="No model is open"):
            finish(opening(alone, Place()))
    np.save(tmp_path / "v.npy", np.eye(4))
    table = finish(opening(TableFile(str(tmp_path / "v.npy")), Place()))
    assert (len(table), table.name) == (4, "v.npy")
