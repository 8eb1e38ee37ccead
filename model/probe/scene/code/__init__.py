"""The lines of Python that compute an operation from what it reads, in torch's own words.

They run where ``import torch``, ``import model``, ``lm = model.open(…)`` and
``trace = lm.trace(…)`` have been, compute the whole tensor (``probabilities``: one position's) and
end with a comparison with what the trace recorded. Knows operations and the config; no weights, no
tensor.
"""

from __future__ import annotations

from model.probe.scene.code import of_attention, of_mlp, of_stream
from model.probe.scene.code.wanted import Wanted

__all__ = ["Wanted", "lines"]

WRITERS = {**of_attention.WRITERS, **of_mlp.WRITERS, **of_stream.WRITERS}
"""By the kind of operation."""


def lines(wanted: Wanted) -> str:
    """The lines of Python, joined; the last compares, or says what changes the result."""
    op = wanted.op
    made = WRITERS[op.kind](wanted)
    if op.kind == "softmax":
        return "\n".join(made.lines)
    written = f'trace["{op.output}"]{made.inside}'
    if wanted.changed:
        last = f"# {written} is another: {', '.join(wanted.changed)}"
    elif op.kind in ("tokens", "expert_indices"):
        last = f"assert torch.equal({made.result}, {written})"
    else:
        near = "rtol=0.05, atol=0.05" if wanted.is_half else "rtol=1e-3, atol=1e-3"
        last = f"assert torch.allclose({made.result}, {written}, {near})"
    return "\n".join((*made.lines, last))
