"""The network in a run's saved state, whole or in shards: what has no snapshot can be written out.

Knows run folder and state; no optimiser, no text.
"""

from __future__ import annotations

from pathlib import Path

import torch

from model.tokenizer.tokenizer import Tokenizer
from model.train.processes.sharded_state import load_shards
from model.train.run_folder import STATE, RunError, is_run, read_recipe
from model.train.state import load_state
from model.train.tuning import network_config
from model.transformer import Transformer


def run_of_state(path: Path) -> Path | None:
    """The run whose state a path is: its folder ``state``, or one in shards within; else None."""
    for folder in (path, path.parent):
        if folder.name == STATE and is_run(folder.parent):
            return folder.parent
    return None


def saved_network(path: Path) -> tuple[int, Transformer, Tokenizer]:
    """The network of a run at its last saved step, on the processor, with all its weights.

    Args:
        path: as `run_of_state` takes it.

    Returns:
        Step, network and tokenizer.

    Raises:
        RunError: there is no state, it is damaged, or another step's than the one that is named.
    """
    run_dir = run_of_state(path)
    if run_dir is None:
        raise RunError(f"{path} is no state of a run: give the folder {STATE} of one.")
    state = load_state(run_dir, "cpu")
    if path.name != STATE and path.name not in (state.shards, "training.pt"):
        raise RunError(
            f"{path} is no longer the state of {run_dir}, which is of step {state.step:,}: give "
            f"{run_dir / STATE}."
        )
    tokenizer = Tokenizer.from_folder(run_dir)
    config = network_config(read_recipe(run_dir), run_dir, tokenizer.n_tokens)
    with torch.random.fork_rng(devices=[]):
        transformer = Transformer(config, empty=True)
    if state.shards:
        load_shards(run_dir / STATE / state.shards, transformer, None)
    else:
        transformer.load_state_dict(state.transformer)
    return state.step, transformer.eval(), tokenizer
