"""What a model makes of a prompt: ids and tokens that fit its context, or why it can't be run.

Knows tokenizers and sizes; no request, no forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.tokenizer.tokens import Token

if TYPE_CHECKING:
    from model.language_model import LanguageModel


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as it will be run.

    Attributes:
        ids: at least one, at most ``n_ctx``.
        tokens: one per id.
        notes: what a person should know: what was replaced, where it was cut.
        truncated_at: index of the first character that was cut off, or None.
        n_bytes: UTF-8 bytes of what is run.
    """

    ids: list[int]
    tokens: tuple[Token, ...]
    notes: tuple[str, ...]
    truncated_at: int | None
    n_bytes: int


def read_prompt(lm: LanguageModel, text: str, ids: tuple[int, ...] | None) -> Prompt | str:
    """A text or ids as what will be run, cut to the context; or a sentence on why not."""
    if ids is None and lm.tokenizer is None:
        try:
            ids = tuple(int(word) for word in text.replace(",", " ").split())
        except ValueError:
            return (
                f"No tokenizer: type token ids from 0 to {lm.config.d_vocab - 1}, "
                f"for example {_some_ids(lm)}."
            )
    if ids is not None:
        return _read_ids(lm, ids)
    tokenizer = lm.tokenizer
    assert tokenizer is not None
    encoding = tokenizer.encode(text)
    if not encoding.ids:
        return "The prompt is empty. Type a word, or choose an example."
    n_ctx, d_vocab = lm.config.n_ctx, lm.config.d_vocab
    tokens = encoding.tokens[:n_ctx]
    # Many tokenizers have added tokens past the end of their network's embedding.
    beyond = next((token for token in tokens if token.id >= d_vocab), None)
    if beyond is not None:
        return (
            f"{beyond.bytes.decode('utf-8', 'replace')!r} is token {beyond.id} of the tokenizer, "
            f"and the network has tokens 0 to {d_vocab - 1} only; take it out of the prompt."
        )
    notes = encoding.notes
    cut = None
    if len(encoding.ids) > n_ctx:
        cut = tokens[-1].char_end
        notes = (
            *notes,
            f"The prompt has {len(encoding.ids):,} tokens and the model's context {n_ctx:,}: "
            f"cut after character {cut:,}, the rest is not read.",
        )
    # A lone surrogate is run as U+FFFD: three bytes, as many as it takes here.
    n_bytes = len(text[:cut].encode("utf-8", "surrogatepass"))
    return Prompt(list(encoding.ids[:n_ctx]), tokens, notes, cut, n_bytes)


def _read_ids(lm: LanguageModel, ids: tuple[int, ...]) -> Prompt | str:
    if not ids:
        return f"The prompt is empty. Type token ids, for example {_some_ids(lm)}."
    d_vocab, n_ctx = lm.config.d_vocab, lm.config.n_ctx
    for token_id in ids:
        if not 0 <= token_id < d_vocab:
            return f"There is no token {token_id}: ids go from 0 to {d_vocab - 1}."
    notes: tuple[str, ...] = ()
    if len(ids) > n_ctx:
        notes = (
            f"{len(ids):,} ids were given and the model's context is {n_ctx:,}: "
            "the rest is not read.",
        )
    vocabulary = () if lm.tokenizer is None else lm.tokenizer.vocabulary
    tokens = []
    for index, token_id in enumerate(ids[:n_ctx]):
        raw = vocabulary[token_id] if token_id < len(vocabulary) else b""
        tokens.append(Token(token_id, raw or f"‹{token_id}›".encode(), index, index + 1))
    return Prompt(list(ids[:n_ctx]), tuple(tokens), notes, None, 0)


def _some_ids(lm: LanguageModel) -> str:
    """Three ids that the model has, as they are typed."""
    return " ".join(str(lm.config.d_vocab // part) for part in (7, 3, 2))
