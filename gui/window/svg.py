"""A figure as SVG, as every viewer shows it: each part is written for itself, then put in place.

Three faults of `QSvgGenerator` (Qt 6.11) make that necessary. A clip path is written in a widget's
coordinates, but stands outside the transformation that puts the widget in its place, and it goes on
where it has ended: whole parts vanish. Written for itself a widget is at the origin, nothing that
it clips reaches beyond it, and what sticks out is cut. The third: a pen of a fixed width is left to
``vector-effect``, which many viewers don't know, so that a thin curve over long axes becomes a
black area; such curves are put into the figure's own coordinates. Knows Qt's way of writing; not
what is drawn.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from PySide6.QtCore import QBuffer, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator

from gui.window.figure import Figure

Matrix = tuple[float, float, float, float, float, float]
"""``a, b, c, d, e, f`` of ``x' = a x + c y + e`` and ``y' = b x + d y + f``."""

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_GROUP = re.compile(rf"<g\b[^>]*?transform=\"matrix\((?P<matrix>{_NUMBER}(?:,{_NUMBER}){{5}})\)\"")
_FIXED = re.compile(
    r'<(?P<kind>path|polyline|polygon)\b[^>]*?vector-effect="non-scaling-stroke"[^>]*?>'
)
_PLACES = re.compile(r'\b(d|points)="([^"]*)"')
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})")
_NAMES = re.compile(r'(\bid="|url\(#|xlink:href="#)(?=\w)')


def figure_svg(figure: Figure, title: str, description: str) -> str:
    """A figure as one document.

    Args:
        figure: what is drawn.
        title: of the document.
        description: of it; where it comes from.
    """
    size = figure.size
    parts = [_inner(size, figure.paint_ground, "ground")]
    for number, part in enumerate(figure.parts):
        seen, corner = part.inside, part.place.topLeft() - part.inside.topLeft()
        parts.append(
            f'<defs><clipPath id="part{number}"><rect x="{seen.x()}" y="{seen.y()}" '
            f'width="{seen.width()}" height="{seen.height()}"/></clipPath></defs>\n'
            f'<g transform="translate({corner.x()},{corner.y()})" '
            f'clip-path="url(#part{number})">\n'
            f"{_inner(part.widget.size(), part.paint, f'p{number}')}</g>\n"
        )
    parts.append(_inner(size, figure.paint_caption, "caption"))
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f'<svg width="{size.width()}" height="{size.height()}" '
        f'viewBox="0 0 {size.width()} {size.height()}" xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1">\n'
        f"<title>{html.escape(_legal(title))}</title>\n"
        f"<desc>{html.escape(_legal(description), quote=False)}</desc>\n{''.join(parts)}</svg>\n"
    )


def _inner(size: QSize, paint: Callable[[QPainter], None], prefix: str) -> str:
    """What Qt writes for a painting, without the document around it; names begin with a prefix."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)  # Tiny knows no clipping
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(0, 0), size))
    with QPainter(generator) as painter:
        paint(painter)
    written = _legal(bytes(buffer.data().data()).decode("utf-8", "replace"))
    body = written[written.index(">", written.index("<svg")) + 1 : written.rindex("</svg>")]
    body = re.sub(r"<(title|desc)>.*?</\1>\s*", "", body, flags=re.DOTALL)
    body = _NAMES.sub(rf"\g<1>{prefix}-", body)
    return "".join(with_fixed_pens(body))


def with_fixed_pens(svg: str) -> Iterator[str]:
    """Curves of a fixed pen in the figure's own coordinates, where its width is as written."""
    matrices = [(match.end(), _matrix(match["matrix"])) for match in _GROUP.finditer(svg)]
    done, group = 0, 0
    for match in _FIXED.finditer(svg):
        while group < len(matrices) and matrices[group][0] <= match.start():
            group += 1
        back = None if group == 0 else _inverse(matrices[group - 1][1])
        if back is None:  # a clip path, before all groups: it has no pen
            continue
        yield svg[done : match.start()]
        yield _moved(match[0], match["kind"], matrices[group - 1][1], back)
        done = match.end()
    yield svg[done:]


def _moved(element: str, kind: str, matrix: Matrix, back: Matrix) -> str:
    a, b, c, d, e, f = matrix

    def move(pair: re.Match[str]) -> str:
        x, y = float(pair[1]), float(pair[2])
        return f"{a * x + c * y + e:.6g},{b * x + d * y + f:.6g}"

    def all_moved(places: re.Match[str]) -> str:
        return f'{places[1]}="{_PAIR.sub(move, places[2])}"'

    undone = ",".join(f"{number:.9g}" for number in back)
    return _PLACES.sub(all_moved, element).replace(
        f"<{kind}", f'<{kind} transform="matrix({undone})"', 1
    )


def _matrix(text: str) -> Matrix:
    a, b, c, d, e, f = (float(number) for number in text.split(","))
    return a, b, c, d, e, f


def _inverse(matrix: Matrix) -> Matrix | None:
    a, b, c, d, e, f = matrix
    determinant = a * d - b * c
    if abs(determinant) < 1e-300:
        return None
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return a, b, c, d, -(a * e + c * f), -(b * e + d * f)


def _legal(text: str) -> str:
    """Without the characters that no XML document may hold: a token can be any byte."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
