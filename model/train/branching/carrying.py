"""A network's weights, and what its optimiser keeps of them, in a network of other settings.

What has the same name and shape is taken as it is; of a table of positions the rows that both have.
The rest begins as a new network's. Knows networks and the optimiser; no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from model.counting import counted
from model.lora.adapter import Adapter
from model.train.optimiser import optimiser_of
from model.train.recipe import Recipe
from model.train.tuning import Base, adapter_of
from model.transformer import Transformer

_ROWS = "pos_embed.weight"
_OF_TOKENS = ("embed.weight", "unembed.weight", "unembed.bias")
_OF_A_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")


@dataclass(frozen=True, slots=True)
class Carried:
    """A network in which another one's weights were put.

    Attributes:
        transformer: it.
        optimiser: the state dict of its optimiser.
        all_taken: whether every weight is the other's.
        adapter: of a low-rank change that learns, what keeps its factors; else None.
        family: of the model that is tuned: as which it is saved; None takes one that it is.
        note: which weights are not, sentences; empty where all are.
    """

    transformer: Transformer
    optimiser: dict[str, Any]
    all_taken: bool
    note: str
    adapter: Adapter | None = None
    family: str | None = None


def carried(
    weights: Mapping[str, Tensor],
    optimiser: Mapping[str, Any],
    before: Recipe,
    after: Recipe,
    d_vocab: int,
    *,
    d_vocab_before: int,
    same_tokens: bool,
) -> Carried:
    """Put a network's weights into one of another recipe.

    Args:
        weights: by name.
        optimiser: its state dict; empty for none.
        before, after: recipes of both.
        d_vocab: of the new one.
        d_vocab_before: of the old one.
        same_tokens: whether an id is the same token in both: else vectors of tokens mean others.
    """
    with torch.random.fork_rng(devices=[]):
        transformer = Transformer(after.config(d_vocab))
    generator = torch.Generator().manual_seed(after.seed)
    transformer.initialize(generator, first=after.first_weights)
    transformer.eval()
    taken: set[str] = set()
    partly: list[str] = []
    parameters = dict(transformer.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            old = weights.get(name)
            if old is None or (name in _OF_TOKENS and not same_tokens):
                continue
            if old.shape == parameter.shape:
                parameter.copy_(old)
                taken.add(name)
            elif name == _ROWS and old.shape[1] == parameter.shape[1]:
                rows = min(len(old), len(parameter))
                parameter[:rows] = old[:rows]
                partly.append(f"the first {rows} rows of {name} are the parent's")
    tied = {"unembed.weight"} if after.tied_embeddings else set()
    left_out = [name for name in weights if name not in parameters and name not in tied]
    known = {*taken, _ROWS} if partly else taken
    new = [name for name in parameters if name not in known]
    with torch.device("meta"):
        other = Transformer(before.config(d_vocab_before), empty=True)
    other.tie()
    return Carried(
        transformer=transformer,
        optimiser=_optimiser(transformer, other, optimiser, before, after, taken),
        all_taken=len(taken) == len(parameters) and not left_out,
        note=_note(len(taken), len(parameters), new, left_out, partly),
    )


def carried_tuning(
    weights: Mapping[str, Tensor],
    factors: Mapping[str, Tensor],
    optimiser: Mapping[str, Any],
    before: Recipe,
    after: Recipe,
    base: Base,
) -> Carried:
    """The same of a run that tunes a model: the network is that model's, and all of it is taken.

    Args:
        weights: by name, with a low-rank change in them.
        factors: of that change; empty where all weights learn.
        optimiser, before, after: as of `carried`; both tune in the same way.
        base: the model that is tuned.
    """
    with torch.random.fork_rng(devices=[]):
        transformer = Transformer(base.config, empty=True)
    transformer.load_state_dict(dict(weights))
    transformer.eval()
    adapter = adapter_of(after, base)
    if adapter is not None:
        adapter.load_state_dict(dict(factors))
    learns = transformer if adapter is None else adapter
    taken = {name for name, _ in learns.named_parameters()}
    return Carried(
        transformer=transformer,
        optimiser=_optimiser(learns, learns, optimiser, before, after, taken),
        all_taken=True,
        note="",
        adapter=adapter,
        family=base.family,
    )


def _optimiser(
    learns: nn.Module,
    other: nn.Module,
    state: Mapping[str, Any],
    before: Recipe,
    after: Recipe,
    taken: set[str],
) -> dict[str, Any]:
    """The new recipe's settings, with what is kept of each weight that was taken.

    Args:
        learns: whose parameters the optimiser moves.
        other: whose the old one moved.
        state, before, after: as of `carried`.
        taken: names of what is the same in both.
    """
    mine = optimiser_of(learns, after)
    found: dict[str, Any] = mine.state_dict()
    if not state:
        return found
    theirs = optimiser_of(other, before)
    old_names, old_rules = _names(other, theirs), _rules(theirs)
    kept = {
        (old_names[index], old_rules[index]): values for index, values in state["state"].items()
    }
    names, rules = _names(learns, mine), _rules(mine)
    # What one rule keeps of a weight means nothing to another.
    found["state"] = {
        index: kept[name, rules[index]]
        for index, name in names.items()
        if name in taken and (name, rules[index]) in kept
    }
    return found


def _names(learns: nn.Module, optimiser: torch.optim.Optimizer) -> dict[int, str]:
    """The name of each parameter by its number in an optimiser's state dict."""
    name_of = {id(parameter): name for name, parameter in learns.named_parameters()}
    parameters = (p for group in optimiser.param_groups for p in group["params"])
    return {index: name_of[id(parameter)] for index, parameter in enumerate(parameters)}


def _rules(optimiser: torch.optim.Optimizer) -> list[str]:
    """By which rule each parameter is moved, by its number in an optimiser's state dict."""
    groups = optimiser.param_groups
    return [group.get("rule", "adamw") for group in groups for _ in group["params"]]


def _note(n_taken: int, n_all: int, new: list[str], left_out: list[str], partly: list[str]) -> str:
    if not new and not left_out and not partly:
        return ""
    said = [f"{n_taken} of {counted(n_all, 'tensor')} are the parent's"]
    said += partly
    if new:
        said.append(f"new are {_listed(new)}")
    if left_out:
        said.append(f"not taken are the parent's {_listed(left_out)}")
    return "; ".join(said) + "."


def _listed(names: Iterable[str]) -> str:
    """Names of tensors; those of several blocks together."""
    blocks: dict[str, list[int]] = {}
    for name in names:
        match = _OF_A_BLOCK.fullmatch(name)
        if match:
            blocks.setdefault(match[2], []).append(int(match[1]))
        else:
            blocks[name] = []
    by_layers: dict[tuple[int, ...], list[str]] = {}
    for name, layers in blocks.items():
        by_layers.setdefault(tuple(layers), []).append(name)
    return ", ".join(_together(layers, parts) for layers, parts in by_layers.items())


def _together(layers: tuple[int, ...], parts: list[str]) -> str:
    if not layers:
        return ", ".join(parts)
    where = f"{layers[0]}" if len(layers) == 1 else f"{layers[0]}-{layers[-1]}"
    what = ", ".join(parts) if len(parts) <= 3 else counted(len(parts), "tensor")
    return f"{what} of blocks {where}"
