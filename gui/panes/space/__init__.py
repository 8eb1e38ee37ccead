"""Embedding space: every vector of a table on axes that a person chooses."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry

ENTRY = PaneEntry(
    key="space",
    title="Embedding space",
    hint="Every token's vector, or another table's, on axes that you choose: those that keep most "
    "of the variance, the plane of a sum, directions. Drag to turn, click a token for its nearest "
    "neighbours, type a word or a sum of words, drop a file of vectors.",
    made_by="gui.panes.space.pane:SpacePane",
    shows=(("token", "choose"), ("vectors", "open_file")),
    commands=(
        Command(
            id="find_token",
            text="&Find a token…",
            tip="Search the vocabulary, or type a sum such as king - man + woman",
            menu="Edit",
            does="focus_search",
            keys="Ctrl+F",
            in_front=True,
        ),
        Command(
            id="open_vectors",
            text="Open &vectors…",
            tip="A file of vectors for the embedding space: .npy, .npz, word2vec, GloVe, TSV",
            menu="Edit",
            does="ask_file",
            in_front=True,
        ),
        Command(
            id="open_text_in_space",
            text="Draw a te&xt's tokens…",
            tip="A text file's tokens in the embedding space: what the model holds for each",
            menu="Edit",
            does="ask_text",
            in_front=True,
        ),
    ),
)
