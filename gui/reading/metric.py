"""What a person types of a metric, as the tokens of the model in view.

Knows the model's description; no store, no widget.
"""

from __future__ import annotations

from model.messages import ModelInfo
from model.probe.metric import Metric
from model.probe.neighbours.sums import token_named
from model.probe.question import TokenId

NO_HEAD = (
    "This model only makes vectors: it has no head that scores tokens, so no answer can be "
    "measured. Open one with a language-model head."
)


class AskError(Exception):
    """What is typed can't be asked; the message is for the person."""


class StillReadingError(AskError):
    """A text is still being cut into tokens: it can be asked in a moment."""


def metric_of(model: ModelInfo, target: str, against: str = "") -> Metric:
    """The tokens that are typed; empty texts leave them open.

    Raises:
        AskError: one of them is no token of this model, only the second is given, or both are the
            same.
    """
    ids = [_token(model, words) for words in (target, against)]
    if ids[0] is None and ids[1] is not None:
        raise AskError("Name the token that counts before the one that it is compared with.")
    if ids[0] is not None and ids[0] == ids[1]:
        raise AskError("Both tokens are the same, so their difference is always 0.")
    return Metric(*ids)


def _token(model: ModelInfo, words: str) -> TokenId | None:
    if not words.strip():
        return None
    found = token_named(words, model.vocabulary, model.config.d_vocab)
    if found is None:
        raise AskError(f"“{words.strip()}” is no single token of this model. Take another word.")
    return TokenId(found)
