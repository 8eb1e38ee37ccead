"""What a training run says while it goes: a closed set of small frozen events.

A run is a sequence of these: `Prepared` (any number), `Started`, then steps with everything that
happens between them, and exactly one `Finished`, which is the last. Everything in them is a plain
value, so an event can cross a thread border and outlive the run.

Knows the recipe and the config; no torch, no files, no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model.config import TransformerConfig
from model.train.picture import Picture
from model.train.recipe import Recipe

FinishReason = Literal["steps", "time", "target", "stopped", "diverged"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Getting ready: text is being written, read or cut into tokens.

    Attributes:
        what: a few words for a progress line, for example ``"Cutting the text into tokens"``.
        fraction: how much of it is done, 0 to 1.
    """

    what: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Started:
    """Everything is ready; the run folder exists and the network can be traced.

    Attributes:
        run_dir: the run folder.
        recipe: what is trained, and how.
        config: the network's sizes, the vocabulary included.
        n_params: parameters, tied ones counted once.
        n_train_tokens, n_val_tokens: length of the two parts of the text.
        step: 0 for a new run, the last saved step for one that goes on.
        device: where it runs, for example ``"cpu"``.
        threads: CPU threads that torch uses.
        notes: what a person should know of the text, sentences.
    """

    run_dir: Path
    recipe: Recipe
    config: TransformerConfig
    n_params: int
    n_train_tokens: int
    n_val_tokens: int
    step: int
    device: str
    threads: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepDone:
    """One update of the weights.

    Attributes:
        step: number of updates so far, from 1.
        tokens: training tokens seen so far.
        seconds: time spent in this run so far: training, evaluation and saving. Time during which
            nobody asks for the next event (a pause) does not count.
        train_loss: mean cross-entropy of this step's batch before the update, nats per token.
        lr: learning rate of this update.
        grad_norm: norm of all gradients together, before clipping.
        tokens_per_second: over about the last second of training steps; evaluation and saving
            do not count.
    """

    step: int
    tokens: int
    seconds: float
    train_loss: float
    lr: float
    grad_norm: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Working:
    """A longer job between two steps, in slices, so that requests are answered in between.

    Attributes:
        step: the step after which it happens.
        what: which job.
        done, total: slices.
    """

    step: int
    what: Literal["evaluating", "sampling", "measuring"]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Loss on text that is never trained on; always the same windows of it.

    Attributes:
        step: updates so far; 0 is the untrained network.
        tokens, seconds: as in `StepDone`.
        val_loss: mean cross-entropy, nats per token.
        bits_per_byte: the same in bits per byte of the validation text: comparable between
            tokenizers.
    """

    step: int
    tokens: int
    seconds: float
    val_loss: float
    bits_per_byte: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of the network for its curves; of a step there may be two.

    Attributes:
        step: updates so far; of an update's gradient, that update.
        values: place, measure and number of each (`model.train.watches`).
        picture: a watched tensor in full, where it is looked at.
    """

    step: int
    values: tuple[tuple[str, str, float], ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class ConditionMet:
    """Something holds that the run was to wait for: whoever asks for events decides what follows.

    Attributes:
        step: updates so far.
        condition: as it was written.
        message: one sentence for a person: what is how large.
    """

    step: int
    condition: str
    message: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """Text that the network wrote at this point, the prompt included."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class SnapshotSaved:
    """The network at this step lies on disk, as a model folder that can be opened."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a run.

    Attributes:
        reason: all ``steps`` done; ``time`` over; validation ``target`` reached; ``stopped`` by
            the caller; ``diverged``: a loss or gradient was no finite number.
        step: updates done.
        seconds: time spent, as in `StepDone`.
        val_loss: the last validation loss of this run, None where it was never measured.
        message: one sentence for a person.
    """

    reason: FinishReason
    step: int
    seconds: float
    val_loss: float | None
    message: str


Event = (
    Prepared
    | Started
    | StepDone
    | Working
    | Evaluated
    | Measured
    | ConditionMet
    | Sampled
    | SnapshotSaved
    | Finished
)
