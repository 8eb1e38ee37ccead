"""A text that a run of a second learns from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.train.conftest import CARROLL


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.txt"
    path.write_text(CARROLL * 4, encoding="utf-8")
    return path
