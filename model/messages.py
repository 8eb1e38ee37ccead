"""What crosses the border between the window and the engine: requests in, results out.

Frozen dataclasses of plain values, names and read-only NumPy arrays; no tensor, no torch, no
Qt. Every result carries the id of the request that it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.config import TransformerConfig
from model.preview import Preview
from model.probe.matrix_layout import MatrixLayout
from model.sampling import Sampling
from model.tokens import Token, continued, visible
from model.train.events import Event
from model.train.recipe import Recipe

_next_id = count(1).__next__
Array = NDArray[np.floating[Any]]
GenerationEnd = Literal["length", "end_of_text", "context", "cancelled"]


# ---------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something the window wants done. ``id`` is unique in the process."""

    id: int = field(default_factory=_next_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewModel(Request):
    """Look at a checkpoint's config and headers only: `ModelPreviewed`, also where it can't open.

    Attributes:
        path: a folder or a file.
        device: where the weights would go, whose free memory counts.
    """

    path: str
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModel(Request):
    """Open a checkpoint.

    Answered by any number of `OpeningProgressed`, then one of `ModelOpened`, `Cancelled` and
    `Failed`; after the last two the model that was open stays. Other requests are answered in
    between. A newer one cancels an older one.

    Attributes:
        path: a folder or a file.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: of the weights in memory, "float32", "bfloat16" or "float16"; None takes the
            file's own if that fits, else a smaller one.
    """

    path: str
    device: str = "auto"
    dtype: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrace(Request):
    """Run the prompt through the model and record it.

    Answered by `TraceReady` or `PromptRefused`. A newer one replaces an older one that has not
    begun.

    Attributes:
        text: the prompt, where the model has a tokenizer.
        ids: the prompt as token ids instead.
    """

    text: str = ""
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchActivation(Request):
    """One activation that was too large to come with the trace: `ActivationReady`."""

    name: str
    text: str = ""
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVocabulary(Request):
    """The whole table of token vectors on its first principal axes: `VocabularyProjected`.

    Newest wins.
    """

    matrix: Literal["W_E", "W_U"] = "W_E"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNeighbours(Request):
    """Tokens near a signed sum of token vectors, by cosine: `NeighboursFound`. Newest wins.

    Attributes:
        terms: (sign, token id), for example ((1, king), (-1, man), (1, woman)).
        k: how many.
    """

    terms: tuple[tuple[int, int], ...]
    k: int = 12
    matrix: Literal["W_E", "W_U"] = "W_E"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate(Request):
    """Continue a prompt token by token.

    Answered by `TokenGenerated` for each and one `GenerationFinished`. Stopped by `Cancel`; a new
    `Generate` cancels the old one.
    """

    text: str = ""
    ids: tuple[int, ...] | None = None
    max_new_tokens: int = 50
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Request):
    """Stop the request of that id, if it runs or waits.

    A generation answers with `GenerationFinished`, everything else with `Cancelled`.
    """

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTraining(Request):
    """Train a new model by a recipe in a new run folder.

    Answered by `TrainingStarted`, then `TrainingProgressed` many times, the last with a terminal
    event.

    Attributes:
        recipe: what to train, on what, how long.
        run_dir: folder to write; must not exist.
        follow: whether prompt, embedding space and all panes follow the model while it learns.
        begin_paused: wait before the first step.
    """

    recipe: Recipe
    run_dir: str
    follow: bool = True
    begin_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTraining(Request):
    """Pause, resume, do one step (and stay paused), or stop the run that is going."""

    action: Literal["pause", "resume", "step", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowTraining(Request):
    """Whether traces are taken of the model that is training (True) or of the open one."""

    follow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveModel(Request):
    """Write the model in view (or copy its run folder) to a new folder: `Saved`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyModel(Request):
    """Compare the open model with its original: `ModelVerified`, with `Progress` before it.

    Stopped by `Cancel`; a newer one replaces one that is going.

    Attributes:
        n_tokens: how many to run; fewer where the context is shorter.
        seed: they are drawn with.
    """

    n_tokens: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWeights(Request):
    """Every parameter tensor of the model in view, by name: `WeightsListed`. Newest wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeWeights(Request):
    """Figures of parameter tensors, in this order: `WeightsDescribed`, in bundles. Newest wins."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamineWeight(Request):
    """One parameter tensor in detail: `WeightExamined`. Newest wins.

    Attributes:
        name: its TransformerLens name.
        part: index on the first of three axes (a head, an expert), or None for all of it.
        rows, columns: of its matrix (`model.probe.matrix_layout`), first and one past the last;
            None for all.
        most_cells: the most rows and columns that its picture may have.
        n_bins: of its histogram.
    """

    name: str
    part: int | None = None
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None
    most_cells: tuple[int, int] = (512, 512)
    n_bins: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSingularValues(Request):
    """All singular values of a parameter's matrix, or of one part of it.

    Answered by `SingularValuesFound`, with `SingularValuesProgressed` before it where it takes
    longer than half a second. Stopped by `Cancel`. Newest wins.
    """

    name: str
    part: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetThreads(Request):
    """How many threads torch may use."""

    n: int


# ----------------------------------------------------------------------------- results


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An answer. ``request_id`` is the id of the request."""

    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReady(Result):
    """Torch is imported and the worker takes requests.

    Attributes:
        torch_version, device, device_why: what runs and why there.
        threads: how many threads torch uses.
        seconds: how long the import took.
    """

    torch_version: str
    device: str
    device_why: str
    threads: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Result):
    """A request that could not be done; nothing else changed.

    Attributes:
        message: one or two plain sentences: what is wrong and what to do.
        details: the traceback, for the "Details" button; may be empty.
        request: the request itself.
    """

    message: str
    details: str = ""
    request: Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Result):
    """How far a long request is. ``total`` 0 means unknown."""

    what: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Result):
    """The request was stopped, or there was nothing of it to stop: nothing more comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPreviewed(Result):
    """What a checkpoint is, as far as config and headers tell."""

    preview: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningProgressed(Result):
    """How far an opening is.

    Attributes:
        done_bytes, total_bytes: of the files' weights; a total of 0 means unknown.
        what: what is being done, for example "reading model.safetensors".
    """

    done_bytes: int
    total_bytes: int
    what: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that is open or training, as the window sees it.

    Attributes:
        model_id: counts up each time a model is opened or a training begins.
        name: short name for titles.
        path: the checkpoint's or run's folder.
        family: for example ``gpt2``.
        config: sizes and choices.
        n_params: parameters, tied ones once.
        parameters: by part (embedding, attention, mlp, norm, unembedding).
        tokenizer: what kind, or "none: type token ids".
        vocabulary: the bytes of each token, indexed by id.
        special_ids: ids that stand for no text.
        continuing_ids: ids of tokens that go on with the word before them (``##ing``).
        mask_id: the id that a masked language model is asked to fill in, if there is one.
        device, device_why, dtype: where the weights lie, why, and how precise they are.
        training: whether it is a model that is learning now.
        format: how it was stored: ``safetensors``, ``PyTorch``, ``nanoGPT``, ``minGPT``, ``GGUF``;
            empty for a model that was made here.
        notes: what a person should know of it, one sentence each.
    """

    model_id: int
    name: str
    path: str
    family: str
    config: TransformerConfig
    n_params: int
    parameters: Mapping[str, int]
    tokenizer: str
    vocabulary: tuple[bytes, ...]
    special_ids: frozenset[int]
    device: str
    device_why: str
    dtype: str
    training: bool = False
    format: str = ""
    notes: tuple[str, ...] = ()
    continuing_ids: frozenset[int] = frozenset()
    mask_id: int | None = None

    def token_text(self, token_id: int) -> str:
        """A token as the window writes it, whitespace and partial characters visible."""
        raw = self.vocabulary[token_id] if 0 <= token_id < len(self.vocabulary) else b""
        if not raw:
            return f"‹{token_id}›"
        return continued(visible(raw)) if token_id in self.continuing_ids else visible(raw)

    def find_token(self, word: str) -> int | None:
        """The id of a word that is one token, None if it is none.

        With a leading space if there is such a token, else without.
        """
        for candidate in (" " + word, word):
            raw = candidate.encode("utf-8", "surrogatepass")
            if raw in self.vocabulary:
                return self.vocabulary.index(raw)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOpened(Result):
    """The model in view is now this one."""

    info: ModelInfo
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReady(Result):
    """A prompt's way through the model.

    Attributes:
        model_id: of which model.
        step: the training step of the weights, None for a model that isn't training.
        text: the prompt as it was run.
        tokens: one per position.
        activations: name -> read-only array with its batch dimension, float32 (shapes:
            `model.operations`); aliases too. Includes ``input_ids`` and ``logits``.
        left_out: names that did not fit; `FetchActivation` gets them one by one.
        notes: sentences for the person, for example where the text was cut.
        truncated_at: index of the first character that was cut off, or None.
        seconds: measured time of the traced forward pass.
        n_bytes: bytes of the text that was run.
    """

    model_id: int
    step: int | None
    text: str
    tokens: tuple[Token, ...]
    activations: Mapping[str, Array]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    truncated_at: int | None = None
    seconds: float = 0.0
    n_bytes: int = 0

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)

    @property
    def logits(self) -> Array:
        """``[T, V]``: without the batch dimension. A network without a head has none."""
        return self.activations["logits"][0]

    def pattern(self, layer: int) -> Array | None:
        """``[H, Q, S]`` of one layer, or None if it was left out."""
        array = self.activations.get(f"blocks.{layer}.attn.hook_pattern")
        return None if array is None else array[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRefused(Result):
    """A prompt that can't be run (empty, not ids, …), with what to do about it."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationReady(Result):
    """One activation, with its batch dimension."""

    model_id: int
    name: str
    array: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyProjected(Result):
    """Exact principal components of a table of token vectors.

    Attributes:
        model_id, step: of which weights.
        matrix: which table.
        points: ``[V, 3]`` float32, the centred table on its first three axes.
        axes: ``[3, D]`` float32, orthonormal; signs and order follow the projection before,
            while a model is training, so that the cloud doesn't flip.
        mean: ``[D]`` float32.
        variance_kept: ``[3]``, each axis' share of the table's variance.
        norms: ``[V]`` lengths of the vectors.
    """

    model_id: int
    step: int | None
    matrix: str
    points: Array
    axes: Array
    mean: Array
    variance_kept: Array
    norms: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursFound(Result):
    """Tokens by cosine to a signed sum of vectors, nearest first.

    Attributes:
        terms: the sum.
        ids, cosines: the k nearest, the terms' own tokens included.
        own: for each of ``ids``, whether it is one of the terms' tokens: an analogy is read
            with and without them.
    """

    model_id: int
    step: int | None
    matrix: str
    terms: tuple[tuple[int, int], ...]
    ids: tuple[int, ...]
    cosines: tuple[float, ...]
    own: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGenerated(Result):
    """One more token.

    Attributes:
        token_id: the token.
        text: everything generated so far, decoded (a partial character may be pending).
        probability: with which it was drawn, under the sampling that was asked for.
        index: 0 for the first.
    """

    token_id: int
    text: str
    probability: float
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationFinished(Result):
    """Why it ended: length, end of text, the context is full, cancelled."""

    reason: GenerationEnd
    text: str
    n_tokens: int
    tokens_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted(Result):
    """A run has begun; its model is ``info`` (in view if it is followed)."""

    info: ModelInfo
    recipe: Recipe
    run_dir: str
    follow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgressed(Result):
    """What happened since the last one; no loss point is ever dropped."""

    events: tuple[Event, ...]
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogyMeasured(Result):
    """How far "king - man + woman = queen" has come true in the model that learns.

    Attributes:
        step: of which weights.
        rank: of queen by cosine, the three input words excluded; 1 is nearest.
        rank_all_words: the same with no word excluded.
        share: of all ordered pairs of gendered pairs, how many are right at rank 1 (three
            excluded); ``n`` is how many there are.
    """

    step: int
    expression: str
    rank: int
    rank_all_words: int
    share: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVerified(Result):
    """How far the open model's numbers are from those of its original.

    Attributes:
        model_id: of which model.
        max_abs_logit_difference: the largest over all tokens and all of the vocabulary; None
            where nothing could be compared.
        tolerance: up to which the difference is rounding, for this dtype and logits this large.
        n_tokens: how many were run.
        compared: ``logits``, or ``last hidden state`` of an encoder without a head.
        dtype: in which both were computed.
        against: for example ``transformers 5.2.0``, or ``reference.safetensors``.
        notes: what a person should know, for example that the weights were converted first.
        seconds: that it took.
        problem: why nothing could be compared, and what to do; None if it was.
    """

    model_id: int
    max_abs_logit_difference: float | None
    tolerance: float = 0.0
    n_tokens: int = 0
    compared: str = "logits"
    dtype: str = ""
    against: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    problem: str | None = None

    @property
    def equal(self) -> bool:
        """Whether the difference is no more than rounding; NaN is not."""
        difference = self.max_abs_logit_difference
        return difference is not None and difference <= self.tolerance

    @property
    def line(self) -> str:
        """One line for a badge."""
        if self.max_abs_logit_difference is None:
            return f"not verified: {self.problem}"
        what = "logit" if self.compared == "logits" else "output"
        verb = "equals" if self.equal else "differs from"
        size = f"{self.max_abs_logit_difference:.1g}".replace("e-0", "e-")
        other = self.against.partition(" ")[0]
        return f"{verb} {other}: max |Δ {what}| {size} over {self.n_tokens} tokens"


@dataclass(frozen=True, slots=True)
class WeightTensor:
    """A parameter tensor, without its numbers.

    Attributes:
        name: under TransformerLens' convention, for example ``blocks.0.attn.W_Q``.
        shape: TransformerLens', which may differ from the file's.
        dtype: in memory.
        layer: index of its block, or None outside the blocks.
        part: embedding, attention, mlp, norm or unembedding.
        tied_to: the parameter whose numbers these are too, seen another way; empty if its own.
        in_file: name of the tensor in a Hugging Face file that holds these numbers (several
            with commas); empty where it is not known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    layer: int | None
    part: str
    tied_to: str = ""
    in_file: str = ""

    @property
    def n(self) -> int:
        """How many numbers."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsListed(Result):
    """Every parameter tensor of a model, in the order in which the operations read them."""

    model_id: int
    tensors: tuple[WeightTensor, ...]


@dataclass(frozen=True, slots=True)
class WeightFigures:
    """Of the numbers in a tensor that are finite (NaN where none is).

    Attributes:
        name: of the tensor.
        n: how many numbers.
        mean, std, low, high: std is the population's.
        n_zeros: how many are exactly 0.
        norm: square root of the sum of squares.
        n_not_finite: how many are NaN or infinite.
    """

    name: str
    n: int
    mean: float
    std: float
    low: float
    high: float
    n_zeros: int
    norm: float
    n_not_finite: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsDescribed(Result):
    """Figures of some tensors; ``done`` of ``total`` of the request are known by now.

    Attributes:
        model_id, step: of which weights.
        seconds: of work for this request until now.
    """

    model_id: int
    step: int | None
    figures: tuple[WeightFigures, ...]
    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightExamined(Result):
    """One parameter tensor in detail, or the part that was asked for.

    Attributes:
        model_id, step: of which weights.
        name, layout: of the tensor, and how it lies as a matrix.
        mean, std, low, high, rms, n, n_not_finite: of its numbers (of the part, if one was asked
            for); low and high are the outer edges of the histogram.
        counts: ``[n_bins]`` int64, numbers in equal bins from low to high.
        rows, columns: the window of the matrix that is pictured.
        block: rows and columns of the matrix to a cell of the picture.
        values: ``[R, C]``, of each cell the number farthest from 0 in its block, as it stands.
        value_rows, value_columns: ``[R, C]``, where in the matrix that number stands.
        seconds: of work.
    """

    model_id: int
    step: int | None
    name: str
    layout: MatrixLayout
    mean: float
    std: float
    low: float
    high: float
    rms: float
    n: int
    n_not_finite: int
    counts: NDArray[np.integer[Any]]
    rows: tuple[int, int]
    columns: tuple[int, int]
    block: tuple[int, int]
    values: Array
    value_rows: NDArray[np.integer[Any]]
    value_columns: NDArray[np.integer[Any]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SingularValuesProgressed(Result):
    """How far the singular values are: a share of 1."""

    model_id: int
    name: str
    part: int | None
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SingularValuesFound(Result):
    """All singular values of a matrix.

    Attributes:
        values: ``[n]`` float64, largest first.
        effective_rank: exp of the entropy of their shares (Roy and Vetterli 2007).
    """

    model_id: int
    step: int | None
    name: str
    part: int | None
    values: Array
    effective_rank: float
    seconds: float


WeightsResult: TypeAlias = (
    WeightsListed
    | WeightsDescribed
    | WeightExamined
    | SingularValuesProgressed
    | SingularValuesFound
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Result):
    """A model or a run was written there."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Result):
    """What the worker is doing, for the status bar: idle, opening, training."""

    what: str
