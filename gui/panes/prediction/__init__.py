"""Next token: the distribution over the vocabulary, and drawing from it."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import (
    can_draw,
    can_generate,
    can_mask,
    can_take_back,
    is_generating,
)

ENTRY = PaneEntry(
    key="prediction",
    title="Next token",
    hint="The probability of every token that might come next, or stand in the place of a mask, "
    "and drawing one of them",
    made_by="gui.panes.prediction.pane:PredictionPane",
    commands=(
        Command(
            id="sample_one",
            text="&Sample one token",
            tip="Draw the next token and add it to the prompt, or fill the mask with it",
            menu="Generate",
            does="sample_one",
            keys="Ctrl+Return",
            when=can_draw,
        ),
        Command(
            id="mask_token",
            text="&Mask this token",
            tip="Put the mask in place of the selected token, or put that token back",
            menu="Generate",
            does="mask_token",
            keys="Ctrl+M",
            when=can_mask,
        ),
        Command(
            id="generate",
            text="&Generate",
            tip="Continue the prompt, token by token",
            menu="Generate",
            does="generate",
            keys="Ctrl+G",
            when=can_generate,
            in_front=True,
        ),
        Command(
            id="stop_generating",
            text="S&top generating",
            tip="Keep what has been written so far",
            menu="Generate",
            does="stop",
            when=is_generating,
        ),
        Command(
            id="take_back",
            text="Take &back the last token",
            tip="Remove the last token that was added to the prompt: drawn, forced or taken",
            menu="Generate",
            does="take_back",
            keys="Ctrl+Shift+Backspace",
            when=can_take_back,
        ),
        Command(
            id="more_options_of_drawing",
            text="More options of &drawing",
            tip="Show top k, top p, min p, length and seed in the pane, or leave their room to "
            "the bars",
            menu="Generate",
            does="toggle_more",
        ),
        Command(
            id="guess_first",
            text="G&uess first",
            tip="Guess the next token before the model says what it thinks; both are scored",
            menu="Generate",
            does="guess_first",
            when=can_generate,
            in_front=True,
            separator=True,
        ),
    ),
)
