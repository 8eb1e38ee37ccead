"""What is measured of a run: one list, from which files, displays and curves are made.

A further metric is a line in `MEASURES`, and where it is measured: a field of the event that
carries it. Its column of metrics.csv, what the command line says and what a window draws follow.

Knows the events; no torch, no files, no window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from model.train.events import Evaluated, Event, StepDone

Number: TypeAlias = "int | float"
Row: TypeAlias = dict[str, Number]
"""A line of metrics.csv: column -> value; what is not there is blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number of a run.

    Attributes:
        name: the field of the events that carry it.
        title: for people.
        unit: of the number; empty where it has none.
        sentence: what it is.
        on: the events that carry it.
        kept: whether it is a column of metrics.csv, of its name.
        whole: whether it is a whole number.
        spec: how its number is written for people.
        optional: whether some runs have none of it; metrics.csv then has no such column.
        said: how the command line says it; empty where it doesn't.
    """

    name: str
    title: str
    unit: str
    sentence: str
    on: tuple[type[StepDone | Evaluated], ...]
    kept: bool = True
    whole: bool = False
    spec: str = ".4f"
    said: str = ""
    optional: bool = False

    def of(self, event: Event) -> Number | None:
        """The number that an event carries; None where it carries none."""
        value: Number | None = getattr(event, self.name) if isinstance(event, self.on) else None
        return value

    def text(self, value: Number) -> str:
        """The number for people, without its unit."""
        return format(value, self.spec)


_BOTH = (StepDone, Evaluated)

MEASURES = (
    Measure(
        name="step",
        title="step",
        unit="",
        sentence="Updates of the weights so far",
        on=_BOTH,
        whole=True,
        spec=",",
    ),
    Measure(
        name="tokens",
        title="tokens",
        unit="tokens",
        sentence="Training tokens seen so far",
        on=_BOTH,
        whole=True,
        spec=",",
    ),
    Measure(
        name="seconds",
        title="elapsed",
        unit="s",
        sentence="Training, validating and saving; no pauses",
        on=_BOTH,
        spec=".1f",
    ),
    Measure(
        name="train_loss",
        title="train",
        unit="nats per token",
        sentence="Loss of the step's batch before the update",
        on=(StepDone,),
        said="loss {}",
    ),
    Measure(
        name="val_loss",
        title="validation",
        unit="nats per token",
        sentence="Loss on text that is never trained on",
        on=(Evaluated,),
        said="validation loss {} nats per token",
    ),
    Measure(
        name="bits_per_byte",
        title="bits per byte",
        unit="bits per byte",
        sentence="Validation loss for each byte of the text: comparable between tokenizers",
        on=(Evaluated,),
        kept=False,
        said="{} bits per byte",
    ),
    Measure(
        name="old_loss",
        title="older text",
        unit="nats per token",
        sentence="Loss on a text that the model knew before: it rises as that is forgotten",
        on=(Evaluated,),
        said="on the older text {}",
        optional=True,
    ),
    Measure(
        name="lr",
        title="rate",
        unit="",
        sentence="Learning rate of the step",
        on=(StepDone,),
        spec=".3g",
    ),
    Measure(
        name="grad_norm",
        title="grad norm",
        unit="",
        sentence="Of all gradients together, before clipping",
        on=(StepDone,),
        spec=".3g",
    ),
    Measure(
        name="tokens_per_second",
        title="tokens/s",
        unit="tokens/s",
        sentence="Over about the last second of training steps",
        on=(StepDone,),
        spec=",.0f",
        said="{} tokens/s",
    ),
)
"""Columns of metrics.csv in their order, and what is not kept."""


def measure(name: str) -> Measure:
    """The measure of a name.

    Raises:
        KeyError: there is none.
    """
    for found in MEASURES:
        if found.name == name:
            return found
    raise KeyError(name)


def columns(optional: Iterable[str] = ()) -> tuple[str, ...]:
    """Of metrics.csv, in their order.

    Args:
        optional: measures that not every run has, and this one does.
    """
    has = set(optional)
    return tuple(
        measure.name
        for measure in MEASURES
        if measure.kept and (not measure.optional or measure.name in has)
    )


def whole_columns() -> frozenset[str]:
    """Those of whole numbers."""
    return frozenset(measure.name for measure in MEASURES if measure.kept and measure.whole)


def row_of(event: Event) -> Row:
    """What an event says of its step's line in metrics.csv."""
    return {measure.name: value for measure, value in measured(event) if measure.kept}


def measured(event: Event) -> Iterator[tuple[Measure, Number]]:
    """Everything that an event carries, in the order of the list."""
    for measure in MEASURES:
        value = measure.of(event)
        if value is not None:
            yield measure, value


def sayings(event: Event) -> list[str]:
    """What the command line says of an event's numbers, one a measure."""
    return [
        measure.said.format(measure.text(value))
        for measure, value in measured(event)
        if measure.said
    ]
