"""What a picture of the stream says here, in a sentence, and what hovering a cell says.

Pure functions of answers. Knows no store, no widget.
"""

from __future__ import annotations

import math

import numpy as np

from gui.panes.residual.lengths_picture import LABELS, LengthsDrawn
from gui.panes.residual.lens_picture import LensDrawn
from gui.reading.numbers import short
from gui.reading.quoting import quoted
from gui.session.sides import Sides
from model.operations import LOGITS
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.stream_at.asks import Station, StreamAtFound

MASSIVE = 10.0
"""A vector so many times as long as the median of its row is worth a sentence."""
NEAR_DEGREES = 30.0
LEAST = 0.001
"""Smaller probabilities are called less than this."""

NO_LENS = (
    "This model has no head that scores tokens, so there is nothing to read its stream through. "
    "Writes and Angles are there: press one of them above."
)


def after(border: int) -> str:
    """A border of blocks in a sentence."""
    return "the embedding" if border == 0 else f"block {border - 1}"


# ------------------------------------------------------------------------------- lens


def lens_sentence(drawn: LensDrawn) -> str:
    """Where the watched token comes from, at the selected position."""
    found = drawn.column
    if found is None or found.watched_ranks_LP is None or found.watched_ids_P is None:
        return ""
    assert found.watched_probabilities_LP is not None
    ranks, ps = found.watched_ranks_LP[:, 0], found.watched_probabilities_LP[:, 0]
    token = quoted(drawn.token(int(found.watched_ids_P[0])))
    if not np.isfinite(ps[-1]):
        return f"The network's output here is {NO_NUMBER}, so the lens has nothing to lead to."
    way = f"goes from {_p(ps[0])} to {_p(ps[-1])}"
    if ps.max() < LEAST:
        way = f"stays below {LEAST}"
    said = f"{token} {_way(ranks)}; its probability {way}."
    other = drawn.column_other
    if other is not None and other.watched_probabilities_LP is not None:
        assert other.watched_ranks_LP is not None
        then, rank = other.watched_probabilities_LP[-1, 0], int(other.watched_ranks_LP[-1, 0])
        of_changes = drawn.sides.other == "before"
        where = "Without the interventions" if of_changes else f"In {drawn.sides.other}"
        said += f" {where} it ends at {_p(then)}, rank {rank:,}."
    return said


def _way(ranks: np.ndarray) -> str:
    """From where on a token is the likeliest, or how near it comes."""
    n, leads = len(ranks), np.flatnonzero(ranks == 1)
    if not leads.size:
        best = int(ranks.argmin())
        where = f"is never likeliest: it comes nearest after {after(best)}, at rank {ranks[best]:,}"
        return where if best == n - 1 else f"{where}, and ends at rank {ranks[-1]:,}"
    last = n - 1
    if ranks[-1] != 1:
        return f"leads until after {after(int(leads[-1]))}, and ends at rank {ranks[-1]:,}"
    start = last
    while start > 0 and ranks[start - 1] == 1:
        start -= 1
    if leads[0] < start:
        return (
            f"first leads after {after(int(leads[0]))}, loses it, "
            f"and leads for good after {after(start)}"
        )
    if start == last:
        return "leads only after the last block"
    if start == 0:
        return "leads from the embedding on"
    return f"first leads after {after(start)} and stays"


def lens_cell(drawn: LensDrawn, row: int, column: int) -> str:
    """What hovering a cell says."""
    sheet, n_layers = drawn.sheet, drawn.model.config.n_layers
    token = drawn.read.tokens[column].text
    head = f"{quoted(token)} (position {column}) after {after(row)}"
    if not sheet.known_LP[row, column]:
        return f"{head}\non its way"
    if not np.isfinite(sheet.probabilities_LP[row, column]):
        return f"{head}\nThe lens reads {NO_NUMBER} (NaN) here."
    lines = [head]
    best = drawn.model.token_text(int(sheet.ids_LP[row, column]))
    p = sheet.probabilities_LP[row, column]
    lines.append(f"likeliest {quoted(best)}, probability {short(p, 4)}")
    other, name = drawn.other, drawn.sides.other
    if other is not None and other.known_LP[row, column]:
        was = drawn.model.token_text(int(other.ids_LP[row, column]))
        lines[-1] += f"; {name} {quoted(was)}, {short(other.probabilities_LP[row, column], 4)}"
    lines.append(f"entropy {sheet.entropies_LP[row, column]:.2f} bits")
    watched = int(sheet.watched_P[column])
    if watched >= 0:
        rank = int(sheet.watched_ranks_LP[row, column])
        p = sheet.watched_probabilities_LP[row, column]
        said = f"{quoted(drawn.token(watched))}: rank {rank:,}, probability {short(p, 4)}"
        if other is not None and other.watched_ranks_LP[row, column] > 0:
            then = other.watched_probabilities_LP[row, column]
            said += f"; {name} {other.watched_ranks_LP[row, column]:,}, {short(then, 4)}"
        lines.append(said)
    if row == n_layers:
        lines.append(f"This is what the network says: {LOGITS}[0, {column}].")
    else:
        lines.append("Raw lens: through the network's own head, its norm computed anew.")
    lines.append("Click to select, Ctrl+click to watch this token.")
    return "\n".join(lines)


