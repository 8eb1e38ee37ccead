"""Preset `fast` against `classic`, and `classic` against nanoGPT's loop, on tinyshakespeare.

All three are trained to their end in one run, each in a process of its own with the same threads;
they take turns, so that what else the machine does meets all alike. A run's seconds are those from
its first step to its last number, evaluations as its recipe has them counted, samples and snapshots
left out of all. Afterwards each network's loss is measured over the whole validation split in
float32, by the same code.

The text is ``../shared/data/tinyshakespeare.txt``, or what the environment variable ``TEXT``
names. ``NANOGPT`` names a checkout of nanoGPT, whose network and optimiser then are the third;
without it a plain loop of the same network is.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.rows import Row
from model.train.presets import PRESETS
from model.train.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

TEXT = Path(os.environ.get("TEXT", "../shared/data/tinyshakespeare.txt"))
SECONDS_PER_TURN = 1.0
FAST_SECONDS_PER_TURN = 0.25
FAST_SEEDS = 5
"""`fast` is so short that it is trained this often, from other seeds, while the others go on."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A run at its end.

    Attributes:
        seconds: in which it was trained, evaluations as well.
        cpu_seconds: those that the process had the processor in them: what else the machine does
            hardly counts.
        step_seconds: those of the steps alone.
        tokens: that it was trained on.
        loss: over the whole validation split, in float32.
        n_params: of the network.
    """

    seconds: float
    cpu_seconds: float
    step_seconds: float
    tokens: int
    loss: float
    n_params: int


def run() -> list[Row]:
    """The rows, or none where the text is not there."""
    if not TEXT.is_file():
        print(f"fast: there is no {TEXT}; name tinyshakespeare's text by TEXT.")
        return []
    import torch

    threads = torch.get_num_threads()
    with _Racer(_classic, threads) as classic, _Racer(_theirs, threads) as theirs:
        fast: list[Trained] = []
        for seed in range(FAST_SEEDS):
            with _Racer(_fast, threads, seed) as racer:
                while racer.result is None:
                    racer.turn(FAST_SECONDS_PER_TURN)
                    classic.turn(SECONDS_PER_TURN)
                    theirs.turn(SECONDS_PER_TURN)
                fast.append(racer.result)
        while classic.result is None or theirs.result is None:
            classic.turn(SECONDS_PER_TURN)
            theirs.turn(SECONDS_PER_TURN)
        return _rows(classic.result, theirs.result, fast, threads)


def _rows(classic: Trained, theirs: Trained, fast: list[Trained], threads: int) -> list[Row]:
    seconds = median(one.seconds for one in fast)
    cpu_seconds = median(one.cpu_seconds for one in fast)
    loss, worst = median(one.loss for one in fast), max(one.loss for one in fast)
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    whose = "nanoGPT" if os.environ.get("NANOGPT") else "a plain loop"
    speeds = [one.tokens / one.step_seconds for one in (classic, theirs)]
    return [
        Row(
            f"`fast` to its end ({fast[0].n_params:,} parameters, {on}), beside `classic` "
            f"({classic.n_params:,})",
            seconds,
            classic.seconds,
            seconds / classic.seconds,
            "s",
            "≤ 0.1",
        ),
        Row(
            "the same in seconds of the processor",
            cpu_seconds,
            classic.cpu_seconds,
            cpu_seconds / classic.cpu_seconds,
            "s",
            "≤ 0.1",
        ),
        Row(
            f"its loss over the whole validation split ({len(fast)} seeds, worst {worst:.4f})",
            loss,
            classic.loss,
            loss / classic.loss,
            "nats",
            "≤ 1.0",
        ),
        Row(f"`fast`, beside {whose}", seconds, theirs.seconds, seconds / theirs.seconds, "s", ""),
        Row(
            f"`classic`, {on}",
            speeds[0],
            speeds[1],
            speeds[0] / speeds[1],
            "tokens/s",
            f"≥ 1.5 × {whose}",
        ),
        Row(
            "its loss over the whole validation split",
            classic.loss,
            theirs.loss,
            classic.loss / theirs.loss,
            "nats",
            "1.0 but for the seed (± 0.01)",
        ),
    ]


class _Racer:
    """A run in a process of its own that goes on for a turn when it is told."""

    def __init__(
        self, work: Callable[[int, int], Iterator[Trained | None]], threads: int, seed: int = 0
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, there = context.Pipe()
        self._child = context.Process(target=_serve, args=(work, threads, seed, there), daemon=True)
        self._child.start()
        there.close()
        self._end.recv()  # ready and warm
        self.result: Trained | None = None

    def __enter__(self) -> _Racer:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()
        self._child.join(30)

    def turn(self, seconds: float) -> None:
        """Let it go on, unless it is at its end."""
        if self.result is None:
            self._end.send(seconds)
            self.result = self._end.recv()


def _serve(
    work: Callable[[int, int], Iterator[Trained | None]], threads: int, seed: int, end: Connection
) -> None:
    """Steps for as long as the parent asks; answers with the result, or None."""
    import torch

    torch.set_num_threads(threads)
    steps = work(threads, seed)
    next(steps)
    end.send("ready")
    try:
        while True:
            seconds = end.recv()
            began = time.perf_counter()
            result = None
            while result is None and time.perf_counter() - began < seconds:
                result = next(steps)
            end.send(result)
    except EOFError:
        pass


def _classic(threads: int, seed: int) -> Iterator[Trained | None]:
    return _ours("classic", threads, seed)


def _fast(threads: int, seed: int) -> Iterator[Trained | None]:
    return _ours("fast", threads, seed)


def _of_text(preset: str, threads: int, seed: int) -> Recipe:
    return replace(
        PRESETS[preset],
        data=str(TEXT.resolve()),
        threads=threads,
        seed=seed,
        sample_every=0,
        snapshot_every=0,
        snapshot_early=False,
    )


def _ours(preset: str, threads: int, seed: int) -> Iterator[Trained | None]:
    """The product's own loop, events, metrics, run folder and all."""
    from model.train.events import Evaluated, Finished, Started, StepDone
    from model.train.loop import Training

    recipe = _of_text(preset, threads, seed)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, Path(folder, "run"))
        events = training.events()
        while not isinstance(next(events), Started):
            pass
        yield None
        seconds = cpu_seconds = step_seconds = 0.0
        for event, taken, of_cpu in _timed(events):
            seconds += taken
            cpu_seconds += of_cpu
            match event:
                case StepDone():
                    step_seconds += taken
                    yield None
                case Evaluated() if training.step == recipe.steps:
                    break  # what follows is the last snapshot
                case Finished():
                    break
        val_ids = _ids(recipe)[1]
        loss = _whole_loss(training.transformer, val_ids, recipe.n_ctx)
        tokens = recipe.steps * recipe.batch_size * recipe.n_ctx
        n_params = training.transformer.config.n_params
        yield Trained(seconds, cpu_seconds, step_seconds, tokens, loss, n_params)
        training.stop()
        for _ in events:
            pass


