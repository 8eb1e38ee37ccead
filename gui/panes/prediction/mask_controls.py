"""Mask the selected token, or fill it with one that is drawn; why no text is generated.

Draws from the very distribution that the bars show. Asks the store's masking for the rest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.session.store import Store
from gui.widgets.flow import FlowLayout
from gui.widgets.text import Text
from model.sampling import draw


class MaskControls(QWidget):
    """Two buttons, a seed, and what there is to say.

    Args:
        store: whose prompt is changed.
        distribution: gives the distribution that the bars show, None for none.
        position: gives the position that it is of.
    """

    def __init__(
        self,
        store: Store,
        distribution: Callable[[], NDArray[np.float64] | None],
        position: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.store = store
        self._distribution = distribution
        self._position = position
        self.mask_button = _button(self, "Mask")
        self.mask_button.clicked.connect(self.toggle_mask)
        self.fill_button = _button(self, "Fill")
        self.fill_button.setToolTip(
            "Draw one token from this distribution and put it in this place (Ctrl+Return)"
        )
        self.fill_button.clicked.connect(self.fill)
        self.seed = QLineEdit(self)
        self.seed.setPlaceholderText("seed")
        self.seed.setValidator(QIntValidator(0, 2**31 - 1, self.seed))
        self.seed.setFont(theme.mono(theme.FONT_SIZE - 0.5))
        self.seed.setFixedWidth(52)
        self.seed.setAccessibleName("Seed")
        self.seed.setToolTip("The same seed draws the same token; empty is random")
        words = theme.sans(theme.SMALL_FONT_SIZE + 0.5)
        self.why = Text(parent=self, tone="dim", font=words, wrap=True)
        self.says = Text(parent=self, tone="warning", font=words, wrap=True)

        buttons = FlowLayout()
        for widget in (self.mask_button, self.fill_button, self.seed):
            buttons.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        layout.addLayout(buttons)
        layout.addWidget(self.says)
        layout.addWidget(self.why)

    def refresh(self) -> None:
        """Show what can be done at the position."""
        store, at = self.store, self._position()
        masking = store.masking
        back = masking.original(at) is not None
        self.mask_button.setText("Unmask" if back else "Mask")
        self.mask_button.setAccessibleName("Unmask this token" if back else "Mask this token")
        self.mask_button.setToolTip(
            "Put the token back that was masked here (M)"
            if back
            else "Put the mask in place of the selected token; the model guesses it (M)"
        )
        self.mask_button.setEnabled(masking.possible and (back or not masking.is_mask(at)))
        self.fill_button.setEnabled(self._distribution() is not None)
        self.says.setText(masking.message)
        self.says.setVisible(bool(masking.message))
        why = "" if store.model is None else store.model.config.no_continuation
        if store.model is not None and not masking.possible:
            why += " Its tokenizer has no mask, so none can be put into the prompt."
        self.why.setText(why)

    def toggle_mask(self) -> None:
        """Mask the selected token, or put it back."""
        self.store.masking.toggle(self._position())

    def fill(self) -> None:
        """Draw a token and put it in the place of what stands at the position."""
        distribution_V = self._distribution()
        if distribution_V is None:
            return
        seed = int(self.seed.text()) if self.seed.hasAcceptableInput() else None
        token_id = draw(distribution_V, np.random.default_rng(seed))
        self.store.masking.fill(self._position(), token_id)


def _button(parent: QWidget, text: str) -> QPushButton:
    button = QPushButton(text, parent)
    button.setAccessibleName(text)
    return button
