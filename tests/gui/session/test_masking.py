"""Masks in texts whose tokens have their spaces written in them, and in prompts of ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
import transformers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors, trainers

from gui.session.store import Store
from tests.gui.desk import Desk
from tests.model.checkpoint.families.harness import make

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
CORPUS = ["the king lost his crown and the queen is singing low", "sing king queen crown low"] * 9


def byte_level(folder: Path) -> int:
    """A tokenizer as RoBERTa has it: its mask takes the space before it; returns its size."""
    inner = tokenizers.Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=[AddedToken(name, special=True, lstrip="mask" in name) for name in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS, trainer)
    inner.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    inner.save(str(folder / "tokenizer.json"))
    settings = {"mask_token": "<mask>", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return inner.get_vocab_size()


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("roberta")
    config = transformers.RobertaConfig(
        vocab_size=byte_level(folder),
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=40,
        type_vocab_size=1,
    )
    make(transformers.RobertaForMaskedLM, config, folder)
    return folder


@pytest.fixture
def store(desk: Desk, roberta: Path) -> Store:
    desk.store.set_prompt("the king lost his crown")
    desk.store.opening.open(str(roberta))
    desk.finish()
    assert desk.store.read is not None
    return desk.store


def texts(store: Store) -> list[str]:
    assert store.read is not None
    return [token.text for token in store.read.tokens]


def id_of(store: Store, text: str) -> int:
    assert store.model is not None
    return store.model.vocabulary.index(text.encode())


def test_the_space_before_a_word_stays_when_it_is_masked_and_put_back(store: Store):
    assert texts(store) == ["<s>", "the", "·king", "·lost", "·his", "·crown", "</s>"]
    store.masking.toggle(2)
    assert store.prompt == "the <mask> lost his crown"
    assert texts(store)[2] == "<mask>"
    assert store.masking.message == ""
    store.masking.toggle(2)
    assert store.prompt == "the king lost his crown"


def test_the_first_word_is_masked_and_put_back(store: Store):
    store.masking.toggle(1)
    assert store.prompt == "<mask> king lost his crown"
    store.masking.toggle(1)
    assert store.prompt == "the king lost his crown"


def test_a_token_with_a_space_is_put_in_with_one_space(store: Store):
    store.masking.toggle(2)
    store.masking.fill(2, id_of(store, " queen"))
    assert store.prompt == "the queen lost his crown"
    assert store.masking.message == ""


def test_a_token_without_a_space_goes_on_with_the_word_before(store: Store):
    store.set_prompt("the king sing<mask> low")
    mask = texts(store).index("<mask>")
    store.masking.fill(mask, id_of(store, "ing"))
    assert store.prompt == "the king singing low"


def test_part_of_a_character_cant_be_put_in(store: Store):
    assert store.model is not None
    store.masking.toggle(2)
    half = store.model.vocabulary.index(b"\xe2")
    store.masking.fill(2, half)
    assert store.prompt == "the <mask> lost his crown"
    assert "can't stand alone" in store.masking.message


def test_a_mask_of_which_nothing_is_known_is_only_filled(store: Store):
    store.set_prompt("the <mask> lost his crown")
    store.masking.toggle(2)
    assert store.prompt == "the <mask> lost his crown"
    assert store.masking.original(2) is None
    assert "mask already" in store.masking.message


def test_nothing_is_known_of_masks_once_another_model_is_open(store: Store, roberta: Path):
    store.masking.toggle(2)
    store.opening.open(str(roberta))
    assert store.masking.original(2) is None


def test_in_a_prompt_of_ids_the_id_is_replaced(desk: Desk, roberta: Path, tmp_path: Path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((roberta / name).read_bytes())
    store = desk.store
    store.set_prompt("0 9 10 4 11 2")
    store.opening.open(str(tmp_path))
    desk.finish()
    assert store.read is not None
    assert not store.masking.possible
    store.masking.fill(3, 17)
    assert store.prompt == "0 9 10 17 11 2"
    assert store.read.tokens[3].id == 17


def test_what_is_masked_is_known_of_the_prompt_before_too(store: Store):
    before = store.read
    store.masking.toggle(2)
    masked_once = store.read
    store.masking.toggle(4)
    assert store.masking.original(2) == id_of(store, " king")
    # Who still draws an earlier prompt can say what was masked in that one.
    assert store.masking.original(2, masked_once) == id_of(store, " king")
    assert store.masking.original(4, masked_once) is None
    assert store.masking.original(2, before) is None
    assert not store.masking.is_mask(2, before)
    store.masking.toggle(2)
    assert store.masking.original(2) is None
    assert store.masking.original(2, masked_once) == id_of(store, " king")


def test_a_mask_that_is_typed_again_is_known_again(store: Store):
    store.masking.toggle(2)
    with_mask = store.prompt
    store.set_prompt("the king lost")
    store.set_prompt(with_mask)
    store.masking.toggle(2)
    assert store.prompt == "the king lost his crown"
