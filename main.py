"""Start Glassformer: arguments first, then the window, or pictures where there is no display.

Nothing heavy is imported before the arguments are understood: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; 1440x900 is one") from None
    if not (400 <= width <= 16_000 and 300 <= height <= 16_000):
        raise argparse.ArgumentTypeError(f"{text} is out of range: from 400x300 to 16000x16000")
    return width, height


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from gui.window.arrangements import PERSPECTIVES
    from model import __version__

    result = argparse.ArgumentParser(
        prog="glassformer",
        description="Open or train a transformer and watch a sentence go through it.",
        epilog="Without a window: python -m model --help",
    )
    result.add_argument(
        "checkpoint",
        nargs="?",
        help="a checkpoint or run folder, or a file in one; the bundled model if left out",
    )
    result.add_argument("--prompt", help="the sentence to begin with")
    result.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), help="where the model runs"
    )
    result.add_argument("--threads", type=int, metavar="N", help="processor threads for the model")
    result.add_argument("--theme", choices=("dark", "light"), help="colours of the window")
    result.add_argument(
        "--perspective",
        choices=[name.lower() for name in PERSPECTIVES],
        help="arrangement to begin with",
    )
    result.add_argument("--size", type=_size, metavar="WxH", help="size of the window")
    result.add_argument(
        "--pictures",
        metavar="DIR",
        help="write the window and each pane as PNG files there, and exit; needs no display",
    )
    result.add_argument(
        "--train",
        metavar="PRESET",
        help="with --pictures: first train a model by this preset, and show it learning",
    )
    result.add_argument("--version", action="version", version=f"Glassformer {__version__}")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status.

    What is printed can't stop it, whatever it is printed on.
    """
    from model.cli import output

    status = 0

    def run() -> None:
        nonlocal status
        status = _run(arguments)

    output.run(run)
    return status


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    if options.train and not options.pictures:
        parser().error("--train goes with --pictures; in the window, the Training pane trains")
    if options.threads is not None and options.threads < 1:
        parser().error("--threads must be at least 1")
    from gui.program.display import has_display

    if not has_display():
        if options.pictures is None:
            options.pictures = str(Path("build", "pictures"))
            print(
                "There is no display, so no window can be shown. "
                f"Writing the window and each pane as pictures to {options.pictures} instead."
            )
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if sys.platform == "win32":
        # torch >= 2.9 can't be imported after Qt there (WinError 1114).
        import torch  # noqa: F401
    from gui.program.imports import read_no_sources

    read_no_sources()
    from gui.app import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
