"""What a run through the operations is to end at, and where it ended, in a sentence.

Knows the question, its answer and the tokens; no store, no widget.
"""

from __future__ import annotations

from gui.reading.quoting import quoted
from model import messages as m
from model.operations import operations
from model.probe.until.asks import Until, UntilFound


def condition_words(asked: Until, model: m.ModelInfo, read: m.PromptRead) -> str:
    """What is to hold."""
    match asked.condition:
        case "weight":
            ids = read.subject.ids
            key = model.token_text(ids[asked.key]) if 0 <= asked.key < len(ids) else str(asked.key)
            head = "a head's" if asked.head < 0 else f"head {asked.head}'s"
            return f"{head} weight on {quoted(key)} is above {asked.above:g}"
        case "token_changes":
            return "the likeliest token of the logit lens changes"
        case "token_is":
            name = "" if asked.token is None else model.token_text(asked.token)
            return f"the likeliest token of the logit lens is {quoted(name)}"
        case "norm":
            return f"the residual stream is longer than {asked.above:g}"
        case "not_finite":
            return "a number is not finite"
        case _:
            return f"the operation is “{kind_words(model, asked.kind)}”"


def kind_words(model: m.ModelInfo, kind: str) -> str:
    """What operations of a kind are called in this model."""
    labels = (op.label for op in operations(model.config) if op.kind == kind)
    return next(labels, kind)


def stop_words(found: UntilFound, model: m.ModelInfo, read: m.PromptRead) -> str:
    """Where it ended, and by what; or that it never does."""
    asked = found.question
    assert isinstance(asked, Until)
    if not found.holds:
        return f"It never holds from here on that {condition_words(asked, model, read)}."
    where = found.label if found.layer is None else f"Block {found.layer}, {found.label}"
    ids = read.subject.ids
    match asked.condition:
        case "weight":
            query, key = (quoted(model.token_text(ids[at])) for at in (found.position, asked.key))
            return f"{where}: head {found.head} of {query} reads {key} with {found.value:.3f}."
        case "token_changes" | "token_is":
            assert found.token is not None
            name = model.token_text(found.token) if found.token >= 0 else "no token"
            verb = "becomes" if asked.condition == "token_changes" else "is"
            return f"{where}: the likeliest token {verb} {quoted(name)} ({found.probability:.2f})."
        case "norm":
            long = f"{found.value:.3g} long, more than {asked.above:g}"
            return f"{where}: the residual stream is {long}."
        case "not_finite":
            name = model.token_text(ids[found.position])
            return f"{where}: a number of {quoted(name)} is not finite, the first that is not."
        case _:
            return f"{where}."
