"""What a visitor agreed to, read strictly from whatever their consent tool left behind."""

from byleave.segments.consent.purposes import Choice, Consent, Purpose, Regime

__all__ = ["Choice", "Consent", "Purpose", "Regime"]
