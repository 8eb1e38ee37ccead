"""Every command once: name, shortcut, tooltip, when it can be used.

Menus, toolbar, shortcuts and the command palette are made from this list; a test holds ids and
keys unique. Knows the store for "when", and the window's methods by name only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gui.session.store import Store

Menu = Literal["File", "Edit", "View", "Model", "Generate", "Training", "Help"]


def always(store: Store) -> bool:
    """Any time."""
    return True


def has_model(store: Store) -> bool:
    """A model is in view."""
    return store.model is not None


def has_trace(store: Store) -> bool:
    """A prompt has been run."""
    return store.trace is not None


def can_draw(store: Store) -> bool:
    """There is a distribution of tokens to draw from."""
    return has_trace(store) and store.model is not None and store.model.config.has_logits


def can_generate(store: Store) -> bool:
    """The model in view can continue a text, and there is one."""
    return has_trace(store) and store.model is not None and not store.model.config.no_continuation


def can_mask(store: Store) -> bool:
    """The model in view fills masks, and there is a text."""
    return has_trace(store) and store.masking.possible


def is_generating(store: Store) -> bool:
    """Text is being written."""
    return store.generating.going


def is_training(store: Store) -> bool:
    """A run is going; it may be paused."""
    return store.run.running


def is_not_training(store: Store) -> bool:
    """A run can begin."""
    return store.engine is not None and not is_training(store) and store.run.starting is None


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        id: stable name, for settings and tests.
        text: in menus, with a mnemonic.
        tip: one sentence.
        menu: where it stands.
        method: the window's method that does it, or one of a part of it (``files.ask_save``).
        keys: shortcut in Qt's portable form; empty for none.
        when: whether it can be used now.
        separator: a line above it in the menu.
    """

    id: str
    text: str
    tip: str
    menu: Menu
    method: str
    keys: str = ""
    when: Callable[[Store], bool] = always
    separator: bool = False


