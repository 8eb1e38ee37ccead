"""Reading texts for what excites the neurons of a layer: all of them at once, window by window.

What was read is kept for the model that it was read with, so that another neuron of the layer has
its texts at once, and reading goes on from where it was left. Knows texts, the tokenizer and one
block's hidden layer; no question. Shape suffixes: B windows, T positions, N neurons.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from model.bench import Bench
from model.bench.changes import changes_of
from model.config import TransformerConfig
from model.operations import INPUT_IDS, streams
from model.probe.neurons.hidden import names, spread
from model.probe.neurons.places import BEFORE, BEHIND, Places, marks
from model.probe.neurons.tally import Tally
from model.probe.question import Array, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject
from model.tokenizer.tokenizer import Tokenizer
from model.world import documents

WINDOW = 64
"""Tokens that are read in one go: what excites a neuron is mostly near."""
AT_ONCE = 4
"""Windows that run together: as many tokens as make a slice."""
READ_AT_ONCE = 1 << 16
"""Characters of a file that are cut into tokens at once."""
KEPT = 16
"""Places that are kept of each neuron at the least."""
BUDGET = 192 * 2**20
"""Bytes that what was read of a model's layers may take; the newest is kept whatever it takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Excited:
    """The place of a window where a neuron was strongest.

    Attributes:
        activation: its own there.
        before, token, behind: pieces of the text, a token each.
        around: its activations at all of them; NaN where there is none.
    """

    activation: float
    before: tuple[str, ...]
    token: str
    behind: tuple[str, ...]
    around: Array

    @property
    def text(self) -> str:
        """The text, with the token in ⟨⟩, on one line."""
        before, behind = "".join(self.before), "".join(self.behind)
        return " ".join(f"{before}⟨{self.token}⟩{behind}".split())


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
        raise ProbeError(f"{path.name} can't be read: {error.strerror}.") from error


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
    """All neurons of a layer in many windows of text.

    Args:
        layer: which.
        n: places to keep of each neuron.
        config: of the network.
        n_all: neurons of the layer.
        cut: the windows.

    Attributes:
        n_tokens: that were read.
        at_end: whether there is no more to read.
    """

    def __init__(
        self,
        layer: int,
        n: int,
        config: TransformerConfig,
        n_all: int,
        cut: Iterator[tuple[int, ...]],
    ) -> None:
        self._layer, self._config = layer, config
        self._cut = cut
        self._windows: list[tuple[int, ...]] = []
        self._next: list[tuple[int, ...]] = []
        self._places = {sign: Places(n_all, n, sign) for sign in (1, -1)}
        self.tally = Tally(n_all)
        self.n_tokens = 0
        self.at_end = False

    @property
    def n_bytes(self) -> int:
        """Memory that it takes."""
        own = sum(one.n_bytes for one in self._places.values()) + self.tally.n_bytes
        return own + 16 * self.n_tokens

    def read(self, bench: Bench, subject: Subject) -> Iterator[None]:
        """Some windows of equal length; a block a slice. Nothing is counted before the last.

        Args:
            bench: holds the model.
            subject: of the model, step and interventions that the others were read with.
        """
        some = self._batch()
        if not some:
            self.at_end = True
            return
        found = yield from self._activations(bench, subject, some)
        if self._next[: len(some)] != some:
            return  # somebody else, who waits for the same, has counted them meanwhile
        del self._next[: len(some)]
        with torch.inference_mode():
            self._count(some, found)

    def best(self, neuron: int, n: int, sign: int, tokenizer: Tokenizer) -> list[Excited]:
        """A neuron's places so far, strongest first; of a text that came twice one."""
        some = self._places[sign].of(neuron)[:n]
        return [self._excited(*one, tokenizer) for one in some]

    def _batch(self) -> list[tuple[int, ...]]:
        self._next += islice(self._cut, AT_ONCE - len(self._next))
        # Only the last of a file is shorter, and runs alone.
        return [one for one in self._next if len(one) == len(self._next[0])]

    def _count(self, some: list[tuple[int, ...]], found: dict[str, Tensor]) -> None:
        config, layer = self._config, self._layer
        post_BTN = spread(config, layer, "hook_post", found).float().cpu()
        gate_BTN = post_BTN
        if config.gated:
            gate_BTN = spread(config, layer, "hook_pre", found).cpu()
        for ids, own_TN, gate_TN in zip(some, post_BTN, gate_BTN, strict=True):
            marks_T = marks(torch.tensor(ids))
            for places in self._places.values():
                places.take(own_TN, marks_T, len(self._windows))
            self.tally.take(own_TN, gate_TN > 0)
            self._windows.append(ids)
            self.n_tokens += len(ids)

    def _excited(
        self, value: float, window: int, at: int, around_S: Tensor, tokenizer: Tokenizer
    ) -> Excited:
        ids = self._windows[window]
        begin, stop = max(0, at - BEFORE), min(len(ids), at + 1 + BEHIND)
        pieces = pieces_of(ids[begin:stop], tokenizer)
        first = begin - (at - BEFORE)
        own = to_array(around_S[first : first + stop - begin])
        here = at - begin
        return Excited(
            value, pieces[:here], pieces[here], pieces[here + 1 :], read_only(own.copy())
        )

    def _activations(
        self, bench: Bench, subject: Subject, some: list[tuple[int, ...]]
    ) -> Generator[None, None, dict[str, Tensor]]:
        """What the layer's neurons did in some windows."""
        network = bench.network(subject)
        changes = changes_of(subject.interventions, self._config)
        ids_BT = torch.tensor(some, device=network.embed.weight.device)
        hooks = ("hook_post", "hook_pre") if self._config.gated else ("hook_post",)
        wanted = names(self._config, self._layer, *hooks)
        if changes:
            with torch.inference_mode():
                ways = changes.within(0, bench.stream(subject).read)
                found = network.compute(wanted, {INPUT_IDS: ids_BT}, *ways)
            yield None
            return found
        steps = network.stream(ids_BT)
        for _ in range(self._layer + 1):
            # Entered anew: the mode must not leak out of a generator that waits.
            with torch.inference_mode():
                resid_BTD = next(steps)
            yield None
            bench.network(subject)  # it may have learned on
        with torch.inference_mode():
            found = network.compute(wanted, {streams(self._config)[self._layer]: resid_BTD})
        yield None
        return found


