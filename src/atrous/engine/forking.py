"""Locks in a forked child: what the parent's threads held at the moment of the fork, nobody will ever release there.

So objects with locks take new ones in the child. What such a lock guards must be sound at any moment at which its holder may
lose Python's global lock.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewed(Protocol):
    """An object that owns locks."""

    def renew(self) -> None:
        """Take new locks; nobody else is running."""


_owners: WeakSet[Renewed] = WeakSet()


def renew_in_child(owner: Renewed) -> None:
    """See that the object's ``renew`` is called first thing in every forked child, as long as the object lives."""
    _owners.add(owner)


def _after_fork() -> None:
    for owner in list(_owners):
        owner.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
