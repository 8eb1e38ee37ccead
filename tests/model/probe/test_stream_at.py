"""Lengths and angles of the residual stream, held to NumPy and to the trace, in every kind."""

from __future__ import annotations

import numpy as np
import pytest

from model.interventions import AblateHead, Intervention, ScaleOutput
from model.operations import streams
from model.probe.norms.asks import Norms, Of
from model.probe.stream_at.asks import StreamAt, StreamAtFound
from tests.model.numpy_forward import forward
from tests.model.probe.asking import IDS, Asked

KINDS = ("learned", "like Llama", "like Gemma 2", "norms after", "parallel", "encoder", "experts")


def cosine(a_D: np.ndarray, b_D: np.ndarray) -> float:
    return float(a_D @ b_D / np.sqrt((a_D @ a_D) * (b_D @ b_D)))


def test_lengths_and_angles_are_those_of_a_forward_pass_by_hand():
    asked, at = Asked("learned"), 6
    seen: dict[tuple[str, int], np.ndarray] = {}

    def note(what: str, layer: int, x_TD: np.ndarray) -> np.ndarray:
        seen[what, layer] = x_TD[at]
        return x_TD

    forward(asked.network, IDS, note)
    found = asked.ask(StreamAt(at))
    stream = [seen["resid", 0]]
    for layer in range(asked.config.n_layers):
        stream.append(stream[-1] + seen["attn", layer])
        stream.append(stream[-1] + seen["mlp", layer])
    assert [one.after for one in found.stations] == ["embedding", *["attention", "mlp"] * 2]
    assert np.allclose(found.norms_S, [np.linalg.norm(x) for x in stream], atol=1e-9)
    angles_SS = [[cosine(a, b) for b in stream] for a in stream]
    assert np.allclose(found.cosines_SS, angles_SS, atol=1e-9)
    added = [seen[what, layer] for layer in range(2) for what in ("attn", "mlp")]
    assert [(one.of, one.layer) for one in found.writes] == [
        ("attention", 0),
        ("mlp", 0),
        ("attention", 1),
        ("mlp", 1),
    ]
    assert np.allclose(found.writes_W, [np.linalg.norm(x) for x in added], atol=1e-9)
    along = [cosine(x, before) for x, before in zip(added, stream, strict=False)]
    assert np.allclose(found.cosines_W, along, atol=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_every_station_is_the_traces_and_what_is_added_leads_from_one_to_the_next(name: str):
    asked = Asked(name)
    trace, at = asked.trace, 4
    found = asked.ask(StreamAt(at))
    assert isinstance(found, StreamAtFound)
    names = [one.name for one in found.stations]
    assert [one for one in names if one in streams(asked.config)] == list(streams(asked.config))
    for station, norm in zip(found.stations, found.norms_S, strict=True):
        x_D = trace[station.name][0, at].numpy()
        assert norm == pytest.approx(float(np.linalg.norm(x_D)), abs=1e-9)
    n_writes = 2 * asked.config.n_layers
    assert len(found.writes) == n_writes
    for index in {one.station for one in found.writes}:
        x_D = trace[names[index - 1]][0, at].numpy()
        for one in found.writes:
            if one.station == index:
                x_D = x_D + trace[one.name][0, at].numpy()
        assert np.allclose(x_D, trace[names[index]][0, at].numpy(), atol=1e-9)


def test_a_stream_that_passes_norms_has_them_as_stations_and_parallel_halves_share_one():
    after = [one.after for one in Asked("norms after").ask(StreamAt(0)).stations]
    assert after == ["embedding", *["attention", "norm", "mlp", "norm"] * 2]
    found = Asked("parallel").ask(StreamAt(0))
    assert [one.after for one in found.stations] == ["embedding", "block", "block"]
    assert [one.station for one in found.writes] == [1, 1, 2, 2]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("of", ["stream", "attention", "mlp"])
def test_norms_are_the_traces_at_every_position(name: str, of: Of):
    asked = Asked(name)
    found = asked.ask(Norms(of))
    hook = {"attention": "hook_attn_out", "mlp": "hook_mlp_out"}
    layers = range(asked.config.n_layers)
    names = streams(asked.config) if of == "stream" else [f"blocks.{i}.{hook[of]}" for i in layers]
    assert found.names == tuple(names)
    for row, own in enumerate(names):
        norms_T = np.linalg.norm(asked.trace[own][0].numpy(), axis=-1)
        assert np.allclose(found.norms_RP[row], norms_T, rtol=1e-5)
    some = asked.ask(Norms(of, positions=(7, -1, 2)))
    assert some.positions_P.tolist() == [7, 10, 2]
    assert np.array_equal(some.norms_RP, found.norms_RP[:, [7, 10, 2]])


def test_they_are_those_of_the_changed_network():
    way: tuple[Intervention, ...] = (AblateHead(0, 2), ScaleOutput(1, "mlp", 0.0))
    asked = Asked("like Llama", interventions=way)
    trace, found = asked.trace, asked.ask(StreamAt(5))
    for station, norm in zip(found.stations, found.norms_S, strict=True):
        assert norm == pytest.approx(float(trace[station.name][0, 5].norm()), abs=1e-9)
    assert found.writes_W[-1] == 0, "the MLP was cut"
    hooks: dict[Of, str] = {"stream": "hook_resid_post", "mlp": "hook_mlp_out"}
    for of, hook in hooks.items():
        norms_T = trace[f"blocks.1.{hook}"][0].norm(dim=-1).numpy()
        assert np.allclose(asked.ask(Norms(of)).norms_RP[-1], norms_T, rtol=1e-5)
    assert np.isnan(found.cosines_W[-1]), "nothing has no direction"
    assert np.isfinite(found.cosines_SS).all()


@pytest.mark.parametrize(
    ("question", "why"),
    [(StreamAt(11), "no position 11"), (Norms(positions=(-12,)), "no position -12")],
)
def test_a_position_that_is_not_there_is_refused(question, why: str):
    with pytest.raises(ValueError, match=why):
        Asked("learned").ask(question)
