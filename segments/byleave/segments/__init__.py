"""Conditions over attributes and events a visitor agreed to share."""

__all__: list[str] = []
