"""Proof that an opened model is the original: the largest difference of their logits.

The original is what transformers computes from the same checkpoint, in a process of its own; where
transformers is not installed, a file ``reference.safetensors`` beside the checkpoint that holds
what it computed elsewhere.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.checkpoint import transformers_process
from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import FAMILIES
from model.checkpoint.memory import free_bytes
from model.checkpoint.saving import save_checkpoint
from model.checkpoint.sources.hugging_face import find_weights, read_headers
from model.checkpoint.stored import INDEX, REFERENCE, SINGLE
from model.config import ConfigError
from model.preview import file_size
from model.tensor_file import write_tensors
from model.transformer import Transformer

if TYPE_CHECKING:
    from model.language_model import LanguageModel

N_TOKENS = 64
HOW_TO = (
    f"install transformers (pip install transformers), or put a {REFERENCE} beside the checkpoint "
    "(python -m model verify PATH --write-reference makes one where transformers is)"
)

# Rounding that two correct implementations may differ by, relative to the largest logit. At
# logits of up to 10 it is 1e-4 for float32.
_TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 4e-3,
    torch.bfloat16: 3e-2,
}
_LEAST_SCALE = 10.0
_MOST_SECONDS = 600
# Of a reference file: far above what a comparison needs.
_MOST_TOKENS = 4096
# The names under which transformers itself looks for weights.
_THEIR_WEIGHTS = (
    SINGLE,
    INDEX,
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


class VerifyError(Exception):
    """Nothing could be compared; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison found.

    Attributes:
        max_abs_logit_difference: the largest, over all tokens and all of the vocabulary; NaN if
            either side is not a number somewhere.
        tolerance: what may be rounding, for this dtype and logits this large.
        largest_logit: of the reference, by size.
        n_tokens: how many were run.
        compared: ``logits``, or ``last hidden state``.
        dtype: of both computations.
        against: what with, and its version.
        versions: of the libraries.
        notes: what a person should know.
        seconds: that it took.
    """

    max_abs_logit_difference: float
    tolerance: float
    largest_logit: float
    n_tokens: int
    compared: str
    dtype: str
    against: str
    versions: dict[str, str]
    notes: tuple[str, ...]
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether the difference is no more than rounding."""
        return self.max_abs_logit_difference <= self.tolerance


def verify(
    lm: LanguageModel, n_tokens: int = N_TOKENS, seed: int = 0, threads: int = 1
) -> Generator[str, None, Verification]:
    """Compare a model with its original, in slices.

    Closing the generator ends the child process and removes what was written.

    Args:
        lm: the model. In half precision rounding would hide much, so where memory allows both
            sides compute in float32, from the same half-precision weights.
        n_tokens: at most; fewer where the context is shorter.
        seed: the token ids are drawn with.
        threads: for transformers.

    Yields:
        What is being done, again and again without a pause: wait a little before the next. Only
        the model's own forward pass takes longer than a few milliseconds.

    Raises:
        VerifyError: nothing could be compared.
    """
    began = time.perf_counter()
    dtype = _computed_in(lm)
    original = yield from _original(lm, dtype, n_tokens, seed, threads)
    yield "running the model"
    network = lm.transformer if dtype is lm.dtype else _copied(lm.transformer, dtype)
    found = _compared(lm, network, original, began)
    notes = found.notes
    if dtype is not lm.dtype:
        notes = (
            *notes,
            f"Both computed in float32, from the {_name(lm.dtype)} weights; the model is open, and "
            f"what is drawn computed, in {_name(lm.dtype)}.",
        )
    if not found.equal:
        notes = (*notes, *_unlike(lm))
    return replace(found, notes=notes)


def _unlike(lm: LanguageModel) -> tuple[str, ...]:
    """Why transformers may compute otherwise: it may not build this network at all."""
    family = FAMILIES.get(lm.family)
    try:
        if family is not None:
            family.config_to_hf(lm.config)
    except (CheckpointError, ConfigError) as error:
        return (str(error),)
    return ()


@dataclass(frozen=True, slots=True)
class _Original:
    """What the other side computed, with the ids that it was given."""

    numbers: dict[str, Tensor]
    against: str
    versions: dict[str, str]
    notes: tuple[str, ...] = ()


