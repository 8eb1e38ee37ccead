"""Everything about transformers; usable as a library, without a window.

    import model

    lm = model.open("path/to/checkpoint")
    trace = lm.trace("The king lost his crown.")
    trace["blocks.0.attn.hook_pattern"]          # [batch, head, query, key]

What the window draws is the answer to a question (`model.probe`), and so it is here; under
interventions (`model.interventions`) as well:

    from model.interventions import AblateHead
    from model.probe.pattern.asks import Pattern

    found = lm.ask("The king lost his crown.", Pattern(layer=1, head=3), (AblateHead(0, 2),))
    found.arrays()["pattern"].values             # [query, key]

Two models, two texts, or both, operation by operation:

    found = model.compare(lm, model.open("its/quantised/self"), "The king lost his crown.")
    found.weights.arrays()["relative_norm"].columns()
    found.activations.agreement                  # share of positions with the same likeliest token

Never imports Qt. Torch is imported on first use, not by ``import model``: the window stands
before torch is there.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.comparison import compare as compare
    from model.config import TransformerConfig as TransformerConfig
    from model.language_model import LanguageModel as LanguageModel
    from model.language_model import open_model as open
    from model.sampling import Sampling as Sampling
    from model.sampling import probabilities as probabilities
    from model.trace import Trace as Trace
    from model.transformer import Transformer as Transformer

# Memory on huge pages for the largest tensors, such as logits: GPT-2's at 256 tokens then cost 300
# page faults instead of 12,600. torch reads this at its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# What oneDNN prepared for the last shapes is kept for 24 of them, not for 1,024, twice: by itself
# and by torch's own layer over it. Each holds half a megabyte: 300 lengths of a text through one
# linear map in bfloat16 held 160 MB. A training step has 15 to 18. Both are read at the first such
# operation.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "24")
os.environ.setdefault("LRU_CACHE_CAPACITY", "24")

__version__ = "0.1.0"

_HOMES = {
    "open": ("model.language_model", "open_model"),
    "LanguageModel": ("model.language_model", "LanguageModel"),
    "Sampling": ("model.sampling", "Sampling"),
    "probabilities": ("model.sampling", "probabilities"),
    "compare": ("model.comparison", "compare"),
    "Trace": ("model.trace", "Trace"),
    "Transformer": ("model.transformer", "Transformer"),
    "TransformerConfig": ("model.config", "TransformerConfig"),
}
__all__ = [
    "LanguageModel",
    "Sampling",
    "Trace",
    "Transformer",
    "TransformerConfig",
    "compare",
    "open",
    "probabilities",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'model' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
