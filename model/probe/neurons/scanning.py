"""Reading texts for what excites one neuron, window by window.

Knows texts, the tokenizer and one block's hidden layer; no question. Shape suffixes: B windows, T
positions, A active experts, M d_mlp.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.bench import Bench
from model.bench.changes import changes_of
from model.config import TransformerConfig
from model.operations import INPUT_IDS, streams
from model.subject import Subject
from model.tokenizer.tokenizer import Tokenizer
from model.world import documents

WINDOW = 64
"""Tokens that are read in one go: what excites a neuron is mostly near."""
AT_ONCE = 4
"""Windows that run together: as many tokens as make a slice."""
BEFORE, BEHIND = 14, 5
"""Tokens that are shown around the one that excites."""
READ_AT_ONCE = 1 << 16
"""Characters of a file that are cut into tokens at once."""


@dataclass(frozen=True, slots=True, order=True)
class Excited:
    """The place of a window where the neuron was most active."""

    activation: float
    number: int
    ids: tuple[int, ...]
    at: int

    def text(self, tokenizer: Tokenizer) -> str:
        """What stands around the place, with it in ⟨⟩, on one line."""
        begin, end = max(0, self.at - BEFORE), self.at + 1 + BEHIND
        before, to, whole = (
            tokenizer.decode(self.ids[begin:stop]) for stop in (self.at, self.at + 1, end)
        )
        # Tokens are no text of their own: what they add to what stands before them is.
        token, behind = to[len(before) :], whole[len(to) :]
        return " ".join(f"{before}⟨{token}⟩{behind}".split())


def texts(file: str, seed: int) -> Iterator[str]:
    """What is read: a file in pieces that end with a line, or the story world without end.

    Raises:
        ValueError: the file can't be read.
    """
    if not file:
        yield from documents(seed)
        return
    path = Path(file).expanduser()
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            while piece := "".join(lines.readlines(READ_AT_ONCE)):
                yield from piece.splitlines()
    except OSError as error:
        raise ValueError(f"{path.name} can't be read: {error.strerror}.") from error


def windows(
    some: Iterable[str], tokenizer: Tokenizer, config: TransformerConfig
) -> Iterator[tuple[int, ...]]:
    """Texts one after another, in windows of equally many tokens; the last may be shorter.

    Special tokens that a text has around it stand around each window. Tokens that the network has
    no vector for are left out.
    """
    alone = tuple(tokenizer.encode("a", add_special=False).ids)
    around = tuple(tokenizer.encode("a").ids)
    at = next((i for i in range(len(around)) if around[i : i + len(alone)] == alone), 0)
    begin, end = around[:at], around[at + len(alone) :]
    size = max(1, min(WINDOW, config.n_ctx) - len(begin) - len(end))
    waiting: list[int] = []
    for text in some:
        ids = tokenizer.encode(f"{text}\n", add_special=False).ids
        waiting += [one for one in ids if one < config.d_vocab]
        while len(waiting) >= size:
            yield (*begin, *waiting[:size], *end)
            del waiting[:size]
    if waiting:
        yield (*begin, *waiting, *end)


class Scan:
    """A neuron in many windows of text.

    Args:
        bench: holds the model.
        subject: whose model, step and interventions.
        layer, neuron: which.
        n: how many places are remembered.
    """

    def __init__(self, bench: Bench, subject: Subject, layer: int, neuron: int, n: int) -> None:
        self._bench, self._subject = bench, subject
        self._layer, self._neuron, self._n = layer, neuron, n
        self._best: list[Excited] = []
        self._number = 0
        self.n_tokens = 0

    @property
    def best(self) -> list[Excited]:
        """The places so far, most active first; of a text that came twice one."""
        return sorted(self._best, reverse=True)

    def read(self, some: list[tuple[int, ...]]) -> Iterator[None]:
        """Windows of equal length; a block a slice."""
        hidden_BT = yield from self._activations(some)
        self.n_tokens += sum(map(len, some))
        for ids, own_T in zip(some, hidden_BT, strict=True):
            at = int(own_T.nan_to_num(nan=-torch.inf).argmax())
            activation = float(own_T[at])
            around = ids[max(0, at - BEFORE) : at + 1]
            seen = {one.ids[max(0, one.at - BEFORE) : one.at + 1] for one in self._best}
            if around in seen or activation != activation:
                continue
            self._number -= 1  # among equals, what came first
            heapq.heappush(self._best, Excited(activation, self._number, ids, at))
            if len(self._best) > self._n:
                heapq.heappop(self._best)

    def _activations(self, some: list[tuple[int, ...]]) -> Generator[None, None, Tensor]:
        """The neuron's own, ``[B, T]``; NaN where a token isn't sent to its expert."""
        network = self._bench.network(self._subject)
        config = network.config
        changes = changes_of(self._subject.interventions, config)
        ids_BT = torch.tensor(some, device=network.embed.weight.device)
        name = f"blocks.{self._layer}.mlp.hook_post"
        indices = f"blocks.{self._layer}.mlp.hook_expert_indices"
        wanted = (name,) if config.experts is None else (name, indices)
        if changes:
            with torch.inference_mode():
                ways = changes.within(0, self._bench.stream(self._subject).read)
                found = network.compute(wanted, {INPUT_IDS: ids_BT}, *ways)
            yield None
        else:
            steps = network.stream(ids_BT)
            for _ in range(self._layer + 1):
                # Entered anew: the mode must not leak out of a generator that waits.
                with torch.inference_mode():
                    resid_BTD = next(steps)
                yield None
                self._bench.network(self._subject)
            with torch.inference_mode():
                found = network.compute(wanted, {streams(config)[self._layer]: resid_BTD})
            yield None
        expert, place = divmod(self._neuron, config.d_mlp)
        if config.experts is None:
            return found[name][..., place]
        is_its_BTA = found[indices] == expert
        own_BT = (found[name][..., place] * is_its_BTA).sum(-1)
        return own_BT.masked_fill(~is_its_BTA.any(-1), torch.nan)
