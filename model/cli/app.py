"""The typer app, made from the lists of verbs and probes. Knows no verb."""

from __future__ import annotations

from importlib import import_module

import typer

from model import cli, probe
from model.cli import asking, output


def make_app() -> typer.Typer:
    """All verbs of `model.cli`, in groups and alone, and under ``probe`` those of `model.probe`."""
    app = _group("Open, trace, train and score transformers, without a window.")
    for module in cli.VERBS:
        _add(app, _name(module), module)
    for package, sentence, modules in cli.GROUPS:
        group = _group(sentence)
        for module in modules:
            _add(group, _name(module), module)
        app.add_typer(group, name=_name(package))
    probes = _group("Ask a model one question.")
    for listed in probe.PROBES:
        if listed.verb is not None:
            _add(probes, listed.name, listed.verb, listed.sentence)
        elif listed.question is not None:
            probes.command(listed.name, short_help=listed.sentence)(asking.command(listed))
    app.add_typer(probes, name="probe")
    return app


def main() -> None:
    """Run the command that the arguments name."""
    output.run(lambda: make_app()(prog_name="python -m model"))


def _name(module: str) -> str:
    return module.rpartition(".")[2].replace("_", "-")


def _group(help: str) -> typer.Typer:
    return typer.Typer(
        help=help,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )


def _add(group: typer.Typer, name: str, module: str, sentence: str | None = None) -> None:
    verb = import_module(module)
    settings = getattr(verb, "SETTINGS", None)
    group.command(name, short_help=sentence, context_settings=settings)(verb.command)
