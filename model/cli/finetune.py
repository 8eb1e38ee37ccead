"""`python -m model finetune`: tune an opened model, all of it or an adapter; say what changed."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Threads,
    each_says_its_own,
    one_sentence,
    print_json,
    say,
)
from model.counting import counted
from model.slices import finish

if TYPE_CHECKING:
    from model.config import TransformerConfig
    from model.language_model import LanguageModel
    from model.train.recipe import Recipe

_MOST_NAMED = 5
_NEW_TOKENS = 24


def command(
    path: Checkpoint,
    out: Annotated[Path, typer.Option(help="the run folder to write")],
    data: Annotated[str, typer.Option(help='the new text: a file, or "world"')] = "",
    preferences: Annotated[
        Path | None,
        typer.Option(
            help="in the text's place: choices as JSON lines of prompt, chosen and rejected, "
            "which are learned by DPO"
        ),
    ] = None,
    beta: Annotated[float, typer.Option(help="of DPO: how strongly the model is held")] = 0.1,
    old_data: Annotated[
        str, typer.Option(help='a text that it knows already, "world" or a file, to see forgetting')
    ] = "",
    full: Annotated[
        bool, typer.Option("--full", help="all weights learn, not a low-rank change of them")
    ] = False,
    lora_rank: Annotated[int, typer.Option(min=1, help="of the low-rank change")] = 8,
    lora_alpha: Annotated[
        float | None, typer.Option(help="its factor is alpha / rank; twice the rank if left out")
    ] = None,
    lora_targets: Annotated[
        str, typer.Option(help="maps that are adapted, such as q_proj,v_proj; all if left out")
    ] = "",
    steps: Annotated[int | None, typer.Option(min=1, help="updates at most")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="seconds at most")] = None,
    lr: Annotated[float | None, typer.Option(help="the highest learning rate")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="windows a step")] = None,
    context: Annotated[int | None, typer.Option(min=1, help="tokens a window")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of batches, samples and the adapter")] = 0,
    prompt: Annotated[str, typer.Option(help="continued before and after, for you to see")] = "",
    device: Device = "auto",
    threads: Threads = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    as_json: AsJson = False,
) -> None:
    """Fine-tune a model on a text; the run folder opens like any checkpoint.

    By default a low-rank change (LoRA) learns, and is kept beside the snapshots as PEFT reads it.
    Under torchrun each process tunes a copy on its share of every batch:
    torchrun --nproc-per-node 2 -m model finetune MODEL --data text.txt --out runs/tuned
    """
    with one_sentence(), each_says_its_own():
        from model.cli.training_display import run_recipe
        from model.device import default_threads
        from model.train.processes.group import writes_here
        from model.train.tuning import whole_path

        def recipe_of(processes: int) -> Recipe:
            if bool(data) == (preferences is not None):
                raise ValueError(
                    "Give what is to be learned: --data FILE (or world), or --preferences FILE."
                )
            kind = "full" if full else "lora"
            recipe = _recipe(str(whole_path(path)), data, kind, context)
            if preferences is not None:
                recipe = _of_preferences(recipe, preferences, beta, context)
            given: dict[str, Any] = {
                "steps": steps,
                "max_seconds": max_seconds,
                "lr": lr,
                "min_lr": None if lr is None else lr / 10,
                "batch_size": batch_size,
            }
            return replace(
                recipe,
                old_data=old_data,
                lora_rank=lora_rank,
                lora_alpha=lora_alpha or 2.0 * lora_rank,
                lora_targets=lora_targets,
                seed=seed,
                sample_prompt=prompt,
                threads=threads or max(1, default_threads() // processes),
                **{name: value for name, value in given.items() if value is not None},
            )

        result = run_recipe(recipe_of, out, device, resume)
        if not writes_here():
            return  # the first process tells
        result |= _changed(out, prompt)
    if as_json:
        print_json(result)
        return
    loss = "none measured" if result["val_loss"] is None else f"{result['val_loss']:.4f}"
    print(f"{counted(result['steps'], 'step')} in {result['seconds']:.1f} s, loss {loss}: {out}")
    for one in result["moved"][:_MOST_NAMED]:
        rank = one["effective_rank"]
        directions = "" if rank is None or math.isnan(rank) else f", effective rank {rank:.1f}"
        print(f"{one['name']} moved by {one['relative']:.2%} of its norm{directions}")
    if result["margins"]:
        margins = result["margins"]
        n, right = len(margins), sum(margin > 0 for margin in margins)
        print(f"{right} of {counted(n, 'preferred text')} gained on the other; margins: ", end="")
        print(", ".join(f"{margin:+.3f}" for margin in margins))
    for one in result["tokens"]:
        print(f"next token {one['token']!r}: {one['before']:.3f} → {one['after']:.3f}")
    if prompt:
        print(f"before: {result['before']!r}\nafter:  {result['after']!r}")


def _recipe(weights: str, data: str, tuning: Any, context: int | None) -> Recipe:
    from model.train.tuning_recipe import tuning_recipe

    config = _headers(weights)
    _say_of_quantised(weights)
    recipe = tuning_recipe(weights, data, config.n_ctx, config.n_params, tuning)
    return recipe if context is None else replace(recipe, n_ctx=context)


def _of_preferences(recipe: Recipe, path: Path, beta: float, context: int | None) -> Recipe:
    from model.train.tuning_recipe import preferences_recipe

    headers = _headers(recipe.weights)
    found = preferences_recipe(recipe.weights, headers.n_ctx, headers.n_params)
    return replace(
        found,
        data=str(path),
        tuning=recipe.tuning,
        dpo_beta=beta,
        n_ctx=context or found.n_ctx,
        lr=found.lr if recipe.tuning == "lora" else found.lr / 10,
        min_lr=found.lr if recipe.tuning == "lora" else found.lr / 10,
    )


def _say_of_quantised(weights: str) -> None:
    """What a person should know of weights that are stored in few bits."""
    from model.checkpoint.fitting import fit
    from model.checkpoint.sources import source_of

    fitting = fit(source_of(Path(weights)))
    if any(tensor.quantised for tensor in fitting.tensors.values()):
        stored = " and ".join(fitting.dtypes[:2])
        say(
            (
                f"{fitting.source.path.name} is quantised ({stored}): its weights are read as "
                "float32 and saved so; what is learned does not lie on its few levels.",
            )
        )


def _headers(weights: str) -> TransformerConfig:
    from model.checkpoint.fitting import fit
    from model.checkpoint.sources import source_of

    return fit(source_of(Path(weights))).config


def _changed(run: Path, prompt: str) -> dict[str, Any]:
    """Which weights moved, and what a prompt is continued by, before and after."""
    from model.language_model import open_model
    from model.train.margins_file import read_margins
    from model.train.moved import moving, write_moved
    from model.train.run_folder import snapshots

    steps = snapshots(run)
    if len(steps) < 2:
        return {"moved": [], "margins": [], "tokens": [], "before": None, "after": None}
    before, after = (open_model(place, "cpu", "float32") for _, place in (steps[0], steps[-1]))
    moved = finish(moving(before.transformer, after.transformer))
    write_moved(run, moved)
    texts = [
        lm.generate(prompt, _NEW_TOKENS, temperature=0.0) if prompt else None
        for lm in (before, after)
    ]
    margins = read_margins(run)
    return {
        "moved": [asdict(one) for one in moved],
        "margins": list(margins[-1].margins) if margins else [],
        "tokens": _tokens_moved(before, after, prompt) if prompt else [],
        "before": texts[0],
        "after": texts[1],
    }


def _tokens_moved(
    before: LanguageModel, after: LanguageModel, prompt: str
) -> list[dict[str, float | str]]:
    """Of the next token those whose probability changed most."""
    import torch

    assert before.tokenizer is not None
    ids = torch.tensor([before.tokenizer.encode(prompt).ids])
    with torch.inference_mode():
        p, q = (
            torch.softmax(lm.transformer(ids, last_only=True)[0, -1].double(), -1)
            for lm in (before, after)
        )
    most = (q - p).abs().topk(min(_MOST_NAMED, len(p))).indices.tolist()
    return [
        {
            "token": before.tokenizer.decode([i]),
            "before": float(p[i]),
            "after": float(q[i]),
        }
        for i in most
    ]
