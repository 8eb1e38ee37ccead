"""The scene on the other side of a comparison: the same question, for the ghosts of its numbers.

Knows answers and the comparison; no widget.
"""

from __future__ import annotations

from collections.abc import Mapping

from gui.session.comparing import Comparing
from model.probe.question import Question
from model.probe.scene.asks import SceneFound


def compares(comparing: Comparing) -> bool:
    """Whether positions, heads and dimensions of both sides are the same places."""
    return comparing.shows_difference and comparing.same_places and comparing.alignment.by_position


def why_alone(comparing: Comparing, *, of_all: bool) -> str:
    """Why one side is drawn alone while the difference is chosen; empty where both are.

    Args:
        comparing: the comparison.
        of_all: whether what all tokens have is drawn.
    """
    if comparing.no_places:
        return comparing.no_places
    if not comparing.alignment.by_position:
        return (
            "Both texts have other positions, so that numbers stand at other places. Choose A or B."
        )
    return "All tokens are drawn of one side. Choose one token to see both." if of_all else ""


def questions(drawn: SceneFound | None, comparing: Comparing) -> Mapping[str, Question]:
    """What is asked of it: what is drawn."""
    return {"scene": drawn.question} if drawn is not None and compares(comparing) else {}


def fitting(drawn: SceneFound, other: SceneFound | None, comparing: Comparing) -> SceneFound | None:
    """Its answer, if that belongs to what is drawn."""
    if other is None or not other.panels or not compares(comparing):
        return None
    return other if other.question == drawn.question else None


def words(comparing: Comparing, *, ghosts: bool) -> str:
    """Which side is drawn; empty where nothing is compared.

    Args:
        comparing: the comparison.
        ghosts: whether the other side is drawn as well.
    """
    if not comparing.there:
        return ""
    sides = comparing.sides
    if comparing.view != "difference":
        return sides.in_view
    return f"{sides.in_view}, ghost: {sides.other}" if ghosts else f"{sides.in_view} alone"
