"""What of a network can be measured while it learns, by name: the curves of a run.

A curve is a *place* and a *measure*: ``blocks.1 grad_norm``, ``embed rank``. Some are measured of
every run; others are watched because somebody asked for them: an activation, a parameter, or the
gradient of one (its name with ``.grad``), brought to one number by a reduction.

Knows names and configs, no torch: a window or a command line checks and completes names at once.
How they are measured is `model.train.measuring`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from model.config import TransformerConfig
from model.operations import (
    activation_names,
    aliases,
    operations,
    parameter_letters,
    parameter_names,
)

ACCURACY = "accuracy"
TRAINED_ON, HELD_OUT = "train", "held-out"
"""The metric of a task, and the examples that it is measured on."""
Kind = Literal["activation", "parameter", "gradient", "activation gradient"]
GRAD = ".grad"


class WatchError(ValueError):
    """A name that can't be watched or asked about; the message says why and offers others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A measure of a curve.

    Attributes:
        name: as it stands in files and conditions.
        title: for people.
        unit: of the number; empty where it has none.
        sentence: what it is.
        log: whether its values span powers of ten: they are drawn on such an axis.
        spec: how its number is written for people.
        drawn: whether it is a curve of its own; else it tells more about another one.
    """

    name: str
    title: str
    unit: str
    sentence: str
    log: bool = False
    spec: str = ".3g"
    drawn: bool = True


_OF_EVERY_RUN = (
    Quantity(
        name=ACCURACY,
        title="Accuracy",
        unit="",
        sentence="Of a task: the share of questions whose whole answer is right, of those that are "
        "trained on and of those that are held out",
        spec=".1%",
    ),
    Quantity(
        name="grad_norm",
        title="Gradient norm",
        unit="",
        sentence="Length of the gradient of each part's parameters together, before clipping",
        log=True,
    ),
    Quantity(
        name="update_ratio",
        title="Update ratio",
        unit="",
        sentence="How far one step moved each part's weights, as a share of their own length",
        log=True,
    ),
    Quantity(
        name="entropy",
        title="Entropy of attention",
        unit="nats",
        sentence="Of the rows of hook_pattern, the mean over heads and queries on validation "
        "text: 0 looks at one token, ln n looks at n alike",
    ),
    Quantity(
        name="induction",
        title="Induction score",
        unit="",
        sentence="Of each layer's best head, on random tokens that are repeated: its weight on "
        "what followed the same token before",
        spec=".3f",
    ),
    Quantity(
        name="induction_head",
        title="Best induction head",
        unit="",
        sentence="Which head of the layer has the induction score",
        spec=".0f",
        drawn=False,
    ),
    Quantity(
        name="rank",
        title="Effective rank",
        unit="dimensions",
        sentence="Of W_E: e to the entropy of its singular values' shares (Roy and Vetterli 2007), "
        "in how many directions the token vectors really lie",
        spec=".1f",
    ),
    Quantity(
        name="analogies",
        title="Analogies",
        unit="",
        sentence="Share of the gendered analogies whose answer is nearest in W_E",
        spec=".0%",
    ),
    Quantity(
        name="analogy_rank",
        title="Rank of queen",
        unit="",
        sentence="For king − man + woman by cosine in W_E, the three words left out: 1 is nearest",
        log=True,
        spec=",.0f",
    ),
    Quantity(
        name="facts",
        title="Facts",
        unit="",
        sentence="Share of facts of the story world, of 38 that it is asked for, whose whole "
        "answer is likeliest",
        spec=".0%",
    ),
    Quantity(
        name="copying",
        title="Copying",
        unit="",
        sentence="Share of the tokens of lists that it foretells when they are said again",
        spec=".0%",
    ),
)

_REDUCTIONS = (
    Quantity(
        name="norm",
        title="norm",
        unit="",
        sentence="√Σx² of the whole tensor",
        log=True,
    ),
    Quantity(name="rms", title="rms", unit="", sentence="√mean(x²)", log=True),
    Quantity(name="max", title="max", unit="", sentence="The largest |x|", log=True),
    Quantity(name="mean", title="mean", unit="", sentence="The mean of x"),
    Quantity(
        name="entropy",
        title="entropy",
        unit="nats",
        sentence="Of its rows, which are probabilities; the mean over them",
    ),
    Quantity(
        name="rank",
        title="effective rank",
        unit="dimensions",
        sentence="e to the entropy of the singular values' shares; all axes but the last are rows",
        spec=".1f",
    ),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({one.name: one for one in _OF_EVERY_RUN})
"""Measures of every run's curves."""
REDUCTIONS: Mapping[str, Quantity] = MappingProxyType({one.name: one for one in _REDUCTIONS})
"""How a watched tensor is brought to one number."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A tensor that is watched.

    Attributes:
        name: of the activation or parameter, in full, without ``.grad``.
        kind: what of it.
        reduction: one of `REDUCTIONS`.
    """

    name: str
    kind: Kind
    reduction: str

    @property
    def place(self) -> str:
        """Its name as a person writes it, with ``.grad`` for a gradient."""
        return self.name + GRAD if self.kind.endswith("gradient") else self.name

    def __str__(self) -> str:
        return f"{self.place} {self.reduction}"


