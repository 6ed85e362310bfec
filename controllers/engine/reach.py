"""Which part of a member the federation may look at. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.engine.refs import Ref
from kube.kinds import NAMESPACE


@dataclass(frozen=True)
class Reach:
    """All of it, or some namespaces alone."""

    namespaces: tuple[str, ...] = ()
    """Empty: the whole cluster."""

    def places(self, kind: str) -> Sequence[str]:
        """The namespaces to follow objects of the kind in, one by one; an empty one is all of them at once.

        Whoever may look into some namespaces alone makes none: then Namespaces are not followed.
        """
        if not self.namespaces:
            return ("",)
        return () if kind == NAMESPACE else self.namespaces

    def place(self, ref: Ref) -> str:
        """Under which of `places` the object is found."""
        return ref.namespace if self.namespaces else ""

    def includes(self, ref: Ref) -> bool:
        return not self.namespaces or ref.namespace in self.namespaces

    def has_of_itself(self, ref: Ref) -> bool:
        """Whether it is a Namespace that must have been there before us."""
        return ref.kind == NAMESPACE and ref.name in self.namespaces
