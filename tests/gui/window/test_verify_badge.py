"""The badge says whether the open model equals its original, and only after it was compared."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.session.state import Notice
from gui.session.store import Store
from gui.window.verify_badge import VerifyBadge
from model import messages as m
from tests.gui.desk import Desk
from tests.gui.pixels import color_named, pixels


@pytest.fixture
def badge(live_store: Store, qtbot: QtBot) -> VerifyBadge:
    badge = VerifyBadge(live_store)
    qtbot.addWidget(badge)
    badge.resize(420, 22)
    badge.show()
    return badge


def dot(badge: VerifyBadge) -> tuple[int, int, int]:
    badge.repaint()
    return tuple(int(c) for c in pixels(badge)[badge.height() // 2, 11])  # type: ignore[return-value]


def answered(store: Store, **changes: object) -> None:
    """As if the worker had compared."""
    assert store.verifying.request is not None
    assert store.model is not None
    result = m.ModelVerified(
        request_id=store.verifying.request.id,
        model_id=store.model.model_id,
        **changes,  # type: ignore[arg-type]
    )
    store.receive(result)


class Silent(Store):
    """Sends nothing: the test answers."""

    def __init__(self, live: Store) -> None:
        self.sent: list[m.Request] = []
        super().__init__(self.sent.append)
        self.model = live.model


@pytest.fixture
def silent(live_store: Store) -> Silent:
    return Silent(live_store)


@pytest.fixture
def told(silent: Silent, qtbot: QtBot) -> VerifyBadge:
    badge = VerifyBadge(silent)
    qtbot.addWidget(badge)
    badge.resize(420, 22)
    badge.show()
    return badge


def test_before_it_is_compared_it_says_so_and_how_to(badge: VerifyBadge) -> None:
    assert badge.text() == "not verified"
    assert "transformers" in badge.toolTip()
    assert "--write-reference" in badge.toolTip()
    assert dot(badge) == color_named("faint")


def test_a_click_compares_and_the_line_has_the_numbers(
    told: VerifyBadge, silent: Silent, qtbot: QtBot
) -> None:
    qtbot.mouseClick(told, Qt.MouseButton.LeftButton)
    assert isinstance(silent.sent[-1], m.VerifyModel)
    assert told.text().startswith("verifying")
    answered(
        silent,
        max_abs_logit_difference=3.2e-6,
        tolerance=1e-4,
        n_tokens=64,
        dtype="float32",
        against="transformers 5.2.0",
        seconds=4.0,
    )
    assert told.text() == "equals transformers: max |Δ logit| 3e-6 over 64 tokens"
    assert "3.2e-06" in told.toolTip()
    assert dot(told) == color_named("good")


def test_a_difference_is_red(told: VerifyBadge, silent: Silent) -> None:
    silent.verifying.start()
    answered(
        silent,
        max_abs_logit_difference=0.5,
        tolerance=1e-4,
        n_tokens=64,
        against="transformers 5.2.0",
    )
    assert told.text().startswith("differs from transformers")
    assert dot(told) == color_named("bad")


def test_a_click_while_it_runs_stops_it(told: VerifyBadge, silent: Silent, qtbot: QtBot) -> None:
    qtbot.mouseClick(told, Qt.MouseButton.LeftButton)
    request = silent.verifying.request
    assert request is not None
    qtbot.mouseClick(told, Qt.MouseButton.LeftButton)
    cancel = silent.sent[-1]
    assert isinstance(cancel, m.Cancel)
    assert cancel.target == request.id
    silent.receive(m.Cancelled(request_id=request.id))
    assert told.text() == "not verified"


def test_why_nothing_could_be_compared_is_said_to_who_asked(
    told: VerifyBadge, silent: Silent, qtbot: QtBot
) -> None:
    notices: list[Notice] = []
    silent.notice_posted.connect(notices.append)
    qtbot.mouseClick(told, Qt.MouseButton.LeftButton)
    answered(silent, max_abs_logit_difference=None, problem="transformers is not installed.")
    assert told.text() == "not verified"
    assert "transformers is not installed." in told.toolTip()
    assert [notice.message for notice in notices] == [
        "Not verified: transformers is not installed."
    ]
    assert dot(told) == color_named("warning")


def test_a_comparison_that_breaks_leaves_no_older_verdict(
    told: VerifyBadge, silent: Silent
) -> None:
    silent.verifying.start()
    answered(silent, max_abs_logit_difference=1e-6, tolerance=1e-4, against="transformers 5")
    assert told.text().startswith("equals")
    silent.verifying.start()
    request = silent.verifying.request
    assert request is not None
    silent.receive(m.Failed(request_id=request.id, request=request, message="No memory is left."))
    assert told.text() == "not verified"


def test_a_comparison_that_is_stopped_leaves_the_older_verdict(
    told: VerifyBadge, silent: Silent
) -> None:
    silent.verifying.start()
    answered(silent, max_abs_logit_difference=1e-6, tolerance=1e-4, against="transformers 5")
    silent.verifying.start()
    assert silent.verifying.request is not None
    silent.receive(m.Cancelled(request_id=silent.verifying.request.id))
    assert told.text().startswith("equals")


def test_another_model_is_not_verified(told: VerifyBadge, silent: Silent) -> None:
    silent.verifying.start()
    answered(silent, max_abs_logit_difference=1e-6, tolerance=1e-4, against="transformers 5")
    assert silent.verifying.verdict is not None
    assert silent.model is not None
    silent.receive(m.ModelOpened(request_id=1, info=silent.model, seconds=0.0))
    assert told.text() == "not verified"


def test_the_bundled_model_equals_its_original(
    badge: VerifyBadge, desk: Desk, qtbot: QtBot
) -> None:
    qtbot.mouseClick(badge, Qt.MouseButton.LeftButton)
    while desk.engine.busy:
        desk.advance()
    assert badge.text().startswith("equals transformers: max |Δ logit|")
    assert badge.text().endswith("over 64 tokens")
    assert dot(badge) == color_named("good")


def test_a_comparison_in_another_precision_than_what_is_drawn_says_so(
    told: VerifyBadge, silent: Silent
) -> None:
    silent.verifying.start()
    answered(
        silent,
        max_abs_logit_difference=2e-6,
        tolerance=1e-4,
        n_tokens=64,
        dtype="float32",
        opened="float16",
        against="transformers 5.2.0",
    )
    assert told.text().startswith("equals transformers in float32 (drawn: float16): ")
