"""An adapter opens on its base like any model: found where it says, or named with a plus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from model.checkpoint import CheckpointError, open_checkpoint, preview
from model.lora.adapter import Adapter, LoraConfig, merge
from model.lora.files import save_adapter
from tests.model.checkpoint.tiny import llama, logits
from tests.model.cli.commands import CliRunner, make_app


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return llama(tmp_path / "base")


def adapter_on(base: Path, folder: Path, named: str) -> torch.Tensor:
    """Write an adapter that changes something; the logits with it."""
    network = open_checkpoint(base, torch.float32)
    adapter = Adapter.new(network.family, network.transformer.config, LoraConfig(rank=2))
    with torch.no_grad():
        for _, _, b in adapter.factors():
            b.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
    save_adapter(folder, adapter, named)
    merge(network.transformer, adapter)
    from tests.model.checkpoint.families.harness import some_ids

    with torch.inference_mode():
        return network.transformer(some_ids(61))


@pytest.mark.parametrize("named", ["the whole path", "../base"])
def test_an_adapter_opens_on_the_base_that_it_names(named: str, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    expected = adapter_on(base, folder, str(base) if named == "the whole path" else named)
    assert torch.equal(logits(folder), expected)
    assert torch.equal(logits(folder / "adapter_model.safetensors"), expected)
    assert not torch.equal(logits(base), expected)
    opened = open_checkpoint(folder)
    assert opened.path == folder
    assert f"The adapter in {folder} is merged into {base}." in opened.notes
    assert preview(folder).problem is None


def test_where_the_base_is_not_found_a_person_names_it(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    expected = adapter_on(base, folder, "somebody/tiny-llama")
    with pytest.raises(CheckpointError, match=r"somebody/tiny-llama.* not found. Choose its base:"):
        open_checkpoint(folder)
    assert torch.equal(logits(Path(f"{folder} + {base}")), expected)


def test_an_adapter_is_merged_and_exported(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    expected = adapter_on(base, folder, "gone")
    result = CliRunner().invoke(
        make_app(), ["convert", f"{folder} + {base}", str(tmp_path / "merged")]
    )
    assert result.exit_code == 0, result.output
    assert torch.equal(logits(tmp_path / "merged"), expected)
    assert not (tmp_path / "merged" / "adapter_config.json").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use_dora": True}, "use_dora = True, which changes more"),
        ({"peft_type": "IA3"}, "peft_type 'IA3'; LORA is read"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"r": 0}, "r must be a whole number above 0"),
    ],
)
def test_what_changes_more_than_factors_is_refused_by_name(
    change: dict[str, object], said: str, base: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    adapter_on(base, folder, str(base))
    config = folder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(CheckpointError, match=said):
        open_checkpoint(folder)
