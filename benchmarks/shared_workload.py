"""A workload of rules, arms and visitors as our definitions, so that others run the same.

The workload is JSON with `segments` (rules of and, or, not, comparisons and windowed counts),
`experiments` (arms with shares of 10,000, a segment or none, a coverage) and `visitors`
(attributes, and counters as pairs of minute and number).
"""

from collections.abc import Mapping
from typing import Any

from byleave.experiments import Definitions, Visitor
from byleave.segments import Choice, Consent, Profile, Purpose, Rules, read

BOTH = ["personalisation", "analytics"]
AGREED = Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))
COMPARISONS = {
    "eq": "equals",
    "ne": "not_equals",
    "lt": "less_than",
    "le": "at_most",
    "gt": "greater_than",
    "ge": "at_least",
    "in": "one_of",
    "nin": "not_one_of",
    "contains": "contains",
}
MINUTE_MS = 60_000


def is_count(attribute: str) -> bool:
    """Return whether an attribute is a count made ready for systems that cannot count."""
    return attribute.startswith("n_")


def condition(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule of the workload as a condition of ours."""
    match rule["op"]:
        case "and":
            return {"all": [condition(each) for each in rule["args"]]}
        case "or":
            return {"any": [condition(each) for each in rule["args"]]}
        case "not":
            return {"none": [condition(rule["arg"])]}
        case "regex":
            tests = [{"attribute": rule["attr"], "starts_with": text} for text in rule["prefixes"]]
            return {"any": tests}
        case "count_ge":
            # The workload leaves out what is exactly as old as the window; we count it.
            within = rule["window"] * MINUTE_MS - 1
            count = {"at_least": rule["value"]}
            return {"event": rule["event"], "count": count, "within": f"{within}ms"}
        case operator:
            return {"attribute": rule["attr"], COMPARISONS[operator]: rule["value"]}


def definitions(workload: Mapping[str, Any]) -> Definitions:
    """Return the workload's segments and experiments; each experiment has a slot of its own."""
    visitor = workload["visitors"][0]
    types = {str: "string", bool: "boolean", int: "number", float: "number"}
    return read(
        Definitions,
        {
            "site": "workload",
            "attributes": {
                name: {
                    "type": types[type(value)],
                    "source": "site",
                    "purposes": BOTH,
                    "ttl": "session",
                }
                for name, value in visitor["attrs"].items()
                if not is_count(name)
            },
            "events": {name: {"purposes": BOTH, "ttl": "60d"} for name in visitor["counters"]},
            "goals": {"bought": {"event": "buy", "kind": "conversion", "within": "7d"}},
            "slots": {each["id"]: {"kind": "data"} for each in workload["experiments"]},
            "segments": {
                each["id"]: {"when": condition(each["rule"])} for each in workload["segments"]
            },
            "experiments": {each["id"]: experiment(each) for each in workload["experiments"]},
        },
    )


def experiment(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return one experiment; its first arm is our control."""
    names = ["control", *(arm["key"] for arm in given["arms"][1:])]
    shares = {name: arm["alloc"] / 10_000 for name, arm in zip(names, given["arms"], strict=True)}
    return {
        "slot": given["id"],
        "variants": {name: {"data": 1} if name != "control" else "site" for name in names},
        "allocate": {"policy": "fixed", "goal": "bought", "shares": shares},
        "goals": {"primary": "bought"},
        "traffic": given["coverage"] / 10_000,
        **({"audience": given["segment"]} if given["segment"] else {}),
    }


def visitor(given: Mapping[str, Any], rules: Rules) -> Visitor:
    """Return a visitor who agreed to everything, with the state that their events left."""
    times = [
        (minute * MINUTE_MS, event)
        for event, counts in given["counters"].items()
        for minute, number in counts
        for _ in range(number)
    ]
    profile = Profile()
    for at_ms, event in sorted(times):
        profile = rules.record(profile, event, {}, at_ms=at_ms, now_ms=at_ms, consent=AGREED)
    return Visitor(
        id=given["id"],
        consent=AGREED,
        attributes={name: v for name, v in given["attrs"].items() if not is_count(name)},
        profile=profile,
    )
