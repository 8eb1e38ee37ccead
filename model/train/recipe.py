"""What is trained and how: every choice of a run in one frozen value, to and from TOML.

A recipe and its text decide a run completely (on one device and thread count). Knows no torch, so
that a window or a command line can offer, check and show recipes at once.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

from model.config import (
    Activation,
    Caps,
    NormKind,
    Norms,
    Positions,
    QKNorm,
    TransformerConfig,
)
from model.first_weights import FirstWeights
from model.interventions.intervention import Intervention
from model.interventions.remove_mask import RemoveMask
from model.interventions.remove_norm import RemoveNorm
from model.interventions.remove_residual import RemoveResidual
from model.positions import Rotary
from model.train.rate_changes import factor_at, with_change
from model.train.toml import toml_table

Schedule = Literal["cosine", "linear", "constant"]
Tuning = Literal["", "full", "lora"]
Objective = Literal["text", "preferences"]
Optimiser = Literal["adamw", "muon"]
Precision = Literal["float32", "bfloat16", "auto"]

_PARTS: tuple[Literal["attn", "mlp"], ...] = ("attn", "mlp")
WORLD = "world"
TASK_TOKENIZER = "task"
"""A task's own vocabulary: the only tokenizer that its examples can be cut by."""
MIN_BPE_VOCAB = 257
"""256 bytes and one merge: below that there is nothing to train."""


