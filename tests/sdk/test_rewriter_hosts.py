"""Which elements a slot can be: those whose end is proved, whatever their content."""

import pytest

from byleave.sdk.rewriter import Outcome, Rewriter

PROVED = [
    "div: ",
    "div: text <br> <img src=x> <input> <hr>",
    "div: <div><div></div></div><div></div>",
    "div: <p>a<p>b<ul><li>c<li>d</ul>",
    "div: <p>a <b>c</b> <div>e</div>",
    "div: <dl><dt>a<dd>b<dt>c</dl>",
    "div: <ul><li>a<ul><li>b</ul><li>c</ul>",
    "div: <table><caption>a<colgroup><col><col><thead><tr><th>a<tbody><tr><td>b<td>c</table>",
    "div: <table><tr><td><table><tr><td>a</table></table>",
    "div: <table><tr><td><div><p>a</div></table>",
    "div: <select><optgroup><option>a<option>b<optgroup><option>c</select>",
    "div: <datalist><option>a<option>b</datalist>",
    "div: <ruby>a<rp>(<rt>b<rp>)</ruby>",
    "div: <button><p>a</button>",
    "div: <script>'</div>'</script><style></div></style><textarea></div></textarea>",
    "div: <!-- </div> --><!x </div><a title='</div>'></a>",
    "div: <svg><path/><g><title>a</title><a/></g></svg>",
    "div: <svg><style><g></g></style><![CDATA[</div>]]></svg>",
    "div: <svg><foreignObject><p>a<br></p><input></foreignObject></svg>",
    "div: <math><mi>x</mi><mspace/></math>",
    "div: <template><tr><td>a</td></tr></template>",
    "div: <x-card><slot></slot></x-card>",
    "div: <h1>a</h1><h2>b</h2>",
    "div: <font color=red>a</font><image src=x>",
    "span: <b>a</b><i>b</i>",
    "a: <div>a</div>",
    "p: <a>b</a><button><div></div></button>",
    "li: <ul><li>a<li>b</ul>",
    "li: <div><p>a</div>",
    "td: <table><tr><td>a</table>",
    "tr: <td>a<td>b",
    "tbody: <tr><td>a<tr><td>b",
    "table: <tr><td>a</td></tr>",
    "ul: <li>a<li>b",
    "select: <option>a<option>b",
    "option: a",
    "button: <p>a",
    "template: <li>a",
    "h1: <b>a</b>",
    "x-card: <div>a</div>",
    "form: <input><p>a",
]

DOUBTFUL = [
    "div: <b>a",
    "div: <span><p>a</span>",
    "div: a</p>",
    "div: a</span>",
    "div: a</br>",
    "div: <b><i>a</b></i>",
    "div: <p><span><div></div></span></p>",
    "div: <p>a<div>b</div></p>",
    "div: <a><a>a</a></a>",
    "div: <button><button>a</button></button>",
    "div: <form><form>a</form></form>",
    "div: <h1><h2>a</h2></h1>",
    "div: <b><b><b><b>a</b></b></b></b>",
    "div: <tr><td>a</td></tr>",
    "div: <table><table></table></table>",
    "div: <table><tr><td></div></td></tr></table>",
    "div: <select><input></select>",
    "div: <select><style></select></style></select>",
    "div: <li><div><li>a</li></div></li>",
    "div: <svg><p>a</p></svg>",
    "div: <svg><g></svg>",
    "div: <svg><foreignObject><option>a</foreignObject></svg>",
    "div: <body>a</body>",
    "div: <html><head></head></html>",
    "div: <plaintext>a",
    "div: <svg><title><![CDATA[a]]></title></svg>",
    "div: " + "<i>a" * 600,
    "div: " + "<svg>" * 600,
    "span: <div>a</span>",
    "p: <div>a</div>",
    "p: <ul><li>a</ul>",
    "p: <b><p>a</p></b>",
    "li: <li>a</li>",
    "li: <b><li>a</li></b>",
    "dd: <dt>a</dt>",
    "td: a<td>b",
    "td: a<tr><td>b</td></tr>",
    "tr: <td>a<tr><td>b</td></tr>",
    "tbody: <tr><td>a<tbody>",
    "caption: a<col>",
    "option: a<option>b",
    "option: <select>b</select>",
    "optgroup: a<optgroup>b",
    "a: <p><a>b</a></p>",
    "button: <b><button>a</button></b>",
    "nobr: <nobr>a</nobr>",
    "rt: a<rt>b",
    "li: <rt>a</rt>",
    "x-card: <p>a",
]

