"""How much of the story world a model has learned, as shares of questions answered right.

Questions and answers come from `model.world`, whose ground truth is known; nothing here lists an
answer. A question counts as answered when every token of the answer is the most likely one.
Knows nothing of how a model was trained, and works for any model with a tokenizer: one that never
read the world scores low.

Shape suffixes: B batch, T position, V d_vocab, D d_model.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.config import TransformerConfig
from model.probe.question import ProbeError
from model.probe.score.asks import Scores, Share
from model.tokenizer.tokenizer import Tokenizer
from model.world import (
    COUNTRIES,
    GENDERED_PAIRS,
    Item,
    fact_items,
    pronoun_items,
    scoring_lists,
    write,
)

HELD_OUT_SEED = 1_000_003
"""Seed of the text and the lists that models are scored on; not to be trained with."""

_BATCH_TOKENS = 4096


class Scorable(Protocol):
    """What a model must offer to be scored; `model.open` returns one."""

    @property
    def config(self) -> TransformerConfig: ...

    @property
    def tokenizer(self) -> Tokenizer | None: ...

    @property
    def embedding(self) -> Tensor: ...

    def logits(self, text_or_ids: list[list[int]], /) -> Tensor: ...


@torch.no_grad()
def score(lm: Scorable, n_lists: int = 200, n_tokens: int = 20_000) -> Scores:
    """Ask a model everything the world knows.

    Args:
        lm: the model; its `logits` are asked for lists of equally long lists of ids.
        n_lists: how many repeated lists copying is measured on.
        n_tokens: words of held-out text that bits per byte are measured on.

    Raises:
        ValueError: the model has no tokenizer, so nothing can be asked in words; or it continues
            no text.
    """
    tokenizer = lm.tokenizer
    if tokenizer is None:
        raise ProbeError("This model has no tokenizer, and the story world asks in words.")
    if lm.config.no_continuation:
        raise ProbeError(f"{lm.config.no_continuation} The story world asks how texts go on.")
    gendered = [(pair.male, pair.female) for pair in GENDERED_PAIRS]
    capitals = [(country.capital, country.name) for country in COUNTRIES]
    gendered_without, gendered_with, left_out = table_analogies(lm.embedding, tokenizer, gendered)
    capital_without, capital_with, left_out_too = table_analogies(lm.embedding, tokenizer, capitals)
    relations = answered(lm, tokenizer, fact_items())
    pronouns = answered(lm, tokenizer, pronoun_items())
    text = write(n_tokens, HELD_OUT_SEED)
    return Scores(
        gendered_analogies=gendered_without,
        gendered_analogies_all_words=gendered_with,
        capital_analogies=capital_without,
        capital_analogies_all_words=capital_with,
        analogy_words_left_out=(*left_out, *left_out_too),
        facts=_sum(relations.values()),
        copying=copying(lm, tokenizer, n_lists),
        pronouns=_sum(pronouns.values()),
        bits_per_byte=bits_per_byte(lm, tokenizer, text),
        n_bytes=len(text.encode()),
        facts_by_relation=relations,
    )


def table_analogies(
    table_VD: Tensor, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]
) -> tuple[Share, Share, list[str]]:
    """Analogies between all ordered pairs of word pairs, in a table of token vectors.

    Returns:
        The share right with the three input words excluded, the share without excluding them, and
        the words that are no single token, whose pairs are left out.
    """
    questions_N4, left_out = analogy_questions(tokenizer, pairs)
    return *answered_by_table(table_VD, questions_N4), left_out


def analogy_questions(
    tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]
) -> tuple[Tensor, list[str]]:
    """All analogies between ordered pairs of word pairs, as token ids.

    For the pairs (a, c') and (b, d') that is a - b + d' = c', and the same with the sides swapped.

    Returns:
        ``[N, 4]``: a, b, c, d of a - b + c = d; and the words that are no single token, whose
        pairs are left out.
    """
    ids: list[tuple[int, int]] = []
    left_out: list[str] = []
    for pair in pairs:
        tokens = [tokenizer.encode(f" {word}", add_special=False).ids for word in pair]
        if all(len(token) == 1 for token in tokens):
            ids.append((tokens[0][0], tokens[1][0]))
        left_out += [word for word, token in zip(pair, tokens) if len(token) > 1]
    questions = torch.tensor(
        [
            (one[side], other[side], other[1 - side], one[1 - side])
            for side in (0, 1)
            for one in ids
            for other in ids
            if one != other
        ],
        dtype=torch.long,
    ).reshape(-1, 4)
    return questions, left_out


def answered_by_table(table_VD: Tensor, questions_N4: Tensor) -> tuple[Share, Share]:
    """How many of `analogy_questions` a table of token vectors answers right.

    Returns:
        With the three input words excluded, and without excluding them.
    """
    vectors_VD = table_VD.detach().float()
    questions_N4 = questions_N4.to(vectors_VD.device)
    abc, d = questions_N4[:, :3], questions_N4[:, 3]
    # The length of a - b + c is the same for every candidate: it does not change who is nearest.
    # Few words make many questions, so products are taken word by word and added up: a fifth of
    # the time of one product for each question.
    words_W, at_N3 = abc.unique(return_inverse=True)
    products_WV = vectors_VD[words_W] @ F.normalize(vectors_VD, dim=1).T
    cosine_NV = products_WV[at_N3[:, 0]]
    cosine_NV -= products_WV[at_N3[:, 1]]
    cosine_NV += products_WV[at_N3[:, 2]]
    n = len(questions_N4)
    with_inputs = Share(int((cosine_NV.argmax(1) == d).sum()), n)
    cosine_NV.scatter_(1, abc, -torch.inf)
    return Share(int((cosine_NV.argmax(1) == d).sum()), n), with_inputs


def answered(lm: Scorable, tokenizer: Tokenizer, items: Iterable[Item]) -> dict[str, Share]:
    """Which questions a model answers right, by relation."""
    asked = [
        (
            item.relation,
            tokenizer.encode(item.prompt).ids,
            tokenizer.encode(item.answer, add_special=False).ids,
        )
        for item in items
    ]
    right: dict[str, list[bool]] = defaultdict(list)
    hits = _hits(lm, [prompt + answer for _, prompt, answer in asked])
    for (relation, _, answer), hit in zip(asked, hits, strict=True):
        right[relation].append(all(hit[-len(answer) :]))
    return {relation: Share(sum(found), len(found)) for relation, found in right.items()}


def copying(lm: Scorable, tokenizer: Tokenizer, n_lists: int) -> Share:
    """The tokens of a list's words, on its second repetition, that a model predicts."""
    sequences: list[list[int]] = []
    counted: list[list[bool]] = []
    for repeated in scoring_lists(HELD_OUT_SEED, n_lists):
        ids = tokenizer.encode(repeated.first).ids
        mask = [False] * len(ids)
        for i, word in enumerate(repeated.words):
            separator = tokenizer.encode(repeated.separator, add_special=False).ids if i else []
            tokens = tokenizer.encode(f" {word}", add_special=False).ids
            ids = ids + separator + tokens
            mask += [False] * len(separator) + [True] * len(tokens)
        sequences.append(ids)
        counted.append(mask[1:])
    hits = _hits(lm, sequences)
    asked = [hit for found, mask in zip(hits, counted) for hit, count in zip(found, mask) if count]
    return Share(sum(asked), len(asked))


