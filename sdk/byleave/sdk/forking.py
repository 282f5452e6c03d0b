"""Starting afresh in the child of a fork, where no thread of the parent's runs."""

import os
import weakref
from collections.abc import Callable


def call_in_child(method: Callable[[], None]) -> None:
    """Have a method called in every child process before anything else runs there.

    Locks that a thread of the parent held would stay held for ever in the child, and what the
    parent still has to send is not the child's to send. The object is not kept alive by this.
    """
    if hasattr(os, "register_at_fork"):
        reference = weakref.WeakMethod(method)
        os.register_at_fork(after_in_child=lambda: _call(reference()))


def _call(method: Callable[[], None] | None) -> None:
    if method is not None:
        method()
