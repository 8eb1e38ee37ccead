"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("gui/", "model/", "tests/", "docs/", "benchmarks/", "resources/", "tools/", "main.py")


@pytest.mark.parametrize("name", ["architecture.md", "adding.md"])
def test_every_file_that_is_named_exists(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = {word for word in re.findall(r"`([^`\s]+)`", text) if word.startswith(ROOMS)}
    assert len(named) > 10
    missing = sorted(word for word in named if not (ROOT / word).exists())
    assert not missing


def test_every_list_that_is_named_stands_where_it_is_said() -> None:
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    lists = re.findall(r"`([A-Z]+)` in `([^`]+)`", text)
    assert len(lists) == 8
    for name, path in lists:
        assert re.search(rf"^{name}\b.*= [({{]", (ROOT / path).read_text(), re.MULTILINE), name
