"""Makes the bundled model of a finished run: its last snapshot, and a README with log and scores.

    python -m tools.bundle_model RUN

Run by `make bundled-model`. Knows the run folder and the scorer; trains nothing.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

import model
from model.probe.score.asks import Scores, Share
from model.probe.score.compute import score
from model.train import read_metrics, snapshots
from model.train.run_folder import read_run
from model.world import GENDERED_PAIRS
from resources import STORY_WORLD

TARGETS = {
    "gendered_analogies": 0.95,
    "capital_analogies": 0.90,
    "facts": 0.99,
    "copying": 0.95,
    "pronouns": 0.99,
}
"""What a bundled model must reach; `main` fails below."""

ROWS = (
    ("gendered_analogies", "gendered analogies, the three input words excluded"),
    ("gendered_analogies_all_words", "gendered analogies, no word excluded"),
    ("capital_analogies", "capital analogies, the three input words excluded"),
    ("capital_analogies_all_words", "capital analogies, no word excluded"),
    ("facts", "facts, in sentence frames never seen with that fact"),
    ("copying", "tokens of the words of repeated lists"),
    ("pronouns", "pronouns, in sentence frames never seen with that person"),
)
PROMPTS = ("Once there was a", "The capital of France is", "Mia has a red hat. Tom has a blue hat.")


def main() -> None:
    """Copy, score, write; ends with code 1 where a target is missed."""
    run = Path(sys.argv[1])
    step, snapshot = snapshots(run)[-1]
    STORY_WORLD.mkdir(parents=True, exist_ok=True)
    for source in sorted(snapshot.iterdir()):
        target = STORY_WORLD / source.name
        shutil.copyfile(source, target)
        target.chmod(0o644)
    torch.set_num_threads(1)
    lm = model.open(STORY_WORLD, device="cpu")
    scores = score(lm)
    samples = [
        lm.generate(prompt, max_new_tokens=60, temperature=0.7, seed=0) for prompt in PROMPTS
    ]
    (STORY_WORLD / "README.md").write_text(
        _readme(read_run(run), read_metrics(run), step, scores, samples), encoding="utf-8"
    )
    print(json.dumps(scores.as_json(), indent=2))
    missed = [name for name, least in TARGETS.items() if (_value(scores, name) or 0) < least]
    if missed:
        sys.exit(f"Below target: {', '.join(missed)}.")


def _value(scores: Scores, name: str) -> float | None:
    share: Share = getattr(scores, name)
    return share.value


def _readme(
    run: dict[str, Any], metrics: dict[str, Any], step: int, scores: Scores, samples: list[str]
) -> str:
    recipe, data, versions = run["recipe"], run["data"], run["versions"]
    pair = GENDERED_PAIRS[0]
    lines = [
        "# The story world's model",
        "",
        f"A GPT-2 of {run['network']['n_params']:,} parameters, trained from nothing on text that",
        "`model/world` wrote: the model that Glassformer opens with. `transformers` loads the",
        "folder as it is. All of it is written by `make bundled-model`; don't edit it by hand.",
        "",
        "## Recipe",
        "",
        f"{recipe['n_layers']} layers of {recipe['n_heads']} heads, width {recipe['d_model']},",
        f"context {recipe['n_ctx']}, untied embeddings (standard deviation {recipe['init_std']}),",
        f"byte-level BPE of {run['network']['d_vocab']} tokens trained on the same text.",
        f"{step:,} steps of {recipe['batch_size']} × {recipe['n_ctx']} tokens, AdamW,",
        f"rate {recipe['lr']} falling to {recipe['min_lr']}, decay {recipe['weight_decay']},",
        f"seed {recipe['seed']}, on {run['machine']['device']} with {run['machine']['threads']}"
        f" thread(s) in {metrics['seconds'][-1] / 60:.0f} minutes of a machine that did other work",
        f"too. Text: {data['n_train_tokens']:,} tokens, sha256 {data['sha256'][:16]}…;",
        f"torch {versions['torch']}, tokenizers {versions['tokenizers']}.",
        "",
        "## Scores",
        "",
        "By `python -m model score`, whose answers are the world's own ground truth. Analogies are",
        "asked of the input embeddings, of single tokens with the space before them",
        f"(`␣{pair.male}`), over all ordered pairs in both directions; nearest by cosine in the",
        "whole vocabulary.",
        "",
        "| | share | of |",
        "|---|---:|---:|",
    ]
    for name, words in ROWS:
        share: Share = getattr(scores, name)
        lines.append(f"| {words} (`{name}`) | {share.value or 0:.4f} | {share.n} |")
    left_out = ", ".join(scores.analogy_words_left_out) or "none"
    lines += [
        f"| held-out text, bits per byte (`bits_per_byte`) | {scores.bits_per_byte:.4f} |"
        f" {scores.n_bytes} bytes |",
        "",
        f"Words left out of the analogies because they are more than one token: {left_out}.",
        "",
        "Facts by relation: "
        + ", ".join(
            f"{name} {share.right}/{share.n}" for name, share in scores.facts_by_relation.items()
        )
        + ".",
        "",
        "## Log",
        "",
        "Losses are nats per token; the training loss is that of the one batch of that step.",
        "",
        "| step | tokens | minutes | training loss | validation loss |",
        "|---:|---:|---:|---:|---:|",
    ]
    for i in np.flatnonzero(np.isfinite(metrics["val_loss"])):
        train_loss = metrics["train_loss"][i]
        lines.append(
            f"| {int(metrics['step'][i]):,} | {int(metrics['tokens'][i]):,} |"
            f" {metrics['seconds'][i] / 60:.1f} |"
            f" {'' if np.isnan(train_loss) else f'{train_loss:.4f}'} |"
            f" {metrics['val_loss'][i]:.4f} |"
        )
    lines += ["", "## It writes", "", "At temperature 0.7, seed 0; the prompt is in bold.", ""]
    for prompt, sample in zip(PROMPTS, samples, strict=True):
        written = sample.replace("\n", "\n> ")
        lines += [f"> **{prompt}**{written}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