COMMANDS: tuple[Command, ...] = (
    Command(
        "open",
        "&Open…",
        "Open a folder, a file, a run or a name on a hub; what it is is shown before",
        "File",
        "files.ask_open",
        "Ctrl+O",
    ),
    Command(
        "open_bundled",
        "Open the &story world",
        "Open the trained model that comes with the program",
        "File",
        "files.open_bundled",
    ),
    Command(
        "save_run",
        "&Save run as…",
        "Write the model in view, or copy its whole run, to a new folder",
        "File",
        "files.ask_save",
        "Ctrl+Shift+S",
        has_model,
        separator=True,
    ),
    Command(
        "export_picture",
        "Export pane as &picture…",
        "Write the pane that has the focus as PNG or SVG",
        "File",
        "files.ask_export_picture",
        "Ctrl+Shift+E",
        separator=True,
    ),
    Command(
        "export_data",
        "Export pane's &data…",
        "Write the numbers that the focused pane draws as CSV or npz",
        "File",
        "files.ask_export_data",
        "Ctrl+Alt+E",
    ),
    Command(
        "quit",
        "&Quit",
        "Close the window; a run that is going is saved",
        "File",
        "close",
        "Ctrl+Q",
        separator=True,
    ),
    Command(
        "focus_prompt",
        "Edit the &prompt",
        "Put the cursor into the prompt",
        "Edit",
        "focus_prompt",
        "Ctrl+L",
    ),
    Command(
        "prompt_history",
        "Prompt &history",
        "Earlier prompts",
        "Edit",
        "show_history",
        "Ctrl+H",
    ),
    Command(
        "find_token",
        "&Find a token…",
        "Search the vocabulary, or type a sum such as king - man + woman",
        "Edit",
        "focus_search",
        "Ctrl+F",
    ),
    Command(
        "find_weight",
        "Find a &weight…",
        "Filter the parameter tensors by name, part or layer",
        "Edit",
        "focus_weights",
        "Ctrl+Shift+F",
        has_model,
    ),
    Command(
        "palette",
        "&Command palette…",
        "Find any command by its name",
        "Edit",
        "show_palette",
        "Ctrl+K",
        separator=True,
    ),
    Command(
        "explore",
        "&Explore",
        "A sentence on its way: tokens, layers, attention, prediction",
        "View",
        "perspective_explore",
        "Ctrl+1",
    ),
    Command(
        "space",
        "&Space",
        "The embedding space in 3D",
        "View",
        "perspective_space",
        "Ctrl+2",
    ),
    Command(
        "train",
        "&Train",
        "A tiny model learns, and every pane follows",
        "View",
        "perspective_train",
        "Ctrl+3",
    ),
    Command(
        "model",
        "&Model",
        "The weights: every tensor, its figures, its image, its share of the whole",
        "View",
        "perspective_model",
        "Ctrl+4",
    ),
    Command(
        "reset_layout",
        "&Restore this arrangement",
        "All panes back to where this perspective has them",
        "View",
        "reset_layout",
        "Ctrl+0",
        separator=True,
    ),
    Command(
        "toggle_theme",
        "Dark or &light",
        "Change between the dark and the light theme",
        "View",
        "toggle_theme",
        "Ctrl+T",
    ),
    Command(
        "toggle_motion",
        "&Motion",
        "Whether values may move along their paths",
        "View",
        "toggle_motion",
    ),
    Command(
        "next_operation",
        "&Next operation",
        "One step further through the network",
        "Model",
        "next_operation",
        "F10",
        has_model,
    ),
    Command(
        "previous_operation",
        "&Previous operation",
        "One step back",
        "Model",
        "previous_operation",
        "F9",
        has_model,
    ),
    Command(
        "play",
        "P&lay",
        "Walk through the network by itself",
        "Model",
        "toggle_play",
        "F5",
        has_model,
    ),
    Command(
        "layer_up",
        "Next la&yer",
        "One layer nearer to the prediction",
        "Model",
        "next_layer",
        "Alt+Up",
        has_model,
        separator=True,
    ),
    Command(
        "layer_down",
        "Previous layer",
        "One layer nearer to the tokens",
        "Model",
        "previous_layer",
        "Alt+Down",
        has_model,
    ),
    Command(
        "head_next", "Next &head", "The next attention head", "Model", "next_head", "Alt+Right"
    ),
    Command(
        "head_previous",
        "Previous head",
        "The attention head before",
        "Model",
        "previous_head",
        "Alt+Left",
    ),
    Command(
        "transpose",
        "&Transpose attention",
        "Rows are queries; or columns are, as in some talks",
        "Model",
        "toggle_transpose",
        "Ctrl+Shift+T",
    ),
    Command(
        "verify",
        "&Verify against the original",
        "Run the same tokens through transformers, or compare with a reference file",
        "Model",
        "status_bar.badge.click",
        when=has_model,
        separator=True,
    ),
    Command(
        "threads",
        "T&hreads…",
        "How many processor threads the model may use",
        "Model",
        "ask_threads",
        separator=True,
    ),
    Command(
        "sample_one",
        "&Sample one token",
        "Draw the next token and add it to the prompt, or fill the mask with it",
        "Generate",
        "sample_one",
        "Ctrl+Return",
        can_draw,
    ),
    Command(
        "mask_token",
        "&Mask this token",
        "Put the mask in place of the selected token, or put that token back",
        "Generate",
        "mask_token",
        "Ctrl+M",
        can_mask,
    ),
    Command(
        "generate",
        "&Generate",
        "Continue the prompt, token by token",
        "Generate",
        "generate",
        "Ctrl+G",
        can_generate,
    ),
    Command(
        "stop_generating",
        "S&top generating",
        "Keep what has been written so far",
        "Generate",
        "stop_generating",
        "Escape",
        is_generating,
    ),
    Command(
        "start_training",
        "&Start",
        "Train a new model by the recipe in the Training pane",
        "Training",
        "start_training",
        "Ctrl+R",
        is_not_training,
    ),
    Command(
        "pause_training",
        "&Pause or resume",
        "Hold the run; nothing is lost",
        "Training",
        "toggle_pause",
        "Ctrl+P",
        is_training,
    ),
    Command(
        "step_training",
        "Do one st&ep",
        "One update of the weights, then pause",
        "Training",
        "step_training",
        "Ctrl+E",
        is_training,
    ),
    Command(
        "stop_training",
        "S&top",
        "End the run; it stays on disk and opens like any checkpoint",
        "Training",
        "stop_training",
        "Ctrl+.",
        is_training,
    ),
    Command("shortcuts", "&Keyboard shortcuts", "All keys", "Help", "show_shortcuts", "F1"),
    Command("about", "&About Glassformer", "Version, device, licences", "Help", "show_about"),
)
