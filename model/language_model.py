"""A model with its tokenizer: what a script works with.

lm = open_model("path/to/checkpoint")
lm.generate("The king")
lm.trace("The king lost his crown.")["blocks.0.attn.hook_pattern"]

`model.open` is `open_model` here.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from model import parameters
from model.checkpoint.opening import OpeningSlice, as_dtype, opening
from model.config import TransformerConfig
from model.device import DeviceChoice, choose_device
from model.generate import Ending, drawn_ids, generate
from model.interventions import Intervention
from model.sampling import Sampling
from model.slices import finish, retold
from model.tokenizer.tokenizer import Tokenizer
from model.tokenizer.tokens import Token
from model.trace import Trace, record, state_of
from model.transformer import Tap, Transformer

if TYPE_CHECKING:
    from model.bench import Bench
    from model.probe.question import Answer, Question

TextOrIds: TypeAlias = "str | Sequence[int] | Sequence[Sequence[int]] | Tensor"


def open_model(
    path: str | Path, device: str = "auto", dtype: torch.dtype | str | None = None
) -> LanguageModel:
    """Open a checkpoint.

    Args:
        path: a Hugging Face folder, one of its files, a run folder, nanoGPT's or minGPT's
            checkpoint, or a GGUF file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        dtype: of the weights in memory, or its name; None takes the file's own if that fits, else
            a smaller; and float32 for a half precision that the processor is slow at.

    Raises:
        ValueError: there is no dtype of that name.
        CheckpointError: the checkpoint can't be opened.
        HubError: the hub does not give it.
        DeviceError: the device can't be used.
    """
    return finish(opening_model(path, device, dtype))


def opening_model(
    path: str | Path,
    device: str = "auto",
    dtype: torch.dtype | str | None = None,
    *,
    in_own_process: bool = False,
) -> Generator[OpeningSlice, None, LanguageModel]:
    """The same in slices: between two, other things can be done, or it can be given up.

    Args:
        path, device, dtype: as of `open_model`.
        in_own_process: whether a large tokenizer is built in a process of its own.
    """
    wanted = as_dtype(dtype)
    choice = choose_device(device)
    place = yield from _fetched(path)
    checkpoint = yield from opening(place, wanted, choice.name, in_own_process=in_own_process)
    return LanguageModel(
        checkpoint.transformer,
        checkpoint.tokenizer,
        checkpoint.path,
        checkpoint.family,
        choice,
        checkpoint.format,
        checkpoint.notes,
        checkpoint.end_ids,
        checkpoint.stored,
        widened=checkpoint.widened,
    )


def _fetched(path: str | Path) -> Generator[OpeningSlice, None, str | Path]:
    """Where a path's files are: itself, or for a name on a hub the cache that they come into."""
    from model.hub import fetching, is_hub_name

    if not is_hub_name(str(path)):
        return path
    return (
        yield from retold(
            fetching(str(path)),
            lambda at: OpeningSlice(at.done_bytes, at.total_bytes, at.what),
        )
    )


