"""Speed of the rewriter, side by side with a bare copy and a bare `bytes.replace`.

Run it with `python -m benchmarks.rewrite`; it returns 1 where a bar is missed. Every round visits
all contenders in turn, so that a
busy machine slows all of them; a ratio is the median over the rounds of one run, and only
ratios carry over to another machine. Times are those of the processor. The page is made up here,
dense with markup, and has four slots, the last at its end, so that nothing can be skipped.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

from benchmarks.bars import Bar, ratios, say

from byleave.sdk.rewriter import Rewriter, mark

KEY = b"a key for marks that only this benchmark knows"
SLOTS = ("hero", "nav", "offer", "foot")
NEW = b'<section class="variant"><h2>Something new</h2><p>Made for you.</p></section>'
DEFAULT = b'<ul class="default"><li><a href="/a">One</a></li><li><a href="/b">Two</a></li></ul>'
SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 21

HEAD = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Harbour Books &amp; charts</title>
<link rel="stylesheet" href="/static/site.css?v=12"><link rel="icon" href="/favicon.ico">
<style>.card{display:grid;gap:1rem}.card > a::after{content:"\\203a"}</style>
<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}</script>
<script type="application/ld+json">{"@type":"Store","name":"Harbour Books"}</script>
</head><body class="page page-home" data-theme="light">
<header class="site-header"><a class="logo" href="/"><svg viewBox="0 0 24 24" width="24"><title>Home
</title><path d="M3 12l9-9 9 9v9H3z"/></svg></a></header><main id="content">
"""
CARD = b"""<article class="card card--product" id="product-%d" data-price="12.50" data-kind='book'>
  <a class="card__link" href="/books/%d?from=home&amp;pos=%d" title="A book about the sea">
    <img src="/img/cover-%d.jpg" alt="" width="160" height="240" loading="lazy"></a>
  <h3 class="card__title">The long way round, part %d</h3>
  <p>Sixteen months alone at sea, told in <em>letters</em> that were never sent. The author is
  known for <a href="/authors/%d">other books</a>, of which this one is the shortest by far.</p>
  <!-- stock: 14 -->
  <ul class="facts"><li>320 pages</li><li>Paper</li><li class="new">New</li></ul>
  <button type="button" class="button button--buy" data-id="%d"><svg class="icon" width="16"
  height="16" aria-hidden="true"><use href="#icon-basket"/></svg> Add to basket</button>
</article>
"""
TAIL = b"""</main><footer><p>Harbour Books, Whitby</p></footer>
<script src="/static/site.js" defer></script></body></html>
"""


