"""A theme in Qt's own terms: the palette, and the rules that a palette can't say. Knows no pane."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from gui.theme.colors import Theme
from gui.theme.sizes import FOCUS_WIDTH, RADIUS


def palette(theme: Theme) -> QPalette:
    """A Qt palette; built here because setColorScheme does nothing on plain X11."""
    roles = QPalette.ColorRole
    colors = {
        roles.Window: theme.panel,
        roles.WindowText: theme.text,
        roles.Base: theme.background,
        roles.AlternateBase: theme.panel,
        roles.Text: theme.text,
        roles.Button: theme.raised,
        roles.ButtonText: theme.text,
        roles.BrightText: theme.bad,
        roles.Highlight: theme.accent,
        roles.HighlightedText: theme.on_accent,
        roles.ToolTipBase: theme.raised,
        roles.ToolTipText: theme.text,
        roles.PlaceholderText: theme.disabled,
        roles.Link: theme.accent,
        roles.LinkVisited: theme.accent,
        roles.Light: theme.raised,
        roles.Midlight: theme.raised,
        roles.Mid: theme.line,
        roles.Dark: theme.line,
        roles.Shadow: theme.background,
    }
    result = QPalette()
    for role, value in colors.items():
        result.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.disabled))
    return result


def style_sheet(theme: Theme) -> str:
    """Rules that the palette can't say: flat controls, thin lines, one radius."""
    t = theme
    return f"""
    QMainWindow, QMainWindow::separator {{ background: {t.background}; }}
    QMainWindow::separator {{ width: 4px; height: 4px; }}
    QMainWindow::separator:hover {{ background: {t.line}; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line};
        padding: 4px 6px; }}
    QDockWidget {{ color: {t.text}; }}
    QToolBar {{ background: {t.background}; border: none; padding: 0; spacing: 0; }}
    /* At rest, under the mouse, pressed; an option that is on; what can't be used. */
    QPushButton, QToolButton {{ background: {t.raised}; border: 1px solid {t.line};
        border-radius: {RADIUS}px; padding: 3px 10px; color: {t.text}; }}
    QToolButton {{ padding: 3px 6px; }}
    QPushButton:hover, QToolButton:hover {{ border-color: {t.faint}; }}
    QPushButton:pressed, QToolButton:pressed {{ background: {t.line}; }}
    QPushButton:checked, QToolButton:checked {{ background: {t.accent_soft};
        border-color: {t.accent_soft}; color: {t.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {t.disabled}; border-color: {t.line};
        background: {t.panel}; }}
    /* The one that a pane is there for. */
    QPushButton[primary="true"] {{ background: {t.accent}; border-color: {t.accent};
        color: {t.on_accent}; }}
    QPushButton[primary="true"]:hover {{ border-color: {t.text}; }}
    QPushButton[primary="true"]:disabled {{ background: {t.panel}; border-color: {t.line};
        color: {t.disabled}; }}
    QPushButton[flat="true"], QToolButton[flat="true"] {{ background: transparent;
        border-color: transparent; }}
    QPushButton[flat="true"]:hover, QToolButton[flat="true"]:hover {{ background: {t.raised};
        border-color: {t.line}; }}
    QToolButton::menu-indicator, QPushButton::menu-indicator {{ image: none; }}
    QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox {{ background: {t.background};
        border: 1px solid {t.line}; border-radius: {RADIUS}px; padding: 3px 6px;
        selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    /* The keyboard's place: a ring of its own colour and width, unlike what is chosen or on. */
    QPushButton:focus, QToolButton:focus, QPushButton[primary="true"]:focus,
    QPushButton[flat="true"]:focus, QToolButton[flat="true"]:focus, QLineEdit:focus,
    QPlainTextEdit:focus, QComboBox:focus, QAbstractSpinBox:focus {{
        border: {FOCUS_WIDTH}px solid {t.focus}; }}
    QPushButton:focus {{ padding: 2px 9px; }}
    QToolButton:focus, QLineEdit:focus, QPlainTextEdit:focus, QComboBox:focus,
    QAbstractSpinBox:focus {{ padding: 2px 5px; }}
    QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0 6px;
        background: transparent; }}
    /* NoButtons under a style sheet leaves 1 pixel for the text (Qt 6.11): so buttons of none. */
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
    QComboBox::drop-down {{ border: none; width: 16px; }}
    QComboBox QAbstractItemView {{ background: {t.raised}; border: 1px solid {t.line};
        selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
    QSlider::groove:horizontal {{ height: 3px; background: {t.line}; border-radius: 1px; }}
    QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 1px; }}
    QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -5px 0;
        border-radius: 6px; background: {t.accent}; }}
    QSlider::handle:horizontal:focus {{ border: {FOCUS_WIDTH}px solid {t.focus}; width: 10px;
        height: 10px; }}
    QSlider::handle:horizontal:disabled {{ background: {t.faint}; }}
    QSlider::sub-page:horizontal:disabled {{ background: {t.faint}; }}
    QCheckBox, QRadioButton {{ spacing: 6px; }}
    QRadioButton::indicator {{ width: 9px; height: 9px; border-radius: 5px;
        border: 1px solid {t.faint}; background: {t.background}; }}
    QRadioButton::indicator:hover, QRadioButton::indicator:focus {{ border-color: {t.focus}; }}
    QRadioButton::indicator:checked {{ border: 3px solid {t.accent}; width: 5px; height: 5px;
        background: {t.on_accent}; }}
    QRadioButton::indicator:disabled {{ border-color: {t.line}; }}
    QMenuBar {{ background: {t.background}; color: {t.text}; padding: 2px 4px; }}
    QMenuBar::item {{ padding: 4px 8px; border-radius: {RADIUS}px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.raised}; }}
    QMenu {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 4px 24px 4px 12px; border-radius: {RADIUS}px; }}
    QMenu::item:selected {{ background: {t.accent_soft}; }}
    QMenu::item:disabled {{ color: {t.disabled}; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
    QStatusBar {{ background: {t.background}; color: {t.dim}; }}
    QStatusBar QLabel {{ color: {t.dim}; }}
    QScrollArea:focus {{ border: 1px solid {t.focus}; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QAbstractScrollArea::corner {{ background: transparent; border: none; }}
    QStatusBar::item {{ border: none; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QTabBar::tab {{ background: {t.background}; color: {t.dim}; padding: 4px 12px;
        border: none; border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
    QScrollBar:vertical {{ width: 10px; background: transparent; margin: 0; }}
    QScrollBar:horizontal {{ height: 10px; background: transparent; margin: 0; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 24px;
        min-width: 24px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {t.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: transparent; width: 0; height: 0; }}
    QProgressBar {{ background: {t.raised}; border: none; border-radius: 2px; max-height: 4px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
    """
