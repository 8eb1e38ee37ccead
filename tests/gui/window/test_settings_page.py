"""What is set holds at once, or says from when on; it is written, and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QSpinBox
from pytestqt.qtbot import QtBot

from gui import settings as settings_file
from gui import theme
from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.widgets.segments import Segments
from gui.window.main_window import MainWindow
from gui.window.settings_page import SettingsPage
from gui.window.settings_rows import NEXT_START, ROWS
from tests.gui.desk import Desk

ROOT = Path(__file__).resolve().parents[3]
SCALE = """
import sys
from gui import settings
from gui.app import make_application
app = make_application("dark", settings.load().text_size)
print(app.primaryScreen().devicePixelRatio())
"""


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> Iterator[MainWindow]:
    window = MainWindow(live_store, Backend(), Settings())
    window.show()
    qtbot.waitExposed(window)
    yield window
    theme.apply(QApplication.instance(), "dark")  # type: ignore[arg-type]
    theme.set_motion(True)
    window.close()
    window.deleteLater()
    qtbot.wait(1)


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> Iterator[SettingsPage]:
    window.show_settings()
    page = window.findChild(SettingsPage)
    assert page is not None
    qtbot.waitExposed(page)
    yield page
    page.close()


def control(page: SettingsPage, key: str, kind: type):
    found = page.controls[key]
    assert isinstance(found, kind)
    return found


def test_theme_and_motion_change_at_once_and_are_written(
    page: SettingsPage, window: MainWindow, qtbot: QtBot
) -> None:
    qtbot.mouseClick(control(page, "theme", Segments).buttons["light"], Qt.MouseButton.LeftButton)
    assert theme.current().name == "light"
    control(page, "motion", QCheckBox).click()
    assert theme.MOTION_MS == 0
    kept = settings_file.load()
    assert (kept.theme, kept.motion) == ("light", False)


def test_threads_and_memory_reach_the_worker_at_once(page: SettingsPage, desk: Desk) -> None:
    control(page, "threads", QSpinBox).setValue(2)
    control(page, "budget", QSpinBox).setValue(256)
    assert desk.store.engine is not None
    assert desk.store.engine.threads == 2
    assert desk.engine.place.bench.budget == 256 * 2**20
    kept = settings_file.load()
    assert (kept.threads, kept.budget_mb) == (2, 256)
    desk.store.set_threads(1)


def test_what_needs_a_restart_says_so_and_stands_out_once_it_waits(
    page: SettingsPage, qtbot: QtBot
) -> None:
    assert all(
        page.note(row.key).endswith(NEXT_START) or row.key == "restore"
        for row in ROWS
        if row.at_start
    )
    note = page._notes["text_size"]
    assert note.tone == "dim"
    qtbot.mouseClick(control(page, "text_size", Segments).buttons["125"], Qt.MouseButton.LeftButton)
    assert note.tone == "warning"
    assert settings_file.load().text_size == 125
    qtbot.mouseClick(control(page, "text_size", Segments).buttons["100"], Qt.MouseButton.LeftButton)
    assert note.tone == "dim"


@pytest.mark.parametrize(
    ("size", "given", "wanted"), [(125, "", 1.25), (100, "", 1.0), (150, "2", 3.0)]
)
def test_the_text_size_holds_from_the_next_start_on(size: int, given: str, wanted: float) -> None:
    settings_file.save(Settings(text_size=size))
    env = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    env.pop("QT_SCALE_FACTOR", None)
    if given:
        env["QT_SCALE_FACTOR"] = given
    done = subprocess.run(
        [sys.executable, "-c", SCALE], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == wanted


def test_runs_are_written_where_the_page_says(
    page: SettingsPage, window: MainWindow, tmp_path: Path
) -> None:
    page.set_runs_folder(str(tmp_path))
    assert window.host.pane("training").runs_dir == tmp_path  # type: ignore[attr-defined]
    assert settings_file.load().panes["training"]["runs_dir"] == str(tmp_path)


def test_a_place_that_cannot_be_written_is_told_of(
    page: SettingsPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLASSFORMER_SETTINGS_DIR", str(tmp_path / "file" / "inside"))
    control(page, "restore", QCheckBox).click()
    assert "can't be written" in page.note("file")


def test_every_setting_has_a_control_with_a_name_and_a_sentence(page: SettingsPage) -> None:
    assert set(page.controls) == {row.key for row in ROWS}
    for row in ROWS:
        assert page.controls[row.key].accessibleName() == row.title
        assert row.tip[:20] in page.note(row.key)


def test_it_opens_on_the_setting_that_was_looked_for(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id["threads"].trigger()
    page = window.findChild(SettingsPage)
    assert page is not None
    qtbot.waitUntil(lambda: page.focusWidget() is page.controls["threads"], timeout=5000)
    page.close()