# ----------------------------------------------------------------------------- lengths


def lengths_sentence(drawn: LengthsDrawn) -> str:
    """What writes the most at the selected position, how the stream grows; what stands out."""
    found, said = drawn.stream, []
    if found is not None and found.writes and np.isfinite(found.norms_S).all():
        at = int(found.writes_W.argmax())
        one = found.writes[at]
        there, then = found.norms_S[one.station - 1], found.norms_S[one.station]
        who = f"{_capital(LABELS[one.of])} {one.layer}"
        said.append(
            f"{who} writes the most here, {_long(found.writes_W[at])} to a stream of "
            f"{_long(there)}, which then is {_long(then)} long."
        )
        if found.norms_S[0] > 0:
            times = found.norms_S[-1] / found.norms_S[0]
            turned = degrees(found.cosines_SS[0, -1])
            said.append(
                f"After all blocks it is {_long(times)} times as long and has turned by "
                f"{turned:.0f}°."
            )
    elif found is not None:
        said.append(f"The stream here is {NO_NUMBER} from some block on.")
    if (massive := _massive(drawn)) is not None:
        said.append(massive)
    return " ".join(said)


def _massive(drawn: LengthsDrawn) -> str | None:
    """The position that is longest beside the others of its row, where that is a lot."""
    norms_RP = drawn.norms.norms_RP
    if norms_RP.shape[1] < 3 or not np.isfinite(norms_RP).all():
        return None
    median_R1 = np.median(norms_RP, axis=1, keepdims=True)
    if not (median_R1 > 0).all():
        return None
    times_RP = norms_RP / median_R1
    row, column = np.unravel_index(int(times_RP.argmax()), times_RP.shape)
    if times_RP[row, column] < MASSIVE:
        return None
    token = drawn.read.tokens[int(drawn.norms.positions_P[column])].text
    where = after(int(row) + drawn.first_row)
    return (
        f"{quoted(token)} ({drawn.norms.positions_P[column]}) stands out: "
        f"{times_RP[row, column]:,.0f} times the median of all positions after {where}."
    )


def lengths_cell(drawn: LengthsDrawn, row: int, column: int) -> str:
    """What hovering a cell says."""
    index = row - drawn.first_row
    token = drawn.read.tokens[column].text
    head = f"{quoted(token)} (position {column}) after {after(row)}"
    if index < 0:
        return f"{head}\nBefore the first block nothing is added."
    value = drawn.norms.norms_RP[index, column]
    lines = [head, f"‖{drawn.norms.names[index]}[0, {column}]‖ = {short(value, 6)}"]
    other, sides = drawn.norms_other, drawn.sides
    if other is not None and np.isnan(other.norms_RP[index, column]):
        lines.append(f"no other side in {sides.other}")
    elif other is not None:
        was = other.norms_RP[index, column]
        apart = short(sides.minus(value, was), 3)
        lines.append(f"{sides.other} {short(was, 6)} ({sides.difference} {apart})")
    elif value > 0 and np.isfinite(value):
        median = float(np.median(drawn.norms.norms_RP[index]))
        if median > 0:
            lines.append(f"{short(value / median, 3)} times the median of its row")
    return "\n".join(lines)


