"""Every command once: the window's own, joined with those of the panes into one list.

Menus, shortcuts, the command palette and the help are made from that list. Knows the panes' entries
and, by name only, what the window does; no Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from gui.panes.entry import Command, Menu, PaneEntry
from gui.session.conditions import (
    can_cancel,
    compares_other,
    has_comparison,
    has_model,
    has_prompt,
    has_steps,
)

PANES_FIRST: frozenset[Menu] = frozenset({"Edit", "Model", "Generate", "Training"})
"""Menus in which what the panes do stands above what the window does."""

WINDOW_COMMANDS = (
    Command(
        id="open",
        text="&Open…",
        tip="Open a folder, a file, a run or a name on a hub; what it is is shown before",
        menu="File",
        does="files.ask_open",
        keys="Ctrl+O",
    ),
    Command(
        id="open_bundled",
        text="Open the &story world",
        tip="Open the trained model that comes with the program",
        menu="File",
        does="files.open_bundled",
    ),
    Command(
        id="save_run",
        text="&Save run as…",
        tip="Write the model in view, or copy its whole run, to a new folder",
        menu="File",
        does="files.ask_save",
        keys="Ctrl+Shift+S",
        when=has_model,
        separator=True,
    ),
    Command(
        id="export_picture",
        text="Export pane as &picture…",
        tip="Write the pane that has the focus as PNG or SVG",
        menu="File",
        does="files.ask_export_picture",
        keys="Ctrl+Shift+E",
        separator=True,
    ),
    Command(
        id="export_data",
        text="Export pane's &data…",
        tip="Write the numbers that the focused pane draws as CSV or npz",
        menu="File",
        does="files.ask_export_data",
        keys="Ctrl+Alt+E",
    ),
    Command(
        id="copy_code",
        text="Copy pane's &code",
        tip="Copy the lines of Python that give the numbers that the focused pane draws",
        menu="File",
        does="pane_menu.copy_code",
        keys="Ctrl+Alt+C",
    ),
    Command(
        id="quit",
        text="&Quit",
        tip="Close the window; a run that is going is saved",
        menu="File",
        does="close",
        keys="Ctrl+Q",
        separator=True,
    ),
    Command(
        id="palette",
        text="&Search everything…",
        tip="Find any command, pane, setting, model, operation, tensor or token by its name",
        menu="Edit",
        does="show_palette",
        keys="Ctrl+K",
        separator=True,
    ),
    Command(
        id="settings",
        text="S&ettings…",
        tip="Theme, text size, threads, device, memory, folders",
        menu="Edit",
        does="show_settings",
        keys="Ctrl+,",
    ),
    Command(
        id="explore",
        text="&Explore",
        tip="A sentence on its way: tokens, layers, attention, prediction",
        menu="View",
        does="layouts.set_perspective",
        args=("Explore",),
        keys="Ctrl+1",
    ),
    Command(
        id="space",
        text="&Space",
        tip="The vocabulary: its vectors in 3D, their angles, how a text is cut into tokens",
        menu="View",
        does="layouts.set_perspective",
        args=("Space",),
        keys="Ctrl+2",
    ),
    Command(
        id="train",
        text="&Train",
        tip="A tiny model learns, and every pane follows",
        menu="View",
        does="layouts.set_perspective",
        args=("Train",),
        keys="Ctrl+3",
    ),
    Command(
        id="model",
        text="&Model",
        tip="The weights: every tensor, its figures, its image, its share of the whole",
        menu="View",
        does="layouts.set_perspective",
        args=("Model",),
        keys="Ctrl+4",
    ),
    Command(
        id="lab",
        text="&Lab",
        tip="Take the model apart: cut, patch, sweep, and see what changes",
        menu="View",
        does="layouts.set_perspective",
        args=("Lab",),
        keys="Ctrl+5",
    ),
    Command(
        id="reset_layout",
        text="&Restore this arrangement",
        tip="All panes back to where this perspective has them",
        menu="View",
        does="layouts.reset",
        keys="Ctrl+0",
        separator=True,
    ),
    Command(
        id="toggle_theme",
        text="Dark or &light",
        tip="Change between the dark and the light theme",
        menu="View",
        does="toggle_theme",
        keys="Ctrl+T",
    ),
    Command(
        id="toggle_motion",
        text="&Motion",
        tip="Whether values may move along their paths",
        menu="View",
        does="toggle_motion",
        checked="settings.motion",
    ),
    Command(
        id="cancel",
        text="&Cancel what goes on",
        tip="Stop an opening, a generation, or what panes wait for",
        menu="Model",
        does="status_bar.cancel",
        keys="Esc",
        when=can_cancel,
        separator=True,
    ),
    Command(
        id="compare_prompt",
        text="Compare with another &prompt…",
        tip="Another text beside this one: every pane shows A, B or what differs",
        menu="Model",
        does="top_bar.comparison.ask_prompt",
        when=has_prompt,
        separator=True,
    ),
    Command(
        id="compare_model",
        text="Compare with another &model…",
        tip="A checkpoint beside its fine-tuned or quantised self: weights, activations, words",
        menu="Model",
        does="files.ask_open_beside",
        when=has_model,
    ),
    Command(
        id="compare_step",
        text="Show &A, B or the difference",
        tip="The next side of what is compared",
        menu="Model",
        does="store.comparing.step",
        keys="Ctrl+Shift+B",
        when=has_comparison,
    ),
    Command(
        id="compare_stop",
        text="&End the comparison",
        tip="Let go of B; a model that was opened beside leaves memory",
        menu="Model",
        does="store.comparing.close",
        when=compares_other,
    ),
    Command(
        id="verify",
        text="&Verify against the original",
        tip="Run the same tokens through transformers, or compare with a reference file",
        menu="Model",
        does="status_bar.badge.click",
        when=has_model,
        separator=True,
    ),
    Command(
        id="threads",
        text="T&hreads…",
        tip="How many processor threads the model may use",
        menu="Model",
        does="show_settings",
        args=("threads",),
        separator=True,
    ),
    Command(
        id="step_before",
        text="Training step &before",
        tip="Every pane to the kept step before the one in view",
        menu="Training",
        does="store.timeline.back",
        keys="Ctrl+Alt+Left",
        when=has_steps,
        separator=True,
    ),
    Command(
        id="step_after",
        text="Training step &after",
        tip="Every pane to the next kept step",
        menu="Training",
        does="store.timeline.forward",
        keys="Ctrl+Alt+Right",
        when=has_steps,
    ),
    Command(
        id="first_step",
        text="F&irst training step",
        tip="Every pane to the first step that was kept",
        menu="Training",
        does="store.timeline.first",
        keys="Ctrl+Alt+Home",
        when=has_steps,
    ),
    Command(
        id="last_step",
        text="&Last training step, or live",
        tip="Every pane to the last step; of a run that goes on, to what learns now",
        menu="Training",
        does="store.timeline.last",
        keys="Ctrl+Alt+End",
        when=has_steps,
    ),
    Command(
        id="pin_step",
        text="&Compare with this step",
        tip="The step in view becomes B: travel on, and panes show A, B or B − A",
        menu="Training",
        does="store.timeline.compare",
        keys="Ctrl+Alt+B",
        when=has_steps,
    ),
    Command(
        id="play_training",
        text="Pla&y the training",
        tip="Let every pane go from step to step, or hold it",
        menu="Training",
        does="store.timeline.toggle",
        keys="Ctrl+Alt+Space",
        when=has_steps,
    ),
    Command(
        id="glossary",
        text="&Glossary…",
        tip="What the field's terms mean, in a sentence or two each",
        menu="Help",
        does="show_glossary",
        keys="Shift+F1",
    ),
    Command(
        id="shortcuts",
        text="&Keyboard shortcuts",
        tip="All keys",
        menu="Help",
        does="show_shortcuts",
        keys="F1",
    ),
    Command(
        id="about",
        text="&About Glassformer",
        tip="Version, device, licences",
        menu="Help",
        does="show_about",
    ),
)


@dataclass(frozen=True, slots=True)
class OwnedCommand:
    """A command and who does it.

    Attributes:
        command: what is offered.
        pane: key of the pane that does it; None for the window.
    """

    command: Command
    pane: str | None = None


def joined(panes: Sequence[PaneEntry]) -> tuple[OwnedCommand, ...]:
    """All commands, menu by menu, in the order in which they stand there."""
    own = [OwnedCommand(command) for command in WINDOW_COMMANDS]
    theirs = [OwnedCommand(command, entry.key) for entry in panes for command in entry.commands]
    ordered: list[OwnedCommand] = []
    for menu in get_args(Menu):
        both = (theirs, own) if menu in PANES_FIRST else (own, theirs)
        ordered.extend(one for part in both for one in part if one.command.menu == menu)
    return tuple(ordered)
