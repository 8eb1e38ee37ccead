"""Where tables of vectors come from: a line each.

``compute`` is a generator of a source and a `Place` (``place.py``): it yields how far it is,
(done, total) with total 0 where that is not known, and returns the `VectorTable`.
"""

from __future__ import annotations

from model.space.registry import Entry

SOURCES = (
    Entry(
        "tokens",
        "Token vectors",
        "The vectors by which tokens enter the model, or with which its last vector is compared.",
        asks="model.space.sources.asks:TokenTable",
        compute="model.space.sources.tokens:table",
    ),
    Entry(
        "in_context",
        "Prompt, in context",
        "What an activation holds for each of the prompt's tokens.",
        asks="model.space.sources.asks:InContext",
        compute="model.space.sources.in_context:table",
    ),
    Entry(
        "text",
        "Text, in context",
        "What an activation holds for each token of a text file.",
        asks="model.space.sources.asks:TextInContext",
        compute="model.space.sources.text:table",
        on_request=True,
    ),
    Entry(
        "file",
        "A file of vectors",
        "NumPy, word2vec or GloVe text, or the TSV of a projector.",
        asks="model.space.sources.asks:TableFile",
        compute="model.space.sources.file:table",
    ),
)
