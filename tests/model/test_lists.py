"""What is added is a file or folder and a line in a list: done, used and seen.

A family, a verb, probes and an intervention; the window does the same with a pane
(tests/gui/window/test_added_pane.py), the engine with a job (tests/model/engine/test_engine.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch

from model import cli, interventions, probe
from model.checkpoint import CheckpointError, open_checkpoint, preview, save_checkpoint
from model.checkpoint import families as known
from model.cli.app import make_app
from model.probe import Probe
from model.trace import record
from model.transformer import Transformer
from tests.model.cli.commands import CliRunner
from tests.samples.even_attention import EvenAttention

CONFIG = known.FAMILIES["llama"].config_from_hf(
    {
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "hidden_size": 32,
        "intermediate_size": 48,
        "vocab_size": 61,
        "max_position_embeddings": 24,
    }
)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that a person would add."""
    monkeypatch.setattr(known, "MODULES", (*known.MODULES, "tests.samples.prism"))
    monkeypatch.setattr(cli, "VERBS", (*cli.VERBS, "tests.samples.layers"))
    longest = Probe(
        "longest", "Longest", "Which token's vector is longest.", "tests.samples.longest.cli"
    )
    length = Probe(
        "stream_length",
        "Stream length",
        "How long every vector of the stream is.",
        question="tests.samples.stream_length.asks:StreamLength",
    )
    monkeypatch.setattr(probe, "PROBES", (*probe.PROBES, longest, length))
    monkeypatch.setattr(interventions, "KINDS", (*interventions.KINDS, EvenAttention))


@pytest.fixture
def prism() -> Transformer:
    network = Transformer(CONFIG)
    network.initialize(torch.Generator().manual_seed(5), 0.3)
    return network.eval()


@pytest.fixture
def folder(listed: None, prism: Transformer, tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "prism", prism, None, family="prism")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: object) -> dict[str, Any]:
    printed = json.loads(run(*arguments, "--json").splitlines()[-1])
    assert isinstance(printed, dict)
    return printed


def test_a_family_is_a_file_and_a_line(folder: Path, prism: Transformer) -> None:
    assert json.loads((folder / "config.json").read_text())["depth"] == 3
    opened = open_checkpoint(folder)
    assert opened.family == "prism"
    state = opened.transformer.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in prism.state_dict().items())
    assert preview(folder).line.startswith("Prism · ")
    assert "Prism (prism)" in run("info", folder)
    assert run_json("info", folder)["title"] == "Prism"


def test_its_gguf_layout_is_in_the_same_file(folder: Path, prism: Transformer) -> None:
    path = folder.parent / "prism.gguf"
    write_prism(prism, path)
    opened = open_checkpoint(path)
    assert (opened.family, opened.format) == ("prism", "GGUF")
    ids_BT = torch.arange(12)[None] * 5
    with torch.inference_mode():
        assert torch.equal(opened.transformer(ids_BT), prism(ids_BT))
    assert preview(path).title == "Prism"


def test_without_its_line_a_family_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.parent / "prism.gguf"
    write_prism(open_checkpoint(folder).transformer, path)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="model_type 'prism', which is not supported"):
        open_checkpoint(folder)
    with pytest.raises(CheckpointError, match=r"general.architecture 'prism', which is not"):
        open_checkpoint(path)
    assert preview(folder).title == ""
    for asked in (["layers"], ["probe", "longest"], ["probe", "stream_length"]):
        assert CliRunner().invoke(make_app(), [*asked, str(folder)]).exit_code == 2


def test_a_verb_is_a_file_and_a_line(folder: Path) -> None:
    assert "Count the layers." in run("--help")
    assert run("layers", folder) == "3 layers\n"
    assert run_json("layers", folder) == {"n_layers": 3}


def test_a_probe_is_a_folder_and_a_line(folder: Path, prism: Transformer) -> None:
    assert "Which token's vector is longest." in run("probe", "--help")
    lengths = prism.embed.weight.detach().norm(dim=1)
    found = run_json("probe", "longest", folder)
    assert found["token_id"] == int(lengths.argmax())
    assert found["length"] == pytest.approx(float(lengths.max()))
    assert f"token {found['token_id']}: " in run("probe", "longest", folder)


def test_a_question_about_a_text_is_a_folder_and_a_line(
    folder: Path, prism: Transformer, tmp_path: Path
) -> None:
    """And an intervention a file and a line: the one is asked under the other."""
    assert "How long every vector of the stream is." in run("probe", "--help")
    assert "after which block." in run("probe", "stream_length", "--help")
    ids = (3, 50, 7, 7, 12)
    asked = ("probe", "stream_length", folder, "--ids", "3,50,7,7,12", "--layer", 1)
    for words, some in (
        ((), ()),
        (("--intervene", "even_attention layer=0"), (EvenAttention(0),)),
    ):
        trace = record(prism, torch.tensor([ids]), interventions=some)
        expected = trace["blocks.1.hook_resid_post"][0].norm(dim=-1).tolist()
        found = run_json(*asked, *words)["arrays"]["length"]
        assert found["axes"] == ["position"]
        assert found["values"] == pytest.approx(expected, rel=1e-5)
        out = tmp_path / "lengths.csv"
        run(*asked, *words, "--out", out)
        rows = [line.split(",") for line in out.read_text().splitlines()]
        assert rows[0] == ["position", "length"]
        assert [float(row[1]) for row in rows[1:]] == pytest.approx(expected, rel=1e-5)


def write_prism(network: Transformer, path: Path) -> None:
    """As llama.cpp would store it: its own names, rotary pairs side by side."""
    config = network.config
    writer = gguf.GGUFWriter(path, "prism")
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.n_layers)
    writer.add_head_count(config.n_heads)
    writer.add_feed_forward_length(config.d_mlp)
    writer.add_context_length(config.n_ctx)
    state = network.state_dict()
    writer.add_tensor("token_embd.weight", state["embed.weight"].numpy())
    writer.add_tensor("output.weight", state["unembed.weight"].numpy())
    writer.add_tensor("output_norm.weight", state["ln_final.w"].numpy())
    for layer in range(config.n_layers):
        block = f"blocks.{layer}"
        projections = state[f"{block}.attn.qkv.weight"].split(config.d_model)
        for letter, matrix in zip("qkv", projections):
            if letter != "v":
                halves = matrix.unflatten(0, (config.n_heads, 2, -1))
                matrix = halves.transpose(1, 2).flatten(0, 2)
            writer.add_tensor(f"blk.{layer}.attn_{letter}.weight", matrix.contiguous().numpy())
        for theirs, ours in (
            ("attn_output", "attn.out.weight"),
            ("attn_norm", "ln1.w"),
            ("ffn_norm", "ln2.w"),
            ("ffn_gate", "mlp.gate.weight"),
            ("ffn_up", "mlp.up.weight"),
            ("ffn_down", "mlp.down.weight"),
        ):
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", state[f"{block}.{ours}"].numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
