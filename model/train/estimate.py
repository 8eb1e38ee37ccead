"""What a run of a recipe takes, as it was measured: parameters, memory, time.

Knows recipes; no torch: how it is measured is `model.train.recipe_measuring`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from model.train.recipe import Recipe

_FREE = dict.fromkeys(
    (
        "name",
        "data",
        "data_tokens",
        "weights",
        "init_std",
        "steps",
        "lr",
        "min_lr",
        "warmup_steps",
        "schedule",
        "lr_changes",
        "weight_decay",
        "beta1",
        "beta2",
        "seed",
        "eval_every",
        "eval_batches",
        "sample_every",
        "sample_prompt",
        "sample_tokens",
        "snapshot_every",
        "snapshot_early",
        "snapshot_states",
        "snapshot_mb",
        "max_seconds",
        "target_val_loss",
    )
)
"""Settings that change neither what an update takes nor what it computes with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run of a recipe takes.

    Attributes:
        recipe: which.
        n_params: parameters, tied ones counted once.
        d_vocab: with how many tokens.
        step_seconds: of an update, the median of those measured.
        forward_seconds: of one batch of a validation.
        n_steps_measured: how many updates that is of.
        weights_bytes: parameters and their gradients.
        optimiser_bytes: what the optimiser keeps.
        activation_bytes: what the forward pass keeps for the backward pass of one update.
    """

    recipe: Recipe
    n_params: int
    d_vocab: int
    step_seconds: float
    forward_seconds: float
    n_steps_measured: int
    weights_bytes: int
    optimiser_bytes: int
    activation_bytes: int

    @property
    def n_bytes(self) -> int:
        """Memory that training takes besides the program and the text."""
        return self.weights_bytes + self.optimiser_bytes + self.activation_bytes

    @property
    def validation_seconds(self) -> float:
        """Of one validation; of all the text at least one batch's."""
        return self.forward_seconds * max(1, self.recipe.eval_batches)

    def of(self, recipe: Recipe) -> Estimate | None:
        """The same for another recipe; None where that takes other updates."""
        same = replace(recipe, **{name: getattr(self.recipe, name) for name in _FREE})
        return replace(self, recipe=recipe) if same == self.recipe else None

    def seconds(self, first_step: int = 0) -> float:
        """The whole run's, from a step on: its updates and validations.

        Samples and snapshots come on top, mostly a few hundredths.
        """
        recipe = self.recipe
        n = max(0, recipe.steps - first_step)
        validations = 1 + (n // recipe.eval_every if recipe.eval_every else 0)
        whole = n * self.step_seconds + validations * self.validation_seconds
        return min(whole, recipe.max_seconds) if recipe.max_seconds else whole
