"""What was seen of the federation API, and for which clusters each object is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from controllers.engine.federated import Federated
from controllers.engine.placement import PlacementError, Traits
from controllers.engine.refs import Ref, namespace_ref
from kube.kinds import NAMESPACE


class Objects:
    """As each was seen last."""

    def __init__(self, within: Collection[str]) -> None:
        """`within` are the only clusters that anything is for; empty is all."""
        self._within = within
        self.all: dict[Ref, Federated] = {}
        self.inside: defaultdict[str, set[Ref]] = defaultdict(set)
        """What is in each namespace."""

    def put(self, ref: Ref, view: Federated | None) -> Federated | None:
        """Keeps it, or that it is gone (None). Returns what it was before."""
        old, inside = self.all.get(ref), self.inside[ref.namespace]
        if view is not None:
            self.all[ref] = view
            inside.add(ref)
            return old
        self.all.pop(ref, None)
        inside.discard(ref)
        for namespace in (ref.namespace, ref.name if ref.kind == NAMESPACE else ""):
            if not self.inside[namespace]:
                del self.inside[namespace]
        return old

    def is_kept_at_home(self, obj: Federated) -> bool:
        """Whether its Namespace is not carried; `default` is not, but each member has it."""
        home = self.all.get(namespace_ref(obj.ref.namespace))
        return home is not None and home.body is None and home.ref.name != "default"

    def targets(self, obj: Federated, known: Mapping[str, Traits]) -> frozenset[str]:
        """The clusters that it is for, of the known ones: a Namespace for those that something in it is for.

        Raises PlacementError, but not for a Namespace.
        """
        if obj.ref.kind != NAMESPACE or obj.deleting or obj.body is None:
            return obj.targets(known, self._within)
        found: set[str] = set()
        for ref in self.inside[obj.ref.name]:
            try:
                found |= self.all[ref].targets(known, self._within)
            except PlacementError:
                continue
            if found == known.keys():
                break
        return frozenset(found)
