"""The curves of a run, measured: of an update as it is made, and of the weights between two.

Measuring changes nothing: it copies weights before an update and looks at what the update did, and
runs the network on texts that are always the same, by the traced path and without learning from
them; under interventions where it learns under them. What is measured is `model.train.watches`'.

Knows the network over the processes, tokenizer and text; no files, and of events only its own.

Shape suffixes: B batch, T position, H heads, Q queries, S keys, V tokens, D d_model, N scores.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import get_total_norm

from model.config import TransformerConfig
from model.interventions.applying import apply
from model.interventions.intervention import Intervention
from model.interventions.remove_mask import RemoveMask
from model.operations import INPUT_IDS, LOGITS
from model.parameters import parameter, place_of, view_of
from model.probe.analogy.compute import AnalogyProbe
from model.probe.heads.asks import SCORES, Heads
from model.probe.heads.compute import head_scores
from model.probe.heads.texts import SKIPPED, repeated_texts
from model.tokenizer.tokenizer import Tokenizer
from model.train.events import Measured, Working
from model.train.picture import Picture
from model.train.processes.spread import Spread, full_of
from model.train.reductions import effective_rank, picture_of, reduced
from model.train.under import Under
from model.train.watches import Watch, letters_of
from model.train.world_questions import WorldQuestions
from model.transformer import Transformer

WINDOWS, POSITIONS = 4, 128
"""Of the validation text so much is read: entropy and activations are of these tokens."""

Values = list[tuple[str, str, float]]


class Measuring:
    """What is measured of a network while it learns.

    Args:
        spread: the network.
        tokenizer: of the run.
        validation: batches that are never trained on.
        every: steps between two measurements; 0 for none.
        last: the step at which the run ends: that one is measured too.
        under: the interventions under which the network learns.

    Attributes:
        watches: tensors that are watched; those of activations cost a pass.
        picture: place of the one that is wanted as a picture; empty for none.
        every: steps between two measurements.
    """

    def __init__(
        self,
        spread: Spread,
        tokenizer: Tokenizer,
        validation: Sequence[NDArray[np.int64]],
        every: int,
        last: int,
        under: Sequence[Intervention] = (),
    ) -> None:
        self.watches: tuple[Watch, ...] = ()
        self.picture = ""
        self.every = every
        self._last = last
        self._spread = spread
        config = spread.transformer.config
        self._under = tuple(under)
        self._tap, self._replace = apply(under, config)
        self._sees_back_only = config.causal and not any(isinstance(u, RemoveMask) for u in under)
        self._tokenizer = tokenizer
        self._analogies: AnalogyProbe | None = None
        self._world: WorldQuestions | None = None
        first = validation[0][:WINDOWS] if len(validation) else np.zeros((0, 2), np.int64)
        self._windows_BT = torch.from_numpy(first[:, : POSITIONS + 1])
        self._places = _places(spread.transformer)
        self._held: dict[str, list[Tensor]] = {}
        self._values: Values = []
        self._pictured: Picture | None = None
        self._of_updates: dict[int, Measured] = {}

    @property
    def config(self) -> TransformerConfig:
        """Of the network that is measured."""
        return self._spread.transformer.config

    def is_due(self, step: int) -> bool:
        """Whether a step is measured."""
        return self.every > 0 and (step % self.every == 0 or step == self._last)

    # ------------------------------------------------------------------- of an update

    def before(self, step: int) -> None:
        """The gradients of an update lie there and the weights are still those before it."""
        if not self.is_due(step):
            return
        self._values, self._pictured = [], None
        for place, parameters in self._places.items():
            grads = [p.grad for p in parameters if p.grad is not None]
            if grads:
                norm = full_of(get_total_norm(grads))
                self._values.append((place, "grad_norm", float(norm)))
        transformer = self._spread.transformer
        for watch in self.watches:
            if watch.kind == "gradient":
                grad = _gradient(transformer, watch.name)
                if grad is not None:
                    self._take(watch, grad, step, self._values)
        # In the machine's own memory: a GPU that is full of a network has no room for it twice.
        self._held = {
            place: [_part_here(p).to("cpu", copy=True) for p in parameters]
            for place, parameters in self._places.items()
        }
        self._of_updates[step] = Measured(step, tuple(self._values), self._pictured)

    def after(self, step: int) -> None:
        """The update is made."""
        if not self._held:
            return
        for place, parameters in self._places.items():
            squares = torch.zeros(2, dtype=torch.float64)
            for p, was in zip(parameters, self._held[place], strict=True):
                here = _part_here(p)
                before = was.to(here.device)
                squares[0] += float(torch.linalg.vector_norm(here - before)) ** 2
                squares[1] += float(torch.linalg.vector_norm(before)) ** 2
            if self._spread.is_sharded:
                squares = self._spread.group.sum(squares.to(_part_here(parameters[0]).device)).cpu()
            moved, length = squares.sqrt().tolist()
            if length:
                self._values.append((place, "update_ratio", moved / length))
        self._held = {}
        self._of_updates[step] = Measured(step, tuple(self._values), self._pictured)

    def of_update(self, step: int) -> Measured | None:
        """What was measured of an update, once."""
        return self._of_updates.pop(step, None)

    # --------------------------------------------------------------------- of weights

    def of_weights(self, whole: Transformer, step: int) -> Generator[Working, None, Measured]:
        """Measure the weights as they are; a slice is a pass.

        Args:
            whole: the network with all its weights.
            step: updates that it has had.
        """
        values: Values = []
        pictures: list[Picture] = []
        config = whole.config
        patterns = [f"blocks.{layer}.attn.hook_pattern" for layer in range(config.n_layers)]
        activations = [watch for watch in self.watches if watch.kind == "activation"]
        device = whole.embed.weight.device
        if len(self._windows_BT):
            ids_BT = self._windows_BT[:, :-1].to(device)
            names = dict.fromkeys((*patterns, *(watch.name for watch in activations)))
            with torch.inference_mode():
                found = self._run(whole, names, ids_BT)
                for layer, name in enumerate(patterns):
                    values.append(
                        (f"blocks.{layer}.attn", "entropy", reduced(found[name], "entropy"))
                    )
                for watch in activations:
                    pictures += self._take(watch, found[watch.name], step, values, whole)
                del found
            yield Working(step, "measuring", 1, 3)
        values += self._induction(whole, patterns)
        yield Working(step, "measuring", 2, 3)
        with torch.inference_mode():
            table_VD = whole.embed.weight
            values.append(("embed", "rank", effective_rank(table_VD)))
            if self._analogies is None:
                self._analogies = AnalogyProbe(self._tokenizer)
            analogies = self._analogies.measure(table_VD)
            if analogies is not None:
                values.append(("embed", "analogies", analogies.share))
                values.append(("embed", "analogy_rank", float(analogies.rank)))
            values += self._of_world(whole)
            for watch in self.watches:
                if watch.kind == "parameter":
                    weight = parameter(whole, watch.name)
                    pictures += self._take(watch, weight, step, values, whole)
        pictures += self._flowing_back(whole, step, values)
        picture = pictures[-1] if pictures else None
        yield Working(step, "measuring", 3, 3)
        return Measured(step, tuple(values), picture)

    def _induction(self, whole: Transformer, patterns: Sequence[str]) -> Values:
        """Of each layer the highest induction score of its heads, and which head has it."""
        texts = repeated_texts(Heads(), whole.config, self._tokenizer)
        if texts.n <= SKIPPED:
            return []
        at = SCORES.index("induction")
        values: Values = []
        with torch.inference_mode():
            ids_BT = torch.tensor(texts.ids, device=whole.embed.weight.device)
            found = self._run(whole, patterns, ids_BT)
            for layer, name in enumerate(patterns):
                each_BH = torch.stack(
                    [
                        head_scores(p_HQS, texts.start, texts.n, causal=self._sees_back_only)[:, at]
                        for p_HQS in found[name].float().cpu()
                    ]
                )
                score_H = each_BH.mean(0)
                head = int(score_H.argmax())
                place = f"blocks.{layer}.attn"
                values.append((place, "induction", float(score_H[head])))
                values.append((place, "induction_head", float(head)))
        return values

    def _of_world(self, whole: Transformer) -> Values:
        """What it knows of the story world, where its tokenizer has the world's words."""
        assert self._analogies is not None
        if not self._analogies.asks or not self._sees_back_only:
            return []
        if self._world is None:
            self._world = WorldQuestions(self._tokenizer, whole.config.n_ctx)
        runs = Under(whole, self._under) if self._under else whole
        device = whole.embed.weight.device
        found = {
            "facts": self._world.facts(runs, device),
            "copying": self._world.copying(runs, device),
        }
        return [("unembed", name, share) for name, share in found.items() if share is not None]

    def _run(
        self, whole: Transformer, names: Iterable[str], ids_BT: Tensor, *, listen: bool = False
    ) -> dict[str, Tensor]:
        """Activations of some ids, as the network that learns has them.

        Args:
            whole: with all its weights.
            names: of the activations.
            ids_BT: on its device.
            listen: whether every step keeps what it wrote, so that gradients can flow back.
        """
        tap = self._tap or (_listen if listen else None)
        return whole.compute(list(names), {INPUT_IDS: ids_BT}, tap, self._replace)

    def _flowing_back(self, whole: Transformer, step: int, values: Values) -> list[Picture]:
        """Gradients of the loss on the validation windows by activations that are watched."""
        wanted = [watch for watch in self.watches if watch.kind == "activation gradient"]
        if not wanted or not len(self._windows_BT):
            return []
        windows_BT = self._windows_BT.to(whole.embed.weight.device)
        names = dict.fromkeys(watch.name for watch in wanted)
        with torch.enable_grad():
            # Listened to, no score is written over another: what flows back needs them all.
            found = self._run(whole, (*names, LOGITS), windows_BT[:, :-1], listen=True)
            loss = F.cross_entropy(found[LOGITS].flatten(0, 1), windows_BT[:, 1:].flatten())
            grads = torch.autograd.grad(loss, [found[name] for name in names], allow_unused=True)
        by_name = dict(zip(names, grads, strict=True))
        pictures: list[Picture] = []
        for watch in wanted:
            grad = by_name[watch.name]
            flows = torch.zeros_like(found[watch.name]) if grad is None else grad
            pictures += self._take(watch, flows.detach(), step, values, whole)
        return pictures

    def _take(
        self,
        watch: Watch,
        tensor: Tensor,
        step: int,
        values: Values,
        whole: Transformer | None = None,
    ) -> list[Picture]:
        values.append((watch.place, watch.reduction, reduced(tensor, watch.reduction)))
        if watch.place != self.picture:
            return []
        config = (whole or self._spread.transformer).config
        self._pictured = picture_of(tensor, watch, letters_of(watch, config), step)
        return [self._pictured]


