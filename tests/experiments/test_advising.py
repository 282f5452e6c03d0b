from dataclasses import replace
from typing import Any

from byleave.experiments import Definitions
from byleave.experiments.advising import advise
from byleave.segments import Share, read
from byleave.segments.advice import Severity

KEPT: dict[str, Any] = {"purposes": ["personalisation", "analytics"], "ttl": "30d"}


def segment(attribute: str) -> dict[str, Any]:
    return {"when": {"attribute": attribute, "equals": True}, "because": "You told us"}


def site(**more: Any) -> Definitions:
    """A site whose every segment is named in another place of an experiment."""
    places = ["audience", "variant", "unless", "variant-unless", "context", "reported", "suppress"]
    attributes = {
        place: {"type": "boolean", "source": "site", "default": False, **KEPT} for place in places
    }
    for name in ("account", "cart", "city", "tongue"):
        attributes[name] = {"type": "string", "source": "site", **KEPT}
    data: dict[str, Any] = {
        "site": "shop",
        "locale": "tongue",
        "suppress": ["suppress"],
        "attributes": attributes,
        "events": {"sign_up": KEPT},
        "goals": {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
        "slots": {"hero": {"kind": "content"}},
        "segments": {place: segment(place) for place in places},
        "experiments": {
            "hello": {
                "slot": "hero",
                "audience": "audience",
                "unless": ["unless"],
                "report_by": ["reported"],
                "allocate": {"policy": "fixed", "goal": "signup", "contexts": ["context"]},
                "goals": {"primary": "signup"},
                "imported": {
                    "hash": "murmur3-32",
                    "seed": "s",
                    "by": ["account"],
                    "ranges": {},
                    "filters": [{"hash": "murmur3-32", "seed": "t", "within": [], "by": ["cart"]}],
                },
                "variants": {
                    "control": "site",
                    "new": {
                        "html": "{{ city | Hi }}",
                        "when": "variant",
                        "unless": ["variant-unless"],
                    },
                    "translated": {"fields": {"title": {"en": "Hi"}}},
                },
            },
            "plain": {
                "slot": "hero",
                "allocate": {"policy": "fixed", "goal": "signup"},
                "goals": {"primary": "signup"},
                "variants": {"control": "site"},
            },
        },
    }
    return read(Definitions, data | more)


def warnings(definitions: Definitions) -> list[str]:
    return [str(each) for each in advise(definitions) if each.severity is Severity.WARNING]


def test_what_an_experiment_names_is_used() -> None:
    assert warnings(site()) == []


def test_a_control_without_a_share_is_no_comparison() -> None:
    told = site().experiments["hello"]
    shares = {"control": Share(0.0), "new": Share(1.0)}
    alone = replace(told, allocate=replace(told.allocate, shares=shares))

    assert warnings(replace(site(), experiments={"hello": alone})) == [
        "$.experiments.hello.allocate.shares.control: control has 0%, so no lift can ever be "
        "known; give it a share, such as 10%"
    ]


def test_without_experiments_and_goals_nothing_is_used() -> None:
    told = warnings(site(experiments={}, goals={}, suppress=[]))

    assert [each.partition(":")[0] for each in told] == [
        "$.attributes.account",
        "$.attributes.cart",
        "$.attributes.city",
        "$.attributes.tongue",
        "$.events.sign_up",
        "$.segments.audience",
        "$.segments.variant",
        "$.segments.unless",
        "$.segments.variant-unless",
        "$.segments.context",
        "$.segments.reported",
        "$.segments.suppress",
    ]


def test_those_to_whom_something_is_shown_are_audiences() -> None:
    asked = segment("audience") | {"because": ""}

    told = warnings(site(segments=dict.fromkeys(site().segments, asked)))

    assert [each.partition(":")[0] for each in told if "because" in each] == [
        "$.segments.audience",
        "$.segments.variant",
    ]
