"""Hostile inputs: everything that runs `hit()` somewhere, times every way to hide it.

They are generated from parts, so that each part meets each other one; the inputs of html5lib's
own tests are not needed for that.
"""

import html
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote

VECTORS = (
    "<script>hit()</script>",
    "<script src='data:text/javascript,hit()'></script>",
    "<img src=x onerror=hit()>",
    "<img src='/x' onerror='hit()'>",
    "<image src=x onerror=hit()>",
    "<svg onload=hit()></svg>",
    "<svg><script>hit()</script></svg>",
    "<svg><a xlink:href='javascript:hit()'><text y=20>x</text></a></svg>",
    "<svg><animate onbegin=hit() attributeName=x dur=1s></svg>",
    "<svg><set attributeName=href to=javascript:hit() /></svg>",
    "<math><mi xlink:href='javascript:hit()'>x</mi></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=hit()>",
    "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
    "<iframe src='javascript:parent.hit()'></iframe>",
    "<object data='javascript:hit()'></object>",
    "<embed src='javascript:hit()'>",
    "<a href='javascript:hit()'>x</a>",
    "<a href='JaVaScRiPt:hit()'>x</a>",
    "<a href='java&#9;script:hit()'>x</a>",
    "<a href='&#1;javascript:hit()'>x</a>",
    "<a href='javascript&colon;hit()'>x</a>",
    "<a href='data:text/html,<script>hit()</script>'>x</a>",
    '<a href="vbscript:hit()">x</a>',
    "<form action='javascript:hit()'><button>x</button></form>",
    "<button formaction='javascript:hit()'>x</button>",
    "<input autofocus onfocus=hit()>",
    "<details open ontoggle=hit()>x</details>",
    "<video><source onerror=hit()></video>",
    "<audio src=x onerror=hit()></audio>",
    "<body onload=hit()>",
    "<style>@import 'javascript:hit()';</style>",
    "<style onload=hit()></style>",
    "<link rel=stylesheet href=data:text/css, onload=hit()>",
    "<meta http-equiv=refresh content='0;url=javascript:hit()'>",
    "<base href='javascript:hit()//'>",
    "<marquee onstart=hit()>x</marquee>",
    "<div style='animation-name:x' onanimationstart=hit()>x</div>",
    "<b hx-on:load='hit()' data-hx-on:load='hit()'>x</b>",
    "<template><script>hit()</script></template><script>hit()</script>",
    '<noscript><p title="</noscript><img src=x onerror=hit()>"></noscript>',
)
AROUND = (
    ("", ""),
    ("<p>", "</p>"),
    ("</div>", "<div>"),
    ("</div></main></body>", ""),
    ('">', '<b title="'),
    ("'>", "<b title='"),
    ("<!--", "-->"),
    ("<!-->", "-->"),
    ("--!>", "<!--"),
    ("<![CDATA[", "]]>"),
    ("]]>", "<![CDATA["),
    ("<title>", "</title>"),
    ("</title>", "<title>"),
    ("<textarea>", "</textarea>"),
    ("<style>", "</style>"),
    ("</style>", "<style>"),
    ("<xmp>", "</xmp>"),
    ("<plaintext>", ""),
    ("<svg><desc>", "</desc></svg>"),
    ("<math><annotation-xml encoding='text/html'>", "</annotation-xml></math>"),
    ("<select>", "</select>"),
    ("<table><tr>", "</tr></table>"),
    ('<b title="', '">x</b>'),
    ('<a href="/', '">x</a>'),
)
DISGUISES = (
    str,
    str.upper,
    lambda text: text.replace("<", "<\0"),
    lambda text: text.replace(" ", "/"),
    lambda text: text.replace(" ", "\f"),
    lambda text: text.replace("<", "\uff1c"),
    html.escape,
    quote,
)


def hostile_inputs() -> Iterator[str]:
    """Yield them, always in the same order and each once."""
    made = (
        before + str(disguise(vector)) + after  # type: ignore[operator]  # each takes a text
        for vector, (before, after), disguise in product(VECTORS, AROUND, DISGUISES)
    )
    yield from dict.fromkeys(made)
