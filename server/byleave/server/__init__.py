"""The decision server: storage, allocation, console and command line."""

__all__: list[str] = []
