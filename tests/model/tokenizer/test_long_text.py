"""A long text in parts: the ids of the whole, whatever tokenizer and text; and its memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, models, pre_tokenizers, trainers

from model.slices import finish
from model.tokenizer import long_text
from model.tokenizer.long_text import cutting, parts_to_learn_from
from model.tokenizer.tokenizer import Tokenizer
from tests.model.conftest import CARROLL
from tests.model.tokenizer.files.small_files import bert, byte_level, metaspace

CODE = "def king(crown):\n    if crown:\n        return 1\n\n\n    for i in range(3):\n\t\tpass\r\n"
RNG = random.Random(1)

LONG = {
    "prose": CARROLL * 8,
    "one line": CARROLL.replace("\n", " ") * 8,
    "code": CODE * 100,
    "no spaces": "".join(RNG.choices("abcdefgh", k=6000)),
    "one letter": "a" * 6000,
    "digits": "1234567" * 700,
    "runs": "a" * 1001 + "b" + "a" * 2000 + " " + "a" * 40,
    "blanks": "king" + " " * 3000 + "crown" + "\n" * 3000 + "x",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301 " * 400,
    "no alphabet's": "\u4e16\u754c\u738b" * 2000,
    "special": "the<|endoftext|>king </s> <mask>  <s>" * 200,
    "empty": "",
    "short": "The king",
}


def _spec(spec: object) -> Tokenizer:
    return Tokenizer.from_json(json.dumps(spec))


def _prepending() -> Tokenizer:
    """Llama 2's: a space before every text, by the normalizer, and no cut into words at all."""
    spec = metaspace()
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    steps = [{"type": "Prepend", "prepend": "\u2581"}, replace]
    spec["normalizer"] = {"type": "Sequence", "normalizers": steps}
    spec["pre_tokenizer"] = None
    pairs = [("t", "h"), ("th", "e"), ("\u2581", "the"), ("i", "n"), ("a", "a"), ("aa", "aa")]
    spec["model"]["merges"] = [list(pair) for pair in pairs]
    vocab = spec["model"]["vocab"]
    for left, right in pairs:
        vocab.setdefault(left + right, len(vocab))
    return _spec(spec)


def _spaced() -> Tokenizer:
    step = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    return _spec(byte_level(pre_tokenizer=step))


def _greedy() -> Tokenizer:
    """A special token that swallows the white space around it."""
    inner = tokenizers.Tokenizer.from_str(Tokenizer.train_bpe(CARROLL, 400).to_json())
    inner.add_special_tokens([AddedToken("<mask>", lstrip=True, rstrip=True)])
    return Tokenizer(inner)


def _unigram() -> Tokenizer:
    inner = tokenizers.Tokenizer(models.Unigram())
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, unk_token="<unk>", show_progress=False)
    inner.train_from_iterator([CARROLL], trainer)
    return Tokenizer(inner)


def _from_behind() -> Tokenizer:
    """One that cuts a run by its length: what is left over comes first."""
    pieces = [("<unk>", 0.0), ("a", -5.0), ("aaa", -1.0), (" ", -1.0), ("b", -1.0)]
    return Tokenizer(tokenizers.Tokenizer(models.Unigram(pieces, 0, False)))


def _anchored() -> Tokenizer:
    """One that cuts three digits at a time, but two at the beginning of a text."""
    spec = json.loads(Tokenizer.train_bpe("12 34 56 71 123 456 712 345 " * 9, 300).to_json())
    spec["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {
                "type": "Split",
                "pattern": {"Regex": r"\A\d\d|\d{3}"},
                "behavior": "Isolated",
                "invert": False,
            },
            {
                "type": "ByteLevel",
                "add_prefix_space": False,
                "trim_offsets": True,
                "use_regex": False,
            },
        ],
    }
    return _spec(spec)


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "byte-level": lambda: Tokenizer.train_bpe(CARROLL + CODE, 420),
    "with a space in front": _spaced,
    "Metaspace": lambda: _spec(metaspace("always")),
    "prepending": _prepending,
    "WordPiece": lambda: _spec(bert()),
    "Unigram": _unigram,
    "greedy": _greedy,
    "from behind": _from_behind,
    "anchored": _anchored,
}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return KINDS[request.param]()


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("window", [400, 1700])
def test_the_ids_are_those_of_the_whole(
    name: str, window: int, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_text, "WINDOW", window)
    monkeypatch.setattr(long_text, "OVERLAP", 100)
    text = LONG[name]
    done: list[int] = []
    ids = finish(cutting(tokenizer, text, np.uint32), done.append)
    assert ids.tolist() == tokenizer.encode(text, add_special=False).ids
    assert ids.dtype == np.uint32
    assert done == sorted(done)
    assert done[-1] == len(text)


