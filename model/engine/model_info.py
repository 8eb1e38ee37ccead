"""What the window is told of a model: `ModelInfo`, made of a `LanguageModel`.

Reads what is known of the model; no weight, no request.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from model.checkpoint.steps import Steps, steps_beside
from model.hub import cached_name
from model.messages import ModelInfo, ModelStep
from model.preview import checkpoint_name
from model.train.other_logs import log_beside
from model.train.record import run_dir_of
from model.train.run_folder import snapshots

if TYPE_CHECKING:
    from model.language_model import LanguageModel


def info_of(
    lm: LanguageModel,
    model_id: int,
    *,
    training: bool,
    place: str = "",
    step: int | None = None,
) -> ModelInfo:
    """A model as the window sees it.

    Args:
        lm: the model.
        model_id: unique among the models of this process.
        training: whether its weights still change.
        place: by what it is opened again; its path if left out.
        step: that it is at the end of; left out, its path may tell.
    """
    path = Path() if lm.path is None else whole_path(lm.path)
    run_dir = None if lm.path is None else run_dir_of(path)
    tokenizer = lm.tokenizer
    steps = Steps() if training or lm.path is None else _steps(path, run_dir, step)
    return ModelInfo(
        model_id=model_id,
        name=cached_name(path) or checkpoint_name(path) or "unnamed",
        path=str(path),
        family=lm.family,
        config=lm.config,
        n_params=lm.n_params,
        parameters=MappingProxyType(lm.config.parameter_counts()),
        tokenizer="none: type token ids" if tokenizer is None else tokenizer.kind,
        vocabulary=() if tokenizer is None else tokenizer.vocabulary,
        special_ids=frozenset() if tokenizer is None else tokenizer.special_ids,
        device=lm.device.name,
        device_why=lm.device.why,
        dtype=str(lm.dtype).removeprefix("torch."),
        stored="" if lm.stored is None else str(lm.stored).removeprefix("torch."),
        training=training,
        format=lm.format,
        notes=lm.notes,
        continuing_ids=frozenset() if tokenizer is None else tokenizer.continuing,
        mask_id=None if tokenizer is None else tokenizer.mask_id,
        place=place or str(path),
        run_dir=str(run_dir or ""),
        log=str(_log(lm, path) or "") if run_dir is None and not training else "",
        step=steps.own,
        steps=tuple(ModelStep(at.step, at.name, str(at.path)) for at in steps.places),
    )


def _log(lm: LanguageModel, path: Path) -> Path | None:
    return None if lm.path is None else log_beside(path, lm.format)


def _steps(path: Path, run_dir: Path | None, step: int | None) -> Steps:
    """The steps beside a checkpoint, or of a run that has ended at a step."""
    if step is None or run_dir is None:
        return steps_beside(path)
    last = next((place for at, place in reversed(snapshots(run_dir)) if at == step), None)
    return Steps() if last is None else steps_beside(last)


def whole_path(path: str | Path) -> Path:
    """A path that means the same wherever the program is started."""
    try:
        return Path(path).expanduser().absolute()
    except (OSError, RuntimeError):  # no working folder, or no home
        return Path(path)
