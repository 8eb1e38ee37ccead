"""What a picture after an edit costs, against a bare forward pass of the same network.

The bare pass is the fused one with the logits of the last position: what a person runs who wants to
know the next token. Ours is the same pass with what the panes ask of it: one head's pattern, the
routes of a position, the next token, every operation's vector there, how much each part writes; and
all heads' mosaic. Random networks in the shapes of published ones, whose heads look at few keys, as
learned heads do. Passes take turns; a ratio is the median of the neighbours' ratios.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from benchmarks.rows import Row

if TYPE_CHECKING:
    from model.bench import Bench
    from model.config import TransformerConfig
    from model.language_model import LanguageModel
    from model.probe.question import Question
    from model.subject import Subject
    from model.transformer import Transformer

REPEATS = {32: 24, 256: 8, 1024: 3}
SHARPNESS = 3.2
"""Queries and keys of random weights are multiplied by it: routes then reach about as many queries
as in the published model that reads prose."""
MEGABYTE = 2**20
MOST_ABOVE_WEIGHTS = 1024
"""Megabytes that a long prompt may take besides the weights."""


def run() -> list[Row]:
    """All of it; the shapes one after the other."""
    from model.device import set_threads

    set_threads(1)  # so that its seconds are all there are
    rows: list[Row] = []
    for name, config in shapes().items():
        network = random_network(config)
        for n_tokens, repeats in REPEATS.items():
            rows += _first_pictures(name, network, n_tokens, repeats)
            rows += _one_more(name, network, n_tokens, repeats)
        if name == "GPT-2 small":
            rows += _twelve_patterns(name, network)
        del network
        gc.collect()
    return [*rows, _memory()]


def shapes() -> dict[str, TransformerConfig]:
    """Of networks that people have."""
    from model.config import TransformerConfig

    return {
        "GPT-2 small": TransformerConfig(
            n_layers=12, n_heads=12, d_model=768, d_vocab=50257, n_ctx=1024
        ),
        "SmolLM2-135M": smollm2(),
    }


def smollm2() -> TransformerConfig:
    """A small network of the newer kind: grouped queries, rotary, gated."""
    from model.config import TransformerConfig
    from model.positions import Rotary

    return TransformerConfig(
        n_layers=30,
        n_heads=9,
        n_kv_heads=3,
        d_model=576,
        d_mlp=1536,
        d_vocab=49152,
        n_ctx=8192,
        norm="rms",
        positions="rotary",
        rotary=Rotary(base=100_000.0),
        activation="silu",
        gated=True,
        qkv_bias=False,
        out_bias=False,
        mlp_bias=False,
    )


def random_network(config: TransformerConfig) -> Transformer:
    """A network whose attention isn't spread over all keys alike."""
    import torch

    from model.transformer import Transformer

    network = Transformer(config).eval().requires_grad_(False)
    network.initialize(torch.Generator().manual_seed(0))
    with torch.no_grad():
        for block in network.blocks:
            attn = block.attn
            attn.qkv.weight[: attn.n_q + attn.n_kv] *= SHARPNESS  # type: ignore[union-attr,operator,index]
    return network


# -------------------------------------------------------------------------------- asking