def test_a_long_text_is_never_cut_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = Tokenizer.train_bpe(CARROLL, 400)
    longest = 0
    encode = tokenizer.encode

    def noted(text: str, add_special: bool = True) -> object:
        nonlocal longest
        longest = max(longest, len(text))
        return encode(text, add_special)

    monkeypatch.setattr(tokenizer, "encode", noted)
    monkeypatch.setattr(long_text, "WINDOW", 2000)
    monkeypatch.setattr(long_text, "OVERLAP", 200)
    for name in ("prose", "one line", "code", "no spaces", "one letter", "emoji", "no alphabet's"):
        finish(cutting(tokenizer, LONG[name] * 5, np.uint16))
        assert longest <= 2600, name


@given(st.text(alphabet="ab1' \n\t\r\u00e9\u20ac.\u4e16", max_size=300))
@settings(deadline=None)
def test_parts_to_learn_from_have_the_words_of_the_whole(text: str) -> None:
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False)
    parts = list(parts_to_learn_from(text, 7))
    assert "".join(parts) == text
    words = [word for part in parts for word, _ in cut.pre_tokenize_str(part)]
    if all(len(part) < 7 * 16 for part in parts):  # else it had no place to be cut at
        assert words == [word for word, _ in cut.pre_tokenize_str(text)]


@pytest.mark.parametrize("name", ["prose", "one line", "code", "blanks"])
def test_the_merges_are_those_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.tokenizer.tokenizer.LEARNT_AT_ONCE", 100)
    text = LONG[name]
    whole = tokenizers.Tokenizer(models.BPE())
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    whole.train_from_iterator([text], trainer)
    n = len(Tokenizer.train_bpe(text, 400, special=()).encode(text).ids)
    assert n == pytest.approx(len(whole.encode(text).ids), rel=0.01)


_PEAK_OF = """
import resource, sys
import numpy as np
from model.slices import finish
from model.tokenizer.bpe_history import base_tokenizer
from model.tokenizer.client import learning_bpe
from model.tokenizer.long_text import cutting
def most():
    if sys.platform == "linux":  # what getrusage says there is the parent's as well
        with open("/proc/self/status") as status:
            return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
base_tokenizer().encode("the king")
text = "the king lost his crown and the queen found it " * int(sys.argv[1])
before = most()
tokenizer = {tokenizer}
finish(cutting(tokenizer, text, np.uint16))
print(most() - before)
"""


def _peak(tokenizer: str, n_sentences: int) -> int:
    """Bytes that a process of its own holds more at most; the tokenizer is an expression."""
    ran = subprocess.run(
        [sys.executable, "-c", _PEAK_OF.replace("{tokenizer}", tokenizer), str(n_sentences)],
        cwd=Path(long_text.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such meter")
def test_a_line_of_megabytes_takes_no_hundred_times_its_size() -> None:
    assert _peak("finish(learning_bpe([text], 400))", 85_000) < 40e6  # 6 MB; as a whole: 900 MB


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such meter")
def test_a_token_for_each_byte_takes_little_while_it_is_cut() -> None:
    # 10 MB; in windows four times as long 33 MB, of which a process keeps a part for good
    assert _peak("base_tokenizer()", 8_000) < 20e6