def _original(
    lm: LanguageModel, dtype: torch.dtype, n_tokens: int, seed: int, threads: int
) -> Generator[str, None, _Original]:
    """What transformers computes; the reference file's numbers where it computes none."""
    path = None if lm.path is None else _folder_of(lm.path) / REFERENCE
    reference = path if path is not None and path.is_file() else None
    notes: tuple[str, ...] = ()
    if is_installed():
        try:
            return (yield from _from_transformers(lm, dtype, n_tokens, seed, threads))
        except VerifyError as error:
            if reference is None:
                raise
            notes = (f"Compared with the file, because {error}",)
    if reference is None:
        raise VerifyError(f"there is nothing to compare with: {HOW_TO}.")
    numbers, made_by = read_reference(reference, lm)
    against = f"{REFERENCE} ({made_by})" if made_by else REFERENCE
    return _Original(numbers, against, {"torch": torch.__version__}, notes)


def write_reference(
    lm: LanguageModel, n_tokens: int = N_TOKENS, seed: int = 0, threads: int = 1
) -> Generator[str, None, Path]:
    """Write what transformers computes beside the checkpoint, for machines that lack it.

    Raises:
        VerifyError: transformers is not there or can't load the model, or the disk refuses.
    """
    if lm.path is None:
        raise VerifyError("the model comes from no file, so that no reference can lie beside it.")
    if not is_installed():
        raise VerifyError(
            "a reference holds what transformers computes, and it is not installed: "
            "pip install transformers."
        )
    dtype = _computed_in(lm)
    original = yield from _from_transformers(lm, dtype, n_tokens, seed, threads)
    path = _folder_of(lm.path) / REFERENCE
    about = {
        "made_by": original.against,
        "weights": _name(lm.digits),
        "computed_in": _name(dtype),
    }
    try:
        write_tensors(path, original.numbers, about)
    except OSError as error:
        raise VerifyError(str(error)) from error
    return path


def is_installed() -> bool:
    """Whether transformers is there, without importing it."""
    return importlib.util.find_spec("transformers") is not None


# ------------------------------------------------------------------------------- transformers


def _from_transformers(
    lm: LanguageModel, dtype: torch.dtype, n_tokens: int, seed: int, threads: int
) -> Generator[str, None, _Original]:
    needed = lm.n_params * (lm.dtype.itemsize + (dtype.itemsize if dtype is not lm.dtype else 0))
    free = free_bytes()
    if needed > free:
        raise VerifyError(
            f"transformers would need {file_size(needed)} for its copy of the model, and "
            f"{file_size(free)} are free; close other programs."
        )
    with tempfile.TemporaryDirectory(prefix="glassformer-verify-") as made:
        place = Path(made)
        folder, notes = _for_transformers(lm, place / "theirs")
        yield "preparing"
        # Where padding may stand, some families count positions otherwise.
        left_out = _padding_ids(folder) | (lm.tokenizer.special_ids if lm.tokenizer else set())
        ids_BT = draw_ids(lm, n_tokens, seed, left_out)
        write_tensors(place / "ids.safetensors", {"input_ids": ids_BT}, {})
        out = place / "out.safetensors"
        how = [_name(lm.dtype), _name(dtype), lm.config.head, str(threads)]
        last = yield from _run(place, folder, how)
        if "lacks" in last and not notes:
            # Names that it does not know: what wrappers left, or parts without an index.
            folder, notes = _saved_anew(lm, place / "anew")
            last = yield from _run(place, folder, how)
        versions = last.get("versions")
        if "missing" in last:
            raise VerifyError(f"transformers is not whole here ({last['missing']}): {HOW_TO}.")
        if not isinstance(versions, dict):
            raise VerifyError(
                f"transformers can't load this model: {last.get('problem', 'it stopped')}."
            )
        with safe_open(out, framework="pt") as file:
            numbers = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return _Original(numbers, f"transformers {versions['transformers']}", versions, notes)


