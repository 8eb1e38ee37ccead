"""The one line of Python that fetches what is shown.

Lines run where ``import model``, ``lm = model.open(…)`` and ``trace = lm.trace(…)`` have been.
Knows names and indices only.
"""

from __future__ import annotations

from collections.abc import Sequence

from model.interventions import Intervention
from model.operations import PROBABILITIES
from model.probe.question import Answer
from model.sampling import OWN, Sampling


def activation(
    name: str, index: Sequence[int] = (), *, sampling: Sampling = OWN, position: int = -1
) -> str:
    """Fetches an activation, or one number of it, from ``trace``.

    Args:
        name: full name or alias; ``probabilities`` too.
        index: full index, batch included; empty for all of it.
        sampling: what ``probabilities`` are drawn with.
        position: whose ``probabilities``, where there is no index.
    """
    if name == PROBABILITIES:
        how = sampling.code()
        at = index[1] if index else position
        return f'model.probabilities(trace["logits"][0, {at}], {how}){_inside(index[2:])}'
    return f'trace["{name}"]{_inside(index)}'


def opening(
    place: str,
    text: str | list[int],
    interventions: Sequence[Intervention] = (),
    device: str = "cpu",
) -> str:
    """What lines with ``lm``, ``text`` and ``trace`` in them need before them.

    Args:
        place: of the model: a path or a name on a hub.
        text: that is read, or its tokens.
        interventions: that it is read under.
        device: where it computes.
    """
    kinds = sorted({type(one).__name__ for one in interventions})
    imports = ["import torch", "", "import model"]
    if kinds:
        imports.append(f"from model.interventions import {', '.join(kinds)}")
    under = f", interventions=({', '.join(map(repr, interventions))},)" if kinds else ""
    return "\n".join(
        (
            *imports,
            "",
            *(() if device == "cpu" else (f"torch.set_default_device({device!r})",)),
            f"lm = model.open({place!r})",
            f"text = {text!r}",
            f"trace = lm.trace(text{under})",
            "",
        )
    )


def parameter(name: str, index: Sequence[int | None] = ()) -> str:
    """Fetches a parameter, or a part of it, from ``lm``.

    Args:
        name: as TransformerLens calls it.
        index: None where all of an axis is meant; empty for all of the parameter.
    """
    return f'lm.parameter("{name}"){_inside(index)}'


def vector_of(matrix: str, token_id: int) -> str:
    """Fetches one token's vector out of ``W_E`` or ``W_U``."""
    # W_U is [d_model, d_vocab] under its TransformerLens name: a token is a column.
    return parameter(matrix, (None, token_id) if matrix == "W_U" else (token_id,))


def asking(answer: Answer, place: str) -> str:
    """A whole script that asks again for what is drawn; its answer is then ``found``.

    Args:
        answer: that is drawn.
        place: by what its model is opened.
    """
    *imports, line = answer.code().splitlines()
    lines = ("import model", *imports, "", f"lm = model.open({place!r})", f"found = {line}")
    return "\n".join((*lines, ""))


def _inside(index: Sequence[int | None]) -> str:
    if not index:
        return ""
    return f"[{', '.join(':' if at is None else str(at) for at in index)}]"