def stream_row(found: StreamAtFound, row: int) -> str:
    """What hovering the charts says of a row."""
    layer = row - 1 if row else None
    lines = [f"After {after(row)}, at the selected position"]
    for one, norm in zip(found.stations, found.norms_S, strict=True):
        if one.layer == layer:
            lines.append(f"‖{one.name}‖ = {short(norm, 5)}")
    for index, write in enumerate(found.writes):
        if write.layer == layer:
            norm, cosine = found.writes_W[index], found.cosines_W[index]
            share = norm / found.norms_S[write.station - 1]
            angle = "" if math.isnan(cosine) else f", cosine with the stream {cosine:+.3f}"
            lines.append(
                f"{LABELS[write.of]} adds {short(norm, 5)}, {share:.1%} of the stream{angle}"
            )
    return "\n".join(lines)


def lens_row(drawn: LensDrawn, row: int) -> str:
    """What hovering the charts of the lens says of a row."""
    found = drawn.column
    if found is None or found.watched_ids_P is None or found.watched_ranks_LP is None:
        return ""
    assert found.watched_probabilities_LP is not None
    rank = int(found.watched_ranks_LP[row, 0])
    p = float(found.watched_probabilities_LP[row, 0])
    token = drawn.token(int(found.watched_ids_P[0]))
    return (
        f"{quoted(token)} after {after(row)}, at the selected position\nrank {rank:,}, "
        f"probability {short(p, 4)}\nentropy {found.entropies_LP[row, 0]:.2f} bits"
    )


# ------------------------------------------------------------------------------ angles


def station_words(one: Station) -> str:
    """A place of the stream in a sentence."""
    if one.layer is None:
        return "the embedding"
    if one.after == "norm":
        return f"the norm {_norm(one)} of block {one.layer}"
    half = {"attention": "attention", "mlp": "MLP"}.get(one.after)
    return f"block {one.layer}" if half is None else f"{half} {one.layer}"


def station_label(one: Station) -> str:
    """The same as a label."""
    if one.layer is None:
        return "embed"
    half = {"attention": "attn", "mlp": "MLP", "norm": _norm(one)}.get(one.after, "block")
    return f"{one.layer} {half}"


def _norm(one: Station) -> str:
    """Which norm of a block: ``ln1``."""
    return one.name.split(".")[2]


def angles_sentence(found: StreamAtFound) -> str:
    """How far the stream turns, where most, and from where on it points where it ends."""
    cosines_SS = found.cosines_SS
    if not np.isfinite(cosines_SS).all() or len(cosines_SS) < 2:
        return "The stream here holds no direction at some half block (zero, or no number)."
    steps = np.array([degrees(cosines_SS[i, i + 1]) for i in range(len(cosines_SS) - 1)])
    most = int(steps.argmax())
    to_end = np.array([degrees(cosine) for cosine in cosines_SS[:, -1]])
    near = len(to_end) - 1
    while near > 0 and to_end[near - 1] <= NEAR_DEGREES:
        near -= 1
    said = (
        f"From embedding to end the stream turns by {to_end[0]:.0f}°, most at once by "
        f"{station_words(found.stations[most + 1])} ({steps[most]:.0f}°)."
    )
    if near == len(to_end) - 1:
        return f"{said} Only the last half block brings it within {NEAR_DEGREES:.0f}° of its end."
    if near == 0:
        return f"{said} It never leaves {NEAR_DEGREES:.0f}° of where it ends."
    return (
        f"{said} After {station_words(found.stations[near])} it stays within "
        f"{NEAR_DEGREES:.0f}° of where it ends."
    )


def angle_cell(
    found: StreamAtFound, theirs: StreamAtFound | None, sides: Sides, row: int, column: int
) -> str:
    """What hovering a cell of the matrix says."""
    one, other = found.stations[row], found.stations[column]
    cosine = float(found.cosines_SS[row, column])
    if math.isnan(cosine):
        return f"{one.name}\n{other.name}\nno angle: one of them is zero or no number"
    said = f"{one.name}\n{other.name}\ncosine {cosine:.4f}, {degrees(cosine):.1f}° apart"
    if theirs is not None:
        was = float(theirs.cosines_SS[row, column])
        said += f"\n{sides.other} {was:.4f} ({sides.minus(cosine, was):+.4f})"
    return said


def degrees(cosine: float) -> float:
    """The angle of a cosine."""
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= LEAST else f"less than {LEAST}"


def _long(value: float) -> str:
    """A length in a sentence: three figures, none behind the point where there are more before."""
    return f"{value:,.0f}" if value >= 100 else short(float(value), 3)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
