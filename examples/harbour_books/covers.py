"""Book covers drawn by code: the same title always gets the same cover.

A cover is an SVG of 240 by 360 units with presentation attributes only, since the shop's
Content-Security-Policy allows no inline style.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from math import sin
from typing import Final

WIDTH: Final = 240
HEIGHT: Final = 360
MARGIN: Final = 22
SERIF: Final = "Georgia, 'Liberation Serif', serif"
SANS: Final = "'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
EM_SHARE: Final = {SERIF: 0.54, SANS: 0.6}
"""Mean width of a bold letter in em, on the wide side, so that no line leaves its column."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one cover; `ink` reads on `ground` with at least 4.5:1."""

    ground: str
    first: str
    second: str
    ink: str


EDITION: Final = 2500
"""A change gives every title a new cover; this one spreads our stock evenly over the designs."""

PALETTES: Final = (
    Palette(ground="#0f4c5c", first="#2f868c", second="#e9c46a", ink="#fdf6e3"),
    Palette(ground="#f1e6d3", first="#c8553d", second="#588b8b", ink="#28211c"),
    Palette(ground="#1d2733", first="#47688f", second="#ee6c4d", ink="#f2efe9"),
    Palette(ground="#dde5cf", first="#6b8f5e", second="#33502f", ink="#1f2b1c"),
    Palette(ground="#e0ae3a", first="#a4661f", second="#fff1cc", ink="#2b1d0e"),
    Palette(ground="#4a2545", first="#a6557b", second="#f2c6a0", ink="#fbeee6"),
    Palette(ground="#e6edf0", first="#7aa5b5", second="#264653", ink="#16242a"),
)


def wrapped(text: str, *, width: float, size: float, font: str) -> list[str]:
    """The text in lines that fit `width` at a font size, broken between words."""
    room = width / (size * EM_SHARE[font])
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= room:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line for line in lines if line]


def set_text(
    text: str,
    *,
    x: float,
    top: float,
    width: float,
    fill: str,
    font: str = SERIF,
    sizes: tuple[float, ...] = (36, 32, 28, 25, 22, 19),
    most_lines: int = 5,
    anchor: str = "start",
) -> tuple[str, float]:
    """A text block in the largest size that fits, and where it ends below `top`."""
    for size in sizes:
        lines = wrapped(text, width=width, size=size, font=font)
        longest = max(map(len, lines)) * size * EM_SHARE[font]
        if len(lines) <= most_lines and longest <= width:
            break
    else:
        size, lines = sizes[-1], wrapped(text, width=width, size=sizes[-1], font=font)
    spans = "".join(
        f'<tspan x="{x:g}" y="{top + size * (0.8 + 1.12 * row):.1f}">{escape(line)}</tspan>'
        for row, line in enumerate(lines)
    )
    block = (
        f'<text font-family="{font}" font-size="{size:g}" font-weight="700" '
        f'fill="{fill}" text-anchor="{anchor}">{spans}</text>'
    )
    return block, top + size * 1.12 * len(lines)


def byline(author: str, *, y: float, fill: str, x: float = MARGIN, anchor: str = "start") -> str:
    """The author's name in small spaced letters on the baseline `y`."""
    return (
        f'<text x="{x:g}" y="{y:g}" font-family="{SANS}" font-size="12" letter-spacing="0.8" '
        f'fill="{fill}" text-anchor="{anchor}">{escape(author)}</text>'
    )


def horizon(title: str, author: str, colours: Palette, rng: random.Random) -> str:
    """A sun over rows of waves."""
    cx, r = rng.randrange(60, 181), rng.randrange(34, 52)
    parts = [f'<circle cx="{cx}" cy="222" r="{r}" fill="{colours.second}"/>']
    phase = rng.random() * 6
    for row, opacity in enumerate((0.55, 0.75, 1.0)):
        y = 232 + 34 * row
        crest = " ".join(
            f"L{x} {y + 9 * sin(x / 22 + phase + 1.7 * row):.1f}" for x in range(0, WIDTH + 1, 8)
        )
        parts.append(
            f'<path d="M0 {HEIGHT}{crest}L{WIDTH} {HEIGHT}Z" fill="{colours.first}" '
            f'fill-opacity="{opacity}"/>'
        )
    block, end = set_text(
        title, x=MARGIN, top=28, width=WIDTH - 2 * MARGIN, fill=colours.ink, most_lines=4
    )
    return "".join(parts) + block + byline(author, y=end + 20, fill=colours.ink)


def stripes(title: str, author: str, colours: Palette, rng: random.Random) -> str:
    """Stripes of uneven height, with the title on a label."""
    parts, y = [], 0
    while y < HEIGHT:
        height = rng.choice((6, 10, 16, 26))
        fill = rng.choice((colours.first, colours.second, colours.first))
        parts.append(f'<rect y="{y}" width="{WIDTH}" height="{height}" fill="{fill}"/>')
        y += height + rng.choice((6, 10, 14))
    return "".join(parts) + label(title, author, colours, inset=0)


