"""Personalisation inside a site's own process."""

__all__: list[str] = []
