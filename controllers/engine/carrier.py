"""One Ready member: what is to be there, what is there of ours, and a thread of its own that makes them agree."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from threading import Thread
from time import monotonic

from controllers.engine import leaving, removal
from controllers.engine.contract import CarrierHandlers, Wanted
from controllers.engine.fights import Fights
from controllers.engine.informer import Handlers, Informer, Seen
from controllers.engine.leaving import Leaving
from controllers.engine.manifest import MANAGER, Owner, marked
from controllers.engine.member_status import MemberStatus
from controllers.engine.metrics import Metrics
from controllers.engine.orphans import Known
from controllers.engine.reach import Reach
from controllers.engine.recreation import Recreations
from controllers.engine.refs import Ref, namespace_ref
from controllers.engine.scaling import Scaling
from controllers.engine.telling import Telling
from controllers.engine.traces import traces
from controllers.engine.turns import LONGEST_PAUSE, Timers, Turns
from controllers.runtime.api import Api, why
from controllers.runtime.line import Line
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Json
from kube.errors import ApiError
from kube.kinds import NAMESPACE

log = logging.getLogger(__name__)

LEAVING_SECONDS = 2.0
ABSENT = "1"
"""A resourceVersion that no object has: what is applied with it is made, and refused (409) where something is there."""


class Carrier:
    """From when the member is Ready until it is not. Its methods are for any thread."""

    def __init__(
        self,
        name: str,
        *,
        owner: Owner,
        kinds: Iterable[str],
        reach: Reach,
        connect: Callable[[], Api],
        handlers: CarrierHandlers,
        metrics: Metrics,
    ) -> None:
        self.name = name
        self._owner, self._reach, self._handlers, self._metrics = owner, reach, handlers, metrics
        self._line = Line(connect)
        self._loop = Loop()
        self._turns = Turns(self._loop, self._look, self._fail)
        self._wanted: dict[Ref, Wanted] = {}
        self._gone: dict[Ref, frozenset[str]] = {}
        """What is to be taken back, with its UIDs in the federation API: it may have been made anew there."""
        self._applied: dict[Ref, tuple[str, Seen]] = {}
        """Of each object what was applied last, and what that made of it."""
        self._used: set[Ref] = set()
        """Namespaces that the member has of itself."""
        self._fights, self._recreations = Fights(), Recreations()
        self._finished: dict[Ref, str] = {}
        """Jobs that have finished, by their UID in the federation API."""
        self._scaling = Scaling(name, self._loop, self._line, self._apply_again)
        self._telling = Telling(name, handlers, metrics)
        self._leaving: Leaving | None = None
        self._timers = Timers(self._loop)
        self._informer = Informer(
            name,
            owner,
            kinds=kinds,
            reach=reach,
            connect=connect,
            loop=self._loop,
            metrics=metrics.streams,
            handlers=Handlers(self._learn, self._begin, self._lose),
        )
        Thread(target=self._run, name=f"carrier to {name}", daemon=True).start()

    def want(self, ref: Ref, wanted: Wanted) -> None:
        self._loop.post(partial(self._want, ref, wanted))

    def take_back(self, ref: Ref, uid: str) -> None:
        """Tells `settled` once it is done."""
        self._loop.post(partial(self._take_back, ref, uid))

    def forget(self, ref: Ref) -> None:
        """Leaves alone what is in the member."""
        self._loop.post(partial(self._forget, ref))

    def look_for_orphans(self, known: Known) -> None:
        """Tells `orphans`."""
        self._loop.post(partial(self._look_for_orphans, known))

    def leave(self, known: Known, *, keep_workloads: bool) -> None:
        """Takes back what is known, and the marks off all else (off all, to keep workloads); then tells `left`."""
        self._loop.post(partial(self._leave, known, keep_workloads))

    def stop(self) -> None:
        self._informer.stop()
        self._loop.end()

    def _run(self) -> None:
        self._loop.run()
        self._line.close()

    def _want(self, ref: Ref, wanted: Wanted) -> None:
        for uid in self._gone.pop(ref, ()):
            if uid == wanted.uid:
                self._handlers.keeps(ref, uid)
            else:
                self._handlers.settled(ref, uid)  # What is in the member becomes this one.
        if self._wanted.get(ref) != wanted:
            self._wanted[ref] = wanted
            self._turns.mark(ref)

    def _take_back(self, ref: Ref, uid: str) -> None:
        wanted = self._wanted.get(ref)
        if wanted is not None and wanted.uid != uid:
            self._handlers.settled(ref, uid)  # It was made anew, and what is in the member becomes that.
            return
        self._wanted.pop(ref, None)
        self._gone[ref] = self._gone.get(ref, frozenset()) | {uid}
        self._turns.mark(ref)

    def _forget(self, ref: Ref) -> None:
        for memory in (self._wanted, self._gone, self._applied, self._finished):
            memory.pop(ref, None)
        self._turns.forget(ref)
        self._fights.forget(ref)
        self._scaling.forget(ref)
        self._recreations.forget(ref)
        self._telling.forget(ref)
        self._stand(ref)

    def _stand(self, ref: Ref) -> None:
        """Tells how it stands."""
        wanted, seen = self._wanted.get(ref), self._informer.ours.get(ref)
        if wanted is None:
            self._telling.stands(ref, None)
        elif seen is not None:
            digest = wanted.digest if self._applied.get(ref) == (wanted.digest, seen) else ""
            self._telling.stands(ref, MemberStatus(digest, self._telling.problem(ref), seen.reported))
        elif not self._has_finished(ref, wanted):  # Then it stands as it did when it was there.
            self._telling.stands(ref, MemberStatus("", self._telling.problem(ref), None))

    def _learn(self, told: Mapping[Ref, Seen | None]) -> None:
        for ref, view in told.items():
            if view is not None and self._turns.has_failed(ref):
                self._stand(ref)  # It is looked at when it is its turn: each status of its pods would be another try.
            else:
                self._turns.mark(ref)
            if view is not None and view.traces.is_finished and self._finished.get(ref) != view.made_of:
                self._finished[ref] = view.made_of
                self._handlers.finished(ref, view.made_of, view.reported)
            if view is None:
                self._used.discard(ref)
                if ref not in self._wanted:
                    self._finished.pop(ref, None)
                if ref.kind == NAMESPACE:
                    self._turns.mark(*(each for each in self._wanted if each.namespace == ref.name))
        self._go_on_leaving()

    def _begin(self, kind: str) -> None:
        self._turns.mark(*(ref for ref in (*self._wanted, *self._gone) if ref.kind == kind))

    def _lose(self, refused: Mapping[str, str]) -> None:
        self._handlers.refused(refused)
        self._go_on_leaving()

    def _look(self, ref: Ref) -> None:
        is_unseen = not self._informer.has_seen(ref) and ref.kind != NAMESPACE
        if ref in self._wanted and is_unseen and self._reach.includes(ref):
            return
        if ref in self._gone:
            self._remove(ref, self._gone[ref])
        elif ref in self._wanted:
            self._bring(ref, self._wanted[ref])
        self._stand(ref)

    def _fail(self, ref: Ref, error: Exception) -> None:
        self._telling.failed(ref, error)
        self._stand(ref)

    def _bring(self, ref: Ref, wanted: Wanted) -> None:
        if not self._reach.includes(ref):
            self._leave_out_of_reach(ref)
            return
        seen, now = self._informer.ours.get(ref), monotonic()
        if self._is_as_wanted(ref, wanted, seen):
            return
        # Whether it was as it should be before, and somebody in the member changed it.
        is_back = ref in self._applied and self._applied[ref][0] == wanted.digest
        if is_back and self._is_fought_over(ref, now):
            return
        if ref.namespace and not self._has_namespace(namespace_ref(ref.namespace)):
            return
        with self._line.open() as api:
            found = None if seen else removal.look(api, ref)
            foreign = found is not None and not self._is_ours(ref, found["metadata"]) and not wanted.adopt
            self._telling.note_foreign(ref, foreign=foreign and ref.kind != NAMESPACE)
            if foreign:
                self._leave_to_others(ref)
                return
            body = marked(json.loads(wanted.body), self._owner.federation, self._owner.api_uid, wanted.uid)
            # What is taken over may have been scaled there, too.
            if there := seen.traces if seen else found and traces(ref.kind, found):
                body = self._scaling.settle(api, ref, body, there)
            body["metadata"] |= _as_seen(seen, found)
            try:
                answer = api.apply(ref.path, json.dumps(body), MANAGER, force=True)
            except ApiError as error:
                if seen and wanted.recreate and self._recreations.begin(api, ref, wanted.digest, seen, error):
                    log.warning(f"{ref} is made anew in {self.name}, as it cannot be changed: {why(error)}")
                    return
                self._mistrust(ref, error)
                raise
        self._metrics.applied.labels(self.name).inc()
        self._used.discard(ref)
        self._informer.ours[ref] = after = self._informer.view(ref.kind, answer)
        self._applied[ref] = wanted.digest, after
        self._telling.is_well(ref)
        if is_back and (seen is None or seen.shape != after.shape):
            self._fights.put_back(ref, now)
            log.info(f"{ref} was changed in {self.name} and is put back", extra={"cluster": self.name})

    def _is_ours(self, ref: Ref, metadata: Json) -> bool:
        """By its marks; or by its UID, as the one that we applied: `kubectl replace` takes the marks off."""
        is_applied = ref in self._applied and self._applied[ref][1].uid == metadata["uid"]
        return self._owner.has(metadata) or (is_applied and self._owner.may_have_had(metadata))

    def _mistrust(self, ref: Ref, error: ApiError) -> None:
        """Forgets what the answer shows to be otherwise than it was seen."""
        if error.status == HTTPStatus.CONFLICT:
            self._informer.ours.pop(ref, None)  # It is another one by now: look again.
        if error.status == HTTPStatus.NOT_FOUND:
            self._used.discard(namespace_ref(ref.namespace))

    def _is_as_wanted(self, ref: Ref, wanted: Wanted, seen: Seen | None) -> bool:
        """Whether there is nothing to do: what is being deleted is made again once it is gone."""
        if seen is None:
            return self._has_finished(ref, wanted) or (ref in self._used and not wanted.adopt)
        return seen.deleting or self._applied.get(ref) == (wanted.digest, seen)

    def _has_finished(self, ref: Ref, wanted: Wanted) -> bool:
        return wanted.is_finished or self._finished.get(ref) == wanted.uid

    def _is_fought_over(self, ref: Ref, now: float) -> bool:
        pause = self._fights.pause(ref, now)
        if pause is None:
            return False
        self._telling.report(ref, f"somebody in {self.name} goes on changing {ref}: it is put back once a minute only")
        self._turns.mark_after(pause, ref)
        return True

    def _leave_out_of_reach(self, ref: Ref) -> None:
        if not self._reach.has_of_itself(ref):
            where = f'namespace "{ref.namespace or ref.name}"'
            allowed = ", ".join(self._reach.namespaces)
            self._telling.report(ref, f"{self.name} takes nothing in the {where}: access to it is for {allowed} alone")

    def _leave_to_others(self, ref: Ref) -> None:
        if ref.kind == NAMESPACE:
            self._used.add(ref)
            return
        self._telling.report(
            ref,
            f"{self.name} has a {ref} that this federation did not make: it is left alone; annotation "
            "federation/adopt: 'true' takes it over",
        )
        self._turns.mark_after(LONGEST_PAUSE, ref)

    def _apply_again(self, ref: Ref) -> None:
        self._applied.pop(ref, None)
        self._turns.mark(ref)

    def _has_namespace(self, namespace: Ref) -> bool:
        """Whether it is there; makes it if not. The controller has every Namespace wanted before what is in it."""
        if namespace in self._wanted and namespace not in self._informer.ours and namespace not in self._used:
            self._bring(namespace, self._wanted[namespace])
        seen = self._informer.ours.get(namespace)
        return seen is None or not seen.deleting

    def _remove(self, ref: Ref, uids: frozenset[str]) -> None:
        if self._reach.includes(ref):
            # Of all that goes, for a Namespace alone: with many objects, the sum is as long each time.
            going = frozenset[str]().union(*self._gone.values()) if ref.kind == NAMESPACE else frozenset[str]()
            try:
                with self._line.open() as api:
                    if removal.take_back(api, ref, self._owner, uids, going):
                        self._metrics.taken.labels(self.name).inc()
            except ApiError as error:
                if error.status == HTTPStatus.FORBIDDEN:
                    for uid in uids:  # Nobody is to wait for it; it is tried again and again.
                        self._handlers.owes(ref, uid)
                raise
        self._forget(ref)
        for uid in uids:
            self._handlers.settled(ref, uid)

    def _look_for_orphans(self, known: Known) -> None:
        found = self._informer.orphans(known, self._wanted.keys() | self._gone.keys())
        if found is not None and self._leaving is None:
            self._handlers.orphans(found)

    def _leave(self, known: Known, keep_workloads: bool) -> None:
        self._leaving = Leaving(known, dict(self._gone), keep_workloads=keep_workloads)
        self._wanted.clear()
        self._go_on_leaving()

    def _go_on_leaving(self) -> None:
        """What fails is tried again after a pause, whatever is seen meanwhile."""
        if self._leaving is None or self._leaving in self._timers:
            return
        informer, problem = self._informer, ""
        if informer.is_settled:
            problem = self._leaving.take_back(
                self._line, self._owner, informer, self._metrics.taken.labels(self.name).inc
            )
        if informer.is_complete and not problem and self._gone:
            # What it owes of kinds that are not followed is in no sight.
            ref = next(iter(self._gone))
            problem = self._telling.problem(ref) or f"{ref} is not taken back yet"
            self._turns.mark(*self._gone)
        if problem:
            log.warning(f"cannot leave {self.name} yet: {problem}", extra={"cluster": self.name})
            self._timers.set(self._leaving, LEAVING_SECONDS, self._go_on_leaving)
        if text := leaving.why_not(problem, {} if informer.is_complete else informer.refused):
            self._handlers.staying(text)
        elif informer.is_complete:
            self._handlers.left()


def _as_seen(seen: Seen | None, found: Json | None) -> Json:
    """What an apply says of what it is put over: not to be made where somebody deleted it, nor put over what somebody
    made or changed since. So one that is late, of a leader that was stopped on its way, replaces nothing."""
    if seen is not None:
        return {"uid": seen.uid, "resourceVersion": seen.version}
    return {key: found["metadata"][key] for key in ("uid", "resourceVersion")} if found else {"resourceVersion": ABSENT}
