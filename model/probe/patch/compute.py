"""Activation patching: a first-order map at once, then exact cells, coarse to fine.

Each cell is a pass of the corrupted text that begins again at the patched layer (Vig et al. 2020,
Meng et al. 2022); the map before it is attribution patching (Nanda 2023): gradient times what
differs. What does not differ, and in a causal network what stands behind the measured position, is
0 without a pass.

Shape suffixes: L layers, H heads (1 where there is none), T positions, N numbers of a cell.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.changes import changes_of
from model.bench.gradients import Gradients
from model.bench.restart import Restart
from model.operations import streams
from model.probe.measuring import Measure, finite, likeliest_at, place, second_text, tokens_of
from model.probe.patch.alignment import aligned, n_alike
from model.probe.patch.asks import OF_HEADS, Kind, Patch, PatchFound
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.sweeping import Pace, coarse_to_fine, correlation
from model.probe.tensors.compute import to_array
from model.subject import Subject

MOST_TOKENS = 1024
"""Up to which the whole pattern of a block, with what its gradient needs, is held."""


def answer(question: Patch, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block of a batch of cells a slice; the map so far every 0.15 s.

    Raises:
        ValueError: there is no second text, it has another number of tokens, or tokens or places
            are no such.
        KeyError: the network has no head that scores tokens.
    """
    clean = second_text(
        bench,
        subject,
        question.clean,
        question.clean_ids,
        "clean",
        "patching",
        any_length=question.align,
    )
    for _ in bench.streaming(clean):
        yield None
    sweep = _Sweep(question, subject, clean, bench)
    yield None  # both texts' scores are a slice of their own
    if subject.n_tokens <= MOST_TOKENS or not question.exact:
        for _ in sweep.estimate():
            yield None
        yield sweep.found(share=0.0 if question.exact else 1.0)
        yield None
    if not question.exact:
        return
    pace = Pace()
    for row in coarse_to_fine(len(sweep.layers)):
        for _ in sweep.run(row):
            if sweep.share < 1 and pace.is_due():
                yield sweep.found(sweep.share)
            yield None  # an answer alone ends no slice
    yield sweep.found(share=1.0)


@dataclass(frozen=True, slots=True)
class _Places:
    """Which activation is patched, and how its cells lie in it."""

    kind: Kind
    layer: int
    name: str

    def cells(self, tensor: Tensor) -> Tensor:
        """``[B, …]`` as ``[B, H, T, N]``."""
        if self.kind == "pattern":
            return tensor
        return tensor.transpose(1, 2) if self.kind in OF_HEADS else tensor[:, None]

    def put(self, tensor: Tensor, cells_BHTN: Tensor) -> Tensor:
        """The other way round."""
        if self.kind == "pattern":
            return cells_BHTN
        return cells_BHTN.transpose(1, 2) if self.kind in OF_HEADS else cells_BHTN[:, 0]