UNFIT = [
    *(f"<{name} data-byleave-slot=hero>" for name in ("br", "img", "input", "meta", "hr")),
    *(
        f"<{name} data-byleave-slot=hero>old</{name}>"
        for name in ("title", "script", "style", "textarea", "noscript", "iframe", "body")
    ),
    "<div data-byleave-slot=hero />old</div>",
    "<x-slot data-byleave-slot='hero'/>old",
    "<svg><g data-byleave-slot='hero'/>old</svg>",
    "<a><svg></a><g data-byleave-slot='hero'>old</g>",
]


def page_of(case: str) -> tuple[bytes, bytes, bytes]:
    """Return a page in three parts: before the default content, the content, and after it."""
    name, _, content = case.partition(": ")
    before = f"<main><{name} data-byleave-slot=hero>"
    return before.encode(), content.encode(), f"</{name}><p>after</main>".encode()


@pytest.mark.parametrize("case", PROVED)
def test_content_that_is_a_tree_is_replaced(case: str) -> None:
    before, content, after = page_of(case)
    rewriter = Rewriter({"hero": b"new"})

    assert rewriter.close(before + content + after) == before + b"new" + after


@pytest.mark.parametrize("case", DOUBTFUL)
def test_content_that_a_browser_would_have_to_repair_is_left_alone(case: str) -> None:
    page = b"".join(page_of(case))
    rewriter = Rewriter({"hero": b"new"})

    assert rewriter.close(page) == page
    assert rewriter.seen["hero"].outcome in (Outcome.MISNESTED, Outcome.UNCLOSED)


@pytest.mark.parametrize("page", UNFIT)
def test_elements_without_replaceable_content_are_left_alone(page: str) -> None:
    rewriter = Rewriter({"hero": b"new"})

    assert rewriter.close(page.encode()) == page.encode()
    assert rewriter.seen["hero"].outcome is Outcome.UNFIT


@pytest.mark.parametrize(
    "page",
    [
        "<div data-byleave-slot=hero>old",
        "<div data-byleave-slot=hero>old</div",
        "<div data-byleave-slot=hero>old</div a='>",
        "<p data-byleave-slot=hero>old",
        "<div data-byleave-slot=hero>old<!-- </div>",
        "<div data-byleave-slot=hero>old<script></div>",
    ],
)
def test_an_element_without_an_end_is_left_alone(page: str) -> None:
    rewriter = Rewriter({"hero": b"new"})

    assert rewriter.close(page.encode()) == page.encode()
    assert rewriter.seen["hero"].outcome is Outcome.UNCLOSED


@pytest.mark.parametrize(
    "page",
    [
        "<ul><li data-byleave-slot=hero>old<li>b</ul>",
        "<ul><li data-byleave-slot=hero>old</ul>",
        "<main><p data-byleave-slot=hero>old<p>b</main>",
        "<table><tr><td data-byleave-slot=hero>old<td>b</table>",
        "<select><option data-byleave-slot=hero>old<option>b</select>",
    ],
)
def test_an_element_whose_end_tag_is_left_out_is_left_alone(page: str) -> None:
    rewriter = Rewriter({"hero": b"new"})

    assert rewriter.close(page.encode()) == page.encode()
    assert rewriter.seen["hero"].outcome is Outcome.MISNESTED


@pytest.mark.parametrize(
    "rest", ["<b>a</main>", "", "<script>a", "<plaintext>a", "<svg><title><![CDATA[a]]>"]
)
def test_the_slots_inside_a_doubtful_one_are_still_replaced(rest: str) -> None:
    page = f"<main data-byleave-slot=hero><p>a</p><p data-byleave-slot=nav>old</p>{rest}<p>z"
    rewriter = Rewriter({"hero": b"new", "nav": b"newer"})

    assert rewriter.close(page.encode()) == page.replace("old", "newer").encode()
