"""What a member that leaves gives back, and what stays in it without our marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from controllers.engine import removal
from controllers.engine.informer import Informer, Seen
from controllers.engine.manifest import Owner
from controllers.engine.orphans import Known
from controllers.engine.refs import Ref
from controllers.runtime.api import FAILURES, why
from controllers.runtime.line import Line
from federation.settings.keys import UNREACHABLE
from kube.kinds import NAMESPACE


class Leaving:
    """What the federation API knows, or is owed, goes; all else of ours stays, as all does to keep workloads."""

    def __init__(self, known: Known, owed: Mapping[Ref, frozenset[str]], *, keep_workloads: bool) -> None:
        self._known, self._owed, self._keep_workloads = known, owed, keep_workloads

    def take_back(self, line: Line, owner: Owner, informer: Informer, taken: Callable[[], None]) -> str:
        """One object that is seen at a time, Namespaces last, and none of these while a kind is not seen.

        What is done leaves `informer.ours`. Returns what went wrong last; empty if nothing.
        """
        problem, ours = "", informer.ours
        for ref, seen in sorted(ours.items(), key=lambda each: each[0].kind == NAMESPACE):
            if ref.kind == NAMESPACE and not (
                informer.is_complete and all(each.namespace != ref.name for each in ours)
            ):
                continue  # What else is in it, not seen or not taken back, is to go, or to stay, first.
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


def why_not(problem: str, unseen: Mapping[str, str]) -> str:
    """Why a member cannot leave yet, and what helps; empty if it can.

    `problem` is what `take_back` said, `unseen` are the kinds that the member refuses to list, with its words.
    """
    found = []
    if unseen:
        kinds, words = ", ".join(unseen), next(iter(unseen.values()))
        found.append(
            f"what it has of ours is not all seen, as it does not let us follow {kinds}: {words}; let it list {kinds} "
            f"by `access` of its line, or annotation {UNREACHABLE}: 'true' gives it up with what it has of that"
        )
    if problem:
        found.append(f"not all that it has of ours could be taken back: {problem}")
    return "; ".join(found)