class _Sweep:
    """The cells of one question, as far as they are known."""

    def __init__(self, question: Patch, subject: Subject, clean: Subject, bench: Bench) -> None:
        self._question, self._subject, self._clean = question, subject, clean
        self._bench = bench
        config = self._config = bench.network(subject).config
        n = subject.n_tokens
        self._at = place(question.position, n, "position")
        self._sources = aligned(subject.ids, clean.ids)
        if self._sources[self._at] < 0:
            raise ProbeError("The measured token has no partner in the clean text: take another.")
        self._same_places = self._sources == tuple(range(len(clean.ids)))
        if question.kind == "pattern" and not self._same_places:
            raise ProbeError(
                "Patterns are rows over the keys of a text, so both need as many tokens. Reword "
                "one of them, or patch z."
            )
        layers = {place(at, config.n_layers, "layer") for at in question.layers}
        self.layers = tuple(sorted(layers)) or tuple(range(config.n_layers))
        self._restart = Restart(bench, subject, 0, self._at)
        here, there = (subject, self._at), (clean, self._sources[self._at])
        self._measure = _measure(question, here, there, bench)
        self._ids = self._measure.ids(bench.network(subject).embed.weight)
        self._corrupted, self._of_clean = self._of(*here), self._of(*there)
        if question.kind == "pattern" and n > MOST_TOKENS:
            raise ProbeError(
                f"Patterns are patched up to {MOST_TOKENS:,} tokens; shorten the texts."
            )
        heads = config.n_kv_heads if question.kind in ("k", "v") else config.n_heads
        self._n_heads = heads if question.kind in OF_HEADS else 1
        shape = (len(self.layers), self._n_heads, 1 if question.together else n)
        self._values = np.full(shape, np.nan)
        self._estimated = np.full(shape, np.nan)
        self._done = np.zeros(shape, bool)
        self._ran = np.zeros(shape, bool)

    def _of(self, subject: Subject, at: int) -> float:
        """The metric of a text as it is."""
        logits_1V = self._bench.logits(subject, at, at + 1)
        of = self._measure.of(logits_1V if self._ids is None else logits_1V[:, self._ids])
        return finite(float(of), self._bench, subject, at)

    # ----------------------------------------------------------------------- estimate

    def estimate(self) -> Iterator[None]:
        """Attribution patching: one way back through the corrupted text."""
        way = Gradients(self._bench, self._subject, self._at)
        residual = self._question.kind == "residual"
        names = {} if residual else {layer: (self._places(layer).name,) for layer in self.layers}
        for block in way.of(lambda s: self._measure.of(s)[0], self._ids, names):
            if block.layer in self.layers:
                row, places = self.layers.index(block.layer), self._places(block.layer)
                grad = block.before if residual else block.of[places.name]
                grad_HTN = places.cells(grad)[0, :, : way.stop]
                differs_HTN = self._difference(places)[:, : way.stop, : grad_HTN.shape[-1]]
                change_HT = to_array((grad_HTN * differs_HTN).cpu().double().sum(-1))
                if self._question.together:
                    self._estimated[row, :, 0] = self._corrupted + change_HT.sum(-1)
                else:
                    self._estimated[row] = self._corrupted
                    self._estimated[row, :, : change_HT.shape[1]] += change_HT
            if block.layer <= self.layers[0]:
                return
            yield None

    # -------------------------------------------------------------------------- exact

    def run(self, row: int) -> Iterator[None]:
        """The exact cells of one layer."""
        places = self._places(self.layers[row])
        clean_HTN = self._taken(places)
        differs_HT = clean_HTN.ne(self._cells(self._subject, places)).any(-1)
        if self._config.causal and not changes_of(self._subject.interventions, self._config):
            differs_HT[:, self._at + 1 :] = False
        if self._question.together:
            differs_HT = differs_HT.any(-1, keepdim=True)
        ran_HT = to_array(differs_HT)
        self._ran[row] = ran_HT
        self._values[row][~ran_HT] = self._corrupted
        self._done[row] = ~ran_HT
        first = self._first_differing() if ran_HT.any() else 0
        # By position, so that a batch has as much before it as can be.
        cells = sorted(zip(*np.nonzero(ran_HT), strict=True), key=lambda cell: (cell[1], cell[0]))
        while cells:
            start = first if self._question.together else int(cells[0][1])
            restart = self._restart.begun_at(start)
            some, cells = cells[: restart.n_at_once], cells[restart.n_at_once :]
            metric_B = yield from self._patched(places, clean_HTN, restart, some)
            for cell, value in zip(some, metric_B, strict=True):
                self._values[row][cell] = value
                self._done[row][cell] = True
            yield None

    def _first_differing(self) -> int:
        """From where on the two texts differ; from the first where all looks at all."""
        if not self._config.causal or changes_of(self._subject.interventions, self._config):
            return 0
        return n_alike(self._subject.ids, self._clean.ids)

    def _patched(
        self,
        places: _Places,
        clean_HTN: Tensor,
        restart: Restart,
        cells: Sequence[tuple[int, int]],
    ) -> Generator[None, None, Array]:
        """The metric with each of some cells patched, ``[B]``."""
        device = clean_HTN.device
        rows = torch.arange(len(cells), device=device)
        head_B, at_B = (torch.tensor(one, device=device) for one in zip(*cells, strict=True))

        def edit(tensor: Tensor) -> Tensor:
            edited = places.cells(tensor).clone()
            n_numbers = edited.shape[-1]  # of a pattern, keys up to the last that is run
            if self._question.together:
                own_HTN = clean_HTN[:, restart.start : restart.stop, :n_numbers]
                edited[rows, head_B] = own_HTN[head_B]
            else:
                edited[rows, head_B, at_B - restart.start] = clean_HTN[head_B, at_B, :n_numbers]
            return places.put(tensor, edited)

        resid_BTD = restart.resid(places.layer, len(cells))
        with torch.inference_mode():
            resid_BTD = edit(resid_BTD) if places.kind == "residual" else resid_BTD
        edits = {} if places.kind == "residual" else {places.name: edit}
        last_BTD = yield from restart.onwards(places.layer, resid_BTD, edits)
        scores_BV = restart.logits(last_BTD, self._at, self._ids)
        return to_array(self._measure.of(scores_BV))

    # -------------------------------------------------------------------------- parts

    def _places(self, layer: int) -> _Places:
        kind = self._question.kind
        match kind:
            case "residual":
                name = streams(self._config)[layer]
            case "attention":
                name = f"blocks.{layer}.hook_attn_out"
            case "mlp":
                name = f"blocks.{layer}.hook_mlp_out"
            case _:
                name = f"blocks.{layer}.attn.hook_{kind}"
        return _Places(kind, layer, name)

    def _cells(self, subject: Subject, places: _Places) -> Tensor:
        """A text's own activation, ``[H, T, N]``."""
        return places.cells(self._bench.values(subject, (places.name,))[places.name])[0]

    def _taken(self, places: _Places) -> Tensor:
        """The clean text's activation at this text's tokens, ``[H, T, N]``."""
        theirs_HTN = self._cells(self._clean, places)
        if self._same_places:
            return theirs_HTN
        taken_HTN = self._cells(self._subject, places).clone()  # stays where there is no partner
        pairs = [(at, source) for at, source in enumerate(self._sources) if source >= 0]
        here, there = (list(each) for each in zip(*pairs, strict=True))
        taken_HTN[:, here] = theirs_HTN[:, there]
        return taken_HTN

    def _difference(self, places: _Places) -> Tensor:
        """What the clean text's activation has more, ``[H, T, N]``."""
        return self._taken(places) - self._cells(self._subject, places)

    # ------------------------------------------------------------------------- answer

    @property
    def share(self) -> float:
        """Of the cells that are known."""
        return float(self._done.mean())

    def found(self, share: float) -> PatchFound:
        """What is known so far."""
        spread = self._of_clean - self._corrupted
        # A corrupted text that differs by rounding only has nothing to recover.
        apart = abs(spread) > 1e-6 * max(1.0, abs(self._corrupted))
        scaled = partial(_recovered, self._corrupted, spread if apart else float("nan"))
        preview = scaled(self._estimated)
        recovered = np.where(self._done, scaled(self._values), preview)
        if not self._question.together:
            recovered[..., np.array(self._sources) < 0] = np.nan
        values = np.where(self._done, self._values, self._estimated)
        agreed = float("nan")
        if self._done.all():
            agreed = correlation(preview[self._ran], recovered[self._ran])
        measure = self._measure
        return PatchFound(
            subject=self._subject,
            question=self._question,
            share=share,
            layers=self.layers,
            recovered=self._drawn(recovered),
            values=self._drawn(values),
            preview=self._drawn(preview),
            done=self._drawn(self._done),
            sources=self._sources,
            measure=measure.kind,
            target=measure.target,
            against=measure.against,
            clean=self._of_clean,
            corrupted=self._corrupted,
            preview_correlation=agreed,
            problem="" if apart else _NOTHING,
        )

    def _drawn(self, cells_LHT: Array) -> Array:
        """With the axes that the answer has."""
        cells = cells_LHT if self._question.kind in OF_HEADS else cells_LHT[:, 0]
        return read_only((cells[..., 0] if self._question.together else cells).copy())