def watch_of(text: str, config: TransformerConfig) -> Watch:
    """What a person asks to watch: ``NAME`` or ``NAME REDUCTION``.

    Names with or without ``hook_``. Left out, the reduction is entropy for what is a
    distribution and norm for everything else.

    Raises:
        WatchError: this network has no such name, or the reduction doesn't fit.
    """
    name, *rest = text.split()
    if len(rest) > 1:
        raise WatchError(
            f"{text!r} is more than a name and a reduction; write for example {_EXAMPLE!r}."
        )
    wants_gradient = name.endswith(GRAD)
    found, is_parameter = _full_name(name.removesuffix(GRAD), config)
    kind: Kind
    if is_parameter:
        kind = "gradient" if wants_gradient else "parameter"
    else:
        kind = "activation gradient" if wants_gradient else "activation"
        if wants_gradient and not _has_gradient(found, config):
            raise WatchError(f"{found} has no gradient: it holds whole numbers.")
    spread = _is_distribution(found) and not wants_gradient
    reduction = rest[0] if rest else ("entropy" if spread else "norm")
    if reduction not in REDUCTIONS:
        raise WatchError(f"There is no reduction {reduction!r}; there are {', '.join(REDUCTIONS)}.")
    if reduction == "entropy" and not spread:
        raise WatchError(
            f"{name} has no entropy: its rows are no probabilities, as those of hook_pattern are."
        )
    if reduction == "rank" and len(_letters(found, is_parameter, config)) < 2:
        raise WatchError(f"{name} has no rank: it is a single vector.")
    return Watch(found, kind, reduction)


_EXAMPLE = "blocks.0.mlp.W_in.grad norm"


def check_watched(config: TransformerConfig, watched: tuple[str, ...]) -> tuple[Watch, ...]:
    """Every one of them, each once.

    Raises:
        WatchError: one can't be watched.
    """
    found = [watch_of(text, config) for text in watched if text.strip()]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=8)
def watchable(config: TransformerConfig) -> tuple[str, ...]:
    """Every name that can be watched, for completion: parameters, gradients, activations."""
    parameters = parameter_names(config)
    activations = activation_names(config)
    return (
        *parameters,
        *(name + GRAD for name in parameters),
        *activations,
        *(name + GRAD for name in activations if _has_gradient(name, config)),
    )


def quantity_of(place: str, measure: str) -> Quantity:
    """What is known of a curve's measure.

    Raises:
        KeyError: there is no such measure.
    """
    if is_watched(place, measure):
        return REDUCTIONS[measure]
    return QUANTITIES[measure]


def is_watched(place: str, measure: str) -> bool:
    """Whether a curve is that of a tensor that somebody asked for, not one of every run."""
    return measure in REDUCTIONS and _PART.fullmatch(place) is None


