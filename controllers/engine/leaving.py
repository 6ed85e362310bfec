"""What a member that leaves gives back, and what stays in it without our marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from controllers.engine import removal
from controllers.engine.informer import Seen
from controllers.engine.manifest import Owner
from controllers.engine.orphans import Known
from controllers.engine.refs import Ref
from controllers.runtime.api import FAILURES, why
from controllers.runtime.line import Line
from kube.kinds import NAMESPACE


class Leaving:
    """What the federation API knows, or is owed, goes; all else of ours stays, as all does to keep workloads."""

    def __init__(self, known: Known, owed: Mapping[Ref, frozenset[str]], *, keep_workloads: bool) -> None:
        self._known, self._owed, self._keep_workloads = known, owed, keep_workloads

    def take_back(self, line: Line, owner: Owner, ours: dict[Ref, Seen], taken: Callable[[], None]) -> str:
        """One object at a time, Namespaces last; what is done leaves `ours`. What went wrong last; empty if nothing."""
        problem = ""
        for ref, seen in sorted(ours.items(), key=lambda each: each[0].kind == NAMESPACE):
            if ref.kind == NAMESPACE and any(each.namespace == ref.name for each in ours):
                continue  # It went wrong with that one, which is to go, or to stay, first.
            try:
                with line.open() as api:
                    if not self._is_to_go(ref, seen):
                        removal.unmark(api, ref)
                    elif removal.take_back(api, ref, owner, [seen.made_of]):
                        taken()
                del ours[ref]
            except FAILURES as error:
                problem = f"{ref}: {why(error)}"
        return problem

    def _is_to_go(self, ref: Ref, seen: Seen) -> bool:
        of = seen.made_of
        return not self._keep_workloads and (self._known.uids.get(ref) == of or of in self._owed.get(ref, ()))
