"""Measures what context costs: passes over longer and longer texts, timed one after the other.

A slice is some blocks of one pass; the curves so far are given after each length. Shape suffixes:
S series, N lengths, B texts, T positions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.checkpoint.memory import free_bytes
from model.config import TransformerConfig
from model.network.attention import KVCache
from model.preview import file_size
from model.probe.cost import formulas
from model.probe.cost.asks import SERIES, SHORTEST, Cost, CostFound, Series, Speedup
from model.probe.cost.fit import Fit, fitted
from model.probe.cost.parallel import Setting, speedups
from model.probe.cost.passes import Explicit, fused
from model.probe.cost.peak import Peak
from model.probe.cost.timing import Pass, Stopwatch
from model.probe.cost.words import duration, sentence
from model.probe.question import Answer, Array, ProbeError, read_only
from model.subject import Subject

OF_FREE_MEMORY = 0.6
"""A pass may take this share of the memory that is free: other programs want some, too."""
SHARE_OF_SPEEDUPS = 0.05
"""Of the work, as far as it is known beforehand."""


def answer(question: Cost, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Blocks of a pass a slice; the curves so far after each length.

    Raises:
        ValueError: no text, no repeat or no time is asked for.
    """
    if question.longest < 0 or question.repeats < 1 or question.patience <= 0:
        raise ProbeError("longest is 0 or more tokens, repeats 1 or more, patience above 0 s.")
    measuring = _Measuring(question, subject, bench)
    for share in measuring.lengths():
        if share is not None:
            yield measuring.found(share * (1 - SHARE_OF_SPEEDUPS))
        yield None  # an answer alone ends no slice
    measuring.speedups = yield from measuring.parallel()
    yield measuring.found(1.0)