def _run(place: Path, folder: Path, how: list[str]) -> Generator[str, None, dict[str, Any]]:
    """Run the child process; yields what it says it does, returns its last line.

    Args:
        place: with the ids; its numbers go there.
        folder: of the checkpoint.
        how: dtypes, head and threads, as it takes them.
    """
    report = place / "report.jsonl"
    report.write_text("", encoding="utf-8")
    command = [sys.executable, "-P", transformers_process.__file__, str(folder)]
    command += [str(place / "ids.safetensors"), str(place / "out.safetensors"), str(report), *how]
    began = time.monotonic()
    doing = "starting transformers"
    errors = report.with_suffix(".errors")
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | {"PYTHONUTF8": "1"},
        )
        try:
            while process.poll() is None:
                if time.monotonic() - began > _MOST_SECONDS:
                    raise VerifyError(
                        f"transformers had no result after {_MOST_SECONDS // 60} minutes."
                    )
                doing = _last(report).get("what", doing)
                yield doing
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    last = _last(report)
    if not {"done", "problem", "missing"} & last.keys():
        said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        because = said[-1][:200] if said else f"exit status {process.returncode}"
        return {"problem": f"its process ended early ({because})"}
    return last


def _last(report: Path) -> dict[str, Any]:
    """The last whole line of the report."""
    lines = report.read_text(encoding="utf-8").split("\n")[:-1]
    return dict(json.loads(lines[-1])) if lines else {}


def _for_transformers(lm: LanguageModel, place: Path) -> tuple[Path, tuple[str, ...]]:
    """A folder that transformers reads: the checkpoint's own, or one made in an empty place."""
    own = None if lm.path is None else _theirs(lm.path, place)
    if own is not None:
        return own, ()
    return _saved_anew(lm, place)


def _saved_anew(lm: LanguageModel, place: Path) -> tuple[Path, tuple[str, ...]]:
    """The opened weights as transformers reads them, and what that leaves unproved."""
    try:
        save_checkpoint(place, lm.transformer, None, family=lm.family)
    except CheckpointError as error:
        raise VerifyError(f"transformers does not read this format, and {error}") from error
    note = (
        "transformers does not read this format; it was given the opened weights as a Hugging "
        "Face folder, so that the network is compared, but not the reading of the file."
    )
    return place, (note,)


def _theirs(path: Path, place: Path) -> Path | None:
    """A folder in which transformers finds the very weights that were opened; None without one.

    Args:
        path: that the checkpoint is known by.
        place: a folder to make, where transformers would take another file or none from the
            checkpoint's own: links to config and weights, under the names that it looks for.
    """
    folder = _folder_of(path)
    if not (folder / "config.json").is_file():
        return None
    try:
        weights = find_weights(folder) if path.is_dir() else path
        if weights.name == next((n for n in _THEIR_WEIGHTS if (folder / n).is_file()), None):
            return folder
        name = weights.name if weights.name in _THEIR_WEIGHTS else SINGLE
        if Path(name).suffix != weights.suffix:
            return None
        links = {"config.json": folder / "config.json", name: weights}
        if name.endswith(".json"):
            links |= {tensor.path.name: tensor.path for tensor in read_headers(weights).values()}
        place.mkdir()
        for link, file in links.items():
            (place / link).symlink_to(file.resolve())
    except (OSError, CheckpointError):  # Windows lets only some make links; a file may be gone
        shutil.rmtree(place, ignore_errors=True)
        return None
    return place


