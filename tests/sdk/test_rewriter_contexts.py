"""Where on a page a slot counts: what a browser reads as an element or a comment, and only that."""

import pytest

from byleave.sdk.rewriter import Outcome, Rewriter, mark

KEY = b"a key for marks that only tests know"
ELEMENT = b"<div data-byleave-slot=hero>old</div>"
QUOTED = b'<div data-byleave-slot="hero">old</div>'
MARKED = b"%s old %s" % tuple(part.encode() for part in mark("hero", KEY))

DEAD = {
    "script": b"<script>var a = `%s`;</script>",
    "JSON in a script": b'<script type="application/json">{"a": "%s"}</script>',
    "script in capitals": b"<SCRIPT>%s</SCRIPT>",
    "script with an end tag like its own": b"<script>'</scripts>%s'</script>",
    "script that hides a script": b"<script><!-- <script> </script> %s --></script>",
    "script after a hidden script": b"<script><!-- <script></script> --> %s </script>",
    "script with a comment that ends at once": b"<script><!--> <script> %s </script>",
    "style": b"<style>a::after { content: '%s' }</style>",
    "textarea": b"<textarea>%s</textarea>",
    "title": b"<title>%s</title>",
    "noscript": b"<noscript>%s</noscript>",
    "noscript in the head": b"<head><noscript><style></noscript></style><noscript>%s</noscript>",
    "iframe": b"<iframe>%s</iframe>",
    "noembed": b"<noembed>%s</noembed>",
    "noframes": b"<noframes>%s</noframes>",
    "xmp": b"<xmp>%s</xmp>",
    "plaintext": b"<plaintext>%s</plaintext>",
    "unclosed style": b"<style>%s",
    "style that goes on after a wrong end tag": b"<style></styles>%s</style >",
    "comment with a tag": b"<!-- <p>- -- %s",
    "conditional comment": b"<!--[if IE]><p>%s",
    "instruction": b"<?php echo '%s",
    "bogus comment": b"<!x %s",
    "end tag without a name": b"</ %s",
    "attribute": b"<p title='%s'>",
    "attribute with spaces": b"<p title =\n '%s'>",
    "srcdoc": b"<iframe srcdoc='<p>%s</p>'></iframe>",
    "second attribute": b"<p a=1 b=\"x\" title='%s'>",
    "attribute of an end tag": b"<p></p title='%s'>",
    "unclosed attribute": b"<p title='%s",
    "section in SVG": b"<svg><![CDATA[ <p> > %s ]]></svg>",
    "section in MathML": b"<math><ms/><![CDATA[%s]]></math>",
    "HTML title in SVG": b"<svg><foreignObject><title>%s</title></foreignObject></svg>",
    "HTML style in MathML": b"<math><mi><style>%s</style></mi></math>",
    "style after SVG": b"<svg><g></g></svg><style>%s</style>",
    "style after SVG that a tag ended": b"<svg><g><p><style>%s</style>",
    "style after SVG that a font ended": b"<svg><font color=red><style>%s</style>",
    "style after SVG that closed itself": b"<svg/><style>%s</style>",
    "style after SVG that may have ended": b"<a><svg><g></a><style>%s</style>",
    "section after SVG that may have ended": b"<a><svg><g></a><![CDATA[%s]]>",
    "section in an integration point": b"<svg><title><![CDATA[%s]]></title></svg>",
    "style in HTML in MathML": b'<math><annotation-xml encoding="Text/HTML"><style>%s</style>',
    "drawings nested too deep": b"<svg>" * 600 + b"%s",
}

