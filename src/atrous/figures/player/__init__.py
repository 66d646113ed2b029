"""A page that plays a figure's steps: previous, next, play, scrub, keys. It holds all it needs and asks for nothing."""

from __future__ import annotations

import json
from pathlib import Path

from atrous.figures.frames import Frames
from atrous.figures.style import Ink
from atrous.figures.svg import document, escaped, film, printable

_HERE = Path(__file__).parent
#: The room below the drawing that the buttons take, in pixels.
CONTROLS = 70
_BUTTONS = """<div class="controls" role="group" aria-label="Steps" hidden>
<button type="button" id="back" aria-keyshortcuts="ArrowLeft">Previous</button>
<button type="button" id="play" aria-keyshortcuts="Space">Play</button>
<button type="button" id="next" aria-keyshortcuts="ArrowRight">Next</button>
<input type="range" id="scrub" min="1" max="{count}" value="{count}" step="1" aria-label="Step">
<output id="at" for="scrub">{count} / {count}</output>
</div>
<p class="unseen" id="said" aria-live="polite"></p>
"""


def to_page(frames: Frames) -> str:
    """An HTML page of all steps, of which the last shows where no script runs; ``page.html#5`` opens at step 5.

    Its policy allows no request to anywhere, whatever the words of the figure are.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(frames.last.title)}</title>\n<style>\n{_colours(frames)}{_file('player.css')}</style>\n</head>\n"
        f'<body>\n<main>\n<h1 class="unseen">{escaped(frames.last.title)}</h1>\n<figure>\n{_body(frames)}</figure>\n</main>\n'
        f"{_script(frames)}</body>\n</html>\n"
    )


def to_frame(frames: Frames) -> str:
    """The page as an element for notebooks: a frame of its own, so that many figures on a page do not meet."""
    width, height = frames.last.width, frames.last.height + CONTROLS
    return (
        f'<iframe title="{escaped(frames.last.title)}" sandbox="allow-scripts" srcdoc="{escaped(to_page(frames))}" '
        f'width="{width:g}" height="{height:g}" style="border:0;max-width:100%"></iframe>'
    )


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _colours(frames: Frames) -> str:
    paint = frames.style.paint
    return (
        f":root{{--paper:{frames.style.paper};--text:{paint(Ink.TEXT).fill};--line:{paint(Ink.FAINT).fill};"
        f"--accent:{paint(Ink.FRAME).stroke};--width:{frames.last.width:g}px}}\n"
    )


def _body(frames: Frames) -> str:
    count = len(frames.drawings)
    drawn = "".join(film(frames, lambda steps: f'data-steps="{spans(steps)}"'))
    if count == 1:
        return document(frames.last, frames.style, drawn, frames.last.description)
    told = f"{count} steps, shown one at a time by the buttons below"
    return document(frames.last, frames.style, drawn, told) + _BUTTONS.format(count=count)


def _script(frames: Frames) -> str:
    if len(frames.drawings) == 1:
        return ""
    told = {"captions": [printable(drawing.description) for drawing in frames.drawings], "seconds": frames.seconds}
    # In a script element only its end could be mistaken for something else, and a comment's start.
    data = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="steps">{data}</script>\n<script>\n{_file("player.js")}</script>\n'


def spans(steps: tuple[int, ...]) -> str:
    """Numbers in ascending order, those that follow each other as one span.

    >>> spans((1, 2, 3, 7, 9, 10))
    '1-3 7 9-10'
    """
    among = frozenset(steps)
    starts = [step for step in steps if step - 1 not in among]
    ends = [step for step in steps if step + 1 not in among]
    return " ".join(str(lo) if lo == hi else f"{lo}-{hi}" for lo, hi in zip(starts, ends, strict=True))
