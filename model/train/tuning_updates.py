"""What learns of a model that is tuned, before its first step, and whether it can be tuned here.

Knows recipe, text, the opened model and updates; no run folder.
"""

from __future__ import annotations

from model.train.batches import batches_of
from model.train.data import TextData
from model.train.dpo import Preferring
from model.train.processes.group import Group
from model.train.processes.spread import Copied, Parallel, Spread
from model.train.recipe import Recipe
from model.train.run_folder import RunError
from model.train.tuning import Base, adapting_of
from model.train.updates import Updates


def tuning_updates(
    recipe: Recipe, base: Base, data: TextData, device: str, group: Group
) -> Updates:
    """What learns of a model that is there, before its first step."""
    network = base.network(device)
    preferring, batches = None, None
    if data.pairs:
        preferring = Preferring(
            network, data.pairs, recipe.dpo_beta, recipe.batch_size, recipe.seed
        )
    else:
        batches = batches_of(data, recipe)
    # First: what doesn't learn has no gradient that would be exchanged.
    adapting = adapting_of(recipe, base, network)
    spread = (Spread if group.is_alone else Copied)(network, group)
    return Updates(spread, recipe, batches, adapting, preferring)


def check_tuning(
    recipe: Recipe, base: Base, data: TextData, group: Group, parallel: Parallel
) -> None:
    """See that a model can be tuned on this text, by these processes.

    Raises:
        RunError: it can't.
    """
    if not group.is_alone and data.pairs:
        raise RunError("Preferences are learned by one process: start it without torchrun.")
    if not group.is_alone and parallel == "fsdp":
        raise RunError(
            "A model is fine-tuned in whole copies, not in shards: give --parallel ddp, or nothing."
        )
    if data.tokenizer.n_base_tokens > base.config.d_vocab:
        raise RunError(
            f"The tokenizer {recipe.tokenizer} has {data.tokenizer.n_base_tokens} tokens, but "
            f"{recipe.weights} embeds {base.config.d_vocab}: give the tokenizer of that model."
        )