def page(size: int, wrap: Callable[[str], tuple[bytes, bytes]]) -> bytes:
    """Return a page of about a size in bytes, with the slots spread over it up to its end."""
    cards = [CARD % ((number,) * 7) for number in range((size - len(HEAD + TAIL)) // len(CARD))]
    for part, slot in enumerate(SLOTS, start=1):
        opening, closing = wrap(slot)
        cards.insert(len(cards) * part // len(SLOTS), opening + DEFAULT + closing)
    return HEAD + b"".join(cards) + TAIL


def element(slot: str) -> tuple[bytes, bytes]:
    """Return the tags around a slot that is named by an attribute."""
    return b'<div class="slot" data-byleave-slot="%s">' % slot.encode(), b"</div>"


def marks(slot: str, key: bytes = KEY) -> tuple[bytes, bytes]:
    """Return the signed marks around a slot."""
    opening, closing = mark(slot, key)
    return opening.encode(), closing.encode()


def rewriter(*, only_marks: bool = False) -> Rewriter:
    """Return a rewriter that fills all the slots."""
    return Rewriter(dict.fromkeys(SLOTS, NEW), keys=[KEY], only_marks=only_marks)


def feed(text: bytes, size: int, *, only_marks: bool = False) -> int:
    """Rewrite a page in chunks, and return how many bytes came out."""
    one = rewriter(only_marks=only_marks)
    sent = sum(len(one.feed(text[at : at + size])) for at in range(0, len(text), size))
    return sent + len(one.close())


def replace(text: bytes) -> int:
    """Fill the slots by searching for each whole default, as if it were known."""
    for slot in SLOTS:
        opening, closing = element(slot)
        text = text.replace(opening + DEFAULT + closing, opening + NEW + closing)
    return len(text)


def contenders(size: int) -> dict[str, Callable[[], object]]:
    """Return what is measured, the two references first."""
    elements, marked = page(size, element), page(size, marks)
    plain = elements.replace(b"byleave", b"another")
    return {
        "copy": lambda: bytes(memoryview(elements)),
        "replace": lambda: replace(elements),
        "scan": lambda: rewriter().close(elements),
        "scan, 16 KiB chunks": lambda: feed(elements, 16_384),
        "scan, no slots": lambda: rewriter().close(plain),
        "scan, two selectors": lambda: Rewriter(
            {"hero": NEW, "nav": NEW}, selectors={"hero": "#product-3", "nav": "ul.facts"}
        ).close(plain),
        "marks": lambda: rewriter(only_marks=True).close(marked),
        "marks, 16 KiB chunks": lambda: feed(marked, 16_384, only_marks=True),
        "first 16 KiB": lambda: rewriter().feed(elements[:16_384]),
    }


def measure(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds that one call of each function took, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            start = time.thread_time()
            for _ in range(repeats):
                function()
            seconds[name].append((time.thread_time() - start) / repeats)
    return seconds


HOSTILE = (
    b"<", b"<a ", b'<a b="', b"<a b = c =d>", b"<a =>", b"<!--x", b"<!-- --", b"<!--byleave:",
    b"<!--byleave:hero:%s-->" % (b"0" * 24), b"<div>", b"<svg><g/><text>a</text></svg>",
    b"<math><mi></mi></math>", b"<script></script x>", b"<script><!--<script></script>",
    b"</scrip ", b"byleave", b"<a byleave>", b'<div data-byleave-slot="hero">', b"<p>x",
    b"</a b=c>",
)  # fmt: skip


def worst(chunk: int) -> tuple[float, bytes]:
    """Return the longest time that 1 MB of anything hostile took in chunks, and what it was."""
    times = []
    for text in HOSTILE:
        start = time.thread_time()
        feed(b'<div data-byleave-slot="nav">' + text * (1_000_000 // len(text)), chunk)
        times.append((time.thread_time() - start, text))
    return max(times)


def bars(seconds: dict[str, list[float]], length: int) -> list[Bar]:
    """Return what a page of 100 KB must hold."""

    def mb_per_s(name: str) -> list[float]:
        return [length / each / 1e6 for each in seconds[name]]

    to_replace = ratios(seconds["scan"], seconds["replace"])
    held_ms = [each * 1e3 for each in seconds["first 16 KiB"]]
    return [
        Bar.of("scanning 100 KB", mb_per_s("scan"), " MB/s", least=100),
        Bar.of("scanning 100 KB, beside bytes.replace", to_replace, " x", most=16),
        Bar.of("signed marks, 100 KB", mb_per_s("marks"), " MB/s", least=1_000),
        Bar.of("first byte held", held_ms, " ms", most=0.3),
    ]


def main() -> int:
    """Print one table; return 1 where a bar is missed."""
    out = sys.stdout
    held: list[Bar] = []
    head = f"{'':22}{'KB':>6}{'ms':>9}{'MB/s':>8}{'x replace':>11}{'x copy':>9}\n"
    for size in SIZES:
        length = len(page(size, element))
        seconds = measure(contenders(size), max(1, 200_000 // size))
        if size == 100_000:
            held += bars(seconds, length)
        out.write(head)
        for name, taken in seconds.items():
            one = median(taken)
            read = 16_384 if name.startswith("first") else length
            out.write(
                f"{name:22}{read / 1000:6.0f}{one * 1e3:9.3f}{read / one / 1e6:8.0f}"
                f"{median(ratios(taken, seconds['replace'])):11.1f}"
                f"{median(ratios(taken, seconds['copy'])):9.1f}\n"
            )
    for chunk in (256, 16_384):
        longest, text = worst(chunk)
        out.write(f"hostile, 1 MB in chunks of {chunk}: {longest:.2f} s at most ({text!r})\n")
        held.append(Bar(f"1 MB of the worst input in chunks of {chunk}", longest, " s", most=1))
    return say(held)


if __name__ == "__main__":
    sys.exit(main())
