"""What the pane says of a tree and of a text: sentences and figures.

Knows answers and the model as the window sees it; no store, no widget.
"""

from __future__ import annotations

import math

from gui.panes.continuations.tree_view import percent
from gui.reading.quoting import quoted
from model.counting import counted
from model.messages import ModelInfo
from model.probe.continuations.asks import ContinuationsFound
from model.probe.surprisal.asks import SurprisalFound


def path_text(model: ModelInfo, found: ContinuationsFound, node: int) -> str:
    """The tokens up to a node as one text."""
    ids = [int(found.ids[at]) for at in found.path(node)]
    if not model.vocabulary:
        return " ".join(map(str, ids))
    raw = b"".join(model.vocabulary[i] if i < len(model.vocabulary) else b"" for i in ids)
    return raw.decode("utf-8", "replace").replace("\n", "⏎")


def tree_sentence(model: ModelInfo, found: ContinuationsFound) -> str:
    """What the tree says here."""
    if found.problem or not found.best:
        return found.problem
    best = found.best
    n = int(found.depths.max())
    first = float(found.cumulative[best[0]])
    kept = float(found.cumulative[list(best)].sum())
    said = f"Likeliest: “{path_text(model, found, best[0]).strip()}”, {share(first)}. "
    if len(best) > 1:
        said += (
            f"These {len(best)} hold {share(kept)} of all that may follow in {counted(n, 'token')}."
        )
    if found.full:
        said += " The context is full: it holds no more."
    return said.strip()


def node_sentence(model: ModelInfo, found: ContinuationsFound, node: int) -> str:
    """What a node is, in one line."""
    text = path_text(model, found, node)
    p, joint = float(found.probabilities[node]), float(found.cumulative[node])
    depth = int(found.depths[node])
    said = f"“{text}”   {share(joint)}"
    if depth > 1:
        said += f"   its last token {share(p)} after the others"
    return said


def node_tip(model: ModelInfo, found: ContinuationsFound, node: int) -> str:
    """What hovering a node says."""
    token_id = int(found.ids[node])
    lines = [
        f"{model.token_text(token_id)}   id {token_id}",
        f"p = {found.probabilities[node]:.6g} after the tokens before it",
        f"p = {found.cumulative[node]:.6g} for all {counted(int(found.depths[node]), 'token')}",
    ]
    if found.ends[node]:
        lines.append("The text ends with it")
    elif not found.children(node):
        deepest = int(found.depths.max())
        if int(found.depths[node]) < deepest:
            lines.append("Not followed further: likelier ones took its place")
    lines.append("Click to let the prompt go on with this")
    return "\n".join(lines)


def share(p: float) -> str:
    """A probability in a sentence."""
    return percent(p) if p >= 0.001 else f"{p:.1e}"


def sums(found: SurprisalFound) -> tuple[tuple[str, str, str], ...]:
    """Figures of a whole text: a number, its unit, and what it is."""
    n = found.n_predicted
    if not n:
        return ()
    bits, total = found.bits_per_token, found.total_bits
    first = "The first token has nothing before it that could predict it, and is left out."
    rows = [
        (
            f"{total:,.1f}",
            "bits",
            f"Surprisal of the text: -log2 of its probability. {first}",
        ),
        (
            f"{-total * math.log(2):,.1f}",
            "ln p",
            "Natural logarithm of the probability of the text, given its first token.",
        ),
        (f"{bits:.2f}", "bits a token", f"Mean over {counted(n, 'token')}. {first}"),
        (
            f"{found.perplexity:,.4g}",
            "perplexity",
            "2 to the bits a token: as if it chose between so many equally likely tokens. It can't "
            "be compared between tokenizers.",
        ),
    ]
    per_byte = found.bits_per_byte
    written = "–" if math.isnan(per_byte) else f"{per_byte:.2f}"
    rows.append((written, "bits a byte", "Comparable between models, whatever their tokens are."))
    return tuple(rows)


def text_sentence(model: ModelInfo, found: SurprisalFound, ids: tuple[int, ...]) -> str:
    """Where the bits of a text are."""
    known = [i for i in range(len(ids)) if not math.isnan(found.bits_T[i])]
    if not known or found.total_bits <= 0:
        return ""
    known.sort(key=lambda i: -found.bits_T[i])
    half, taken = 0.0, 0
    for at in known:
        half += float(found.bits_T[at])
        taken += 1
        if half >= found.total_bits / 2:
            break
    worst = model.token_text(ids[known[0]])
    n = len(known)
    if taken == 1:
        return f"{quoted(worst)} alone makes {half / found.total_bits:.0%} of all bits."
    return (
        f"Half of all bits come from {taken} of {n} tokens; {quoted(worst)} surprised most, "
        f"{found.bits_T[known[0]]:.1f} bits."
    )
