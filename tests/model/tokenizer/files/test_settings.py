"""What stands beside a tokenizer's file counts as in transformers: the same ids, or a note."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.checkpoint import open_checkpoint
from model.tokenizer.tokenizer import Tokenizer
from tests.model.conftest import make_gpt2
from tests.model.tokenizer.files.small_files import N, bert, byte_level, frame, metaspace, token

BOM = b"\xef\xbb\xbf"
TEXTS = (
    "",
    "the king",
    "The King's CROWN",
    " queen",
    "  two spaces",
    "a <tool> b",
    "a<tool>b <img>c",
    "Café naïve",
    "x</s> y",
    "<|im_end|>\nthe",
    "<s>the <mask> [MASK] king</s>",
    "<|endoftext|>the",
    "12 345\n\n  日本 語",
)
WHOLE = {"__type": "AddedToken"}
FAST, BERT, GPT2 = "PreTrainedTokenizerFast", "BertTokenizer", "GPT2Tokenizer"
SPACED = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
CASED = bert()["normalizer"] | {"lowercase": False, "strip_accents": True}

# Name: tokenizer.json, settings, further files, kind of model.
GRID: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "bert": (bert(), {"tokenizer_class": BERT}, {}, "bert"),
    "bert, by its model": (bert(), {"do_lower_case": False}, {}, "bert"),
    "bert, by config.json": (bert(), {}, {"config": {"tokenizer_class": BERT}}, "llama"),
    "bert fast": (bert(), {"tokenizer_class": "BertTokenizerFast"}, {}, "bert"),
    "bert keeps case": (bert(), {"tokenizer_class": BERT, "do_lower_case": False}, {}, "bert"),
    "bert keeps accents": (bert(), {"tokenizer_class": BERT, "strip_accents": False}, {}, "bert"),
    "bert takes accents": (
        bert(),
        {"tokenizer_class": BERT, "strip_accents": True, "do_lower_case": False},
        {},
        "bert",
    ),
    "bert joins chinese": (
        bert(),
        {"tokenizer_class": BERT, "tokenize_chinese_chars": False},
        {},
        "bert",
    ),
    "bert, the file cased": (bert(normalizer=CASED), {"tokenizer_class": BERT}, {}, "bert"),
    "bert, another normalizer": (
        bert(normalizer={"type": "Lowercase"}),
        {"tokenizer_class": BERT, "do_lower_case": False},
        {},
        "bert",
    ),
    "bert, taken whole": (
        bert(normalizer=CASED),
        {"tokenizer_class": FAST, "do_lower_case": True},
        {},
        "bert",
    ),
    "bert, another frame": (
        bert(),
        {"tokenizer_class": BERT, "cls_token": "[MASK]", "sep_token": WHOLE | token("[PAD]")},
        {},
        "bert",
    ),
    "distilbert": (
        bert(),
        {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": False},
        {},
        "distilbert",
    ),
    "gpt2": (byte_level(), {"tokenizer_class": GPT2}, {}, "gpt2"),
    "gpt2 puts a space": (
        byte_level(),
        {"tokenizer_class": GPT2, "add_prefix_space": True},
        {},
        "gpt2",
    ),
    "gpt2 puts none": (byte_level(pre_tokenizer=SPACED), {"tokenizer_class": GPT2}, {}, "gpt2"),
    "a class looks at no space": (
        byte_level(),
        {"tokenizer_class": FAST, "add_prefix_space": True},
        {},
        "gpt2",
    ),
    "codegen": (
        byte_level(),
        {"tokenizer_class": "CodeGenTokenizer", "add_prefix_space": True},
        {},
        "phi",
    ),
    "neox": (
        byte_level(normalizer={"type": "NFC"}, post_processor=frame("<s>", 0)),
        {"tokenizer_class": "GPTNeoXTokenizer", "add_prefix_space": True},
        {},
        "gpt_neox",
    ),
    "roberta": (
        byte_level(),
        {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True},
        {},
        "roberta",
    ),
    "roberta's mask": (
        byte_level(),
        {"tokenizer_class": "RobertaTokenizer", "mask_token": WHOLE | token("<mask>", lstrip=True)},
        {},
        "roberta",
    ),
    "llama": (metaspace(), {"tokenizer_class": "LlamaTokenizer"}, {}, "llama"),
    "llama puts no space": (
        metaspace(),
        {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": False},
        {},
        "llama",
    ),
    "llama of old": (
        metaspace(),
        {"tokenizer_class": "LlamaTokenizerFast", "legacy": True},
        {},
        "llama",
    ),
    "llama 3": (byte_level(), {"tokenizer_class": "LlamaTokenizer"}, {}, "llama"),
    "a begin that is asked for": (
        byte_level(),
        {"tokenizer_class": FAST, "add_bos_token": True, "bos_token": "<s>"},
        {},
        "llama",
    ),
    "a begin that is refused": (
        byte_level(post_processor=frame("<s>", 0)),
        {"tokenizer_class": FAST, "add_bos_token": False, "bos_token": "<s>"},
        {},
        "llama",
    ),
    "added tokens": (
        byte_level(),
        {
            "tokenizer_class": FAST,
            "added_tokens_decoder": {str(N): token("<tool>"), str(N + 1): token("<|im_end|>")},
            "eos_token": "<|im_end|>",
        },
        {},
        "llama",
    ),
    "added tokens with flags": (
        byte_level(),
        {
            "tokenizer_class": FAST,
            "added_tokens_decoder": {
                str(N): token("<tool>", lstrip=True, rstrip=True),
                str(N + 1): token("king", special=False, single_word=True),
                str(N + 2): token("<|im_end|>", special=False, normalized=True),
            },
        },
        {"special_tokens_map": {"eos_token": "<never>"}, "added_tokens": {"<img>": N + 3}},
        "llama",
    ),
    "extra tokens": (
        byte_level(),
        {"tokenizer_class": FAST, "extra_special_tokens": ["<tool>", "<|im_end|>"]},
        {},
        "llama",
    ),
    "extra tokens by role": (
        byte_level(),
        {"tokenizer_class": FAST, "extra_special_tokens": {"image_token": "<img>"}},
        {},
        "llama",
    ),
    "both kinds of extra tokens": (
        byte_level(),
        {
            "tokenizer_class": FAST,
            "extra_special_tokens": {"image_token": "<img>"},
            "additional_special_tokens": ["<tool>"],
        },
        {},
        "llama",
    ),
    "additional tokens": (
        byte_level(),
        {"tokenizer_class": FAST, "additional_special_tokens": ["<tool>", "<|im_end|>"]},
        {},
        "llama",
    ),
    "a role of its own": (
        byte_level(),
        {"tokenizer_class": FAST, "image_token": "<img>", "eos_token": "<|im_end|>"},
        {},
        "llama",
    ),
    "a role only the settings know": (
        byte_level(),
        {"tokenizer_class": FAST, "bos_token": "<tool>", "eos_token": "<|im_end|>"},
        {},
        "llama",
    ),
    "a whole token": (
        byte_level(),
        {
            "tokenizer_class": FAST,
            "eos_token": {"__type": "AddedToken", "content": "<tool>", "rstrip": True},
        },
        {},
        "llama",
    ),
    "added_tokens.json": (
        byte_level(),
        {"tokenizer_class": FAST},
        {"added_tokens": {"<tool>": N, "<|im_end|>": N + 1}},
        "llama",
    ),
    "special_tokens_map.json": (
        byte_level(),
        {"tokenizer_class": FAST, "eos_token": "</s>"},
        {
            "special_tokens_map": {
                "eos_token": {"content": "<|im_end|>", "lstrip": True},
                "additional_special_tokens": ["<tool>"],
            },
            "added_tokens": {"<img>": N},
        },
        "llama",
    ),
    "special tokens are cut": (
        byte_level(),
        {"tokenizer_class": FAST, "split_special_tokens": True},
        {},
        "llama",
    ),
    "no settings": (byte_level(), {}, {}, "llama"),
}


def written(
    folder: Path, spec: dict[str, Any], settings: dict[str, Any], others: dict[str, Any], model: str
) -> Path:
    config = {"model_type": model} | others.get("config", {})
    files = {"tokenizer": spec, "tokenizer_config": settings, **others, "config": config}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", GRID)
def test_the_ids_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    spec, settings, others, model = GRID[name]
    folder = written(tmp_path, spec, settings, others, model)
    theirs = AutoTokenizer.from_pretrained(folder)
    ids = {text: theirs(text)["input_ids"] for text in TEXTS}
    ours = Tokenizer.from_folder(folder)
    assert {text: ours.encode(text).ids for text in TEXTS} == ids
    assert ours.n_tokens == len(theirs)
    if settings.get("eos_token"):
        assert ours.named_end == theirs.eos_token_id
    assert ours.notes == ()
    # A byte order mark, as some editors leave one in every file.
    for file in folder.iterdir():
        file.write_bytes(BOM + file.read_bytes())
    marked = Tokenizer.from_folder(folder)
    assert {text: marked.encode(text).ids for text in TEXTS} == ids
    # And once more as it is saved, in both libraries.
    saved = tmp_path / "saved"
    saved.mkdir()
    ours.save(saved)
    (saved / "config.json").write_text(json.dumps({"model_type": model}))
    again, reopened = Tokenizer.from_folder(saved), AutoTokenizer.from_pretrained(saved)
    assert {text: again.encode(text).ids for text in TEXTS} == ids
    assert {text: reopened(text)["input_ids"] for text in TEXTS} == ids
    assert again.special_ids == ours.special_ids


def test_a_file_that_cuts_more_than_its_class_keeps_its_cuts(tmp_path: Path) -> None:
    # SmolLM's: digits are cut one by one, which the class that is named beside it would not do.
    digits = {"type": "Digits", "individual_digits": True}
    spec = byte_level()
    spec["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [digits, spec["pre_tokenizer"]],
    }
    settings = {"tokenizer_class": GPT2, "add_prefix_space": True}
    ours = Tokenizer.from_folder(written(tmp_path, spec, settings, {}, "llama"))
    assert [t.bytes for t in ours.encode("a 12").tokens] == [b" a", b" ", b" ", b"1", b" ", b"2"]
    assert "tokenizer.json cuts texts otherwise than GPT2Tokenizer" in ours.notes[0]


def test_a_class_that_builds_anew_takes_the_settings_list_of_added_tokens(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    listed = {str(N): token("<tool>"), "0": token("<s>", lstrip=True)}
    settings = {"tokenizer_class": GPT2, "added_tokens_decoder": listed}
    folder = written(tmp_path, byte_level(), settings, {}, "gpt2")
    ours, theirs = Tokenizer.from_folder(folder), AutoTokenizer.from_pretrained(folder)
    assert {t: ours.encode(t).ids for t in TEXTS} == {t: theirs(t)["input_ids"] for t in TEXTS}
    assert ours.n_tokens == len(theirs)
    assert ours.notes == (
        "Text, as in transformers 5, because tokenizer_config.json lists the added tokens without "
        "them: '</s>', '<unk>'.",
    )


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"a": ' + b"[" * 100_000])
@pytest.mark.parametrize("name", ["tokenizer_config", "special_tokens_map", "added_tokens"])
def test_a_damaged_file_of_settings_is_said(name: str, content: bytes, tmp_path: Path) -> None:
    folder = written(tmp_path, byte_level(), {}, {}, "llama")
    (folder / f"{name}.json").write_bytes(content)
    ours = Tokenizer.from_folder(folder)
    assert ours.encode("the king").ids
    assert f"{name}.json can't be read" in ours.notes[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"eos_token": 7, "extra_special_tokens": "<tool>", "added_tokens_decoder": []},
        {"added_tokens_decoder": {"x": {}, "-1": token("<a>"), str(N): "<b>"}},
        {"extra_special_tokens": [None, 3, {"content": ""}], "image_token": {"content": 3}},
        {"tokenizer_class": 3, "add_prefix_space": "yes", "do_lower_case": []},
        {"additional_special_tokens": {"a": 1}, "split_special_tokens": "no"},
    ],
)
def test_settings_of_a_wrong_kind_are_passed_over(settings: dict[str, Any], tmp_path: Path) -> None:
    plain = Tokenizer.from_folder(written(tmp_path, byte_level(), {}, {}, "llama"))
    ids = {text: plain.encode(text).ids for text in TEXTS}
    ours = Tokenizer.from_folder(written(tmp_path, byte_level(), settings, {}, "llama"))
    assert {text: ours.encode(text).ids for text in TEXTS} == ids


def test_a_token_past_the_embedding_is_known_and_refused_by_the_network(tmp_path: Path) -> None:
    from model.engine.prompt import read_prompt
    from model.language_model import open_model

    folder = make_gpt2(tmp_path / "it", None, vocab_size=N)
    settings = {"tokenizer_class": FAST, "extra_special_tokens": ["<tool>"]}
    for name, content in (("tokenizer", byte_level()), ("tokenizer_config", settings)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    assert open_checkpoint(folder).tokenizer is not None
    lm = open_model(folder, "cpu")
    assert lm.tokenizer is not None
    assert lm.tokenizer.encode("<tool>").ids == [N]
    with pytest.raises(ValueError, match=f"Token id {N} is outside the vocabulary of {N} tokens"):
        lm.ids("a <tool>")
    said = read_prompt(lm, "a <tool>", None)
    assert isinstance(said, str)
    assert f"'<tool>' is token {N}" in said
