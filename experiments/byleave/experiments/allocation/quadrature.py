"""Gauss-Legendre panels: the quadrature behind every probability about arms."""

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

__all__ = ["NODES", "RUNNING_WEIGHTS", "WEIGHTS", "panel_edges", "panel_nodes"]

_ORDER = 16
NODES, WEIGHTS = legendre.leggauss(_ORDER)


def _running_weights() -> NDArray[np.float64]:
    """Row i integrates the interpolating polynomial from -1 to node i, shape (16, 16).

    Legendre coefficients follow from discrete orthogonality at the nodes, and integrals from
    the identity (2m + 1)·∫P_m = P_{m+1} - P_{m-1}.
    """
    values = legendre.legvander(NODES, _ORDER)
    degrees = np.arange(_ORDER)
    coefficients = (2 * degrees[:, np.newaxis] + 1) / 2 * values[:, :_ORDER].T * WEIGHTS
    integrals = np.empty((_ORDER, _ORDER))
    integrals[:, 0] = NODES + 1
    integrals[:, 1:] = (values[:, 2:] - values[:, : _ORDER - 1]) / (2 * degrees[1:] + 1)
    return integrals @ coefficients


RUNNING_WEIGHTS = _running_weights()


def panel_edges(
    breaks: NDArray[np.float64], *, low: float, high: float, finest: float
) -> NDArray[np.float64]:
    """Ascending edges of the panels between `low` and `high`, shape (P + 1,).

    There is an edge at every break, moved up to a grid four times as fine as the closest pair
    of breaks of one arm, so that no two panels are needlessly close.
    """
    step = finest / 4
    return low + step * np.unique(np.ceil((np.clip(breaks, low, high) - low) / step))


def panel_nodes(edges: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes of every panel, shape (P, 16), and half the width of every panel, shape (P,)."""
    half_widths = np.diff(edges) / 2
    return (edges[:-1] + half_widths)[:, np.newaxis] + np.outer(half_widths, NODES), half_widths
