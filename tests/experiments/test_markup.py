"""Plain markup is let through; everything else is refused in words that say what to do."""

import pytest

from byleave.experiments.markup import markup_faults


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello > all &amp; sundry",
        "<h2 class='big' id=\"top\">Hi <em>you</em></h2>",
        "<p>one<br>two<br/>three &lt; four</p>",
        '<a href="/x?y=1&amp;z" target="_blank" rel="noopener">x</a>',
        '<a href="#top">x</a><a href="?page=2">x</a><a href="mailto:a@b.example">x</a>',
        '<a href="https://example.org">x</a><a href="https://example.org?x=1">x</a>',
        '<img srcset="/a.png 1x, https://b.example/c.png 2x" src="/a.png" alt="">',
        '<button aria-pressed="true" data-byleave-goal="signup" disabled>x</button>',
        "<TABLE><TR><TD COLSPAN='2'>x</TD></TR></TABLE >",
    ],
)
def test_plain_markup_is_let_through(text: str) -> None:
    assert markup_faults(text) == ()


TEMPLATE = "use a `template` of the site for that"
WRITTEN = "expected an element with its attributes in quotes, or `&lt;`, got "
WHERE = "but expected a path such as /schools or https://example.org/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b", f"{WRITTEN}'< b'"),
        ("<img src=x>", f"{WRITTEN}'<img src=x>'"),
        ("<!-- x -->", f"{WRITTEN}'<!-- x -->'"),
        ("a\0b", f"{WRITTEN}'\\\\0b'"),
        ("<b\vtitle='x'>", f"{WRITTEN}\"<b\\x0btitle='x'>\""),
        ("<script></script>", f"<script> may do more than show something; {TEMPLATE}"),
        ("<b onclick='x()'></b>", f"<b> may not have 'onclick'; {TEMPLATE}"),
        ("<b style='x'></b>", f"<b> may not have 'style'; {TEMPLATE}"),
        ("<b href='/x'></b>", f"<b> may not have 'href'; {TEMPLATE}"),
        ("<b data-hx-get='/x'></b>", f"<b> may not have 'data-hx-get'; {TEMPLATE}"),
        ("<b title='a' TITLE='b'></b>", "<b> has 'title' twice"),
        (
            "<b id='Byleave-data'></b>",
            "the id 'Byleave-data' may be of the page's own script; take another",
        ),
        ("<b id='{}'></b>", "the id '{}' may be of the page's own script; take another"),
        ("<a href='javascript:x'></a>", f"<a> has 'href' of 'javascript:x', {WHERE}"),
        ("<a href='//x.example'></a>", f"<a> has 'href' of '//x.example', {WHERE}"),
        ("<a href='&#106;avascript:x'></a>", f"<a> has 'href' of '&#106;avascript:x', {WHERE}"),
        ("<a href='/&#47;x'></a>", f"<a> has 'href' of '/&#47;x', {WHERE}"),
        (
            "<a href='https://{}.example/'></a>",
            f"<a> has 'href' of 'https://{{}}.example/', {WHERE}",
        ),
        (
            "<img srcset='/a 1x, data:x 2x'>",
            f"<img> has 'srcset' of '/a 1x, data:x 2x', {WHERE}",
        ),
        ("<b>", "<b> is not closed"),
        ("</div>", "</div> closes nothing that was opened last"),
        ("<b><i></b></i>", "</b> closes nothing that was opened last"),
    ],
)
def test_what_is_more_than_plain_markup_is_refused(text: str, expected: str) -> None:
    assert markup_faults(text)[0] == expected
