"""`python -m model` in this process, its commands made once.

`make_app` reads every verb and probe, and typer makes a command of each before it runs one. For the
program that is once; for hundreds of tests it took four fifths of their time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import typer
from typer import testing
from typer.main import get_command

from model.cli import app

make_app = cache(app.make_app)
command_of = cache(get_command)


class CliRunner(testing.CliRunner):
    """typer's own, which does not make the commands of an app again each time."""

    def invoke(
        self, app: typer.Typer, args: str | Sequence[str] | None = None, *more: Any, **named: Any
    ) -> testing.Result:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(testing, "_get_command", command_of)
            return super().invoke(app, args, *more, **named)
