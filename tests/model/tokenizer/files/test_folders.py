"""Tokenizers as families publish them: the same ids as transformers, from every set of files."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from tests.model.conftest import TEXT

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("the", "king", "##s", "lost", "his", "crown", "a", "b", "##a", "##b"),
    *("naive", "don", "'", "t", ".", ",", "1", "##2"),
]
SAYS = {"lstrip": False, "rstrip": False, "single_word": False, "__type": "AddedToken"}
END = {"content": "</s>", "normalized": True} | SAYS


def _texts() -> list[str]:
    rng = random.Random(3)
    alphabet = "abc the THE king,. \n  é😀<>1234'sS"
    drawn = ["".join(rng.choices(alphabet, k=rng.randint(1, 30))) for _ in range(200)]
    return ["The king lost his crown.", " lead", "two  spaces", "naïve ﬁ", "", "日本語", *drawn]


TEXTS = _texts()


@pytest.fixture(scope="module")
def bpe_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], str]:
    """Vocabulary and merges of a small byte-level BPE, in GPT-2's two files' contents."""
    spec = json.loads(Tokenizer.train_bpe(TEXT, 400, special=()).to_json())
    merges = [" ".join(m) if isinstance(m, list) else m for m in spec["model"]["merges"]]
    return spec["model"]["vocab"], "#version: 0.2\n" + "\n".join(merges) + "\n"


def _with(vocab: dict[str, int], *names: str) -> dict[str, int]:
    return vocab | {name: len(vocab) + i for i, name in enumerate(names)}


def _gpt2(folder: Path, vocab: dict[str, int]) -> dict[str, Any]:
    (folder / "vocab.json").write_text(json.dumps(_with(vocab, "<|endoftext|>")))
    return {"config": {"model_type": "gpt2"}}


def _opt(folder: Path, vocab: dict[str, int]) -> dict[str, Any]:
    names = ("<s>", "<pad>", "</s>", "<unk>")
    (folder / "vocab.json").write_text(json.dumps(_with(vocab, *names)))
    roles = {"bos_token": END, "eos_token": END, "unk_token": END, "pad_token": "<pad>"}
    return {
        "config": {"model_type": "opt"},
        "tokenizer_config": {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True} | roles,
    }


def _roberta(folder: Path, vocab: dict[str, int]) -> dict[str, Any]:
    names = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    (folder / "vocab.json").write_text(json.dumps(_with(vocab, *names)))
    return {"config": {"model_type": "roberta"}}


def _qwen2(folder: Path, vocab: dict[str, int]) -> dict[str, Any]:
    (folder / "vocab.json").write_text(json.dumps(_with(vocab, "<|endoftext|>", "<|im_end|>")))
    chat = {"content": "<|im_end|>", "special": True, "normalized": False} | SAYS
    return {
        "config": {"model_type": "qwen2"},
        "tokenizer_config": {
            "tokenizer_class": "Qwen2Tokenizer",
            "added_tokens_decoder": {str(len(vocab) + 1): chat},
            "eos_token": "<|im_end|>",
        },
    }


def _bert(folder: Path, vocab: dict[str, int]) -> dict[str, Any]:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return {"config": {"model_type": "bert"}}


def _cased(folder: Path, vocab: dict[str, int]) -> dict[str, Any]:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    cased = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    return {"config": {"model_type": "bert"}, "tokenizer_config": cased}


FOLDERS: dict[str, Callable[[Path, dict[str, int]], dict[str, Any]]] = {
    "gpt2": _gpt2,
    "opt": _opt,
    "roberta": _roberta,
    "qwen2": _qwen2,
    "bert": _bert,
    "cased bert": _cased,
}


@pytest.fixture
def make(bpe_files: tuple[dict[str, int], str], tmp_path: Path) -> Callable[[str], Path]:
    def made(family: str) -> Path:
        vocab, merges = bpe_files
        folder = tmp_path / "published"
        folder.mkdir()
        for name, content in FOLDERS[family](folder, vocab).items():
            (folder / f"{name}.json").write_text(json.dumps(content))
        if (folder / "vocab.json").exists():
            (folder / "merges.txt").write_text(merges)
        return folder

    return made


@pytest.mark.parametrize("family", FOLDERS)
def test_ids_are_those_of_transformers(family: str, make: Callable[[str], Path], tmp_path: Path):
    from transformers import AutoTokenizer

    folder = make(family)
    ours, theirs = Tokenizer.from_folder(folder), AutoTokenizer.from_pretrained(folder)
    ids = {text: theirs(text)["input_ids"] for text in TEXTS}
    assert {text: ours.encode(text).ids for text in TEXTS} == ids
    assert ours.n_tokens == len(theirs)
    assert ours.mask_id == theirs.mask_token_id
    assert ours.notes == ()
    # And once more from tokenizer.json, theirs and ours, in both libraries.
    for name, save in (("theirs", theirs.save_pretrained), ("ours", ours.save)):
        saved = tmp_path / name
        saved.mkdir(exist_ok=True)
        save(saved)
        (saved / "config.json").write_text((folder / "config.json").read_text())
        again = Tokenizer.from_folder(saved)
        assert {text: again.encode(text).ids for text in TEXTS} == ids
        reopened = AutoTokenizer.from_pretrained(saved)
        assert {text: reopened(text)["input_ids"] for text in TEXTS} == ids
        assert again.mask_id == ours.mask_id
        assert again.end_of_text == ours.end_of_text
        assert again.special_ids == ours.special_ids


@pytest.mark.parametrize("family", FOLDERS)
def test_a_byte_order_mark_changes_no_id(family: str, make: Callable[[str], Path]):
    folder = make(family)
    plain = Tokenizer.from_folder(folder)
    for file in folder.iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    marked = Tokenizer.from_folder(folder)
    assert [marked.encode(t).ids for t in TEXTS] == [plain.encode(t).ids for t in TEXTS]
    assert marked.notes == ()


def test_tokens_around_a_text_are_special_and_take_no_place(make: Callable[[str], Path]):
    tokens = Tokenizer.from_folder(make("bert")).encode("the kings [MASK]").tokens
    assert [(t.bytes, t.special, t.char_start, t.char_end) for t in tokens] == [
        (b"[CLS]", True, 0, 0),
        (b"the", False, 0, 3),
        (b"king", False, 4, 8),
        (b"s", False, 8, 9),
        (b"[MASK]", True, 10, 16),
        (b"[SEP]", True, 16, 16),
    ]


def test_robertas_mask_takes_the_space_before_it(make: Callable[[str], Path]):
    # As in the tokenizer.json that it is published with; it learned it so.
    tokenizer = Tokenizer.from_folder(make("roberta"))
    ids = tokenizer.encode("the <mask>", add_special=False).ids
    assert ids[-1] == tokenizer.mask_id
    assert ids[:-1] == tokenizer.encode("the", add_special=False).ids


def test_kinds_are_described_without_building_them(make: Callable[[str], Path], tmp_path: Path):
    folder = make("gpt2")
    assert Tokenizer.describe(folder) == "byte-level BPE"
    Tokenizer.from_folder(folder).save(folder)
    assert Tokenizer.describe(folder) == "byte-level BPE"
    assert Tokenizer.describe(tmp_path) == "none: type token ids"
    assert not Tokenizer.in_folder(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    assert Tokenizer.describe(tmp_path) == "WordPiece"
    Tokenizer.from_folder(tmp_path).save(tmp_path)
    assert Tokenizer.describe(tmp_path) == "WordPiece"


@pytest.mark.parametrize("pairs", [True, False])
def test_merges_are_read_as_pairs_and_as_text(pairs: bool, bpe: Tokenizer, tmp_path: Path):
    spec = json.loads(bpe.to_json())
    merges = [m if isinstance(m, list) else m.split(" ") for m in spec["model"]["merges"]]
    spec["model"]["merges"] = merges if pairs else [" ".join(m) for m in merges]
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    again = Tokenizer.from_folder(tmp_path)
    assert [again.encode(t).ids for t in TEXTS] == [bpe.encode(t).ids for t in TEXTS]


def test_ignore_merges_takes_whole_words_first(bpe: Tokenizer, tmp_path: Path):
    spec = json.loads(bpe.to_json())
    word = len(spec["model"]["vocab"])
    spec["model"]["vocab"]["zzqx"] = word
    path = tmp_path / "tokenizer.json"
    for ignore in (False, True):
        spec["model"]["ignore_merges"] = ignore
        path.write_text(json.dumps(spec))
        assert (Tokenizer.from_file(path).encode("zzqx").ids == [word]) is ignore


def test_places_keep_their_spaces_though_a_file_trims_them(bpe: Tokenizer, tmp_path: Path):
    spec = json.loads(bpe.to_json())
    trims = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    spec["post_processor"] = {"type": "Sequence", "processors": [trims]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    tokens = Tokenizer.from_folder(tmp_path).encode("a king").tokens
    assert [(t.char_start, t.char_end) for t in tokens] == [(0, 1), (1, 6)]


def test_added_tokens_keep_their_ids_or_are_left_out(make: Callable[[str], Path]):
    folder = make("gpt2")
    end = Tokenizer.from_folder(folder).n_tokens
    added = folder / "added_tokens.json"
    added.write_text(json.dumps({"<tool>": end, "<far>": end + 7}))
    tokenizer = Tokenizer.from_folder(folder)
    assert tokenizer.encode("<tool>").ids == [end]
    assert tokenizer.n_tokens == end + 1
    assert tokenizer.n_base_tokens == end
    assert tokenizer.notes == (
        "Added tokens that do not fit the vocabulary are left out: '<far>'.",
    )


def test_settings_do_not_take_berts_frame_away(make: Callable[[str], Path]):
    folder = make("bert")
    Tokenizer.from_folder(folder).save(folder)
    framed = Tokenizer.from_folder(folder).encode("the king").ids
    settings = {"tokenizer_class": "BertTokenizer", "add_bos_token": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert Tokenizer.from_folder(folder).encode("the king").ids == framed
    assert len(framed) == 4


@pytest.mark.parametrize("listed", [False, True])
def test_the_older_file_counts_where_no_added_tokens_are_listed(
    listed: bool, make: Callable[[str], Path]
):
    from transformers import AutoTokenizer

    folder = make("opt")
    (folder / "special_tokens_map.json").write_text('{"eos_token": "<s>", "mask_token": "<pad>"}')
    path = folder / "tokenizer_config.json"
    if listed:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"added_tokens_decoder": {}}))
    tokenizer, theirs = Tokenizer.from_folder(folder), AutoTokenizer.from_pretrained(folder)
    assert tokenizer.piece(tokenizer.end_of_text or 0) == ("</s>" if listed else "<s>")
    assert tokenizer.end_of_text == theirs.eos_token_id
    assert tokenizer.mask_id == theirs.mask_token_id


def test_code_that_settings_name_is_not_passed_on(bpe: Tokenizer, tmp_path: Path):
    bpe.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}})
    )
    assert "auto_map" not in Tokenizer.from_folder(tmp_path).settings()


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_damaged_files_are_refused_or_harmless_and_quick(
    family: str, make: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
):
    folder = make(family)
    Tokenizer.from_folder(folder).save(folder)
    path = folder / "tokenizer.json"
    raw = json.dumps(json.loads(path.read_text())).encode()
    rng = random.Random(5)
    refused = 0
    for _ in range(150):
        damaged = bytearray(raw)
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        for _ in range(rng.randrange(1, 6)):
            # Mostly in the beginning, where the pipeline is described.
            at = rng.randrange(min(len(damaged), 1200)) if damaged else 0
            damaged[at : at + rng.randrange(3)] = rng.choice(
                (b"", b"9", b"{", b'"', b"null", b"\xff")
            )
        path.write_bytes(bytes(damaged))
        began = time.perf_counter()
        try:
            tokenizer = Tokenizer.from_folder(folder)
            tokenizer.decode(tokenizer.encode("The king lost").ids)
        except TokenizerError as error:
            refused += 1
            assert "tokenizer.json" in str(error) or "fails on th" in str(error)  # noqa: PT017
        assert time.perf_counter() - began < 2
    assert refused > 100
    capfd.readouterr()  # the library reports its own panics


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}, "no readable"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}}}, "no readable"),
    ],
)
def test_what_makes_the_library_panic_is_a_sentence(
    change: dict[str, Any],
    says: str,
    bpe: Tokenizer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(bpe.to_json()) | change))
    with pytest.raises(TokenizerError, match=says):
        Tokenizer.from_file(path)
    capfd.readouterr()


def test_a_pattern_that_explodes_gives_up(
    bpe: Tokenizer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    spec = json.loads(bpe.to_json())
    pattern = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}
    spec["pre_tokenizer"] = pattern | {"invert": False}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(spec))
    with pytest.raises(TokenizerError, match="fails on this text"):
        Tokenizer.from_file(path).encode("a" * 60 + "b")
    capfd.readouterr()


def test_wrong_kinds_of_places_are_refused(tmp_path: Path):
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(TokenizerError, match=r"tokenizer\.json can't be read: Is a directory"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").rmdir()
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\n\xff\xfe\n")
    with pytest.raises(TokenizerError, match=r"vocab\.txt is no text in UTF-8"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "vocab.txt").write_text("king\nqueen\n")
    with pytest.raises(TokenizerError, match=r"vocab\.txt has no token '\[UNK\]'"):
        Tokenizer.from_folder(tmp_path)