def _timed(events: Iterator[Any]) -> Iterator[tuple[Any, float, float]]:
    """Each with the seconds that it took, and those of the processor."""
    while True:
        began, of_cpu = time.perf_counter(), time.process_time()
        event = next(events)
        yield event, time.perf_counter() - began, time.process_time() - of_cpu


def _theirs(threads: int, seed: int) -> Iterator[Trained | None]:
    """What a person runs instead: nanoGPT, or a plain loop of the same network in float32."""
    import numpy as np
    import torch
    from torch.nn import functional as F

    recipe = _of_text("classic", threads, seed)
    ids, val_ids, d_vocab = _ids(recipe)
    torch.manual_seed(seed)
    checkout = os.environ.get("NANOGPT")
    network, optimiser = (
        _plain(recipe, d_vocab) if checkout is None else _nanogpt(Path(checkout), recipe, d_vocab)
    )
    n_ctx, size = recipe.n_ctx, recipe.batch_size

    def batch(of: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        starts = torch.randint(len(of) - n_ctx, (size,))
        x = torch.stack([torch.from_numpy(of[i : i + n_ctx].astype(np.int64)) for i in starts])
        y = torch.stack(
            [torch.from_numpy(of[i + 1 : i + 1 + n_ctx].astype(np.int64)) for i in starts]
        )
        return x, y

    def mean_loss(x: Tensor, y: Tensor) -> Tensor:
        logits = network(x) if checkout is None else network(x, y)[0]
        return F.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1))

    def evaluate() -> None:
        with torch.no_grad():
            for _ in range(recipe.eval_batches):
                mean_loss(*batch(val_ids)).item()

    yield None
    seconds = cpu_seconds = step_seconds = 0.0
    for step in range(1, recipe.steps + 1):
        began, of_cpu = time.perf_counter(), time.process_time()
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate(step)
        loss = mean_loss(*batch(ids))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.grad_clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        loss.item()
        stepped = time.perf_counter()
        step_seconds += stepped - began
        if step % recipe.eval_every == 0:
            evaluate()
        seconds += time.perf_counter() - began
        cpu_seconds += time.process_time() - of_cpu
        yield None

    def logits(x: Tensor) -> Tensor:
        return network(x) if checkout is None else network(x, x)[0]

    n_params = sum(parameter.numel() for parameter in network.parameters())
    tokens = recipe.steps * size * n_ctx
    whole = _whole_loss(logits, val_ids, n_ctx)
    yield Trained(seconds, cpu_seconds, step_seconds, tokens, whole, n_params)


