"""`python -m model neighbours`: the probe's verb, which is asked for so often."""

from __future__ import annotations

from model.probe.neighbours.cli import command as command
