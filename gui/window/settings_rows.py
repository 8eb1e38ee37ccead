"""What can be set: titles and sentences, so that the palette finds them too. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass

NEXT_START = "From the next start on."


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting.

    Attributes:
        key: by which it is found.
        title: what it is called.
        tip: what it does, one sentence.
        at_start: whether it holds from the next start on; otherwise at once.
    """

    key: str
    title: str
    tip: str
    at_start: bool = False


ROWS = (
    SettingRow("theme", "Theme", "Dark or light colours"),
    SettingRow("motion", "Motion", "Whether values move along their paths"),
    SettingRow("text_size", "Text size", "Text, and with it everything around it", at_start=True),
    SettingRow(
        "restore",
        "Begin where I left off",
        "The last model, prompt and recipe come back at the next start",
        at_start=True,
    ),
    SettingRow("device", "Device", "Where models run", at_start=True),
    SettingRow(
        "threads",
        "Threads",
        "Processor threads for the model. All cores are fastest on a quiet machine and far slower "
        "on a busy one; one less than the cores is the default",
    ),
    SettingRow(
        "budget",
        "Memory for prompts",
        "What may be kept of the prompts that were run, so that going back to one takes no time",
    ),
    SettingRow("runs", "Folder of runs", "Where training writes its runs"),
    SettingRow(
        "downloads",
        "Folder of downloads",
        "Where models of a hub are kept; the variable HF_HOME names another, before the start",
    ),
    SettingRow("file", "Settings file", "Where all of this is written"),
)
