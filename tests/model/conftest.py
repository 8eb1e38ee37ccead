"""Small real checkpoints, made by transformers: every weight random, no two sizes alike.

A zero bias, a unit norm or a square matrix would hide a weight that is not read, or read
transposed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from model.tokenizer.tokenizer import Tokenizer

TEXT = "The king lost his crown. The queen found a crown, and the king was glad.\n" * 20
PROMPT = "The queen lost a crown"
# A few lines of real prose (Lewis Carroll, 1865), long enough to learn its letters from.
CARROLL = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do: once or twice she had peeped into the book her sister was reading, but it had "
    "no pictures or conversations in it, \u201cand what is the use of a book,\u201d thought Alice "
    "\u201cwithout pictures or conversations?\u201d\n"
    "So she was considering in her own mind (as well as she could, for the hot day made her feel "
    "very sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the "
    "trouble of getting up and picking the daisies, when suddenly a White Rabbit with pink eyes "
    "ran close by her.\n"
    "There was nothing so very remarkable in that; nor did Alice think it so very much out of the "
    "way to hear the Rabbit say to itself, \u201cOh dear! Oh dear! I shall be late!\u201d\n"
)


@pytest.fixture(autouse=True)
def halves_are_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on how fast this machine's processor computes in half precision."""
    monkeypatch.setattr("model.precision.slowdown", lambda dtype: 1.0)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bpe() -> Tokenizer:
    return Tokenizer.train_bpe(TEXT, 300)


def make_gpt2(folder: Path, tokenizer: Tokenizer | None, **changes: Any) -> Path:
    """A random GPT-2 as transformers saves it."""
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # tqdm starts a thread that stays
    sizes: dict[str, Any] = {
        "vocab_size": 311,
        "n_positions": 48,
        "n_embd": 24,
        "n_layer": 3,
        "n_head": 4,
        "n_inner": 56,
        "layer_norm_epsilon": 3e-5,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    network = GPT2LMHeadModel(GPT2Config(**sizes | changes))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            # Norms near one keep attention from being flat, where errors would hide.
            mean = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
            parameter.normal_(mean, 0.3, generator=generator)
    network.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save(folder)
    return folder


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory, bpe: Tokenizer) -> Path:
    """Shared by all tests: not to be written to."""
    return make_gpt2(tmp_path_factory.mktemp("gpt2"), bpe)


@pytest.fixture(scope="session")
def untied_folder(tmp_path_factory: pytest.TempPathFactory, bpe: Tokenizer) -> Path:
    return make_gpt2(tmp_path_factory.mktemp("untied"), bpe, tie_word_embeddings=False)


@pytest.fixture
def own_folder(gpt2_folder: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(gpt2_folder, tmp_path / "checkpoint"))


@pytest.fixture(scope="session")
def ids_BT() -> torch.Tensor:
    return torch.randint(0, 311, (2, 17), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.txt"
    path.write_text(CARROLL * 4, encoding="utf-8")
    return path
