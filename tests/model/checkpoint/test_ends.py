"""Where a text ends, by every file that says so: as transformers' `generate` takes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from model import messages as m
from model.checkpoint import save_checkpoint
from model.engine import Engine
from model.language_model import LanguageModel, open_model
from model.sampling import Sampling
from model.tokenizer.tokenizer import Tokenizer
from tests.model.checkpoint.gguf_writing import write_gguf

N = 13
LETTERS = {"<unk>": 0, "<b>": 1, "<end>": 2, **{c: 3 + i for i, c in enumerate("abcdefghi")}}
CHAT = {**LETTERS, "<turn>": 12}


def counting(folder: Path, **changes: Any) -> Path:
    """A network that counts: after id n comes n + 1. Without a tokenizer."""
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # tqdm starts a thread that stays
    sizes: dict[str, Any] = {"vocab_size": N, "n_positions": 64, "n_embd": 16, "n_layer": 1}
    sizes["n_inner"] = 32
    ids: dict[str, Any] = {"n_head": 2, "bos_token_id": 1, "eos_token_id": 2}
    network = GPT2LMHeadModel(GPT2Config(**sizes | ids | changes, tie_word_embeddings=False))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(1.0 if ".ln_" in name and name.endswith("weight") else 0.0)
        network.transformer.wte.weight[:, :N] = torch.eye(N)
        network.lm_head.weight[:, :N] = torch.eye(N).roll(1, 0)
    network.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    return folder


def with_tokenizer(folder: Path, **settings: Any) -> Path:
    Tokenizer.from_characters({c: id for c, id in CHAT.items() if len(c) == 1}, "here").save(folder)
    path = folder / "tokenizer.json"
    spec = json.loads(path.read_text())
    spec["model"]["vocab"] = CHAT
    path.write_text(json.dumps(spec))
    names = [name for name in CHAT if len(name) > 1]
    tokens = {
        str(CHAT[name]): {"content": name, "special": True, "normalized": False} for name in names
    }
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"} | settings
    settings["added_tokens_decoder"] = tokens
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def generated(lm: LanguageModel) -> tuple[list[int], str]:
    stream = lm.stream([3, 4], max_new_tokens=20, temperature=0)
    ids = []
    while True:
        try:
            ids.append(next(stream))
        except StopIteration as stop:
            return ids, stop.value


def by_transformers(folder: Path) -> list[int]:
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(folder)
    given = torch.tensor([[3, 4]])
    made = network.generate(
        given,
        attention_mask=torch.ones_like(given),
        max_new_tokens=20,
        do_sample=False,
        pad_token_id=0,
    )
    return list(made[0, 2:].tolist())


@pytest.mark.parametrize(
    ("config", "generation"),
    [
        ({}, {"eos_token_id": [2, 12]}),
        ({}, {"eos_token_id": 12}),
        ({"eos_token_id": [2, 12]}, None),
        ({"eos_token_id": [2, 12]}, {"eos_token_id": [7]}),
        ({"eos_token_id": 9}, None),
        ({"eos_token_id": [9, 6]}, None),
    ],
)
def test_a_text_ends_where_it_ends_in_transformers(
    config: dict[str, Any], generation: dict[str, Any] | None, tmp_path: Path
) -> None:
    folder = counting(tmp_path / "it", **config)
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    ids, why = generated(open_model(folder, "cpu"))
    assert ids == by_transformers(folder)
    assert why == "stop_id"


def test_the_mark_of_an_end_is_no_part_of_the_text(tmp_path: Path) -> None:
    folder = with_tokenizer(counting(tmp_path / "it"), eos_token="<end>")
    (folder / "generation_config.json").write_text('{"eos_token_id": [2, 12]}')
    lm = open_model(folder, "cpu")
    assert lm.generate([3, 4], max_new_tokens=20, temperature=0) == "cdefghi"
    assert lm.ends == {2, 12}
    engine = Engine("cpu", threads=1)
    results = list(engine.start())
    results += engine.handle(m.OpenModel(path=str(folder)))
    while engine.busy:
        results += engine.advance()
    request = m.Generate(ids=(3, 4), max_new_tokens=20, sampling=Sampling(temperature=0))
    results += engine.handle(request)
    while engine.busy:
        results += engine.advance()
    list(engine.close())
    last = next(one for one in results if isinstance(one, m.GenerationFinished))
    assert (last.reason, last.text, last.n_tokens) == ("end_of_text", "cdefghi", 8)


def test_the_settings_end_counts_beside_the_configs(tmp_path: Path) -> None:
    # A chat model whose trainer told only the tokenizer how a turn ends.
    folder = with_tokenizer(counting(tmp_path / "it"), eos_token="<turn>")
    assert generated(open_model(folder, "cpu"))[0] == [5, 6, 7, 8, 9, 10, 11, 12]
    # A name that is only known to end texts elsewhere ends none where the files say what does.
    folder = with_tokenizer(counting(tmp_path / "other", eos_token_id=9))
    assert open_model(folder, "cpu").ends == {9}


@pytest.mark.parametrize("keys", [("eos", "eot"), ("eot",), ("eom",)])
def test_ggufs_end_of_a_turn_ends_a_text(keys: tuple[str, ...], tmp_path: Path) -> None:
    folder = counting(tmp_path / "it")
    said = {f"tokenizer.ggml.{key}_token_id": 2 if key == "eos" else 12 for key in keys}
    file = write_gguf(folder, tmp_path / "it.gguf", keys=said)
    ids, why = generated(open_model(file, "cpu"))
    assert (ids, why) == ([5, 6, 7, 8, 9, 10, 11, 12], "stop_id")


def test_a_saved_model_ends_where_it_ended(tmp_path: Path) -> None:
    folder = with_tokenizer(counting(tmp_path / "it"), eos_token="<end>")
    (folder / "generation_config.json").write_text('{"eos_token_id": [2, 12]}')
    lm = open_model(folder, "cpu")
    saved = save_checkpoint(tmp_path / "saved", lm.transformer, lm.tokenizer, ends=lm.ends)
    assert open_model(saved, "cpu").ends == {2, 12}
    assert by_transformers(saved) == [5, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "generation_config.json can't be read"),
        (b"[1]", "generation_config.json can't be read (it is no JSON object)"),
        (b'{"eos_token_id": "2"}', "generation_config.json names '2' as eos_token_id"),
        (b'{"eos_token_id": [true, 12]}', "generation_config.json names True as eos_token_id"),
        (b'\xef\xbb\xbf{"eos_token_id": 12}', ""),
        (b'{"eos_token_id": -1}', ""),
    ],
)
def test_what_names_no_end_is_said_and_refuses_no_model(
    content: bytes, says: str, tmp_path: Path
) -> None:
    folder = counting(tmp_path / "it", eos_token_id=10)
    (folder / "generation_config.json").write_bytes(content)
    lm = open_model(folder, "cpu")
    assert lm.ends == ({12} if b"12" in content else {10})
    assert [says in note for note in lm.notes] == ([True] if says else [])