def lengths(config: TransformerConfig, longest: int) -> list[int]:
    """16, 24, 32, 48, 64, … up to the longest, and that itself."""
    most = min(longest or config.n_ctx, config.n_ctx)
    found, power = list[int](), SHORTEST
    while power < most:
        found += [n for n in (power, power * 3 // 2) if n < most]
        power *= 2
    return [*found, most]


class _Measuring:
    """The measurements of one question, as far as they are."""

    def __init__(self, question: Cost, subject: Subject, bench: Bench) -> None:
        self._question, self._subject = question, subject
        network = self._network = bench.network(subject)
        config = self._config = network.config
        like = self._like = network.embed.weight
        self._tokens = lengths(config, question.longest)
        generator = torch.Generator().manual_seed(0)
        ids_BT = torch.randint(0, config.d_vocab, (1, self._tokens[-1]), generator=generator)
        self._ids_BT: Tensor = ids_BT.to(like.device)
        self._explicit = Explicit(network)
        self._watch = Stopwatch(like.device)
        shape = (len(SERIES), len(self._tokens))
        self._seconds_SNQ = np.full((*shape, 3), np.nan)
        self._peak_SN = np.full(shape, np.nan)
        self._repeats_SN = np.zeros(shape, np.int64)
        self._stopped: dict[Series, str] = {}
        self.speedups: tuple[Speedup, ...] = ()

    # ------------------------------------------------------------------------ measuring

    def lengths(self) -> Generator[float | None, None, None]:
        """Text after text; yields the share that is done after each, None between."""
        work = np.cumsum([formulas.read_flops(self._config, n) for n in self._tokens])
        for at, n in enumerate(self._tokens):
            if len(self._stopped) == len(SERIES):
                return
            yield from self._length(at, n)
            yield float(work[at] / work[-1])

    def _length(self, at: int, n: int) -> Generator[None, None, None]:
        """All series at one length."""
        network, ids_BT = self._network, self._ids_BT[:, :n]
        if self._config.causal:
            yield from self._with_cache(at, n)
            yield from self._series("decode_uncached", at, n, lambda: fused(network, ids_BT))
        else:
            yield from self._series("prefill_fused", at, n, lambda: fused(network, ids_BT))
        yield from self._series("prefill_explicit", at, n, lambda: self._explicit(ids_BT))

    def _with_cache(self, at: int, n: int) -> Generator[None, None, None]:
        """A text is read into a cache; then its last token alone is read behind the others."""
        network, ids_BT = self._network, self._ids_BT[:, :n]
        caches: list[KVCache] = []

        def reading() -> Iterator[object]:
            if not caches:
                caches.append(KVCache(self._config, 1, self._like, n))
            caches[0].crop(0)
            return fused(network, ids_BT, caches[0])

        def continuing() -> Iterator[object]:
            caches[0].crop(n - 1)
            return fused(network, ids_BT[:, n - 1 :], caches[0])

        yield from self._series("prefill_fused", at, n, reading)
        if "decode_cached" in self._stopped:
            return
        name = _NAMES["decode_cached"]
        if "prefill_fused" in self._stopped:
            why = "it ends where reading does, which fills the cache"
            self._stopped["decode_cached"] = f"{name}: {why}."
        elif n > 1 and self._config.length_changes_rotations(n - 1, n):
            why = "a cache is of no use, since the rotations of all positions depend on the length"
            self._stopped["decode_cached"] = f"{name} ends before {n:,} tokens: {why}."
        elif n > 1:
            yield from self._series("decode_cached", at, n, continuing)

    def _series(self, series: Series, at: int, n: int, one: Pass) -> Generator[None, None, None]:
        """One cell, unless it would take too long or too much memory.

        Args:
            series: of which curve.
            at: index of the length.
            n: tokens.
            one: gives a fresh pass.
        """
        if series in self._stopped or self._is_too_much(series, at, n):
            return
        s = SERIES.index(series)
        peak = Peak(self._network.parameters())
        try:
            # The first pass isn't timed: it warms up, and its tensors are counted.
            yield from self._watch.run(one(), peak)
            measured = yield from self._watch.measure(one, self._question.repeats)
        except (RuntimeError, MemoryError) as error:
            if not _is_memory(error):
                raise
            self._stopped[series] = f"{_NAMES[series]} ends before {n:,} tokens: no memory is left."
            return
        self._seconds_SNQ[s, at] = measured.median, measured.low, measured.high
        self._repeats_SN[s, at] = measured.n
        self._peak_SN[s, at] = peak.n_bytes

    def _is_too_much(self, series: Series, at: int, n: int) -> bool:
        """Whether a pass is expected to take too much, from the one before; then it says so."""
        if at == 0:
            return False
        s, growth = SERIES.index(series), (n / self._tokens[at - 1]) ** 2
        seconds = self._seconds_SNQ[s, at - 1, 0] * growth
        n_bytes = self._peak_SN[s, at - 1] * growth
        free = free_bytes(self._like.device.type)
        if seconds > self._question.patience:
            why = f"a pass would take some {duration(seconds)}"
        elif n_bytes > OF_FREE_MEMORY * free:
            why = f"a pass might take {file_size(round(n_bytes))}, and {file_size(free)} are free"
        else:
            return False
        self._stopped[series] = f"{_NAMES[series]} ends before {n:,} tokens: {why}."
        return True

    def parallel(self) -> Generator[None, None, tuple[Speedup, ...]]:
        """One after another against all at once."""
        setting = Setting(self._network, self._ids_BT, self._watch, self._question.repeats)
        return (yield from speedups(setting))

    # --------------------------------------------------------------------------- answer

    def found(self, share: float) -> CostFound:
        """What is known now."""
        config, tokens, size = self._config, self._tokens, self._like.element_size()
        tokens_N = np.array(tokens)
        found = CostFound(
            subject=self._subject,
            question=self._question,
            share=share,
            tokens_N=read_only(tokens_N),
            seconds_SNQ=read_only(self._seconds_SNQ.copy()),
            repeats_SN=read_only(self._repeats_SN.copy()),
            peak_SN=read_only(self._peak_SN.copy()),
            cache_N=_each(tokens, lambda n: size * formulas.cache_numbers(config, n)),
            read_flops_N=_each(tokens, lambda n: formulas.read_flops(config, n)),
            decode_flops_N=_each(tokens, lambda n: formulas.decode_flops(config, n)),
            decode_bytes_N=_each(tokens, lambda n: size * formulas.decode_numbers(config, n)),
            speedups=self.speedups,
            fits=self._fits(tokens_N),
            stopped=tuple(self._stopped.values()),
            bytes_per_number=size,
            weights_bytes=sum(p.numel() * p.element_size() for p in self._network.parameters()),
            cache_bytes_per_token=size * formulas.numbers_a_token(config) * config.causal,
            device=self._like.device.type,
            dtype=str(self._like.dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            n_repeated=self._watch.n_repeated,
            busy_elsewhere=self._watch.busy_elsewhere,
        )
        return replace(found, sentence=sentence(found))

    def _fits(self, tokens_N: Array) -> tuple[Fit, ...]:
        kinds = (
            fitted(f"{name}{unit}", tokens_N, values_SN[s])
            for unit, values_SN in (("", self._seconds_SNQ[..., 0]), ("_bytes", self._peak_SN))
            for s, name in enumerate(SERIES)
        )
        return tuple(fit for fit in kinds if fit is not None)


_NAMES: dict[Series, str] = {
    "prefill_fused": "Reading with fused attention",
    "prefill_explicit": "Reading with explicit attention",
    "decode_cached": "A new token with the cache",
    "decode_uncached": "A new token without the cache",
}


def _each(tokens: list[int], of: Callable[[int], float]) -> Array:
    return read_only(np.array([of(n) for n in tokens]))


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "memory" in str(error).lower()