class LanguageModel:
    """A network, its tokenizer, and where they came from.

    Args:
        transformer: the network, on ``device``.
        tokenizer: None where only ids can be run.
        path: the folder or file that it was read from, or None if it was made here.
        family: config.json's model_type.
        device: where it computes, and why there.
        format: how it was stored; empty if it was made here.
        notes: what a person should know of it, one sentence each.
        end_ids: ids that end a text, as the files beside the weights say.
        stored: the dtype that loses no digit of what its file stores; None if it was made here.
        widened: whether it was opened in a wider one without anybody having asked.
    """

    def __init__(
        self,
        transformer: Transformer,
        tokenizer: Tokenizer | None,
        path: Path | None,
        family: str,
        device: DeviceChoice,
        format: str = "",
        notes: tuple[str, ...] = (),
        end_ids: tuple[int, ...] = (),
        stored: torch.dtype | None = None,
        *,
        widened: bool = False,
    ) -> None:
        self.transformer = transformer
        self.tokenizer = tokenizer
        self.path = path
        self.family = family
        self.device = device
        self.format = format
        self.notes = notes
        self.end_ids = end_ids
        self.stored = stored
        self.widened = widened
        self._bench: Bench | None = None
        self._asked_at: object = None

    def at(self, transformer: Transformer, path: Path | None) -> LanguageModel:
        """The same with the weights of another step of its training, and where they are."""
        if transformer is self.transformer:
            return self
        other = copy.copy(self)
        other.transformer, other.path = transformer, path
        other._bench = other._asked_at = None
        return other

    @property
    def config(self) -> TransformerConfig:
        """Sizes and choices."""
        return self.transformer.config

    @property
    def ends(self) -> frozenset[int]:
        """Every id after which a text is over.

        Those that the checkpoint names, as transformers' `generate` takes them, and the one that
        the tokenizer's settings name, which many files leave it to. Where neither says anything,
        the tokenizer's token of a name that is known to end texts.
        """
        tokenizer = self.tokenizer
        named = None if tokenizer is None else tokenizer.named_end
        ends = {*self.end_ids, *(() if named is None else (named,))}
        if not ends and tokenizer is not None and tokenizer.end_of_text is not None:
            ends = {tokenizer.end_of_text}
        return frozenset(ends)

    @property
    def n_params(self) -> int:
        """Number of parameters, counted on the tensors; tied ones once."""
        return sum(p.numel() for p in self.transformer.parameters())

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.transformer.embed.weight.dtype

    @property
    def digits(self) -> torch.dtype:
        """The narrowest dtype that holds the weights: the file's, where they are open wider."""
        if self.stored is not None and torch.promote_types(self.stored, self.dtype) is self.dtype:
            return self.stored
        return self.dtype

    @property
    def dtype_to_save(self) -> torch.dtype:
        """In which it is saved: where it was widened unasked, that of its own file."""
        return self.digits if self.widened else self.dtype

    @property
    def embedding(self) -> Tensor:
        """W_E, ``[d_vocab, d_model]``: a view of the live weights."""
        return self.parameter("W_E")

    def parameter(self, name: str) -> Tensor:
        """A weight under its TransformerLens name, for example ``blocks.0.attn.W_Q``.

        A view of the live weights, in TransformerLens' shape.

        Raises:
            KeyError: there is none of that name.
        """
        return parameters.parameter(self.transformer, name)

    def ids(self, text_or_ids: TextOrIds) -> Tensor:
        """Token ids as the network reads them, ``[batch, position]``, int64, on its device.

        Args:
            text_or_ids: a text; a list of ids; a list of equally long lists; or a tensor
                ``[position]`` or ``[batch, position]``.

        Raises:
            ValueError: no tokens, lists of different lengths, an id outside the vocabulary, more
                tokens than the context, or a text where there is no tokenizer.
        """
        if isinstance(text_or_ids, str):
            return self._encode(text_or_ids)[0]
        return self._checked(text_or_ids)

    def logits(self, text_or_ids: TextOrIds) -> Tensor:
        """The scores of every token, by the fast path, ``[batch, position, d_vocab]``.

        Raises:
            ValueError: the network has no head that scores tokens.
        """
        if not self.config.has_logits:
            raise ValueError(NO_HEAD)
        with torch.inference_mode():
            logits_BTV: Tensor = self.transformer(self.ids(text_or_ids))
        return logits_BTV

    def trace(
        self,
        text_or_ids: TextOrIds,
        names: str | Iterable[str] | None = None,
        tap: Tap | None = None,
        *,
        interventions: Iterable[Intervention] = (),
        lazy: bool = False,
    ) -> Trace:
        """Run the network and record it; see `model.trace.record`.

        Args:
            text_or_ids: as of `ids`.
            names: which activations; None for all.
            tap: sees every activation and may change it.
            interventions: what is cut, scaled or taken away (`model.interventions`).
            lazy: compute activations when they are read, or beside the fast path those named.
        """
        tokens: tuple[Token, ...] | None = None
        if isinstance(text_or_ids, str):
            ids_BT, tokens = self._encode(text_or_ids)
        else:
            ids_BT = self.ids(text_or_ids)
        trace = record(self.transformer, ids_BT, names, tap, interventions, lazy)
        trace.tokens = tokens
        return trace

    def ask(
        self,
        text_or_ids: TextOrIds,
        question: Question,
        interventions: Iterable[Intervention] = (),
        *,
        beside: Sequence[LanguageModel] = (),
    ) -> Answer:
        """The whole answer to a question about a text, as the window draws it.

            from model.probe.routes.asks import Routes

            found = lm.ask("The king lost his crown.", Routes(position=-1, threshold=0.2))
            found.arrays()["weight"].columns()

        What is kept of a text for the next takes at most 128 MB, and is forgotten where weights
        have changed.

        Args:
            text_or_ids: as of `ids`; one sequence.
            question: of one of `model.probe`; a negative position, layer or head counts from the
                end.
            interventions: what is cut, scaled or taken away (`model.interventions`).
            beside: other models that the question is about, by the numbers 1, 2, …; this one is 0.

        Raises:
            ValueError: there is no such position, layer or head; more than one sequence; an
                intervention does not fit the network.
            KeyError: the network lacks an activation that is asked for.
        """
        from model.bench import Bench
        from model.probe.answering import fitted, whole_answer
        from model.subject import Subject

        ids_BT = self.ids(text_or_ids)
        if ids_BT.shape[0] != 1:
            raise ValueError(f"Questions are about one sequence at a time, not {ids_BT.shape[0]}.")
        subject = Subject(0, None, tuple(ids_BT[0].tolist()), tuple(interventions))
        weights = state_of(self.transformer)
        if self._bench is None or self._asked_at != weights or beside:
            self._bench, self._asked_at = Bench(_KEPT_FOR_QUESTIONS), weights
            self._bench.hold(0, weakref.proxy(self))  # a cycle would keep the weights for long
        bench = self._bench
        for number, other in enumerate(beside, start=1):
            bench.hold(number, other)
        if beside:
            self._bench = None  # it would keep the others
        return whole_answer(fitted(question, self.config, subject.n_tokens), subject, bench)

    def stream(
        self,
        prompt: TextOrIds,
        max_new_tokens: int = 50,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
        use_cache: bool = True,
        min_p: float = 0.0,
    ) -> Generator[int, None, Ending]:
        """Generated ids one by one, as they are drawn; see `model.generate.generate`.

        A token that ends a text (`ends`) comes last. What can't
        be generated is refused here, not at the first token.
        """
        ids_BT = self.ids(prompt)
        if ids_BT.shape[0] != 1:
            raise ValueError(f"One prompt at a time can be continued, not {ids_BT.shape[0]}.")
        if self.config.no_continuation:
            raise ValueError(self.config.no_continuation)
        if max_new_tokens < 0:
            raise ValueError(f"There can't be {max_new_tokens} new tokens; 0 or more can.")
        steps = generate(
            self.transformer,
            ids_BT[0].tolist(),
            max_new_tokens,
            Sampling(temperature, top_k, top_p, min_p),
            np.random.default_rng(seed),
            use_cache,
            self.ends,
        )
        return drawn_ids(steps, ids_BT[0].tolist(), self.first_not_finite)

    def first_not_finite(
        self, text_or_ids: TextOrIds, interventions: Iterable[Intervention] = ()
    ) -> str:
        """The first operation that is not finite, and what to do; empty where all is finite."""
        from model.probe.not_finite.asks import NotFinite, NotFiniteFound

        found = self.ask(text_or_ids, NotFinite(), interventions)
        assert isinstance(found, NotFiniteFound)
        return found.sentence

    def generate(
        self,
        prompt: TextOrIds,
        max_new_tokens: int = 50,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
        use_cache: bool = True,
        min_p: float = 0.0,
    ) -> str:
        """The text that follows the prompt, which is not repeated.

        Args:
            prompt: a text, or ids.
            max_new_tokens: tokens at most; an end-of-text token ends earlier, and so does a full
                context.
            temperature: from 0 (greedy) to 10.
            top_k: draw from the k likeliest only; 0 draws from all.
            top_p: draw from the fewest tokens that hold this probability; 1 draws from all.
            seed: makes it repeatable.
            use_cache: keep keys and values of earlier tokens.
            min_p: draw only from tokens at least this share as likely as the likeliest; 0: all.
        """
        if self.tokenizer is None:
            raise ValueError(_NO_TOKENIZER)
        before = self.ids(prompt)
        how = (temperature, top_k, top_p, seed, use_cache, min_p)
        ids = list(self.stream(before, max_new_tokens, *how))
        if ids and ids[-1] in self.ends:
            ids.pop()
        return self.tokenizer.decode_after(before[0].tolist(), ids)

    def _encode(self, text: str) -> tuple[Tensor, tuple[Token, ...]]:
        if self.tokenizer is None:
            raise ValueError(_NO_TOKENIZER)
        encoding = self.tokenizer.encode(text)
        return self._checked(encoding.ids), encoding.tokens

    def _checked(self, ids: Sequence[int] | Sequence[Sequence[int]] | Tensor) -> Tensor:
        if isinstance(ids, Tensor):
            ids_BT = ids
        else:
            if not isinstance(ids, Iterable):
                raise ValueError(f"These are no token ids: {ids!r}; a list of them is.")
            lengths = {len(row) for row in ids if isinstance(row, Sequence)}
            if len(lengths) > 1:
                raise ValueError(
                    f"The sequences have different lengths ({', '.join(map(str, sorted(lengths)))} "
                    "tokens); sequences of a batch must be equally long."
                )
            try:
                ids_BT = torch.tensor(ids)
            except (TypeError, ValueError, RuntimeError) as error:
                raise ValueError(f"These are no token ids: {str(ids)[:60]}.") from error
        if ids_BT.numel() == 0:
            raise ValueError("There is no token to run: the prompt is empty.")
        if ids_BT.is_floating_point() or ids_BT.is_complex() or ids_BT.dtype == torch.bool:
            raise ValueError(f"Token ids are whole numbers, not {ids_BT.dtype}.")
        if ids_BT.ndim == 1:
            ids_BT = ids_BT[None]
        if ids_BT.ndim != 2:
            raise ValueError(f"Ids have shape {list(ids_BT.shape)}; [batch, position] fits.")
        low, high = int(ids_BT.min()), int(ids_BT.max())
        if low < 0 or high >= self.config.d_vocab:
            raise ValueError(
                f"Token id {low if low < 0 else high} is outside the vocabulary of "
                f"{self.config.d_vocab} tokens (0 to {self.config.d_vocab - 1})."
            )
        if ids_BT.shape[1] > self.config.n_ctx:
            raise ValueError(
                f"{ids_BT.shape[1]} tokens are more than the model's context of "
                f"{self.config.n_ctx}; shorten the text."
            )
        return ids_BT.to(device=self.device.name, dtype=torch.long)


_KEPT_FOR_QUESTIONS = 128 * 2**20
NO_HEAD = "This model has no language-model head: it gives vectors, no scores of tokens."
_NO_TOKENIZER = "This checkpoint has no tokenizer, so only token ids can be run, no text."
