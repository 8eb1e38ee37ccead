"""Tokenizer: how a word was cut, and how other tokenizers would cut the prompt."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="tokenizer",
    title="Tokenizer",
    hint="How the open model's tokenizer cut this word, step by step, and the prompt in the tokens "
    "of any number of tokenizers, side by side; and all its tokens.",
    made_by="gui.panes.tokenizer.pane:TokenizerPane",
)