def _plain(recipe: Recipe, d_vocab: int) -> tuple[Any, Any]:
    """The network of the recipe, and AdamW with torch's defaults."""
    import torch

    from model.transformer import Transformer

    network = Transformer(recipe.config(d_vocab))
    network.initialize(torch.Generator().manual_seed(recipe.seed), recipe.init_std)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=recipe.lr,
        betas=(recipe.beta1, recipe.beta2),
        weight_decay=recipe.weight_decay,
    )
    return network, optimiser


def _nanogpt(checkout: Path, recipe: Recipe, d_vocab: int) -> tuple[Any, Any]:
    """The network and optimiser of nanoGPT itself, from its ``model.py``."""
    spec = importlib.util.spec_from_file_location("nanogpt_model", checkout / "model.py")
    if spec is None or spec.loader is None or not (checkout / "model.py").is_file():
        raise SystemExit(f"There is no model.py in {checkout}; NANOGPT names a nanoGPT checkout.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.GPT(
        module.GPTConfig(
            block_size=recipe.n_ctx,
            vocab_size=d_vocab,
            n_layer=recipe.n_layers,
            n_head=recipe.n_heads,
            n_embd=recipe.d_model,
            dropout=0.0,
            bias=False,
        )
    )
    betas = (recipe.beta1, recipe.beta2)
    return network, network.configure_optimizers(recipe.weight_decay, recipe.lr, betas, "cpu")


def _ids(recipe: Recipe) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Training and validation text, and how many tokens there are."""
    from model.slices import finish
    from model.train.data import prepare

    data = finish(prepare(recipe))
    return data.train_ids, data.val_ids, data.tokenizer.n_tokens


def _whole_loss(logits: Callable[[Tensor], Tensor], ids: NDArray[Any], n_ctx: int) -> float:
    """Mean cross-entropy over a whole text, window by window, in the weights' precision."""
    import torch
    from torch.nn import functional as F

    from model.train.batches import validation_batches

    total = n = 0.0
    with torch.inference_mode():
        for windows in validation_batches(ids, 64, n_ctx, 0):
            there = torch.from_numpy(windows)
            scores = logits(there[:, :-1])
            loss = F.cross_entropy(scores.flatten(0, 1), there[:, 1:].flatten())
            total += loss.item() * len(windows)
            n += len(windows)
    return total / n


if __name__ == "__main__":
    for row in run():
        theirs = "" if row.theirs is None else f", beside {row.theirs:,.4g}"
        print(f"{row.name}: {row.ours:,.4g} {row.unit}{theirs}, ratio {row.ratio:.3f} {row.target}")
