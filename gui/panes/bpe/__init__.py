"""BPE film: how a byte-pair encoding is learnt from a text, merge by merge."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry

ENTRY = PaneEntry(
    key="bpe",
    title="BPE film",
    hint="How a tokenizer is learnt: the most frequent pair becomes one token, again and again. "
    "Every merge can be gone to, and the tokenizer of any of them saved.",
    made_by="gui.panes.bpe.pane:BpePane",
    commands=(
        Command(
            id="learn_bpe",
            text="Learn a &byte-pair encoding",
            tip="Learn merges from the text that is chosen in the BPE film",
            menu="Training",
            does="learn",
            in_front=True,
            separator=True,
        ),
        Command(
            id="save_bpe",
            text="Save the BPE film's &tokenizer…",
            tip="Write the tokenizer of the merge that is shown as a tokenizer.json",
            menu="Training",
            does="save_tokenizer",
        ),
        Command(
            id="train_on_bpe",
            text="Train a &model on the BPE film's tokenizer",
            tip="Keep the tokenizer of this merge and put it into the recipe, with its text",
            menu="Training",
            does="train_model",
        ),
    ),
)
