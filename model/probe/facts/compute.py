"""Causal tracing of a fact: one noisy run of several samples, then a batch a cell.

What stands before the subject is the same with noise and without, and is not run again where
nothing looks back at it.

Shape suffixes: S samples, B variants (cells times samples), L layers, T positions, D d_model,
E d_embed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.restart import Edit, Restart
from model.operations import streams
from model.probe.facts.asks import Facts, FactsFound
from model.probe.facts.words import tokens_of_words
from model.probe.measuring import Kind, Measure, finite, likeliest_at, place, tokens_of
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.sweeping import Pace, coarse_to_fine
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: Facts, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block of a batch of cells a slice; the map so far every 0.15 s.

    Raises:
        ValueError: nobody says what the fact is about, its words don't stand in the text, or a
            number is none that can be.
        KeyError: the network has no head that scores tokens.
    """
    trace = _Trace(question, subject, bench)
    for _ in trace.run_noisy():
        yield None
    pace = Pace()
    for layer in coarse_to_fine(trace.n_layers):
        for _ in trace.run(layer):
            if trace.share < 1 and pace.is_due():
                yield trace.found(trace.share)
            yield None  # an answer alone ends no slice
    yield trace.found(1.0)


class _Trace:
    """The cells of one question, as far as they are known."""

    def __init__(self, question: Facts, subject: Subject, bench: Bench) -> None:
        self._question, self._subject, self._bench = question, subject, bench
        network = bench.network(subject)
        self._config, n = network.config, subject.n_tokens
        self.n_layers = self._config.n_layers
        if question.samples < 1 or question.window < 0 or not question.noise > 0:
            raise ProbeError("Samples and noise are more than 0, and a window is not negative.")
        self._at = place(question.position, n, "position")
        self._first, self._last = _tokens_of_fact(question, subject, bench)
        self._window = min(question.window or max(1, round(self.n_layers / 5)), self.n_layers)
        target, against = tokens_of(question.metric, bench, subject)
        if target is None:
            target = likeliest_at(bench, subject, self._at)
        kind: Kind = "probability" if against is None else "logit difference"
        self._measure = Measure(kind, target, against)
        self._ids = self._measure.ids(network.embed.weight)
        self._restart = Restart(bench, subject, self._first, self._at)
        with torch.inference_mode():
            logits_1V = bench.logits(subject, self._at, self._at + 1)
            scores_1V = logits_1V if self._ids is None else logits_1V[:, self._ids]
            clean = float(self._measure.of(scores_1V))
            self._embedding = next(op.output for op in network.operations if op.kind == "embed")
            table_std = network.table("W_E").float().std() * self._config.scales.embedding
        self._clean = finite(clean, bench, subject, self._at)
        self._std = question.noise * float(table_std)
        self._noisy_LSTD: list[Tensor] = []
        self._corrupted = float("nan")
        self._values = np.full((self.n_layers, n), np.nan)

    # -------------------------------------------------------------------------- noise

    def run_noisy(self) -> Iterator[None]:
        """The text with its subject hidden, all samples at once; every border's stream is kept."""
        question, restart = self._question, self._restart
        generator = torch.Generator().manual_seed(question.seed)
        shape = (question.samples, self._last - self._first + 1, self._config.d_embed)
        noise_SnE = self._std * torch.randn(shape, generator=generator, dtype=torch.float64)

        def hide(x_BTE: Tensor) -> Tensor:
            hidden_BTE = x_BTE.clone()
            hidden_BTE[:, self._first : self._last + 1] += noise_SnE.to(x_BTE)
            return hidden_BTE

        resid_STD = restart.embedded(question.samples, {self._embedding: hide})
        self._noisy_LSTD = [resid_STD]
        last_STD = yield from restart.onwards(
            0, resid_STD, keep=lambda _, resid_STD: self._noisy_LSTD.append(resid_STD)
        )
        self._corrupted = float(self._metric(last_STD).mean())
        # What noise doesn't reach can't be restored.
        self._values[:, : restart.start] = self._corrupted
        self._values[:, restart.stop :] = self._corrupted

    def _metric(self, last_BTD: Tensor) -> Array:
        return to_array(self._measure.of(self._restart.logits(last_BTD, self._at, self._ids)))

    # -------------------------------------------------------------------------- cells

    def run(self, layer: int) -> Iterator[None]:
        """The cells of one layer."""
        start, stop = self._restart.start, self._restart.stop
        n_at_once = max(1, self._restart.n_at_once // self._question.samples)
        for first in range(start, stop, n_at_once):
            some = range(first, min(first + n_at_once, stop))
            last_BTD = yield from self._restored(layer, some)
            metric = self._metric(last_BTD).reshape(len(some), -1)
            self._values[layer, some.start : some.stop] = metric.mean(1)
            yield None

    def _restored(self, layer: int, positions: Sequence[int]) -> Generator[None, None, Tensor]:
        """What the last block leaves, each of some positions restored in all samples."""
        n_samples, start = self._question.samples, self._restart.start
        rows = torch.arange(len(positions) * n_samples)
        at = torch.tensor(positions).repeat_interleave(n_samples)

        def restoring(name: str) -> Edit:
            own_TD = self._bench.values(self._subject, (name,))[name][0]

            def edit(x_BTD: Tensor) -> Tensor:
                restored_BTD = x_BTD.clone()
                restored_BTD[rows, at - start] = own_TD[at]
                return restored_BTD

            return edit

        first, names = layer, []
        if self._question.kind != "residual":
            part = "mlp" if self._question.kind == "mlp" else "attn"
            first = max(0, layer - (self._window - 1) // 2)
            last = min(self.n_layers, layer + self._window // 2 + 1)
            names = [f"blocks.{one}.hook_{part}_out" for one in range(first, last)]
        resid_BTD = self._noisy_LSTD[first].repeat(len(positions), 1, 1)
        if self._question.kind == "residual":
            with torch.inference_mode():
                resid_BTD = restoring(streams(self._config)[layer])(resid_BTD)
        edits = {name: restoring(name) for name in names}
        return (yield from self._restart.onwards(first, resid_BTD, edits))

    # ------------------------------------------------------------------------- answer

    @property
    def share(self) -> float:
        """Of the cells that are known."""
        return float(np.isfinite(self._values).mean())

    def found(self, share: float) -> FactsFound:
        """What is known so far."""
        effect = self._values - self._corrupted
        best_layer, best_position = -1, -1
        if share >= 1 and np.isfinite(effect).all():
            best_layer, best_position = map(int, np.unravel_index(effect.argmax(), effect.shape))
        return FactsFound(
            subject=self._subject,
            question=self._question,
            share=share,
            effect=read_only(effect),
            values=read_only(self._values.copy()),
            measure=self._measure.kind,
            target=self._measure.target,
            against=self._measure.against,
            clean=self._clean,
            corrupted=self._corrupted,
            first=self._first,
            last=self._last,
            window=1 if self._question.kind == "residual" else self._window,
            noise_std=self._std,
            best_layer=best_layer,
            best_position=best_position,
        )


def _tokens_of_fact(question: Facts, subject: Subject, bench: Bench) -> tuple[int, int]:
    """Positions of the first and the last token of what the fact is about."""
    n = subject.n_tokens
    if question.first is not None or question.last is not None:
        if question.about:
            raise ProbeError("Give either about, or first and last.")
        given = [one for one in (question.first, question.last) if one is not None]
        first, last = given[0], given[-1]  # one alone is both
        if not (-n <= first < n and -n <= last < n and first % n <= last % n):
            raise ProbeError(f"first and last are positions in rising order, of 0 to {n - 1}.")
        return first % n, last % n
    if not question.about:
        raise ProbeError(
            "Say what the fact is about: words of the text (about), or the positions of its tokens "
            "(first, last)."
        )
    tokenizer = bench.tokenizer(subject.model)
    if tokenizer is None:
        raise ProbeError("This checkpoint has no tokenizer: give first and last instead of about.")
    special = tokenizer.special_ids
    tokens = [b"" if one in special else tokenizer.token_bytes(one) for one in subject.ids]
    found = tokens_of_words(tokens, question.about)
    if found is None:
        raise ProbeError(f"{question.about!r} does not stand in the text.")
    return found
