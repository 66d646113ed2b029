"""PDF: vectors and embedded fonts, one page a step, as large as the drawing; through reportlab."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from atrous.errors import ArgumentError
from atrous.figures.drawing import Anchor, Drawing, Image, Label, Path, Rect, fitted, text_width
from atrous.figures.fonts import drawable, font_file
from atrous.figures.frames import Frames
from atrous.figures.style import Paint, Style
from atrous.figures.svg import printable

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

#: A pixel of a drawing in points: 96 of the one and 72 of the other are an inch.
POINT = 0.75
FONTS = {False: "AtrousDejaVuSans", True: "AtrousDejaVuSans-Bold"}
#: What the operator Tr takes (PDF 32000-1:2008, table 106).
FILLED, STROKED = 0, 1


def write_pdf(frames: Frames) -> bytes:
    """A PDF of one page a step; ``ArgumentError`` where reportlab is not installed."""
    try:
        from reportlab.pdfbase.pdfmetrics import registerFont
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise ArgumentError(
            f"path: PDF is written through reportlab, which cannot be imported ({error}); pip install 'atrous[figures]', or "
            "write .svg"
        ) from error
    for bold, name in FONTS.items():
        registerFont(TTFont(name, str(font_file(bold=bold))))
    file = BytesIO()
    # Invariant: no dates and no random names, so that the same figure gives the same bytes.
    canvas = Canvas(file, invariant=1, pageCompression=1, lang="en", initialFontName=FONTS[False])
    canvas.setTitle(printable(frames.last.title))
    canvas.setSubject(printable(frames.last.description))
    canvas.setAuthor("atrous")
    canvas.setCreator("atrous")
    for drawing in frames.drawings:
        canvas.setPageSize((drawing.width * POINT, drawing.height * POINT))
        _page(canvas, drawing, frames.style)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _page(canvas: Canvas, drawing: Drawing, style: Style) -> None:
    from reportlab.lib.utils import ImageReader

    canvas.scale(POINT, POINT)
    canvas.setLineJoin(1)
    canvas.setFillColor(style.paper)
    canvas.rect(0, 0, drawing.width, drawing.height, stroke=0, fill=1)
    for mark in drawing.marks:
        paint = style.paint(mark.role)
        if isinstance(mark, Label):
            _label(canvas, mark, paint, style, drawing.height)
        elif isinstance(mark, Image):
            below = drawing.height - mark.y - mark.height
            canvas.drawImage(ImageReader(mark.pixels.image()), mark.x, below, mark.width, mark.height)
        else:
            _shape(canvas, mark, paint, drawing.height)


def _shape(canvas: Canvas, mark: Rect | Path, paint: Paint, height: float) -> None:
    filled = bool(paint.fill) and (isinstance(mark, Rect) or mark.closed)
    if filled:
        canvas.setFillColor(paint.fill)
    if paint.stroke:
        canvas.setStrokeColor(paint.stroke)
        canvas.setLineWidth(paint.width)
        dash = fitted(paint.dash, mark.width) if paint.dash and isinstance(mark, Rect) else paint.dash
        canvas.setDash([dash, dash] if dash else [], dash / 2 if isinstance(mark, Rect) else 0)
    path = canvas.beginPath()
    if isinstance(mark, Rect):
        path.rect(mark.x, height - mark.y - mark.height, mark.width, mark.height)
    else:
        (x, y), *rest = mark.points
        path.moveTo(x, height - y)
        for u, v in rest:
            path.lineTo(u, height - v)
        if mark.closed:
            path.close()
    canvas.drawPath(path, stroke=int(bool(paint.stroke)), fill=int(filled))


def _label(canvas: Canvas, mark: Label, paint: Paint, style: Style, height: float) -> None:
    width = text_width(mark.text, mark.size, mark.bold)
    x = mark.x - {Anchor.START: 0.0, Anchor.MIDDLE: width / 2, Anchor.END: width}[mark.anchor]
    if mark.rim:
        canvas.saveState()  # how letters are painted lasts beyond a text, and reportlab takes it to be filled at the next
        canvas.setStrokeColor(style.paper)
        canvas.setLineWidth(4)
        canvas.setDash([])
        _text(canvas, mark, x, height, STROKED)
        canvas.restoreState()
    canvas.setFillColor(paint.letters)
    _text(canvas, mark, x, height, FILLED)


def _text(canvas: Canvas, mark: Label, x: float, height: float, mode: int) -> None:
    text = canvas.beginText(x, height - mark.baseline)
    text.setFont(FONTS[mark.bold], mark.size)
    text.setTextRenderMode(mode)
    text.textOut(drawable(mark.text))
    canvas.drawText(text)