def tiles(title: str, author: str, colours: Palette, rng: random.Random) -> str:
    """A floor of quarter circles, with the title on a label."""
    step, parts = 40, []
    for x in range(0, WIDTH, step):
        for y in range(0, HEIGHT, step):
            fill = rng.choice((colours.first, colours.second))
            corner_x, corner_y, sweep = rng.choice(
                ((x, y, 1), (x + step, y, 0), (x, y + step, 0), (x + step, y + step, 1))
            )
            to_x = x + step if corner_x == x else x
            to_y = y + step if corner_y == y else y
            parts.append(
                f'<path d="M{corner_x} {corner_y}L{to_x} {corner_y}'
                f'A{step} {step} 0 0 {sweep} {corner_x} {to_y}Z" fill="{fill}"/>'
            )
    return "".join(parts) + label(title, author, colours, inset=20)


def label(title: str, author: str, colours: Palette, *, inset: float) -> str:
    """A panel in the ground colour, `inset` from both edges, with title and author."""
    middle = WIDTH / 2
    block, end = set_text(
        title,
        x=middle,
        top=96,
        width=WIDTH - 72,
        fill=colours.ink,
        sizes=(30, 27, 24, 21, 18),
        anchor="middle",
    )
    panel = (
        f'<rect x="{inset:g}" y="76" width="{WIDTH - 2 * inset:g}" height="{end - 32:.1f}" '
        f'fill="{colours.ground}"/>'
    )
    return panel + block + byline(author, y=end + 22, fill=colours.ink, x=middle, anchor="middle")


def rings(title: str, author: str, colours: Palette, rng: random.Random) -> str:
    """Circles spreading from a point low on the cover."""
    cx, cy, step = rng.randrange(40, 200), rng.randrange(250, 310), rng.randrange(15, 23)
    parts = [
        f'<circle cx="{cx}" cy="{cy}" r="{r}" fill="none" stroke="{colours.first}" '
        f'stroke-width="{9 - r / 28:.1f}"/>'
        for r in range(26, 9 * step, step)
    ]
    parts.append(f'<circle cx="{cx}" cy="{cy}" r="12" fill="{colours.second}"/>')
    block, end = set_text(
        title, x=MARGIN, top=28, width=WIDTH - 2 * MARGIN, fill=colours.ink, font=SANS, most_lines=4
    )
    veil = f'<rect width="{WIDTH}" height="{end + 32:.1f}" fill="{colours.ground}"/>'
    return "".join(parts) + veil + block + byline(author, y=end + 20, fill=colours.ink)


def initial(title: str, author: str, colours: Palette, rng: random.Random) -> str:
    """The title's first telling letter, larger than the cover."""
    word = next(word for word in title.split() if word not in {"A", "The", "Her"})
    x = rng.randrange(-14, 40)
    letter = (
        f'<text x="{x}" y="246" font-family="{SERIF}" font-size="330" font-weight="700" '
        f'fill="{colours.first}">{escape(word[0])}</text>'
    )
    block, end = set_text(
        title,
        x=MARGIN,
        top=266,
        width=WIDTH - 2 * MARGIN,
        fill=colours.ink,
        sizes=(23, 20, 18),
        most_lines=2,
    )
    rule = f'<rect y="254" width="{WIDTH}" height="106" fill="{colours.ground}"/>'
    edge = f'<rect x="{MARGIN}" y="254" width="44" height="3" fill="{colours.second}"/>'
    return letter + rule + edge + block + byline(author, y=end + 18, fill=colours.ink)


def rods(title: str, author: str, colours: Palette, rng: random.Random) -> str:
    """Upright rods of different lengths hanging from the top edge."""
    parts = []
    for x in range(MARGIN, WIDTH - MARGIN + 1, 14):
        length = rng.randrange(50, 164)
        fill = colours.second if rng.random() < 0.25 else colours.first
        parts.append(f'<rect x="{x - 2}" width="4" height="{length}" fill="{fill}"/>')
        parts.append(f'<circle cx="{x}" cy="{length}" r="5" fill="{fill}"/>')
    block, _ = set_text(
        title,
        x=MARGIN,
        top=184,
        width=WIDTH - 2 * MARGIN,
        fill=colours.ink,
        sizes=(30, 27, 24, 21, 19),
        most_lines=4,
    )
    return "".join(parts) + block + byline(author, y=HEIGHT - MARGIN, fill=colours.ink)


DESIGNS: Final[tuple[Callable[[str, str, Palette, random.Random], str], ...]] = (
    horizon,
    stripes,
    tiles,
    rings,
    initial,
    rods,
)


def cover(title: str, author: str) -> str:
    """The cover of a book as an SVG document, the same one for the same title and author."""
    rng = random.Random(f"{EDITION} {title}")
    design, colours = rng.choice(DESIGNS), rng.choice(PALETTES)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">'
        f"<title>{escape(f'{title}, by {author}')}</title>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{colours.ground}"/>'
        f"{design(title, author, colours, rng)}</svg>"
    )