class RecipeError(ValueError):
    """A recipe that can't be run; the message says which value and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One training run.

    Attributes:
        name: for the run folder and the window.
        data: ``"world"``, ``"task:NAME"`` or ``"task:NAME:SIZE"`` (`model.train.tasks`), or the
            path of a text file or of a folder of them: UTF-8, or UTF-16 or UTF-32 with its mark.
        data_tokens: how much text of the story world is written, in its words, or of a task, in
            its tokens; not used for files.
        tokenizer: ``"char"``, ``"bpe:SIZE"`` (trained on the run's text) or the path of a
            folder that holds one, of any file of a tokenizer, or of a model that has one; of a
            task always ``"task"``.
        weights: the path of a model that it begins with, in place of new weights; empty for none.
            The tokenizer must be that model's.
        tuning: whether the model of ``weights`` is fine-tuned: ``full``, all of its weights learn;
            ``lora``, a low-rank change of them does. Its sizes then are the model's, and those
            of the recipe aren't looked at, but for ``n_ctx``, the tokens of a window. Empty
            trains the network that the recipe describes.
        lora_rank, lora_alpha: of ``lora``: the change of a matrix is alpha / rank times B A.
        lora_targets: names of the linear maps that are adapted, as the model's own files call
            them, with commas between (``q_proj, v_proj``); empty takes all in the blocks.
        objective: of fine-tuning: ``text`` predicts the next token; ``preferences`` learns which
            of two continuations is preferred (DPO, arXiv:2305.18290), and ``data`` then holds such
            choices as JSON lines, a batch is so many of them, and losses are DPO's.
        dpo_beta: of ``preferences``: how strongly the model is held to what it was.
        old_data: a text whose loss is followed beside that of the validation, to see what is
            forgotten: ``"world"`` or the path of a text file; empty for none.
        n_layers, n_heads, n_kv_heads, d_model, d_mlp, n_ctx, norm, positions, activation, gated,
            attention_bias, mlp_bias, tied_embeddings, dropout: as in `TransformerConfig`;
            0 takes its default.
        rotary_base: of rotary positions: the slowest pair of dimensions turns by about its inverse
            a token.
        qk_norm: queries and keys are normed before they meet.
        norm_weights: norms have weights that are learned.
        embedding_norm: token vectors are normed before the first block.
        logit_cap: logits are kept softly within it, ``c tanh(x / c)``; 0 leaves them as they are.
        residual: whether blocks add to the stream; without, what attention or the MLP writes takes
            the stream's place. The weights are an ordinary network's, which is run under
            interventions (`model.interventions`), as it must be where it is opened later.
        mask: whether a token sees only those before it; without, it also sees what it is to
            foretell. The same holds of it.
        norms: whether what attention, the MLP and the head read is normed; without, they read the
            stream as it is. The same holds of them; `qk_norm` is a choice of its own.
        init_std: standard deviation of the first weights.
        zero_outputs: at first blocks add nothing to the stream, and all tokens are as likely.
        head_offsets: how many tokens back the heads of every block look at first, a number a head
            with commas between, for example "1,2,3"; empty for nowhere in particular.
        precision: in which an update and a validation are computed; weights, their gradients' sum
            and snapshots stay in float32. ``auto`` takes bfloat16 where the device is fast at it.
        batch_size: windows of ``n_ctx`` tokens per step, over all processes that train together.
        micro_batch: windows that go through the network at once, in each process; the gradients
            of a step are summed over them. 0 takes all of a process's share: fastest where there
            is memory for it. The numbers are the same but for their last digits.
        steps: updates; the learning rate's schedule spans them.
        lr, min_lr: highest and last learning rate.
        warmup_steps: updates over which the rate rises from near 0 to ``lr``.
        schedule: how it falls from ``lr`` to ``min_lr`` after that.
        lr_changes: factors of the schedule's rate that a person has set while the run went:
            ``"120:0.5"`` halves it from update 120 on (`model.train.rate_changes`).
        weight_decay: of matrices and embeddings; biases and norms have none.
        optimiser: ``adamw`` for all, or ``muon`` for the matrices of blocks and AdamW for the rest.
        matrix_lr: highest learning rate of what Muon moves; it rises and falls as ``lr`` does.
        momentum: how much of the last update Muon keeps (Nesterov).
        beta1, beta2: of AdamW.
        grad_clip: highest norm of the gradient; 0 does not clip.
        seed: of the first weights, the batches, the dropout and the world's text.
        eval_every: steps between validations; 0 validates at the end only.
        eval_batches: batches per validation, spread over the text; 0 takes all of it.
        sample_every: steps between samples; 0 writes none.
        sample_prompt: how a sample begins; empty begins as the validation text does.
        sample_tokens: how many tokens a sample adds.
        snapshot_every: steps between snapshots; 0 saves at the start and the end only.
        snapshot_early: whether snapshots before are closer together: at steps 1, 2, 3 and so on,
            each an eighth further than the one before (`model.train.snapshot_plan`).
        snapshot_states: whether the optimiser is kept beside those every ``snapshot_every`` steps,
            which takes three times their disk: a branch goes on from there exactly.
        curves_every: steps between two measurements of the curves (`model.train.watches`: gradient
            norm and update by layer, entropy of attention, and so on); 0 measures none.
        watched: what else is measured then: names of activations, parameters or gradients, each
            with a reduction, as ``"blocks.0.mlp.W_in.grad norm"``.
        stop_when: conditions at which the run waits, as ``"val_loss < 2"``
            (`model.train.conditions`).
        snapshot_mb: MiB of disk for all of them, within which they lie further apart; 0 sets no
            limit.
        max_seconds: ends the run; 0 sets no limit.
        target_val_loss: ends the run once validation is at or below it; 0 sets none.
        threads: CPU threads; 0 leaves them as they are.
    """

    name: str = "run"
    data: str = WORLD
    data_tokens: int = 1_000_000
    tokenizer: str = "bpe:1024"
    weights: str = ""
    tuning: Tuning = ""
    lora_rank: int = 8
    lora_alpha: float = 16.0
    lora_targets: str = ""
    objective: Objective = "text"
    dpo_beta: float = 0.1
    old_data: str = ""
    n_layers: int = 4
    n_heads: int = 4
    n_kv_heads: int = 0
    d_model: int = 128
    d_mlp: int = 0
    n_ctx: int = 128
    norm: NormKind = "layer"
    positions: Positions = "learned"
    activation: Activation = "gelu_tanh"
    gated: bool = False
    attention_bias: bool = True
    mlp_bias: bool = True
    tied_embeddings: bool = True
    dropout: float = 0.0
    rotary_base: float = 10_000.0
    qk_norm: bool = False
    norm_weights: bool = True
    embedding_norm: bool = False
    logit_cap: float = 0.0
    residual: bool = True
    mask: bool = True
    norms: bool = True
    init_std: float = 0.02
    zero_outputs: bool = False
    head_offsets: str = ""
    precision: Precision = "float32"
    batch_size: int = 16
    micro_batch: int = 0
    steps: int = 1000
    lr: float = 1e-3
    min_lr: float = 1e-4
    warmup_steps: int = 100
    schedule: Schedule = "cosine"
    lr_changes: str = ""
    weight_decay: float = 0.1
    optimiser: Optimiser = "adamw"
    matrix_lr: float = 0.02
    momentum: float = 0.95
    beta1: float = 0.9
    beta2: float = 0.99
    grad_clip: float = 1.0
    seed: int = 0
    eval_every: int = 100
    eval_batches: int = 20
    sample_every: int = 200
    sample_prompt: str = ""
    sample_tokens: int = 48
    snapshot_every: int = 100
    snapshot_early: bool = False
    snapshot_states: bool = False
    snapshot_mb: int = 0
    curves_every: int = 100
    watched: tuple[str, ...] = ()
    stop_when: tuple[str, ...] = ()
    max_seconds: float = 0.0
    target_val_loss: float = 0.0
    threads: int = 0

    def config(self, d_vocab: int) -> TransformerConfig:
        """The network's config for a vocabulary of this size."""
        return TransformerConfig(
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            n_kv_heads=self.n_kv_heads,
            d_model=self.d_model,
            d_mlp=self.d_mlp,
            d_vocab=d_vocab,
            n_ctx=self.n_ctx,
            norm=self.norm,
            positions=self.positions,
            activation=self.activation,
            gated=self.gated,
            qkv_bias=self.attention_bias,
            out_bias=self.attention_bias,
            mlp_bias=self.mlp_bias,
            tied_embeddings=self.tied_embeddings,
            dropout=self.dropout,
            rotary=Rotary(base=self.rotary_base) if self.positions == "rotary" else None,
            qk_norm=QKNorm() if self.qk_norm else None,
            norms=Norms(
                weight=self.norm_weights,
                bias=self.norm_weights or self.norm == "rms",  # of LayerNorms only
                embedding=self.embedding_norm,
            ),
            caps=Caps(logits=self.logit_cap or None),
        )

    def interventions(self, n_layers: int = 0) -> tuple[Intervention, ...]:
        """What of the network is taken away, also while it learns; mostly nothing.

        Args:
            n_layers: of the network, where it isn't the recipe's own but that of a tuned model.
        """
        found: list[Intervention] = []
        if not self.residual:
            found += [
                RemoveResidual(layer, part)
                for layer in range(n_layers or self.n_layers)
                for part in _PARTS
            ]
        if not self.mask:
            found.append(RemoveMask())
        if not self.norms:
            found.append(RemoveNorm())
        return tuple(found)

    @property
    def first_weights(self) -> FirstWeights:
        """How the network's first weights are drawn.

        Raises:
            RecipeError: ``head_offsets`` are no whole numbers.
        """
        try:
            offsets = tuple(int(word) for word in self.head_offsets.split(",") if word.strip())
        except ValueError:
            raise RecipeError(
                f"head_offsets is {self.head_offsets!r}; whole numbers with commas between are "
                "needed, for example 1,2,3."
            ) from None
        return FirstWeights(self.init_std, self.zero_outputs, offsets)

    def learning_rate(self, step: int) -> float:
        """The rate of update number ``step``, counted from 1."""
        rate = self.scheduled_rate(step)
        return rate * factor_at(self.lr_changes, step) if self.lr_changes else rate

    def with_rate(self, step: int, lr: float) -> Recipe:
        """The same, where update ``step`` has another rate and those after it in proportion.

        Raises:
            RecipeError: that is no rate.
        """
        scheduled = self.scheduled_rate(step)
        if not (math.isfinite(lr) and lr > 0 and scheduled > 0):
            ended = "." if scheduled > 0 else ", and the schedule has ended at 0."
            raise RecipeError(
                f"The learning rate of step {step:,} can't become {lr:g}: it must be above 0{ended}"
            )
        return replace(self, lr_changes=with_change(self.lr_changes, step, lr / scheduled))

    def scheduled_rate(self, step: int) -> float:
        """The same by the schedule alone, without what was changed while the run went."""
        if step <= self.warmup_steps:
            return self.lr * step / self.warmup_steps
        if self.schedule == "constant":
            return self.lr
        left = max(1, self.steps - self.warmup_steps)
        progress = min(1.0, (step - self.warmup_steps) / left)
        fall = (1 + math.cos(math.pi * progress)) / 2 if self.schedule == "cosine" else 1 - progress
        return self.min_lr + (self.lr - self.min_lr) * fall

    @property
    def bpe_size(self) -> int | None:
        """Vocabulary of a ``bpe:SIZE`` tokenizer, None for the others.

        Raises:
            RecipeError: what stands after ``bpe:`` is no size that can be trained.
        """
        if not self.tokenizer.startswith("bpe:"):
            return None
        size = self.tokenizer[4:]
        if not size.isdecimal() or int(size) < MIN_BPE_VOCAB:
            raise RecipeError(
                f"The tokenizer {self.tokenizer!r} needs a vocabulary of at least "
                f"{MIN_BPE_VOCAB} (256 bytes and a merge), for example bpe:1024."
            )
        return int(size)

    def validate(self) -> Recipe:
        """Itself, if it can be run.

        Raises:
            RecipeError: with one sentence on the first value that can't be right.
        """
        from model.train.recipe_checks import check  # which knows recipes

        check(self)
        return self

    def to_toml(self) -> str:
        """One ``key = value`` line for every choice."""
        return toml_table(asdict(self))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Recipe:
        """From parsed TOML; missing keys take their defaults.

        Raises:
            RecipeError: a key is unknown, or a value has the wrong type.
        """
        known = {field.name: get_type_hints(cls)[field.name] for field in fields(cls)}
        given: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                raise RecipeError(f"A recipe has no {key!r}.")
            if get_origin(known[key]) is tuple:
                given[key] = _words(key, value)
                continue
            wanted = known[key] if isinstance(known[key], type) else str
            if wanted is float and type(value) is int:
                value = float(value)
            if type(value) is not wanted:
                raise RecipeError(
                    f"{key} is {value!r}, which is a {type(value).__name__}; "
                    f"a {wanted.__name__} is needed."
                )
            given[key] = value
        return cls(**given)

    @classmethod
    def from_toml(cls, text: str) -> Recipe:
        """From TOML text, either keys at the top or a ``[recipe]`` table.

        Raises:
            RecipeError: it is no TOML, or no recipe.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"The recipe is not valid TOML: {error}.") from error
        return cls.from_mapping(values.get("recipe", values))

    @classmethod
    def from_file(cls, path: Path) -> Recipe:
        """From a TOML file, a run's ``run.toml`` too."""
        return cls.from_toml(path.read_text(encoding="utf-8"))


def _words(key: str, value: Any) -> tuple[str, ...]:
    """A list of strings.

    Raises:
        RecipeError: it is none.
    """
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise RecipeError(f"{key} is {value!r}; a list of strings is needed, as ['…', '…'].")