_PART = re.compile(r"train|held-out|embed|unembed|blocks\.\d+(\.attn)?")
"""Where the curves of every run are measured: parts of the network, no single tensors."""


def part_of(text: str, measure: str, config: TransformerConfig) -> str:
    """The place of a curve of every run, as a person names it: ``blocks.1`` or ``blocks.1.attn``.

    Raises:
        WatchError: there is none, or that measure is not of it.
    """
    if (measure == ACCURACY) != (text in (TRAINED_ON, HELD_OUT)):
        raise WatchError(
            f"{ACCURACY} is measured of a task's examples, {TRAINED_ON} or {HELD_OUT}, and nothing "
            f"else is: {measure} of {text!r} is none."
        )
    if text in (TRAINED_ON, HELD_OUT):
        return text
    if _PART.fullmatch(text) is None:
        raise WatchError(f"{measure} is measured of embed, blocks.0, blocks.1, …; not of {text!r}.")
    layer = layer_of(text)
    if layer is not None and layer >= config.n_layers:
        last = config.n_layers - 1
        has = "block 0 alone" if last == 0 else f"blocks 0 to {last}"
        raise WatchError(f"There is no block {layer}: the network has {has}.")
    of_attention = measure in ("entropy", "induction", "induction_head")
    of_table = measure in ("rank", "analogies", "analogy_rank")
    of_end = measure in ("facts", "copying")
    if of_end:
        if text == "unembed":
            return text
        raise WatchError(f"{measure} is not measured of {text}, but of unembed.")
    if of_attention and layer is not None:
        return f"blocks.{layer}.attn"
    if (not of_attention and not of_table and not text.endswith(".attn")) or (
        of_table and text == "embed"
    ):
        return text
    where = "blocks, as blocks.0" if of_attention else "embed" if of_table else "whole blocks"
    raise WatchError(f"{measure} is not measured of {text}, but of {where}.")


def layer_of(place: str) -> int | None:
    """The block that a place lies in; None outside the blocks."""
    parts = place.split(".")
    inside = len(parts) > 1 and parts[0] == "blocks" and parts[1].isdecimal()
    return int(parts[1]) if inside else None


@lru_cache(maxsize=8)
def _known(config: TransformerConfig) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(parameter_names(config)), frozenset(activation_names(config))


def _full_name(name: str, config: TransformerConfig) -> tuple[str, bool]:
    """The full name, and whether it is a parameter's."""
    parameters, activations = _known(config)
    if name in parameters:
        return name, True
    head, dot, tail = name.rpartition(".")
    for one in (name, f"{head}{dot}hook_{tail}"):
        if one in activations:
            return one, False
    near = get_close_matches(name, watchable(config), n=3)
    hint = f" Near it: {', '.join(near)}." if near else ""
    raise WatchError(f"This network has nothing called {name!r}.{hint}")


def _is_distribution(name: str) -> bool:
    return name.endswith("hook_pattern") or name == "probabilities"


@lru_cache(maxsize=8)
def _shapes(config: TransformerConfig) -> dict[str, str]:
    return {op.output: op.shape for op in operations(config)}


def _letters(name: str, is_parameter: bool, config: TransformerConfig) -> str:
    if is_parameter:
        return parameter_letters(config, name) or "DD"
    return _shapes(config)[aliases(config).get(name, name)]


def letters_of(watch: Watch, config: TransformerConfig) -> str:
    """The letters of a watched tensor's axes, as of shapes (`model.operations.operation`)."""
    return _letters(watch.name, watch.kind in ("parameter", "gradient"), config)


_WHOLE_NUMBERS = frozenset(("tokens", "expert_indices"))


@lru_cache(maxsize=8)
def _without_gradient(config: TransformerConfig) -> frozenset[str]:
    return frozenset(op.output for op in operations(config) if op.kind in _WHOLE_NUMBERS)


def _has_gradient(name: str, config: TransformerConfig) -> bool:
    return aliases(config).get(name, name) not in _without_gradient(config)
