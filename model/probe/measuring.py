"""From a metric's words to tokens, and from scores to its number.

Knows the tokenizer and scores; no network and no position. Shape suffixes: B variants, V'
tokens that are scored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from model.bench import Bench
from model.probe.metric import Metric
from model.probe.not_finite.compute import first_not_finite
from model.probe.question import ProbeError, TokenId
from model.subject import Subject
from model.tokenizer.tokenizer import Tokenizer
from model.tokenizer.tokens import visible

Kind = Literal["logit difference", "logit", "log probability", "probability", "KL divergence"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number made of scores.

    Attributes:
        kind: which one; logarithms are natural.
        target: id of the token that it is about; of a divergence, of the likeliest one of what it
            is measured from.
        against: id of the token that a difference is taken with; None in all other kinds.
        from_V: log probabilities, float64, that a divergence is measured from; None in all other
            kinds.
    """

    kind: Kind
    target: int
    against: int | None = None
    from_V: Tensor | None = field(default=None, compare=False, repr=False)

    def ids(self, like: Tensor) -> Tensor | None:
        """The tokens whose scores it needs, on a tensor's device; None for all of them."""
        if self.kind not in ("logit difference", "logit"):
            return None
        ids = [self.target] if self.against is None else [self.target, self.against]
        return torch.tensor(ids, device=like.device)

    def of(self, scores_BV: Tensor) -> Tensor:
        """The number of each variant, from the scores of `ids`, ``[B]``, float64."""
        # Sums of a vocabulary in half precision would be wrong in the third digit; and not every
        # device has float64.
        wide_BV = scores_BV.cpu().double()
        match self.kind:
            case "logit difference":
                return wide_BV[:, 0] - wide_BV[:, 1]
            case "logit":
                return wide_BV[:, 0]
            case "log probability":
                return wide_BV[:, self.target] - wide_BV.logsumexp(-1)
            case "probability":
                return wide_BV.softmax(-1)[:, self.target]
            case "KL divergence":
                assert self.from_V is not None
                p_V = self.from_V.exp()
                apart_BV = self.from_V - wide_BV.log_softmax(-1)
                # What is never expected adds nothing, also where its logarithm is none.
                return torch.where(p_V > 0, p_V * apart_BV, torch.zeros_like(p_V)).sum(-1)


def token_of(
    bench: Bench, subject: Subject, token: TokenId | str | None, field: str
) -> TokenId | None:
    """A token's id, told by its text or its id; None where neither is given.

    Args:
        bench: holds the model.
        subject: whose vocabulary.
        token: the id, or the text, with its space.
        field: what the question calls it, for messages.

    Raises:
        ValueError: the text is no single token, there is no tokenizer, or the id is outside the
            vocabulary.
    """
    if isinstance(token, str):
        tokenizer = bench.tokenizer(subject.model)
        if tokenizer is None:
            raise ProbeError(f"This checkpoint has no tokenizer: give {field} as a token's id.")
        ids = ids_of_token(tokenizer, token)
        if len(ids) != 1:
            parts = " | ".join(visible(tokenizer.token_bytes(one)) for one in ids) or "none"
            raise ProbeError(
                f"{field} {token!r} is {len(ids)} tokens ({parts}); a metric is about one. Give "
                "one token's text, with the space before it if it has one."
            )
        token = TokenId(ids[0])
    n = bench.network(subject).config.d_vocab
    if token is not None and not 0 <= token < n:
        raise ProbeError(f"There is no {field} {token}; token ids are 0 to {n - 1}.")
    return token


def ids_of_token(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    """The id of the token that a text is; several, or none, where it is none.

    Some tokenizers write a space before every text, so that " Paris" comes out as two tokens
    though there is one: then the vocabulary is searched.
    """
    ids = tuple(tokenizer.encode(text, add_special=False).ids)
    if len(ids) == 1:
        return ids
    wanted, apart = text.encode(), tokenizer.special_ids | tokenizer.continuing
    found = (one for one, raw in enumerate(tokenizer.vocabulary) if raw == wanted)
    return tuple(one for one in found if one not in apart)[:1] or ids


def ids_of_text(bench: Bench, subject: Subject, text: str, instead: str) -> tuple[int, ...]:
    """A text in a subject's tokens, with the special ones around it.

    Args:
        bench: holds the model.
        subject: whose tokens.
        text: the text.
        instead: the field that takes ids, for the message where there is no tokenizer.

    Raises:
        ValueError: there is no tokenizer.
    """
    tokenizer = bench.tokenizer(subject.model)
    if tokenizer is None:
        raise ProbeError(f"This checkpoint has no tokenizer: give {instead} instead of a text.")
    return tuple(tokenizer.encode(text).ids)


def tokens_of(
    metric: Metric, bench: Bench, subject: Subject
) -> tuple[TokenId | None, TokenId | None]:
    """Ids of the target and of what it is measured against, as far as they are given.

    Raises:
        ValueError: as of `token_of`; or only the second is given; or both are the same.
    """
    target = token_of(bench, subject, metric.target, "target")
    against = token_of(bench, subject, metric.against, "against")
    if target is None and against is not None:
        raise ProbeError("There is a token to compare against but no target: give both.")
    if target is not None and target == against:
        raise ProbeError("Target and against are the same token, so their difference is always 0.")
    return target, against


def likeliest_at(bench: Bench, subject: Subject, at: int) -> TokenId:
    """Id of the token with the largest score after a position.

    Raises:
        KeyError: the network has no head that scores tokens.
    """
    return TokenId(int(bench.logits(subject, at, at + 1)[0].argmax()))


def second_text(
    bench: Bench,
    subject: Subject,
    text: str,
    ids: tuple[int, ...],
    field: str,
    needs: str,
    *,
    any_length: bool = False,
) -> Subject:
    """Another text for the same model, under the same interventions, token beside token.

    Args:
        bench: holds the model.
        subject: the text that it stands beside.
        text: the other one; empty if its ids are given.
        ids: its token ids.
        field: what the question calls it, for messages.
        needs: what needs it, for messages.
        any_length: whether it may have another number of tokens.

    Raises:
        ValueError: none or both are given, there is no tokenizer, an id is none of the model's, or
            the texts have different numbers of tokens.
    """
    if text and ids:
        raise ProbeError(f"Give either {field} or {field}_ids.")
    if text:
        ids = ids_of_text(bench, subject, text, f"{field}_ids")
    if not ids:
        raise ProbeError(f"{needs} needs a second text: give {field} or {field}_ids.")
    n = bench.network(subject).config.d_vocab
    if not all(0 <= one < n for one in ids):
        raise ProbeError(f"{field}_ids hold an id outside the vocabulary of {n} tokens.")
    if len(ids) != subject.n_tokens and not any_length:
        raise ProbeError(
            f"The {field} text has {len(ids)} tokens and this one {subject.n_tokens}; {needs} "
            "needs as many in both. Reword one of them."
        )
    return replace(subject, ids=ids)


def place(at: int, n: int, what: str) -> int:
    """A place that may count from the end, from the beginning.

    Raises:
        ValueError: there is none; the message says which there are.
    """
    if not -n <= at < n:
        raise ProbeError(f"There is no {what} {at}; there are 0 to {n - 1}.")
    return at % n


def finite(value: float, bench: Bench, subject: Subject, at: int) -> float:
    """The value of a metric, if it is a finite number.

    Raises:
        ValueError: it is none; the message says where that came from.
    """
    if math.isfinite(value):
        return value
    why = first_not_finite(subject, bench, at).sentence
    raise ProbeError(f"The scores that are measured are not finite. {why}".strip())
