"""Looking at checkpoints, opening and saving them; a model as the window sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.config import TransformerConfig
from model.messages.base import Request, Result
from model.preview import Preview
from model.tokenizer.tokens import continued, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewModel(Request):
    """Look at a checkpoint's config and headers only: `ModelPreviewed`, also where it can't open.

    Attributes:
        path: a folder or a file.
        device: where the weights would go, whose free memory counts.
        remembered: whether it was opened before: what is gone is said to be.
    """

    path: str
    device: str = "auto"
    remembered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModel(Request):
    """Open a checkpoint.

    Answered by any number of `OpeningProgressed`, then one of `ModelOpened`, `Cancelled` and
    `Failed`; after the last two the model that was open stays. Other requests are answered in
    between. Newest wins.

    Attributes:
        path: a folder or a file.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: of the weights in memory, "float32", "bfloat16" or "float16"; None takes the
            file's own if that fits, else a smaller one; and float32 for a half precision that the
            processor is slow at.
        remembered: as of `PreviewModel`.
        beside: to be compared with the model in view, which stays in view; one that was beside it
            before is let go of.
    """

    newest_wins: ClassVar[bool] = True

    path: str
    device: str = "auto"
    dtype: str | None = None
    remembered: bool = False
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBeside(Request):
    """Let go of the model that is compared with; where it was in view, `ModelOpened` follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowBeside(Request):
    """Bring the model that is compared with into view, or the other again: `ModelOpened`.

    Attributes:
        show: whether it comes into view.
    """

    newest_wins: ClassVar[bool] = True

    show: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveModel(Request):
    """Write the model in view (or copy its run folder) to a new folder: `Saved`.

    The next waits until the one before is done. `Cancel` leaves nothing behind.
    """

    finished_at_close: ClassVar[bool] = True

    path: str


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
class ModelStep:
    """A step of a training whose weights can be looked at.

    Attributes:
        step: its number.
        name: the full name of its folder, file or revision.
        path: where it is, as a whole path.
    """

    step: int
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that is open or training, as the window sees it.

    Attributes:
        model_id: counts up each time a model is opened or a training begins.
        name: short name for titles.
        path: the checkpoint's or run's file or folder, as a whole path.
        place: by what it is opened again: a whole path, or a name on a hub.
        run_dir: the run folder that it comes of; empty if it comes of none.
        log: where another program's log of its training lies; empty if none does.
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
        stored: how precise they are in its file; empty for a model that was made here.
        training: whether it is a model that is learning now.
        format: how it was stored: ``safetensors``, ``PyTorch``, ``nanoGPT``, ``minGPT``, ``GGUF``;
            empty for a model that was made here.
        notes: what a person should know of it, one sentence each.
        step: of the training that it comes of; None where that is not known, or it still learns.
        steps: those of the same training that lie beside it, in order; at least two, or none.
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
    place: str = ""
    run_dir: str = ""
    log: str = ""
    stored: str = ""
    step: int | None = None
    steps: tuple[ModelStep, ...] = ()

    @property
    def curve_path(self) -> str:
        """Where the curve of its training lies: a run folder or another program's log."""
        return self.run_dir or self.log

    @property
    def n_tokens(self) -> int:
        """How many ids there are."""
        return self.config.d_vocab

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
    """The model in view is now this one.

    Attributes:
        info: which.
        seconds: that opening it took.
        beside: it isn't in view, but beside the one that is, to be compared with it.
    """

    info: ModelInfo
    seconds: float
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Result):
    """A model or a run was written there."""

    path: str