_NOTHING = (
    "Both texts have the same metric, so there is nothing to recover: choose other tokens, or "
    "texts on which they differ."
)


def _recovered(corrupted: float, spread: float, values: Array) -> Array:
    return (values - corrupted) / spread


_SAME = (
    "The likeliest token is the same after both texts, so there is no difference to measure: name "
    "two tokens, or measure a probability or the divergence."
)


def _measure(
    question: Patch, here: tuple[Subject, int], there: tuple[Subject, int], bench: Bench
) -> Measure:
    """What is measured.

    Args:
        question: says how.
        here, there: the corrupted and the clean text, each with the position that is measured.
        bench: holds the model.
    """
    subject, at = here
    target, against = tokens_of(question.metric, bench, subject)
    if question.by == "kl":
        if target is not None:
            raise ProbeError("A divergence is of all tokens: leave target and against away.")
        clean, clean_at = there
        logits_V = bench.logits(clean, clean_at, clean_at + 1)[0].cpu().double()
        likeliest = int(logits_V.argmax())
        return Measure("KL divergence", likeliest, from_V=logits_V.log_softmax(-1))
    if question.by == "probability":
        if against is not None:
            raise ProbeError("A probability is of one token: leave against away.")
        return Measure("probability", likeliest_at(bench, *there) if target is None else target)
    if question.by == "difference" or question.metric.is_open:
        target = likeliest_at(bench, *there) if target is None else target
        against = likeliest_at(bench, subject, at) if against is None else against
        if question.by == "difference" and against == target:
            raise ProbeError(_SAME)
    assert target is not None  # a target alone is a log probability
    if against is None or against == target:
        return Measure("log probability", target)
    return Measure("logit difference", target, against)
