"""Conditions at which a run waits: ``val_loss < 2``, ``blocks.1.attn induction > 0.5``, ``nan``.

A condition is about a measure of metrics.csv, a curve, or any tensor that can be watched; of a
curve without its place (``induction > 0.5``) it holds where it holds of any. It is told when it
begins to hold, once: whoever goes on from there is told again only after it has ceased to.

Knows names and numbers; no torch, no run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from model.config import TransformerConfig
from model.train.watches import (
    QUANTITIES,
    Watch,
    WatchError,
    check_watched,
    is_watched,
    part_of,
    watch_of,
)

Sign = Literal["<", "<=", ">", ">=", "is nan"]
Value = tuple[str, str, float]
"""Place (empty for the whole run), measure, number."""

_COMPARED = re.compile(r"\s*(?P<what>[^<>=]+?)\s*(?P<sign><=|>=|<|>)\s*(?P<least>\S+)\s*")
_NAN = re.compile(r"\s*((?P<what>.+?)\s+is\s+)?(nan|not finite)\s*", re.IGNORECASE)
_EXAMPLES = "'val_loss < 2', 'grad_norm > 10', 'blocks.1.attn induction > 0.5' or 'nan'"
_WORDS: Mapping[Sign, str] = {
    "<": "below",
    "<=": "at or below",
    ">": "above",
    ">=": "at or above",
    "is nan": "no finite number",
}

OF_THE_RUN = (
    *("step", "tokens", "seconds", "train_loss", "val_loss", "bits_per_byte", "lr"),
    *("grad_norm", "tokens_per_second", "old_loss"),
)
"""Measures of the run as a whole (`model.train.metrics`; a test holds the two together)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that a run is to wait for.

    Attributes:
        text: as it was written.
        measure: of which number; empty for any.
        place: where; None for any place.
        sign: how it is compared.
        limit: with what.
        watch: the tensor that has to be watched for it, if any.
    """

    text: str
    measure: str
    place: str | None
    sign: Sign
    limit: float = math.nan
    watch: Watch | None = None

    def about(self, place: str, measure: str) -> bool:
        """Whether it is about a number."""
        if self.measure and self.measure != measure:
            return False
        return self.place is None or self.place == place

    def holds(self, value: float) -> bool:
        """Whether it holds of a number; of NaN nothing but ``is nan`` does."""
        match self.sign:
            case "<":
                return value < self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
            case ">=":
                return value >= self.limit
        return not math.isfinite(value)

    def words(self, place: str, measure: str, value: float) -> str:
        """A sentence about a number of which it holds."""
        where = f" of {place}" if place else ""
        if self.sign == "is nan":
            return f"{measure}{where} is {value}, {_WORDS['is nan']}."
        return f"{measure}{where} is {value:.4g}, {_WORDS[self.sign]} {self.limit:g}."


def condition_of(text: str, config: TransformerConfig) -> Condition:
    """A condition as a person writes it.

    Raises:
        WatchError: it is none, or about something that this network doesn't have.
    """
    if found := _NAN.fullmatch(text):
        what = found["what"]
        measure, place, watch = _what(what, config) if what else ("", None, None)
        return Condition(text.strip(), measure, place, "is nan", watch=watch)
    found = _COMPARED.fullmatch(text)
    if found is None:
        raise WatchError(f"{text!r} is no condition. Write for example {_EXAMPLES}.")
    try:
        limit = float(found["least"])
    except ValueError:
        raise WatchError(
            f"{found['least']!r} in {text!r} is no number to compare with, as 0.5 or 1e-3 is."
        ) from None
    if not math.isfinite(limit):
        raise WatchError(f"Nothing is compared with {limit}: write 'nan' for no finite number.")
    measure, place, watch = _what(found["what"], config)
    sign: Sign = found["sign"]  # type: ignore[assignment]
    return Condition(text.strip(), measure, place, sign, limit, watch)


def _what(text: str, config: TransformerConfig) -> tuple[str, str | None, Watch | None]:
    """Measure, place and watch of what stands before the sign."""
    words = text.split()
    if words[-1] in OF_THE_RUN and len(words) == 1:
        return words[0], "", None
    if words[-1] in QUANTITIES and len(words) == 1:
        return words[0], None, None
    if len(words) == 2 and words[1] in QUANTITIES and not is_watched(*words):
        return words[1], part_of(words[0], words[1], config), None
    if len(words) == 1 and "." not in words[0] and words[0][:2] not in ("W_", "b_"):
        known = ", ".join((*OF_THE_RUN, *QUANTITIES))
        raise WatchError(f"There is no curve {words[0]!r}; there are {known}, and any tensor.")
    watch = watch_of(text, config)
    return watch.reduction, watch.place, watch


def check_asked(
    config: TransformerConfig, watched: tuple[str, ...], stop_when: tuple[str, ...]
) -> tuple[tuple[Watch, ...], tuple[Condition, ...]]:
    """What is watched, for its own sake or a condition's, and the conditions.

    Raises:
        WatchError: with a sentence on the first that can't be right.
    """
    conditions = tuple(condition_of(text, config) for text in stop_when if text.strip())
    named = check_watched(config, watched)
    needed = (one.watch for one in conditions if one.watch is not None)
    return tuple(dict.fromkeys((*named, *needed))), conditions


class Conditions:
    """The conditions of a run while it goes.

    Args:
        conditions: which.
    """

    def __init__(self, conditions: Iterable[Condition] = ()) -> None:
        self._conditions = tuple(conditions)
        self._hold: set[tuple[str, str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._conditions)

    def replace(self, conditions: Iterable[Condition]) -> None:
        """Wait for others; of those that stay it is known whether they hold."""
        self._conditions = tuple(conditions)
        texts = {one.text for one in self._conditions}
        self._hold = {held for held in self._hold if held[0] in texts}

    def met(self, values: Iterable[Value]) -> list[tuple[Condition, str]]:
        """Those that begin to hold with these numbers, each with a sentence.

        Args:
            values: the newest numbers; of those that are not named the last ones stay.
        """
        if not self._conditions:
            return []
        found = []
        told: set[str] = set()
        for place, measure, value in values:
            for condition in self._conditions:
                if not condition.about(place, measure):
                    continue
                key = (condition.text, place, measure)
                if not condition.holds(value):
                    self._hold.discard(key)
                elif key not in self._hold:
                    self._hold.add(key)
                    if condition.text not in told:
                        told.add(condition.text)
                        found.append((condition, condition.words(place, measure, value)))
        return found
