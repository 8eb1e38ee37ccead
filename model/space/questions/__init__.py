"""What is asked of a table: a line each.

``compute`` is a generator of a question and a `VectorTable`: None after each slice of work, coarse
answers with ``share`` below 1 where it takes long, the whole one last.
"""

from __future__ import annotations

from model.space.registry import Entry

QUESTIONS = (
    Entry(
        "near",
        "Neighbours",
        "What is near a row or a sum of rows, and how near everything else is.",
        asks="model.space.questions.asks:Near",
        compute="model.space.questions.near:answer",
    ),
    Entry(
        "suite",
        "Suite of analogies",
        "Of how many analogies the answer is the expected word.",
        asks="model.space.questions.asks:Suite",
        compute="model.space.questions.suite:answer",
        on_request=True,
    ),
    Entry(
        "along",
        "Pairs along a direction",
        "Whether a direction orders pairs of words that it was not made of.",
        asks="model.space.questions.asks:Along",
        compute="model.space.questions.along:answer",
    ),
    Entry(
        "clusters",
        "Clusters",
        "Groups of vectors that point the same way, each named by the words in its middle.",
        asks="model.space.questions.asks:Clusters",
        compute="model.space.questions.clusters:answer",
        on_request=True,
    ),
    Entry(
        "write_tsv",
        "Files for projectors",
        "vectors.tsv and metadata.tsv, which other projectors open.",
        asks="model.space.questions.asks:WriteTSV",
        compute="model.space.questions.write_tsv:answer",
        on_request=True,
    ),
)
