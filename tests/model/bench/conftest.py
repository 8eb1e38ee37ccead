"""What the tests of the bench share: networks so small that nothing would be reused otherwise."""

from __future__ import annotations

import pytest

from model.bench import stream


@pytest.fixture(autouse=True)
def reused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A beginning in common is copied, however little it is, as in a large network."""
    monkeypatch.setattr(stream, "COMPUTED_AGAIN", 0)