def _listen(_name: str, tensor: Tensor) -> Tensor:
    return tensor


def _places(transformer: Transformer) -> dict[str, list[nn.Parameter]]:
    """The parameters by part of the network, from the embedding to the unembedding; tied once."""
    found: dict[str, list[nn.Parameter]] = {"embed": []}
    ends: list[nn.Parameter] = []
    for name, parameter_ in transformer.named_parameters():
        first, _, rest = name.partition(".")
        if first == "blocks":
            found.setdefault(f"blocks.{rest.partition('.')[0]}", []).append(parameter_)
        elif first in _EMBEDDING:
            found["embed"].append(parameter_)
        else:
            ends.append(parameter_)
    return found | ({"unembed": ends} if ends else {})


_EMBEDDING = ("embed", "project_in", "pos_embed", "token_type_embed", "ln_embed")


def _part_here(parameter_: Tensor) -> Tensor:
    """What of a parameter lies in this process: all of it, unless it is in shards."""
    value = parameter_.detach()
    return value.to_local() if isinstance(value, DTensor) else value


def _gradient(transformer: Transformer, name: str) -> Tensor | None:
    """A parameter's gradient in the parameter's layout; None where there is none."""
    module, key = place_of(transformer, name)
    grad = module.get_parameter(key).grad
    return None if grad is None else view_of(transformer, name, full_of(grad)).detach()
