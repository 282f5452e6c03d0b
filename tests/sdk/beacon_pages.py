"""Pages that the browser opens, what their visitors do there, and consent tools in them."""

PAGE = b"""<!doctype html><html lang="en"><head><title>Shop</title></head><body><main>
<div data-byleave-slot="hero"><h2>Default</h2></div>
<button data-byleave-goal="signup">Sign up</button>
<form id="demo" action="/sent"><input type="hidden" name="id" value="7">
<label>Name <input name="name"></label><button>Send</button></form>
<form data-byleave-goal="signup" action="/sent"><button>Join</button></form>
<p id="byleave-data">Written by a visitor.</p>
<div id="part"></div><a href="/other">Other</a>
</main></body></html>"""
AHEAD = b"""<!doctype html><html lang="en"><head><title>Ahead</title>
<script type="speculationrules">
{"prerender": [{"source": "list", "urls": ["/other"], "eagerness": "immediate"}]}</script>
</head><body><a href="/other">Other</a></body></html>"""

#: The events that the script may tell of.
FORMS = {
    name: {
        "properties": properties,
        "purposes": ["personalisation", "analytics"],
        "ttl": "30d",
    }
    for name, properties in {
        "page_view": {"path": "string"},
        "form_start": {"form": "string"},
        "form_submit": {"form": "string"},
        "form_abandon": {"form": "string"},
        "scroll": {"depth": "number"},
        "dwell": {"seconds": "number"},
        "sign_up": {},
    }.items()
}

#: What consent tools write when everything is refused, and how they tell the page of it.
TOOLS = {
    "onetrust": (
        {
            "OptanonConsent": "groups%3DC0001%3A1%2CC0002%3A0",
            "OptanonAlertBoxClosed": "2026-10-05T00:00:00.000Z",
        },
        "",
        'dispatchEvent(new Event("OneTrustGroupsUpdated"))',
    ),
    "tcf": (
        {"euconsent-v2": "CQgYw8AQgYw8AEsABBENCWFgAAAAAAAAAAYgAAAAAAAA.IGQQAYAAgZAA.YAAAAAAAAAAA"},
        "window.__tcfapi = (command, version, told) => { window.told = told }",
        'told({ eventStatus: "useractioncomplete" }, true)',
    ),
}
