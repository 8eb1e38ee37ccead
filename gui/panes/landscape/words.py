"""What the surface says here, in words. Knows answers; no Qt."""

from __future__ import annotations

import math

import numpy as np

from gui.panes.landscape.field import Field
from model.counting import counted
from model.probe.landscape.asks import Landscape, LandscapeFound

LEAST_SHARE = 0.05
"""Of a path whose variance lies so little in the plane nothing is drawn: it would be one point."""
EMPTY = (
    "Press Run to see the loss around these weights: one batch, measured at hundreds of places "
    "of a plane through all of them. The first picture comes within seconds, finer ones follow."
)


def short(value: float) -> str:
    """A number of three digits, with a true minus sign."""
    return f"{value:.3g}".replace("-", "−").replace("e−0", "e−").replace("e+0", "e")


def shows_path(found: LandscapeFound) -> bool:
    """Whether the path is drawn on the plane."""
    return len(found.steps_S) > 1 and found.variance >= LEAST_SHARE


def axis_names(found: LandscapeFound) -> tuple[str, str]:
    """What both axes are."""
    question = found.question
    assert isinstance(question, Landscape)
    if question.method == "pca":
        return "1st direction of the path", "2nd direction"
    return "one random direction", "another"


def heading(found: LandscapeFound) -> str:
    """What was measured, short."""
    question = found.question
    assert isinstance(question, Landscape)
    n = len(found.a_X)
    around = "" if found.step is None else f" · around step {found.step:,}"
    return f"{n} × {n} losses · {question.part} batch {found.number}{around}"


def batch(found: LandscapeFound) -> str:
    """The batch, in full."""
    question = found.question
    assert isinstance(question, Landscape)
    return (
        f"{question.part} batch {found.number} of {found.source}: {found.windows} windows of "
        f"{counted(found.length, 'token')}"
    )


def here(found: LandscapeFound) -> str:
    """What the picture says of these weights."""
    question = found.question
    assert isinstance(question, Landscape)
    row, column = found.lowest
    lowest = float(found.loss_YX[row, column])
    where = "" if found.step is None else f" (step {found.step:,})"
    said = f"Centre{where}: {found.centre:.3f} nats a token"
    if lowest < found.centre - 5e-4:
        said += f"; lowest measured {lowest:.3f}, {_far(found, row, column)} away."
    else:
        said += ", the lowest of all measured places."
    return f"{said} {_path(found)}".strip()


def _far(found: LandscapeFound, row: int, column: int) -> str:
    a, b = float(found.a_X[column]), float(found.b_Y[row])
    u, v = found.norms
    length = math.sqrt(
        max(0.0, (a * u) ** 2 + (b * v) ** 2 + 2 * a * b * u * v * np.nan_to_num(found.cosine))
    )
    return f"‖Δ weights‖ = {short(length)}"


def _path(found: LandscapeFound) -> str:
    question = found.question
    assert isinstance(question, Landscape)
    if not len(found.steps_S):
        if found.no_path:
            return f"{found.no_path}"
        return ""
    share = f"{found.variance:.1%}" if found.variance < 0.995 else f"{found.variance:.2%}"
    if not shows_path(found):
        return (
            f"Only {share} of the variance of the run's path lies in this plane, so it is not "
            "drawn: choose the path's own directions to see it."
        )
    left = f" ({found.n_left_out} left out)" if found.n_left_out else ""
    return (
        f"{share} of the variance of the path ({len(found.steps_S)} kept steps{left}) lies in "
        "this plane."
    )


def legend_of(found: LandscapeFound) -> str:
    """What the axes count, and what a step beside the plane means; for a tooltip."""
    return (
        f"a and b: {found.unit}. Each crossing of {len(found.a_X)} × {len(found.b_Y)} lines is a "
        "measured loss; between them the surface is a smooth curve. A kept step is drawn at the "
        "nearest place of the plane, where the surface may cost something else than the step."
    )


def about_step(found: LandscapeFound, which: int, field: Field) -> str:
    """A kept step: its own loss, and what the surface has there."""
    a, b = (float(one) for one in found.path_S2[which])
    u, v = field.place(a, b)
    height = field.surface(u, v)
    own = f"step {int(found.steps_S[which]):,}: loss {found.path_loss_S[which]:.4f} nats"
    there = "" if math.isnan(height) else f"\nthe surface under it: {field.loss(height):.3f}"
    off = float(found.off_S[which])
    beside = f"\n{off:.0%} of its way from the centre lies beside the plane" if off > 0.005 else ""
    return f"{own}{there}{beside}\nclick to bring this step into view"


def about_place(found: LandscapeFound, a: float, b: float) -> str:
    """A place of the plane: the measured loss nearest to it."""
    x = int(np.abs(found.a_X - a).argmin())
    y = int(np.abs(found.b_Y - b).argmin())
    loss = float(found.loss_YX[y, x])
    text = f"{loss:.4f} nats" if math.isfinite(loss) else "no finite loss"
    return (
        f"a = {short(found.a_X[x])}, b = {short(found.b_Y[y])}: {text}\nthe measured place nearest"
    )
