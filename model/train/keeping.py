"""What of a run is kept on disk between two steps: a snapshot of the network, and the state.

In every process of a run: the first one writes, and of a network in shards each its part. Knows
the parts of a run; neither events nor when anything is due.
"""

from __future__ import annotations

from pathlib import Path

from model.train.kept_states import keep_last_state
from model.train.parts import Parts
from model.train.processes.sharded_state import remove_others, save_shards
from model.train.run_folder import RunError
from model.train.run_writing import RunFolder
from model.train.state import TrainingState, save_state
from model.train.tuning import write_adapter
from model.train.under import extra_of
from model.transformer import Transformer


class Keeping:
    """Writes what a run has learned.

    Args:
        parts: of the run.
        run_dir: its folder.
    """

    def __init__(self, parts: Parts, run_dir: Path) -> None:
        self._parts = parts
        self._run_dir = run_dir
        self._gathered: tuple[int, Transformer | None] = (-1, None)

    def whole(self) -> Transformer | None:
        """The network with all its weights, in the process that writes; asked by all."""
        updates = self._parts.updates
        step, whole = self._gathered
        if step != updates.step:
            whole = updates.spread.whole()
            # What was gathered of shards serves the sample and the snapshot of one step.
            self._gathered = updates.step, whole
        return whole

    def let_go(self) -> None:
        """The weights change: what was gathered of them is old, and takes memory."""
        self._gathered = -1, None

    def save_snapshot(self) -> Path:
        """Write the network; in the process that writes.

        Returns:
            The snapshot's folder.

        Raises:
            RunError, CheckpointError: the disk refuses.
        """
        parts, step = self._parts, self._parts.updates.step
        whole, path = self.whole(), self._run_dir
        if isinstance(parts.folder, RunFolder) and whole is not None:
            extra = extra_of(step, parts.recipe.interventions(whole.config.n_layers))
            path = parts.folder.save_snapshot(
                step, whole, parts.data.tokenizer, extra, parts.family
            )
            if parts.updates.adapting is not None:
                write_adapter(self._run_dir, step, parts.updates.adapting.adapter, parts.recipe)
        parts.kept_at = step
        return path

    def save_state(self, seconds: float, val_loss: float | None) -> None:
        """What is measured is on disk before it: a resumed run doesn't measure it again.

        Raises:
            RunError: the disk refuses.
        """
        parts, updates, spread = self._parts, self._parts.updates, self._parts.updates.spread
        parts.folder.flush()
        shards = ""
        if spread.is_sharded:
            shards = save_shards(
                self._run_dir, updates.step, spread.transformer, updates.optimiser, spread.group
            )
        if spread.group.is_first:
            save_state(
                self._run_dir,
                TrainingState(
                    step=updates.step,
                    seconds=seconds,
                    val_loss=val_loss,
                    transformer={} if shards else spread.transformer.state_dict(),
                    optimiser={} if shards else updates.optimiser.state_dict(),
                    evaluated_at=parts.evaluated_at,
                    sampled_at=parts.sampled_at,
                    shards=shards,
                    measured_at=parts.measured_at,
                    adapter=updates.adapter_state(),
                ),
            )
            remove_others(self._run_dir, shards)
            if not shards and updates.step in parts.plan.states:
                try:
                    keep_last_state(self._run_dir, updates.step)
                except OSError as error:
                    raise RunError(
                        f"The state of step {updates.step:,} can't be kept in {self._run_dir}: "
                        f"{error.strerror or error}. What was saved before stays."
                    ) from error
        parts.state_is_old = False