def _padding_ids(folder: Path) -> set[int]:
    try:
        hf = json.loads((folder / "config.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return set()
    found = hf.get("pad_token_id") if isinstance(hf, dict) else None
    # RoBERTa's, which its config need not name.
    return {1} | ({found} if isinstance(found, int) else set())


def draw_ids(lm: LanguageModel, n_tokens: int, seed: int, left_out: set[int]) -> Tensor:
    """Token ids ``[1, n]``, drawn evenly from the vocabulary without some."""
    d_vocab = lm.config.d_vocab
    usable = np.setdiff1d(np.arange(d_vocab), np.array(sorted(left_out), dtype=np.int64))
    if not len(usable):
        usable = np.arange(d_vocab)
    n = max(1, min(n_tokens, lm.config.n_ctx))
    drawn = np.random.default_rng(seed).choice(usable, n)
    return torch.from_numpy(drawn.astype(np.int64))[None]


# ---------------------------------------------------------------------------------- reference


def read_reference(path: Path, lm: LanguageModel) -> tuple[dict[str, Tensor], str]:
    """The numbers of a reference file and who made it; everything is checked before it is read.

    Raises:
        VerifyError: it is damaged, or belongs to another model.
    """
    name = "logits" if lm.config.has_logits else "last_hidden_state"
    width = lm.config.d_vocab if lm.config.has_logits else lm.config.d_model
    try:
        with safe_open(path, framework="pt", backend="pread") as file:
            shapes = {n: tuple(file.get_slice(n).get_shape()) for n in file.keys()}  # noqa: SIM118
            for needed in ("input_ids", name):
                if needed not in shapes:
                    raise VerifyError(
                        f"{path} holds no {needed!r}, so it is no reference for this."
                    )
            ids_shape = shapes["input_ids"]
            if len(ids_shape) != 2 or not 0 < ids_shape[0] * ids_shape[1] <= _MOST_TOKENS:
                raise VerifyError(f"{path}: input_ids have shape {list(ids_shape)}.")
            if shapes[name] != (*ids_shape, width):
                raise VerifyError(
                    f"{path}: {name} has shape {list(shapes[name])}, but this model gives "
                    f"{[*ids_shape, width]}; it belongs to another model."
                )
            numbers = {n: file.get_tensor(n) for n in ("input_ids", name)}
            about = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise VerifyError(f"{path} can't be read ({error}); write it anew.") from error
    weights = about.get("weights", "")
    if weights and weights not in (_name(lm.dtype), _name(lm.digits)):
        raise VerifyError(
            f"{path} was computed with {weights[:20]} weights; open the model in {weights[:20]} to "
            "compare with it."
        )
    return numbers, about.get("made_by", "")[:100]


# ----------------------------------------------------------------------------------- compare


def _computed_in(lm: LanguageModel) -> torch.dtype:
    """float32 for half precision, if two float32 copies more fit; else the model's own dtype."""
    if lm.dtype.itemsize >= 4:
        return lm.dtype
    needed = lm.n_params * (lm.dtype.itemsize + 2 * torch.float32.itemsize)
    return torch.float32 if needed < free_bytes() else lm.dtype


def _copied(transformer: Transformer, dtype: torch.dtype) -> Transformer:
    """The same network in another dtype, on the processor."""
    state = transformer.state_dict()
    copy = Transformer(transformer.config, empty=True)
    copy.adopt({name: tensor.detach().to("cpu", dtype) for name, tensor in state.items()})
    return copy.eval()


def _compared(
    lm: LanguageModel, network: Transformer, original: _Original, began: float
) -> Verification:
    numbers, notes = original.numbers, original.notes
    compared = "logits" if lm.config.has_logits else "last hidden state"
    theirs = numbers[compared.replace(" ", "_")].double()
    weights = network.embed.weight
    try:
        ids_BT = lm.ids(numbers["input_ids"]).to(weights.device)
        with torch.inference_mode():
            ours = network(ids_BT).cpu().double()
    except ValueError as error:
        raise VerifyError(f"the reference's tokens can't be run: {error}") from error
    if theirs.shape != ours.shape:
        raise VerifyError(
            f"its {compared} have shape {list(theirs.shape)}, the opened model's "
            f"{list(ours.shape)}: they are different networks."
        )
    largest = float(theirs.abs().max())
    if weights.device.type != "cpu":
        where = weights.device.type
        notes = (*notes, f"The opened model ran on {where}, transformers on the processor.")
    return Verification(
        max_abs_logit_difference=float((ours - theirs).abs().max()),
        tolerance=_TOLERANCE[weights.dtype] * max(_LEAST_SCALE, largest),
        largest_logit=largest,
        n_tokens=numbers["input_ids"].numel(),
        compared=compared,
        dtype=_name(weights.dtype),
        against=original.against,
        versions=original.versions,
        notes=notes,
        seconds=time.perf_counter() - began,
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _folder_of(path: Path) -> Path:
    return path if path.is_dir() else path.parent
