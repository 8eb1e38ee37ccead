"""What several questions measure of the scores after a position: one token's, or two tokens'.

Words only: which tokens. Free of torch; `model.probe.measuring` makes numbers of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.probe.question import TokenId


@dataclass(frozen=True, slots=True)
class Metric:
    """Which tokens count; each is told by its id, or by its text, which must be one token.

    Attributes:
        target: the token whose score counts, as text with its space, for example " Paris"; the
            likeliest one if left out.
        against: a token whose score is taken off the target's.
    """

    target: TokenId | str | None = None
    against: TokenId | str | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is given, so that the model's own answers are taken."""
        return self == Metric()
