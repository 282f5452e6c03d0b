"""What a visitor agreed to, read strictly from whatever their consent tool left behind.

Here are the words. What reads consent is in modules of its own, so that a site loads only what
it uses: `reader.read_consent` joins everything that speaks in a request, with adapters from
`cookie`, `cookiebot`, `cookieconsent`, `iab`, `klaro` and `onetrust`; `regions` says what silence
means where the visitor is, `conflicts` who is right, and `record` proves what was chosen.
"""

from byleave.segments.consent.purposes import Choice, Consent, Purpose, Regime

__all__ = ["Choice", "Consent", "Purpose", "Regime"]