def bits_per_byte(lm: Scorable, tokenizer: Tokenizer, text: str) -> float:
    """Loss on a text in bits per byte of it, in windows of the model's context."""
    ids = tokenizer.encode(text).ids
    n_ctx = lm.config.n_ctx
    # Windows overlap by one token, so that each but the text's first is predicted once.
    windows = [ids[at : at + n_ctx + 1] for at in range(0, len(ids) - 1, n_ctx)]
    nats = 0.0
    for batch in _batches(windows):
        logits_BTV = lm.logits([windows[i][:-1] for i in batch]).float()
        targets_BT = torch.tensor([windows[i][1:] for i in batch], device=logits_BTV.device)
        nats += F.cross_entropy(
            logits_BTV.flatten(0, 1), targets_BT.flatten(), reduction="sum"
        ).item()
    first = tokenizer.token_bytes(ids[0])
    return nats / math.log(2) / (len(text.encode()) - len(first))


def _hits(lm: Scorable, sequences: Sequence[Sequence[int]]) -> list[list[bool]]:
    """For each sequence and each token but its first: was it the most likely one there?

    Of a sequence longer than the context only the end is run; what was cut off counts as missed.
    """
    n_ctx = lm.config.n_ctx
    ends = [sequence[-n_ctx:] for sequence in sequences]
    found = [[False] * (len(sequence) - 1) for sequence in sequences]
    for batch in _batches(ends):
        ids_BT = [list(ends[i]) for i in batch]
        best_BT = lm.logits(ids_BT)[:, :-1].argmax(-1)
        right_BT = best_BT == torch.tensor(ids_BT, device=best_BT.device)[:, 1:]
        for i, right_T in zip(batch, right_BT.tolist()):
            found[i][len(found[i]) - len(right_T) :] = right_T
    return found


def _batches(sequences: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of equally long sequences, so that nothing needs padding."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, sequence in enumerate(sequences):
        by_length[len(sequence)].append(i)
    for length, indices in sorted(by_length.items()):
        size = max(1, _BATCH_TOKENS // length)
        for at in range(0, len(indices), size):
            yield indices[at : at + size]


def _sum(shares: Iterable[Share]) -> Share:
    shares = list(shares)
    return Share(sum(share.right for share in shares), sum(share.n for share in shares))
