"""From what was observed to the weights of the next epoch."""

__all__: list[str] = []