def pieces_of(ids: tuple[int, ...], tokenizer: Tokenizer) -> tuple[str, ...]:
    """What each token adds to the text before it; a part of a character as � before the whole."""
    ends: list[int] = []  # of each token, in the text
    before = ""
    for n in range(1, len(ids) + 1):
        text = tokenizer.decode(ids[:n])
        # Half a character is shown as one that is none, until its other half comes.
        differ = (i for i, (a, b) in enumerate(zip(before, text)) if a != b)
        same = next(differ, min(len(before), len(text)))
        ends = [min(end, same) for end in ends]
        ends.append(len(text))
        before = text
    return tuple(
        before[begin:end] or tokenizer.decode([one])
        for one, begin, end in zip(ids, [0, *ends], ends)
    )


def scan_of(
    bench: Bench, subject: Subject, layer: int, n: int, file: str, seed: int
) -> Scan | None:
    """What was read of some texts with a layer so far; begun if nobody has.

    Args:
        bench: holds the model.
        subject: whose model, step and interventions.
        layer: which.
        n: places of each neuron that are wanted.
        file, seed: as of `texts`.

    Returns:
        None where there is no tokenizer to read texts with.
    """
    tokenizer = bench.tokenizer(subject.model)
    if tokenizer is None:
        return None
    network = bench.network(subject)
    source = (str(Path(file).expanduser()), *_changed(file)) if file else ("", seed)
    n = max(n, KEPT)
    key = ("neurons in texts", layer, n, subject.interventions, source)
    known = bench.found_of(subject.model, subject.step)
    scan = known.pop(key, None)
    if not isinstance(scan, Scan) or not scan.n_tokens:  # that of a file that was not there
        cut = windows(texts(file, seed), tokenizer, network.config)
        scan = Scan(layer, n, network.config, network.config.n_neurons, cut)
    known[key] = scan  # the newest stands last
    kept = [(key, one) for key, one in known.items() if isinstance(one, Scan)]
    n_bytes = sum(one.n_bytes for _, one in kept)
    for old, one in kept[:-1]:
        if n_bytes <= BUDGET:
            break
        n_bytes -= one.n_bytes
        del known[old]
    return scan


def _changed(file: str) -> tuple[int, int]:
    """What becomes another where a file is written anew."""
    try:
        state = Path(file).expanduser().stat()
    except OSError:  # reading it will say so
        return 0, 0
    return state.st_mtime_ns, state.st_size
