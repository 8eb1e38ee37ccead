"""What several questions measure of the scores after a position: one token's, or two tokens'.

Words only: which tokens. Free of torch; `model.probe.measuring` makes numbers of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """Which tokens count; each is told by its text, which must be one token, or by its id.

    Attributes:
        target: the token whose score counts, as text with its space, for example " Paris". If
            neither it nor its id is given, the likeliest one.
        target_id: its id instead.
        against: a token whose score is taken off the target's, as text.
        against_id: its id instead.
    """

    target: str = ""
    target_id: int | None = None
    against: str = ""
    against_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is given, so that the model's own answers are taken."""
        return self == Metric()