def questions(config: TransformerConfig, at: int, *, mosaic: bool = False) -> list[Question]:
    """What the panes of the Explore perspective ask about a position."""
    from model.operations import operations
    from model.probe.mosaic.asks import Mosaic
    from model.probe.next_token.asks import NextToken
    from model.probe.pattern.asks import Pattern
    from model.probe.routes.asks import Routes
    from model.probe.vectors.asks import Vectors
    from model.probe.writes.asks import Writes

    # What Layers draws: one unfolded block, and what lies before the first and after the last.
    unfolded = config.n_layers // 2
    names = tuple(op.output for op in operations(config)[1:] if op.layer in (None, unfolded))
    asked: list[Question] = [
        NextToken(at),
        Pattern(config.n_layers // 2, 1),
        Routes(at),
        Vectors(names, at),
        Writes(),
    ]
    return [*asked, Mosaic(64)] if mosaic else asked


def bench_with(network: Transformer) -> Bench:
    """A bench that holds a network as model 1."""
    from model.bench import Bench

    bench = Bench()
    bench.hold(1, cast("LanguageModel", SimpleNamespace(transformer=network)))
    return bench


def slices_of(bench: Bench, subject: Subject, asked: Iterable[Question]) -> Iterator[str]:
    """Reading a prompt and answering: what was worked on, after each slice."""
    from model.probe.answering import answering
    from model.probe.question import Answer

    for _ in bench.streaming(subject, (subject.n_tokens - 1,)):
        yield "stream"
    yield "stream"
    for question in asked:
        for answer in answering(question)(question, subject, bench):
            if isinstance(answer, Answer) and answer.n_bytes > 32 * MEGABYTE:
                raise ValueError(f"{question.name} answers with {answer.n_bytes:,} bytes.")
            yield question.name


def work(bench: Bench, subject: Subject, asked: Iterable[Question]) -> float:
    """Does it; returns the seconds of its longest slice."""
    longest = 0.0
    began = time.thread_time()
    for _ in slices_of(bench, subject, asked):
        now = time.thread_time()
        longest, began = max(longest, now - began), now
    return longest


def in_pairs(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    repeats: int,
    prepare: Callable[[], object] = lambda: None,
) -> tuple[float, float, float]:
    """Median seconds of each, and the median of ours / theirs, run alternately.

    Seconds of this thread, the only one that works: those in which others had the core don't count,
    nor those in which ``prepare`` puts up what ours begins with.
    """
    prepare()
    ours()
    theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        prepare()
        for which, do in enumerate((ours, theirs)):
            began = time.thread_time()
            do()
            times[which].append(time.thread_time() - began)
    ratios = [a / b for a, b in zip(*times, strict=True)]
    return median(times[0]), median(times[1]), median(ratios)


def tokens(n: int) -> tuple[int, ...]:
    """Some ids, always the same."""
    import torch

    drawn: list[int] = torch.randint(
        0, 40_000, (n,), generator=torch.Generator().manual_seed(1)
    ).tolist()
    return tuple(drawn)


# ------------------------------------------------------------------------------- measures


def _first_pictures(name: str, network: Transformer, n: int, repeats: int) -> Iterator[Row]:
    """After an edit of the first token: nothing of the prompt before is of use."""
    import torch

    from model.subject import Subject

    rest = tokens(n)[1:]
    ids_BT = torch.tensor([[0, *rest]])
    for mosaic, most in ((False, 1.2), (True, 1.6)):
        bench = bench_with(network)
        asked = questions(network.config, n - 1, mosaic=mosaic)
        first = count()
        longest: list[float] = []

        def ours(
            bench: Bench = bench,
            asked: list[Question] = asked,
            first: Iterator[int] = first,
            longest: list[float] = longest,
        ) -> None:
            longest.append(work(bench, Subject(1, None, (next(first), *rest)), asked))

        mine, bare, ratio = in_pairs(ours, lambda: _bare(network, ids_BT), repeats)
        what = "first picture with all heads" if mosaic else "first picture"
        yield _row(f"{what}, {name}, {n:,} tokens", mine, bare, ratio, f"≤ {most} × bare forward")
        slice_ms = 1000 * median(longest)
        yield Row(
            f"its longest slice, {name}, {n:,}", slice_ms, None, slice_ms / 50, "ms", "≤ 50 ms"
        )


def _one_more(name: str, network: Transformer, n: int, repeats: int) -> Iterator[Row]:
    """One token more at the end, against a bare pass of all."""
    import torch

    from model.probe.next_token.asks import NextToken
    from model.subject import Subject

    most = {32: "1/3", 256: "1/10", 1024: "1/20"}[n]
    rest = tokens(n - 1)[1:]
    ids_BT = torch.tensor([[0, *rest, 0]])
    for everything, all_logits in ((False, True), (False, False), (True, False)):
        bench = bench_with(network)
        asked: list[Question] = [NextToken(n - 1)]
        if everything:
            asked = questions(network.config, n - 1)
        first = count()
        prompts: list[tuple[int, ...]] = []

        def prepare(
            bench: Bench = bench,
            first: Iterator[int] = first,
            prompts: list[tuple[int, ...]] = prompts,
        ) -> None:
            # A prompt that was read, and goes on once: as one types.
            prompts.append((next(first), *rest))
            bench.stream(Subject(1, None, prompts[-1]))

        def ours(
            bench: Bench = bench,
            asked: list[Question] = asked,
            prompts: list[tuple[int, ...]] = prompts,
        ) -> None:
            work(bench, Subject(1, None, (*prompts[-1], 7)), asked)

        def theirs(all_logits: bool = all_logits) -> None:
            _bare(network, ids_BT, last_only=not all_logits)

        mine, whole, ratio = in_pairs(ours, theirs, repeats, prepare)
        what = "all questions" if everything else "next token"
        than = "full pass" if all_logits else "pass with the last logits only"
        yield _row(
            f"one more token, {what}, {name}, {n:,}", mine, whole, ratio, f"≤ {most} of a {than}"
        )


def _twelve_patterns(name: str, network: Transformer) -> Iterator[Row]:
    """Patterns read one by one as questions of a stream, against a recorded pass."""
    import torch

    from model.subject import Subject
    from model.trace import record

    n = 1024
    rest = tokens(n)[1:]
    ids_BT = torch.tensor([[0, *rest]])
    for whole in (False, True):
        bench = bench_with(network)
        first = count()

        def ours(bench: Bench = bench, whole: bool = whole, first: Iterator[int] = first) -> None:
            subject = Subject(1, None, (next(first), *rest))
            for layer in range(network.config.n_layers):
                bench.pattern(subject, layer, None if whole else (layer,))

        mine, traced, ratio = in_pairs(ours, lambda: record(network, ids_BT), 3)
        what = "patterns of twelve layers" if whole else "twelve heads' patterns"
        yield _row(f"{what}, {name}, {n:,} tokens", mine, traced, ratio, "≤ 1.3 × a traced pass")


def _memory() -> Row:
    """A process of its own, since memory that was once taken counts for good."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_peak, args=(there,), daemon=True)
    child.start()
    peak, stream_bytes = here.recv()
    child.join(30)
    above = peak / MEGABYTE
    return Row(
        f"peak above the weights, SmolLM2-135M, 4,096 tokens ({stream_bytes >> 20} MB kept)",
        above,
        None,
        above / MOST_ABOVE_WEIGHTS,
        "MB",
        f"≤ {MOST_ABOVE_WEIGHTS:,} MB",
    )


def _peak(end: Connection) -> None:
    import torch

    from model.device import default_threads, set_threads
    from model.subject import Subject

    set_threads(default_threads())
    network = random_network(smollm2())
    bench = bench_with(network)
    _bare(network, torch.tensor([tokens(8)]))
    work(bench, Subject(1, None, tokens(8)), questions(network.config, 7, mosaic=True))
    gc.collect()
    before = _memory_of("VmRSS")
    subject = Subject(1, None, tokens(4096))
    work(bench, subject, questions(network.config, 4095, mosaic=True))
    end.send((_memory_of("VmHWM") - before, bench.n_bytes))


def _memory_of(which: str) -> int:
    """Bytes, as the system counts them."""
    with Path("/proc/self/status").open() as status:
        line = next(line for line in status if line.startswith(which))
    return int(line.split()[1]) * 1024


def _bare(network: Transformer, ids_BT: object, *, last_only: bool = True) -> None:
    import torch

    with torch.inference_mode():
        network(ids_BT, last_only=last_only)


def _row(name: str, ours: float, theirs: float, ratio: float, target: str) -> Row:
    return Row(name, 1000 * ours, 1000 * theirs, ratio, "ms", target)
