"""tekken.json and tiktoken's files: ids of the ranks, and what a damaged one is told."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from model.cli.common import opened
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from tests.model.conftest import TEXT, make_gpt2

PATTERN = r"\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
SPECIAL = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]")
TEXTS = ("the king", "the queen lost a crown", " lead", "é \U0001f600\0", "", "a\n\nb 12", "THE")
# In the order of their ranks: each is put together of two before it.
WORDS = (b"th", b"the", b"in", b"ki", b"king", b" king", b"  ", b"\n\n", b"qu", b"\xc3\xa9")


def tokens() -> list[bytes]:
    known = dict.fromkeys((*(bytes([byte]) for byte in range(256)), *WORDS))
    # A way to every word, joined two by two.
    return [*known, b"ee", b"quee", b"queen", b" t", b" th", b" the"]


def tekken(**changes: Any) -> dict[str, Any]:
    listed = [
        {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None}
        for rank, token in enumerate((*tokens(), b"past the end"))
    ]
    special = [
        {"rank": rank, "token_str": name, "is_control": True} for rank, name in enumerate(SPECIAL)
    ]
    config = {
        "pattern": PATTERN,
        "default_vocab_size": len(tokens()) + 10,
        "default_num_special_tokens": 10,
        "version": "v3",
    }
    return {"config": config, "vocab": listed, "special_tokens": special} | changes


def tiktoken() -> bytes:
    lines = (base64.b64encode(t) + b" %d\n" % rank for rank, t in enumerate(tokens()))
    return b"".join(lines)


def by_ranks(piece: bytes, ranks: dict[bytes, int]) -> list[int]:
    """The definition: the neighbours with the lowest rank of their union are joined first."""
    parts = [piece[i : i + 1] for i in range(len(piece))]
    if piece in ranks:
        return [ranks[piece]]
    while True:
        unions = [
            (rank, i)
            for i in range(len(parts) - 1)
            if (rank := ranks.get(parts[i] + parts[i + 1])) is not None
        ]
        if not unions:
            return [ranks[part] for part in parts]
        _, i = min(unions)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


def test_tekkens_special_tokens_take_the_first_ids(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    (tmp_path / "tekken.json").write_text(json.dumps(tekken()))
    (tmp_path / "config.json").write_text('{"model_type": "mistral"}')
    ours, theirs = Tokenizer.from_folder(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    texts = [*TEXTS, "[INST] the [/INST]", "<SPECIAL_7>", "past the end"]
    assert {t: ours.encode(t).ids for t in texts} == {t: theirs(t)["input_ids"] for t in texts}
    assert ours.encode("king").ids == [tokens().index(b"king") + 10]
    assert ours.piece(ours.end_of_text or 0) == "</s>"
    assert ours.n_tokens == len(theirs) == len(tokens()) + 10
    assert ours.special_ids == set(range(10))
    assert [ours.decode(ours.encode(t).ids) for t in TEXTS] == list(TEXTS)
    assert ours.notes == ()
    assert ours.describe(tmp_path) == ours.kind == "byte-level BPE"


def test_tekkens_ends_are_put_where_the_settings_ask_for_them(tmp_path: Path) -> None:
    (tmp_path / "tekken.json").write_text(json.dumps(tekken()))
    (tmp_path / "tokenizer_config.json").write_text('{"add_bos_token": true}')
    assert Tokenizer.from_folder(tmp_path).encode("the").ids[0] == SPECIAL.index("<s>")


@pytest.mark.parametrize("name", ["tokenizer.model", "tiktoken.model", "qwen.tiktoken"])
def test_a_rank_of_tiktokens_is_its_id(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(tiktoken())
    ours = Tokenizer.from_folder(tmp_path)
    ranks = {token: rank for rank, token in enumerate(tokens())}
    # None of these texts is cut otherwise by one family than by another.
    for text, pieces in (
        ("the king", ("the", " king")),
        ("thinking", ("thinking",)),
        ("queen\n\nlost", ("queen", "\n\n", "lost")),
        ("ééé", ("ééé",)),
        ("   two", ("  ", " two")),
    ):
        ids = [id for piece in pieces for id in by_ranks(piece.encode(), ranks)]
        assert ours.encode(text).ids == ids
    assert [ours.decode(ours.encode(t).ids) for t in TEXTS] == list(TEXTS)
    said = "" if name.startswith("qwen") else f"{name} does not say how a text is cut"
    assert [said in note for note in ours.notes] == ([True] if said else [])


def test_the_settings_name_what_follows_the_ranks(tmp_path: Path) -> None:
    n = len(tokens())
    about = {"content": "<|eot|>", "special": True, "normalized": False}
    settings = {"added_tokens_decoder": {str(n + 2): about}, "eos_token": "<|eot|>"}
    (tmp_path / "tokenizer.model").write_bytes(tiktoken())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    ours = Tokenizer.from_folder(tmp_path)
    assert ours.encode("the<|eot|>").ids == [tokens().index(b"the"), n + 2]
    assert ours.encode(f"<|reserved_token_{n}|>").ids == [n]
    assert ours.end_of_text == n + 2


@pytest.mark.parametrize(
    "change",
    [
        {"vocab": []},
        {"vocab": [{"rank": 0}]},
        {"vocab": [{"token_bytes": "%%%"}]},
        {"config": {}},
        {"config": {"pattern": "("}},
        {"config": {"pattern": PATTERN, "default_num_special_tokens": 2}},
        {"config": {"pattern": PATTERN, "default_vocab_size": "many"}},
        {"special_tokens": [{"rank": 1, "token_str": "<s>"}]},
        {"special_tokens": 3},
    ],
)
def test_a_damaged_tekken_is_named(
    change: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tekken.json").write_text(json.dumps(tekken(**change)))
    with pytest.raises(TokenizerError, match=r"tekken\.json is no readable vocabulary"):
        Tokenizer.from_folder(tmp_path)
    capfd.readouterr()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tiktoken() + b"nonsense\n", "line 273 is no token and rank"),
        (tiktoken().replace(b"AA== 0\n", b""), "no token for the byte 0"),
        (tiktoken() + b"dGhlIGs= 3\n", "gives a rank twice"),
        (b"", "no token for the byte 0"),
    ],
)
def test_a_damaged_file_of_tiktokens_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "other.tiktoken").write_bytes(content)
    with pytest.raises(TokenizerError, match=rf"other\.tiktoken.*{says}"):
        Tokenizer.from_folder(tmp_path)


def test_a_vocabulary_of_another_kind_is_named_and_the_weights_open(tmp_path: Path) -> None:
    folder = make_gpt2(tmp_path / "it", None)
    (folder / "sentencepiece.bpe.model").write_bytes(b"\x0a\x01a")
    lm = opened(folder, "cpu", None)
    assert lm.tokenizer is None
    assert "sentencepiece.bpe.model is a vocabulary of a kind not known here" in lm.notes[0]
    assert Tokenizer.describe(folder) == (
        "none: sentencepiece.bpe.model is of a kind not known here; type token ids"
    )
    Tokenizer.train_bpe(TEXT, 300).save(folder)
    assert opened(folder, "cpu", None).notes == ()
