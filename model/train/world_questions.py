"""What a network that learns knows of the story world: facts that it completes, lists it repeats.

Some of the questions that `model score` asks, so few that they take a few milliseconds and can be
asked again and again while it learns. Knows the world, a tokenizer and logits; no run.

Shape suffixes: N sequences, T positions, V tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from model.tokenizer.tokenizer import Tokenizer
from model.world import fact_items
from model.world.lists import scoring_lists

EVERY = 6
"""Of the world's facts each sixth is asked for, of every relation some."""
LISTS = 6
SEED = 999_983
"""Of lists that no text of a run holds."""

Asked = tuple[list[int], list[int]]
"""Ids, and the places of those that are to be foretold."""


class WorldQuestions:
    """The questions, cut into tokens once.

    Args:
        tokenizer: of the network.
        n_ctx: how much it reads; questions that are longer are left out.
    """

    def __init__(self, tokenizer: Tokenizer, n_ctx: int) -> None:
        self._facts = _fitting(_facts(tokenizer), n_ctx)
        self._lists = _fitting(_lists(tokenizer), n_ctx)

    def facts(self, logits_of: Callable[[Tensor], Tensor], device: torch.device) -> float | None:
        """Share of facts whose whole answer is likeliest; None where none fits the context.

        Args:
            logits_of: gives ``[N, T, V]`` of ids ``[N, T]``, of a network that looks back only.
            device: of the ids.
        """
        hits = _hits(self._facts, logits_of, device)
        return sum(map(all, hits)) / len(hits) if hits else None

    def copying(self, logits_of: Callable[[Tensor], Tensor], device: torch.device) -> float | None:
        """Share of the tokens of lists that are foretold when said again; as of `facts`."""
        hits = [hit for found in _hits(self._lists, logits_of, device) for hit in found]
        return sum(hits) / len(hits) if hits else None


def _facts(tokenizer: Tokenizer) -> list[Asked]:
    found: list[Asked] = []
    for item in sorted(fact_items(), key=lambda item: item.relation)[::EVERY]:
        prompt = tokenizer.encode(item.prompt).ids
        answer = tokenizer.encode(item.answer, add_special=False).ids
        found.append((prompt + answer, list(range(len(prompt), len(prompt) + len(answer)))))
    return found


def _lists(tokenizer: Tokenizer) -> list[Asked]:
    found: list[Asked] = []
    for repeated in scoring_lists(SEED, LISTS):
        ids, asked = tokenizer.encode(repeated.first).ids, list[int]()
        for at, word in enumerate(repeated.words):
            between = repeated.separator if at else ""
            ids = ids + (tokenizer.encode(between, add_special=False).ids if between else [])
            tokens = tokenizer.encode(f" {word}", add_special=False).ids
            asked += range(len(ids), len(ids) + len(tokens))
            ids = ids + tokens
        found.append((ids, asked))
    return found


def _fitting(sequences: Sequence[Asked], n_ctx: int) -> list[Asked]:
    return [one for one in sequences if len(one[0]) <= n_ctx + 1]


def _hits(
    sequences: Sequence[Asked], logits_of: Callable[[Tensor], Tensor], device: torch.device
) -> list[list[bool]]:
    """For each token that is to be foretold: was it the likeliest one there?"""
    if not sequences:
        return []
    ids_NT = torch.zeros(len(sequences), max(len(ids) for ids, _ in sequences), dtype=torch.int64)
    for row, (ids, _) in enumerate(sequences):
        ids_NT[row, : len(ids)] = torch.tensor(ids)
    # What stands behind a sequence's end is seen by none of its tokens.
    best_NT = logits_of(ids_NT[:, :-1].to(device)).argmax(-1).cpu()
    right_NT = best_NT == ids_NT[:, 1:]
    return [
        right_NT[row, [at - 1 for at in asked]].tolist() for row, (_, asked) in enumerate(sequences)
    ]
