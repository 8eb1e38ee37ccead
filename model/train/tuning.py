"""What a fine-tuning run begins with: an opened model's network, all of it or an adapter learning.

The first snapshot of such a run is its base in float32, so that the run goes on, and its adapter
opens, also where the file that it came from is gone.

Knows recipe, checkpoints and adapters; no text, no optimiser, no event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from model.checkpoint.families import FAMILIES
from model.checkpoint.fitting import fit
from model.checkpoint.opening import open_checkpoint
from model.checkpoint.sources import source_of
from model.checkpoint.sources.adapter import is_there
from model.config import TransformerConfig
from model.lora.adapter import Adapter, Adapting, LoraConfig
from model.lora.files import save_adapter
from model.slices import finish
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import ADAPTERS, SNAPSHOTS, RunError
from model.train.whole_snapshot import is_whole
from model.transformer import Transformer


@dataclass(frozen=True, slots=True)
class Base:
    """The model that a run goes on from.

    Attributes:
        path: where its weights are read.
        family: its model_type; what is learned is saved as one.
        config: its shape, with the run's own dropout.
    """

    path: Path
    family: str
    config: TransformerConfig

    def network(self, device: str) -> Transformer:
        """Its weights in float32, to be trained.

        Raises:
            CheckpointError: they can't be read.
        """
        read = open_checkpoint(self.path, dtype=torch.float32).transformer
        with torch.random.fork_rng(devices=[]):
            network = Transformer(replace(read.config, dropout=self.config.dropout), empty=True)
        network.adopt(read.state_dict())
        return network.requires_grad_(True).eval().to(device)


def whole_path(path: Path) -> Path:
    """Where a model's files are: a path from the root, of a name on a hub its cache.

    Raises:
        HubError: the hub does not give it.
    """
    from model.hub import fetching, is_hub_name

    if is_there(path):
        return path.expanduser().absolute()
    place = finish(fetching(str(path))) if is_hub_name(str(path)) else path
    return Path(place).expanduser().absolute()


def base_of(recipe: Recipe, run_dir: Path) -> Base | None:
    """The model that a recipe tunes, by its headers; None where it trains a network of its own.

    Args:
        recipe: that may name one.
        run_dir: of the run, whose first snapshot is taken in the model's place once it is there.

    Raises:
        RecipeError: it can't be tuned by this recipe.
        CheckpointError: there is none, or it is damaged.
    """
    if not recipe.tuning:
        return None
    first = run_dir / SNAPSHOTS / "step-000000"
    path = first if is_whole(first) else Path(recipe.weights)
    fitting = fit(source_of(path))
    config = fitting.config
    if config.head != "lm" or not config.causal:
        raise RecipeError(
            f"{recipe.weights} does not predict the next token, so it can't be fine-tuned here: "
            "choose a decoder, such as a GPT-2 or a Llama."
        )
    if recipe.n_ctx > config.n_ctx:
        raise RecipeError(
            f"n_ctx is {recipe.n_ctx}, and the model reads at most {config.n_ctx} tokens: make it "
            f"{config.n_ctx} or less."
        )
    config = replace(config, dropout=recipe.dropout)
    # Before anything is spent on it: can the result be saved at all?
    FAMILIES[fitting.family.model_type].config_to_hf(config)
    return Base(path, fitting.family.model_type, config)


def network_config(recipe: Recipe, run_dir: Path, d_vocab: int) -> TransformerConfig:
    """The shape of a run's network, whether its own or that of the model it tunes."""
    base = base_of(recipe, run_dir)
    return recipe.config(d_vocab) if base is None else base.config


def adapting_of(recipe: Recipe, base: Base, network: Transformer) -> Adapting | None:
    """The adapter that a run trains in a network; None where all weights learn.

    Raises:
        RecipeError: the network has no such maps.
    """
    adapter = adapter_of(recipe, base)
    if adapter is None:
        return None
    return Adapting(network, adapter.to(network.embed.weight.device))


def adapter_of(recipe: Recipe, base: Base) -> Adapter | None:
    """A run's adapter before its first step; None where all weights learn.

    Raises:
        RecipeError: the network has no such maps.
    """
    if recipe.tuning != "lora":
        return None
    targets = tuple(filter(None, (name.strip() for name in recipe.lora_targets.split(","))))
    lora = LoraConfig(rank=recipe.lora_rank, alpha=recipe.lora_alpha, targets=targets)
    try:
        return Adapter.new(base.family, base.config, lora, recipe.seed)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def write_adapter(run_dir: Path, step: int, adapter: Adapter, recipe: Recipe) -> Path:
    """The adapter of a step beside the run's snapshots.

    Raises:
        RunError: the disk refuses.
    """
    try:
        (run_dir / ADAPTERS).mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{run_dir} can't be written: {error.strerror or error}.") from error
    return save_adapter(adapter_path(run_dir, step), adapter, recipe.weights)


def adapter_path(run_dir: Path, step: int) -> Path:
    """Where a run's adapter of a step is kept."""
    return run_dir / ADAPTERS / f"step-{step:06d}"
