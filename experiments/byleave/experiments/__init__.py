"""Decisions, assignment and eligibility, as pure functions."""

__all__: list[str] = []