LIVE = {
    "beginning": b"%s",
    "body": b"<!doctype html><html><body><p>text</p>%s</body></html>",
    "bare signs": b"a < b <3 << %s > c",
    "after a doctype": b'<!DOCTYPE html PUBLIC "-//W3C//DTD>%s',
    "after a comment": b"<!-- <div> -- -->%s",
    "after a comment that ends with a bang": b"<!-- a --!>%s-->",
    "after a comment that ends at once": b"<!-->%s-->",
    "after a comment of one dash": b"<!--->%s-->",
    "after a comment of dashes": b"<!------>%s-->",
    "after an end tag without a name": b"</>%s",
    "after an instruction": b"<?xml version='1.0'>%s",
    "after a script": b"<script>'</scrip' + 't>' </script \n>%s",
    "after a script with a comment": b"<script><!-- x </script>%s",
    "after a script that a comment hid": b"<script><!--<script> --></script>%s",
    "after a script with hidden scripts": b"<script><!-- <script></script></script>%s",
    "after a style": b"<style> <!-- </STYLE\t>%s",
    "after a style with attributes on its end tag": b"<style></style a='>'>%s",
    "after quotes without a sign": b"<p \"a' b>%s",
    "after a sign at the start of a name": b"<p =\"a>%s",
    "after a quote in a value": b"<p a=b\"c>%s",
    "after values without blanks between": b"<p a=\"b\"c='d'e>%s",
    "after an empty value": b"<p a= >%s",
    "after a slash in a value": b"<svg/><p a=/>%s",
    "in a template": b"<template><ul>%s</ul></template>",
    "in an unknown element": b"<x-shop>%s</x-shop>",
    "in SVG": b"<svg><g>%s</g></svg>",
    "in the style of SVG": b"<svg><style>%s</style></svg>",
    "in the title of SVG": b"<svg><title>%s</title></svg>",
    "in SVG in MathML": b"<math><annotation-xml><svg>%s</svg></annotation-xml></math>",
    "in a glyph": b"<math><mi><mglyph><style>%s</style></mglyph></mi></math>",
    "after SVG": b"<svg><path d='M0 0'/><title>x</title></svg>%s",
    "after a section": b"<svg><![CDATA[ <style> ]]></svg>%s",
    "after a section outside SVG": b"<![CDATA[ > %s ]]>",
    "after SVG that an end tag of a paragraph ended": b"<p><svg><style></p>%s",
    "after SVG that may have ended and then did": b"<a><svg><g></a><p><style></style>%s",
    "after SVG that may have ended and was closed": b"<a><svg><g></a></svg>%s",
    "after a huge script": b"<script>" + b"x < y; " * 5_000 + b"</script>%s",
    "after a tag with a long name": b"<" + b"x" * 300 + b">%s",
    "after an attribute with a long name": b"<p " + b"x" * 300 + b"=1>%s",
}  # fmt: skip


def outcome_and_page(page: bytes, size: int) -> tuple[Outcome | None, bytes]:
    rewriter = Rewriter({"hero": b"<p>new"}, keys=[KEY])
    out = b"".join(rewriter.feed(page[i : i + size]) for i in range(0, len(page), size))
    out += rewriter.close()
    sighting = rewriter.seen.get("hero")
    return sighting.outcome if sighting else None, out


SLOTS = {"element": ELEMENT, "quoted": QUOTED, "marked": MARKED}


@pytest.mark.parametrize("size", [1, 5, 1_000_000])
@pytest.mark.parametrize(
    ("context", "slot"),
    [
        (context, slot)
        for context in DEAD
        for slot in SLOTS
        if not (slot == "marked" and "comment" in context)  # its end would end that comment
    ],
)
def test_no_slot_counts_where_its_text_is_not_markup(context: str, slot: str, size: int) -> None:
    page = DEAD[context].replace(b"%s", SLOTS[slot])

    assert outcome_and_page(page, size) == (None, page)


@pytest.mark.parametrize("size", [1, 5, 1_000_000])
@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("context", LIVE)
def test_a_slot_counts_where_a_browser_reads_it_as_markup(
    context: str, slot: str, size: int
) -> None:
    page = LIVE[context].replace(b"%s", SLOTS[slot])
    new = b"<p>new" if slot == "marked" else SLOTS[slot].replace(b"old", b"<p>new")

    expected = LIVE[context].replace(b"%s", new)
    assert outcome_and_page(page, size) == (Outcome.SWAPPED, expected)
