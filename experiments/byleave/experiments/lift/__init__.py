"""Estimators of lift from adaptive experiments."""

__all__: list[str] = []
