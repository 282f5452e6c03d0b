"""The demonstration: simulated visitors on a real site, with a real server behind it."""

__all__: list[str] = []
