"""What the pane says of two trees: where both sides part, and how likely either finds a token.

Knows the merged tree and the model as the window sees it; no store, no widget.
"""

from __future__ import annotations

import math

from gui.panes.continuations.tree_view import Strands, percent
from gui.panes.continuations.two_sides import BothTrees
from gui.panes.continuations.words import path_text, share
from model.messages import ModelInfo


def tree_sentence(model: ModelInfo, both: BothTrees) -> str:
    """What each side would say, and where they part."""
    a, b = both.likeliest(both.a_joint_N), both.likeliest(both.b_joint_N)
    if not a or not b:
        return ""
    name_a, name_b = both.sides.places
    said = [
        f"“{path_text(model, both.tree, path[-1]).strip()}”, {share(float(joint_N[path[-1]]))}"
        for path, joint_N in ((a, both.a_joint_N), (b, both.b_joint_N))
    ]
    parts = both.parting
    if parts is None:
        most = both.changed_most
        text = f"Both would say {said[0]} {name_a}, {share(float(both.b_joint_N[b[-1]]))} {name_b}."
        return text if most is None else f"{text} {_most(model, both, most)}"
    x, y = parts
    before = int(both.tree.parents[x])
    where = "at once" if before < 0 else f"after “{path_text(model, both.tree, before).strip()}”"
    return (
        f"{_begun(name_a)}: {said[0]}. {_begun(name_b)}: {said[1]}. They part {where}: "
        f"{_token(model, both, x)} {_both(both, x)}, {_token(model, both, y)} {_both(both, y)}."
    )


def _most(model: ModelInfo, both: BothTrees, node: int) -> str:
    if math.isclose(both.a_N[node], both.b_N[node], abs_tol=5e-4):
        return "No token on the way is more or less likely."
    return f"{_token(model, both, node)} changes most: {_both(both, node)}."


def _token(model: ModelInfo, both: BothTrees, node: int) -> str:
    return f"“{model.token_text(int(both.tree.ids[node]))}”"


def _both(both: BothTrees, node: int) -> str:
    return f"{share(float(both.a_N[node]))} → {share(float(both.b_N[node]))}"


def node_sentence(model: ModelInfo, both: BothTrees, node: int) -> str:
    """What a node is, in one line."""
    a, b = both.sides.names
    said = (
        f"“{path_text(model, both.tree, node)}”   {a} {share(float(both.a_joint_N[node]))}   "
        f"{b} {share(float(both.b_joint_N[node]))}"
    )
    if int(both.tree.depths[node]) > 1:
        said += f"   its last token {_both(both, node)} after the others"
    return said


def sentence(model: ModelInfo, both: BothTrees, node: int | None) -> str:
    """What is said below the tree: of a node, or of all."""
    return tree_sentence(model, both) if node is None else node_sentence(model, both, node)


def node_tip(model: ModelInfo, both: BothTrees, node: int) -> str:
    """What hovering a node says."""
    token_id = int(both.tree.ids[node])
    minus = f"{both.b_N[node] - both.a_N[node]:+.6f}".replace("-", "−")
    lines = [f"{model.token_text(token_id)}   id {token_id}"]
    for name, p_N, joint_N, of_N in (
        (both.sides.names[0], both.a_N, both.a_joint_N, both.of_a_N),
        (both.sides.names[1], both.b_N, both.b_joint_N, both.of_b_N),
    ):
        own = "" if of_N[node] else "   not among its likeliest"
        lines.append(f"{name}: p = {p_N[node]:.6g}, of all {joint_N[node]:.6g}{own}")
    lines.append(f"{both.sides.difference} = {minus}")
    lines.append("Click to let the prompt go on with this")
    return "\n".join(lines)


def numbers(both: BothTrees, node: int) -> tuple[str, str]:
    """Both probabilities as they stand beside a token."""
    found = (float(both.a_N[node]), float(both.b_N[node]))
    a, b = ("–" if math.isnan(p) else percent(p) for p in found)
    return a, b


def strands(both: BothTrees, own_root: str, other_root: str) -> Strands:
    """What the tree draws of both sides.

    Args:
        both: the merged tree.
        own_root, other_root: the ends of the text in view and of the other one.
    """
    roots = both.sides.in_order(own_root, other_root) if own_root != other_root else ()
    ways = (both.likeliest(both.a_joint_N), both.likeliest(both.b_joint_N))
    return Strands(
        (both.a_N, both.b_N),
        tuple(numbers(both, node) for node in range(len(both.a_N))),
        frozenset(node for way in ways for node in way),
        both.sides.names,
        roots,
    )


def _begun(words: str) -> str:
    return words[:1].upper() + words[1:]
