"""GPT-2 folders as people have them: opened exactly, or refused with a sentence that helps."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel

import model
from model.checkpoint import CheckpointError, open_checkpoint, save_checkpoint
from model.checkpoint.families import FAMILIES, family_for
from model.transformer import Transformer
from tests.model.conftest import PROMPT, make_gpt2
from tests.model.networks import VARIANTS

WEIGHTS = "model.safetensors"


def edit_config(folder: Path, **changes: Any) -> None:
    """Change keys of config.json; None removes one."""
    path = folder / "config.json"
    hf = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in hf.items() if value is not None}))


def edit_weights(folder: Path, edit: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def logits(folder: Path, ids_BT: Tensor) -> Tensor:
    with torch.inference_mode():
        return open_checkpoint(folder).transformer(ids_BT)


def refusal(path: Path, *, of: Callable[..., Any] = open_checkpoint) -> str:
    """The sentence with which a path is refused."""
    with pytest.raises(CheckpointError) as caught:
        of(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


# What opens


def test_an_opened_checkpoint_says_what_it_is(gpt2_folder: Path):
    checkpoint = open_checkpoint(gpt2_folder)
    assert checkpoint.family == "gpt2"
    assert checkpoint.path == gpt2_folder
    assert checkpoint.dtype == torch.float32
    config = checkpoint.transformer.config
    assert (config.n_layers, config.n_heads, config.d_model, config.d_mlp) == (3, 4, 24, 56)
    assert (config.d_vocab, config.n_ctx, config.norm_eps) == (311, 48, 3e-5)
    assert config.tied_embeddings
    assert checkpoint.tokenizer is not None
    assert checkpoint.tokenizer.decode(checkpoint.tokenizer.encode(PROMPT).ids) == PROMPT
    assert not checkpoint.transformer.training


@pytest.mark.parametrize("name", ["gelu_new", "gelu", "gelu_pytorch_tanh", "relu"])
def test_every_activation_equals_transformers(name: str, tmp_path: Path, ids_BT: Tensor):
    folder = make_gpt2(tmp_path, None, activation_function=name, n_inner=None)
    theirs = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float64).eval()
    ours = open_checkpoint(folder, torch.float64).transformer
    assert ours.config.d_mlp == 4 * 24
    with torch.inference_mode():
        assert (ours(ids_BT) - theirs(ids_BT).logits).abs().max() < 1e-9


def test_keys_without_the_prefix_and_with_old_masks_open_the_same(own_folder: Path, ids_BT: Tensor):
    before = logits(own_folder, ids_BT)

    def as_openai_did(tensors: dict[str, Tensor]) -> None:
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)
        for layer in range(3):
            mask = torch.ones(48, 48, dtype=torch.uint8).tril().view(1, 1, 48, 48)
            tensors[f"h.{layer}.attn.bias"] = mask
            tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)

    edit_weights(own_folder, as_openai_did)
    assert torch.equal(logits(own_folder, ids_BT), before)


def test_a_tied_unembedding_that_is_stored_too_changes_nothing(own_folder: Path, ids_BT: Tensor):
    before = logits(own_folder, ids_BT)

    def store(tensors: dict[str, Tensor]) -> None:
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()

    edit_weights(own_folder, store)
    assert torch.equal(logits(own_folder, ids_BT), before)
    assert open_checkpoint(own_folder).transformer.config.tied_embeddings


def test_an_unembedding_that_differs_is_used_whatever_the_config_says(
    own_folder: Path, ids_BT: Tensor
):
    def store(tensors: dict[str, Tensor]) -> None:
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].flip(0).contiguous()

    edit_weights(own_folder, store)
    theirs = GPT2LMHeadModel.from_pretrained(own_folder).eval()
    ours = open_checkpoint(own_folder).transformer
    assert not ours.config.tied_embeddings
    with torch.inference_mode():
        assert (ours(ids_BT) - theirs(ids_BT).logits).abs().max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_is_the_files_unless_another_is_asked_for(dtype: torch.dtype, own_folder: Path):
    def cast(tensors: dict[str, Tensor]) -> None:
        for name in tensors:
            tensors[name] = tensors[name].to(dtype)

    edit_weights(own_folder, cast)
    assert open_checkpoint(own_folder).dtype == dtype
    checkpoint = open_checkpoint(own_folder, torch.float32)
    assert {p.dtype for p in checkpoint.transformer.parameters()} == {torch.float32}


def test_shards_open_like_one_file(own_folder: Path, ids_BT: Tensor):
    before = logits(own_folder, ids_BT)
    tensors = load_file(own_folder / WEIGHTS)
    names = sorted(tensors)
    files = {name: f"part-{i % 3}.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        save_file({n: tensors[n] for n in names if files[n] == file}, own_folder / file)
    index = own_folder / "model.safetensors.index.json"
    # Of an index only the map counts.
    index.write_text(json.dumps({"metadata": {"total_size": -5}, "weight_map": files}))
    (own_folder / WEIGHTS).unlink()
    assert torch.equal(logits(own_folder, ids_BT), before)
    assert torch.equal(logits(index, ids_BT), before)

    (own_folder / "part-1.safetensors").unlink()
    assert "part-1.safetensors is missing" in refusal(own_folder)
    index.write_text(json.dumps({"weight_map": dict.fromkeys(names, "../elsewhere.safetensors")}))
    assert "'../elsewhere.safetensors', which is outside the folder" in refusal(own_folder)
    index.write_text(json.dumps({"weight_map": {"no.such": "part-0.safetensors"}}))
    assert "part-0.safetensors has no tensor 'no.such'" in refusal(own_folder)
    index.write_text("[]")
    assert "model.safetensors.index.json holds no JSON object" in refusal(own_folder)
    index.write_text('{"weight_map": {"a": 1}}')
    assert "needs a 'weight_map'" in refusal(own_folder)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
def test_a_file_of_a_checkpoint_opens_its_folder(name: str, gpt2_folder: Path):
    assert open_checkpoint(gpt2_folder / name).path == gpt2_folder


def test_a_run_opens_at_its_last_whole_snapshot(gpt2_folder: Path, tmp_path: Path):
    run = tmp_path / "run"
    for step in ("step-000100", "step-000900", "step-001000"):
        shutil.copytree(gpt2_folder, run / "snapshots" / step)
        for file in (run / "snapshots" / step).glob("tokenizer*"):
            file.unlink()
    shutil.copytree(gpt2_folder, run / "snapshots" / ".step-002000.part")
    (run / "snapshots" / "step-001000" / WEIGHTS).unlink()
    shutil.copy(gpt2_folder / "tokenizer.json", run)
    (run / "run.toml").touch()

    last = run / "snapshots" / "step-000900"
    for path in (run, run / "snapshots", run / "run.toml", last, last / WEIGHTS):
        checkpoint = open_checkpoint(path)
        assert checkpoint.path == last
        assert checkpoint.tokenizer is not None  # the run's
    assert open_checkpoint(run / "snapshots" / "step-000100").path.name == "step-000100"
    for snapshot in (run / "snapshots").iterdir():
        shutil.rmtree(snapshot)
    assert "has no snapshot yet; train it further" in refusal(run)


def test_weights_are_read_into_memory_of_their_own(own_folder: Path, ids_BT: Tensor):
    transformer = open_checkpoint(own_folder).transformer
    with torch.inference_mode():
        before = transformer(ids_BT)
        size = (own_folder / WEIGHTS).stat().st_size
        with (own_folder / WEIGHTS).open("r+b") as file:
            file.write(b"\0" * size)
            file.truncate(10)
        assert torch.equal(transformer(ids_BT), before)


def test_opening_does_not_disturb_the_random_numbers(gpt2_folder: Path):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    open_checkpoint(gpt2_folder)
    assert torch.equal(torch.rand(3), expected)


# What is saved


@pytest.mark.parametrize("source", ["gpt2_folder", "untied_folder"])
def test_a_saved_checkpoint_opens_here_and_in_transformers(
    source: str, tmp_path: Path, ids_BT: Tensor, request: pytest.FixtureRequest
):
    folder = request.getfixturevalue(source)
    ours = open_checkpoint(folder)
    saved = save_checkpoint(
        tmp_path / "new" / "saved", ours.transformer, ours.tokenizer, {"note": "by hand"}
    )
    again = open_checkpoint(saved)
    assert again.transformer.config == ours.transformer.config
    for name, tensor in ours.transformer.state_dict().items():
        assert torch.equal(again.transformer.state_dict()[name], tensor), name
    assert json.loads((saved / "config.json").read_text())["note"] == "by hand"
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]

    theirs = AutoModelForCausalLM.from_pretrained(saved).eval()
    assert isinstance(theirs, GPT2LMHeadModel)
    with torch.inference_mode():
        difference = (theirs(ids_BT).logits - ours.transformer(ids_BT)).abs().max()
    assert difference < 1e-4
    assert ours.tokenizer is not None
    tokenizer = AutoTokenizer.from_pretrained(saved)
    assert tokenizer(PROMPT)["input_ids"] == ours.tokenizer.encode(PROMPT).ids


def test_saving_over_a_checkpoint_replaces_it_and_keeps_the_rest(
    own_folder: Path, untied_folder: Path, ids_BT: Tensor
):
    (own_folder / "README.md").write_text("mine")
    other = open_checkpoint(untied_folder)
    save_checkpoint(own_folder, other.transformer, other.tokenizer)
    assert torch.equal(logits(own_folder, ids_BT), logits(untied_folder, ids_BT))
    assert (own_folder / "README.md").read_text() == "mine"


def test_saving_into_a_folder_of_other_things_is_refused(gpt2_folder: Path, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    transformer = open_checkpoint(gpt2_folder).transformer
    with pytest.raises(CheckpointError, match="holds other files and is no checkpoint"):
        save_checkpoint(tmp_path, transformer, None)
    with pytest.raises(CheckpointError, match=r"letter\.txt can't be written: Not a dir"):
        save_checkpoint(tmp_path / "letter.txt", transformer, None)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rotary", "positions 'rotary'"),
        ("rms", "norm 'rms'"),
        ("grouped-query", "n_kv_heads 2"),
        ("gated", "gated True"),
        ("learned", "d_head 6"),
    ],
)
def test_a_network_that_is_no_gpt2_is_not_saved_as_one(name: str, says: str, tmp_path: Path):
    with pytest.raises(CheckpointError, match=f"can't be saved as a GPT-2: it has .*{says}"):
        save_checkpoint(tmp_path / "saved", Transformer(VARIANTS[name]), None, family="gpt2")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", VARIANTS)
def test_a_family_is_found_for_every_network_or_it_is_said_that_there_is_none(name: str):
    config = VARIANTS[name]
    refused = ""
    family = "gpt2"
    try:
        family = family_for(config)
    except CheckpointError as error:
        refused = str(error)
    if refused:
        assert "No family of networks that transformers knows has" in refused
    else:
        saved = FAMILIES[family].config_from_hf(FAMILIES[family].config_to_hf(config))
        assert (saved.n_layers, saved.positions) == (config.n_layers, config.positions)


# What is refused: the place


def test_a_path_that_is_no_checkpoint_is_refused(tmp_path: Path):
    assert (
        refusal(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'} does not exist; check the path."
    )
    assert "is no checkpoint: it has no config.json, no weights and" in refusal(tmp_path)
    text = tmp_path / "story.txt"
    text.write_text("Once upon a time")
    assert "story.txt is no part of a checkpoint" in refusal(text)
    assert "has weights but no config.json" in refusal_after(tmp_path, WEIGHTS)


def test_weights_that_are_a_web_page_are_named_before_a_config_is_asked_for(tmp_path: Path):
    (tmp_path / WEIGHTS).write_text("<html><body>404</body></html>")
    for path in (tmp_path, tmp_path / WEIGHTS):
        said = refusal(path)
        assert "is a web page" in said
        assert "config.json" not in said


def test_what_may_be_meant_as_a_model_on_a_hub_is_told_how_to_name_it():
    assert refusal(Path("gpt2")) == (
        "gpt2 does not exist; check the path, or name a model on a hub as owner/name."
    )
    assert refusal(Path("https://hub.example/some-one/gpt2/tree/main")).endswith(
        "a model on a hub goes by its owner/name: some-one/gpt2."
    )


def refusal_after(folder: Path, name: str) -> str:
    (folder / name).touch()
    return refusal(folder)


def test_missing_weights_are_named(own_folder: Path):
    (own_folder / WEIGHTS).unlink()
    message = refusal(own_folder)
    assert f"{own_folder} has no weights: model.safetensors is missing" in message
    (own_folder / WEIGHTS).mkdir()
    assert "is a folder, where a file should be" in refusal(own_folder)


def test_a_place_that_may_not_be_read_is_refused(own_folder: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.open

    def forbidden(path: Path, flags: int) -> int:
        if str(path).endswith(WEIGHTS):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags)

    monkeypatch.setattr(os, "open", forbidden)
    assert refusal(own_folder).startswith(
        f"{own_folder / WEIGHTS} can't be read (Permission denied)"
    )


# What is refused: config.json


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[1, 2]", "holds no JSON object"),
        ("[" * 100_000, "is no JSON"),
        ("\udcff", "is no JSON"),
        ("{}", "has no 'model_type', so the kind of network is unknown"),
        ('{"model_type": 5}', "has no 'model_type'"),
    ],
    ids=range(7),
)
def test_a_config_that_is_none_is_refused(content: str, says: str, own_folder: Path):
    raw = content.encode("utf-8", "surrogateescape")
    (own_folder / "config.json").write_bytes(raw)
    message = refusal(own_folder)
    assert says in message
    assert "config.json" in message


def test_an_unknown_family_is_refused_with_the_nearest_known(own_folder: Path):
    edit_config(own_folder, model_type="gpt_2")
    assert "model_type 'gpt_2', which is not supported; the nearest known are gpt2" in refusal(
        own_folder
    )
    edit_config(own_folder, model_type="0123")
    assert "none that is known is near (supported: " in refusal(own_folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_layer": 0}, "'n_layer' is 0; a whole number from 1 to 2000 fits"),
        ({"n_layer": -1}, "'n_layer' is -1"),
        ({"n_layer": 10**9}, "'n_layer' is 1000000000"),
        ({"n_layer": "3"}, "'n_layer' is '3'"),
        ({"n_layer": 3.5}, "'n_layer' is 3.5"),
        ({"n_layer": True}, "'n_layer' is True"),
        ({"n_layer": [3]}, "'n_layer' is [3]"),
        ({"n_embd": 10**30}, "'n_embd' is 1000000000000000000000000000000; a whole number"),
        ({"vocab_size": 90_000_000}, "parameters, but the weights beside it hold"),
        ({"n_inner": 50_000_000}, "parameters, but the weights beside it hold"),
        ({"n_head": 5}, "d_model 24 does not divide into 5 heads"),
        ({"layer_norm_epsilon": "tiny"}, "'layer_norm_epsilon' is 'tiny'; a number fits"),
        ({"layer_norm_epsilon": -1}, "'layer_norm_epsilon' is -1; a number of 0 or more"),
        ({"layer_norm_epsilon": float("nan")}, "'layer_norm_epsilon' is nan"),
        ({"resid_pdrop": 2}, "'resid_pdrop' is 2; a number from 0 to 1 fits"),
        (
            {"activation_function": "prelu"},
            "'activation_function' is 'prelu'; supported are",
        ),
        ({"activation_function": {}}, "'activation_function' is {}"),
        ({"tie_word_embeddings": "yes"}, "'tie_word_embeddings' is 'yes'; true or false fits"),
        (
            {"scale_attn_by_inverse_layer_idx": 2},
            "'scale_attn_by_inverse_layer_idx' is 2; true or false fits",
        ),
    ],
    ids=str,
)
def test_values_that_fit_no_network_are_named(changes: dict[str, Any], says: str, own_folder: Path):
    edit_config(own_folder, **changes)
    message = refusal(own_folder)
    assert says in message
    assert "config.json" in message


def test_upcast_attention_is_the_same_function(own_folder: Path, ids_BT: Tensor):
    before = logits(own_folder, ids_BT)
    edit_config(own_folder, reorder_and_upcast_attn=True)
    assert torch.equal(logits(own_folder, ids_BT), before)
    theirs = GPT2LMHeadModel.from_pretrained(own_folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        assert (theirs(ids_BT).logits - before).abs().max() < 1e-4


# What is refused: the weights


@pytest.mark.parametrize("keep", [0, 5, 8, 100, 5_000, -1])
def test_a_file_cut_short_is_refused(keep: int, own_folder: Path):
    path = own_folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:keep])
    message = refusal(own_folder)
    assert f"{path} is no whole safetensors file" in message
    assert "Copy it again" in message


@pytest.mark.parametrize(
    "header", [b"\xff" * 8, (2**40).to_bytes(8, "little"), (3).to_bytes(8, "little") + b"{x}"]
)
def test_a_lying_header_is_refused(header: bytes, own_folder: Path):
    path = own_folder / WEIGHTS
    path.write_bytes(header + path.read_bytes()[len(header) :])
    assert "is no whole safetensors file" in refusal(own_folder)


def test_missing_tensors_are_named(own_folder: Path):
    edit_weights(own_folder, lambda tensors: tensors.__delitem__("transformer.h.1.ln_2.bias"))
    assert "lack 'transformer.h.1.ln_2.bias'; they are not complete" in refusal(own_folder)
    edit_config(own_folder, n_layer=4)
    assert "lack 'transformer.h.1.ln_2.bias', 'transformer.h.3.ln_1.weight'," in refusal(own_folder)
    assert "and 10 more" in refusal(own_folder)


def test_a_missing_unembedding_is_named(own_folder: Path):
    edit_config(own_folder, tie_word_embeddings=False)
    assert "lack 'lm_head.weight'" in refusal(own_folder)


def test_a_wrong_shape_is_named_with_both_shapes(own_folder: Path):
    edit_config(own_folder, n_positions=40)
    message = refusal(own_folder)
    assert "Tensor 'transformer.wpe.weight'" in message
    assert "has shape [48, 24], but config.json asks for [40, 24]" in message
    edit_config(own_folder, n_positions=48)

    def transpose(tensors: dict[str, Tensor]) -> None:
        name = "transformer.h.2.mlp.c_fc.weight"
        tensors[name] = tensors[name].T.contiguous()

    edit_weights(own_folder, transpose)
    assert re.search(
        r"h\.2\.mlp\.c_fc\.weight.* \[56, 24\], but .* \[24, 56\]", refusal(own_folder)
    )


def test_tensors_that_would_be_ignored_are_a_reason_to_refuse(own_folder: Path):
    edit_config(own_folder, n_layer=2)
    message = refusal(own_folder)
    assert "hold 'transformer.h.2.attn.c_attn.bias'" in message
    assert "and 9 more, which a gpt2 of this config does not have" in message


def test_weights_in_another_number_format_are_refused(own_folder: Path):
    def quantise(tensors: dict[str, Tensor]) -> None:
        tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"].to(torch.int8)

    edit_weights(own_folder, quantise)
    assert "tensor 'transformer.wte.weight' is stored as int8; weights in float32" in refusal(
        own_folder
    )


def test_an_empty_file_of_weights_is_refused(own_folder: Path):
    save_file({}, own_folder / WEIGHTS)
    assert "they do not belong together" in refusal(own_folder)


def test_links_that_lead_nowhere_are_told_as_such(own_folder: Path):
    (own_folder / "config.json").unlink()
    (own_folder / "config.json").symlink_to("config.json")
    assert "Too many levels of symbolic links" in refusal(own_folder)
    assert "is a link that leads nowhere" in refusal(own_folder / "config.json")
    (own_folder / "config.json").unlink()
    (own_folder / "config.json").symlink_to("gone.json")
    assert "config.json is missing; copy it there." in refusal(own_folder)


@pytest.mark.parametrize("weights", ["adapter_model.safetensors", "adapter_model.bin"])
def test_an_adapter_alone_is_no_model(weights: str, tmp_path: Path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (tmp_path / weights).write_bytes(b"")
    said = refusal(tmp_path)
    assert "holds an adapter (adapter_config.json)" in said
    assert f"{tmp_path} + BASE" in said


# What is refused: the tokenizer


def test_a_tokenizer_of_another_model_is_refused(own_folder: Path, shared_data: Path):
    shutil.copy(shared_data / "gpt2-vocab.json", own_folder / "vocab.json")
    shutil.copy(shared_data / "gpt2-merges.txt", own_folder / "merges.txt")
    (own_folder / "tokenizer.json").unlink()
    message = refusal(own_folder)
    assert "has 50257 tokens, but the network embeds 311" in message
    assert "move this one away to type token ids" in message


def test_a_damaged_tokenizer_is_refused(own_folder: Path):
    (own_folder / "tokenizer.json").write_text("{")
    assert "tokenizer.json is no readable tokenizer" in refusal(own_folder)
    (own_folder / "tokenizer.json").unlink()
    (own_folder / "vocab.json").write_text("{}")
    assert "vocab.json, but merges.txt is missing" in refusal(own_folder)


def test_the_library_and_its_short_name_refuse_alike(tmp_path: Path):
    assert refusal(tmp_path, of=model.open) == refusal(tmp_path)
