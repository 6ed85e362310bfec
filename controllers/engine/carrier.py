"""One Ready member: what is to be there, what is there of ours, and a thread of its own that makes them agree."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from threading import Thread
from time import monotonic
from typing import Protocol

from kubernetes.client import ApiException

from controllers.engine import leftovers
from controllers.engine.kinds import NAMESPACE, Ref, collection, namespace_ref
from controllers.engine.manifest import API_UID, MANAGER, OBJECT_UID, marked, shape, unmarked
from controllers.engine.metrics import Metrics
from controllers.engine.standing import Says, Standing, read_says
from controllers.runtime.api import FAILURES, Api, wait_asked_for, why
from controllers.runtime.line import Line
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Json
from controllers.runtime.watching import News, Stream, follow
from federation.names import CARRIED_BY

log = logging.getLogger(__name__)

WATCH_SECONDS = 300
"""Long, as a member that is gone shows in its heartbeat: few requests while nothing happens."""
LONGEST_PAUSE = 60.0
RACES = 3
"""So many times in a row an object may have changed under our hands before that counts as a failure."""
ABSENT = "1"
"""A resourceVersion that no object has: what is applied with it is made, and refused (409) where something is there."""
FIGHT_SECONDS = 60.0
FIGHT_ROUNDS = 5
"""What is changed back more often than this in so many seconds is put back once in as many."""


@dataclass(frozen=True)
class Wanted:
    """What is to be in the member."""

    uid: str
    """Of the object in the federation API."""
    body: bytes
    digest: str
    adopt: bool


@dataclass(frozen=True)
class Owner:
    """By which marks an object in a member is known as ours."""

    federation: str
    api_uid: str

    def has(self, metadata: Json) -> bool:
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        return labels.get(CARRIED_BY) == self.federation and annotations.get(API_UID) == self.api_uid


@dataclass(frozen=True)
class _Seen:
    """An object of ours in the member."""

    uid: str
    shape: str
    deleting: bool
    version: str = field(compare=False)
    """Not compared, as it changes with every status."""
    says: Says | None = field(compare=False)


class Tell(Protocol):
    """What a carrier tells, from its own thread."""

    def settled(self, ref: Ref, uid: str) -> None:
        """The object of this UID in the federation API is no longer in the member."""

    def problem(self, ref: Ref, text: str) -> None:
        """The member is not as it should be."""

    def stands(self, ref: Ref, standing: Standing | None) -> None:
        """What is known of the object has changed; None is that it is to be there no more."""

    def left(self) -> None:
        """Nothing of ours is in the member any more."""


class Carrier:
    """From when the member is Ready until it is not. Its methods are for any thread."""

    def __init__(
        self,
        name: str,
        *,
        owner: Owner,
        kinds: Iterable[str],
        connect: Callable[[], Api],
        tell: Tell,
        metrics: Metrics,
    ) -> None:
        self.name = name
        self._owner, self._tell, self._metrics = owner, tell, metrics
        self._line = Line(connect)
        self._loop = Loop()
        self._wanted: dict[Ref, Wanted] = {}
        self._gone: dict[Ref, str] = {}
        """What is to be taken back, with its UID in the federation API."""
        self._seen: dict[Ref, _Seen] = {}
        self._applied: dict[Ref, tuple[str, _Seen]] = {}
        """Of each object what was applied last, and what that made of it."""
        self._used: set[Ref] = set()
        """Namespaces that the member has of itself."""
        self._synced: set[str] = set()
        self._marked: set[Ref] = set()
        self._busy_until = 0.0
        """The member asked not to be asked for anything until then."""
        self._failures: dict[Ref, int] = {}
        self._rounds: dict[Ref, deque[float]] = {}
        self._told: dict[Ref, str] = {}
        self._stands: dict[Ref, Standing] = {}
        """What was told of each object."""
        self._leaving: bool | None = None
        """Whether the workloads stay, once the member leaves."""
        self._streams = [self._stream(kind, connect) for kind in kinds]
        for stream in self._streams:
            follow(stream, metrics.streams)
        Thread(target=self._run, name=f"carrier to {name}", daemon=True).start()

    def want(self, ref: Ref, wanted: Wanted) -> None:
        self._loop.post(partial(self._want, ref, wanted))

    def take_back(self, ref: Ref, uid: str) -> None:
        """Tells `settled` once it is done."""
        self._loop.post(partial(self._take_back, ref, uid))

    def forget(self, ref: Ref) -> None:
        """Leaves alone what is in the member."""
        self._loop.post(partial(self._forget, ref))

    def leave(self, *, keep_workloads: bool) -> None:
        """Takes everything of ours back, or its marks off; tells `left` once it is done."""
        self._loop.post(partial(self._leave, keep_workloads))

    def stop(self) -> None:
        for stream in self._streams:
            stream.stopped.set()
            self._metrics.streams.forget(stream.name)
        self._loop.end()

    def _run(self) -> None:
        self._loop.run()
        self._line.close()

    def _stream(self, kind: str, connect: Callable[[], Api]) -> Stream[_Seen]:
        def read(obj: Json) -> _Seen | None:
            return _seen(kind, obj) if self._owner.has(obj["metadata"]) else None

        return Stream(
            f"{kind} objects in {self.name}",
            collection(kind),
            read,
            connect,
            lambda news: self._loop.post(partial(self._learn, kind, news)),
            f"{CARRIED_BY}={self._owner.federation}",
            watch_seconds=WATCH_SECONDS,
        )

    def _want(self, ref: Ref, wanted: Wanted) -> None:
        self._gone.pop(ref, None)
        if self._wanted.get(ref) != wanted:
            self._wanted[ref] = wanted
            self._mark(ref)

    def _take_back(self, ref: Ref, uid: str) -> None:
        wanted = self._wanted.get(ref)
        if wanted is not None and wanted.uid != uid:
            self._tell.settled(ref, uid)  # It was made anew, and what is in the member becomes that.
            return
        self._wanted.pop(ref, None)
        self._gone[ref] = uid
        self._mark(ref)

    def _forget(self, ref: Ref) -> None:
        for memory in (self._wanted, self._gone, self._applied, self._failures, self._rounds, self._told):
            memory.pop(ref, None)
        self._stand(ref)

    def _stand(self, ref: Ref) -> None:
        """Tells how it stands, if that is news."""
        wanted, seen = self._wanted.get(ref), self._seen.get(ref)
        if wanted is None:
            if self._stands.pop(ref, None) is not None:
                self._tell.stands(ref, None)
            return
        is_applied = seen is not None and self._applied.get(ref) == (wanted.digest, seen)
        now = Standing(wanted.digest if is_applied else "", self._told.get(ref, ""), seen.says if seen else None)
        if self._stands.get(ref) != now:
            self._stands[ref] = now
            self._tell.stands(ref, now)

    def _learn(self, kind: str, news: News[_Seen]) -> None:
        is_first = kind not in self._synced
        self._synced.add(kind)
        told = {Ref(kind, *key): view for key, view in news.views.items()}
        if news.complete:
            told |= {ref: None for ref in self._seen if ref.kind == kind and ref not in told}
        for ref, view in told.items():
            known = self._seen.get(ref)
            if not news.complete and known is not None and int(known.version) > int(news.version):
                continue  # From before what we wrote ourselves.
            if view is None:
                self._seen.pop(ref, None)
                self._used.discard(ref)
            else:
                self._seen[ref] = view
            self._mark(ref)
            if view is None and kind == NAMESPACE:
                self._mark(*(each for each in self._wanted if each.namespace == ref.name))
        if is_first:
            self._mark(*(ref for ref in (*self._wanted, *self._gone) if ref.kind == kind))
        self._go_on_leaving()

    def _mark(self, *refs: Ref) -> None:
        """Has each looked at once, however often it is marked before its turn."""
        for ref in refs:
            if ref not in self._marked:
                self._marked.add(ref)
                self._loop.post(partial(self._look, ref))

    def _look(self, ref: Ref) -> None:
        self._marked.discard(ref)
        if ref.kind not in self._synced and ref.kind != NAMESPACE:
            return
        if (pause := self._busy_until - monotonic()) > 0:
            self._loop.after(pause, partial(self._mark, ref))
            return
        try:
            if ref in self._gone:
                self._remove(ref, self._gone[ref])
            elif ref in self._wanted:
                self._bring(ref, self._wanted[ref])
            self._failures.pop(ref, None)
        except Exception as error:  # One odd object must not stop the others.
            self._failures[ref] = failures = self._failures.get(ref, 0) + 1
            status = error.status if isinstance(error, ApiException) else None
            if status == HTTPStatus.CONFLICT and failures <= RACES:
                self._mark(ref)
                return
            known = isinstance(error, FAILURES)
            log.warning(
                f"{ref} is not as it should be in {self.name}, and will be tried again: {why(error)}",
                exc_info=not known,
                extra={"cluster": self.name, "object": str(ref)},
            )
            self._metrics.refused.labels(self.name).inc()
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                self._busy_until = monotonic() + (wait_asked_for(error) or 1.0)
            elif status is not None:
                # Without an answer there is nothing to tell of this object: the heartbeat tells of the member.
                self._report(ref, f"{self.name} refuses {ref}: {why(error)}")
            self._loop.after(min(LONGEST_PAUSE, 0.5 * 2.0 ** min(failures - 1, 7)), partial(self._mark, ref))
        self._stand(ref)

    def _report(self, ref: Ref, text: str) -> None:
        """Once, until it is another problem or none."""
        if self._told.get(ref) != text:
            self._told[ref] = text
            self._tell.problem(ref, text)

    def _bring(self, ref: Ref, wanted: Wanted) -> None:
        seen, now = self._seen.get(ref), monotonic()
        if (ref in self._used and not wanted.adopt) or (
            seen is not None and (seen.deleting or self._applied.get(ref) == (wanted.digest, seen))
        ):
            return  # What is being deleted is made again once it is gone.
        # Whether it was as it should be before, and somebody in the member changed it.
        is_back = ref in self._applied and self._applied[ref][0] == wanted.digest
        if is_back and not self._may_put_back(ref, now):
            return
        if ref.namespace and not self._has_namespace(namespace_ref(ref.namespace)):
            return
        with self._line.open() as api:
            found = None if seen else _metadata(api, ref)
            foreign = found is not None and not self._owner.has(found)
            if foreign and ref.kind == NAMESPACE and not wanted.adopt:
                self._used.add(ref)
                return
            if foreign and not wanted.adopt:
                self._report(
                    ref,
                    f"{self.name} has a {ref} that this federation did not make: it is left alone; annotation "
                    "federation/adopt: 'true' takes it over",
                )
                self._loop.after(LONGEST_PAUSE, partial(self._mark, ref))
                return
            body = marked(json.loads(wanted.body), self._owner.federation, self._owner.api_uid, wanted.uid)
            # Not to be made where somebody deleted it, nor put over what somebody made or changed since: an apply that
            # is late, of a leader that was stopped on its way, replaces nothing.
            if seen:
                body["metadata"] |= {"uid": seen.uid, "resourceVersion": seen.version}
            elif found:
                body["metadata"] |= {"uid": found["uid"], "resourceVersion": found["resourceVersion"]}
            else:
                body["metadata"]["resourceVersion"] = ABSENT
            try:
                answer = api.apply(ref.path, json.dumps(body), MANAGER, force=True)
            except ApiException as error:
                if error.status == HTTPStatus.CONFLICT:
                    self._seen.pop(ref, None)  # It is another one by now: look again.
                if error.status == HTTPStatus.NOT_FOUND:
                    self._used.discard(namespace_ref(ref.namespace))
                raise
        self._metrics.applied.labels(self.name).inc()
        self._used.discard(ref)
        self._seen[ref] = after = _seen(ref.kind, answer)
        self._applied[ref] = wanted.digest, after
        self._told.pop(ref, None)
        if is_back and (seen is None or seen.shape != after.shape):
            self._rounds.setdefault(ref, deque(maxlen=FIGHT_ROUNDS)).append(now)
            log.info(f"{ref} was changed in {self.name} and is put back", extra={"cluster": self.name})

    def _may_put_back(self, ref: Ref, now: float) -> bool:
        rounds = self._rounds.get(ref, deque())
        if len(rounds) == FIGHT_ROUNDS and now - rounds[0] < FIGHT_SECONDS:
            self._report(ref, f"somebody in {self.name} goes on changing {ref}: it is put back once a minute only")
            if now - rounds[-1] < FIGHT_SECONDS:
                self._loop.after(FIGHT_SECONDS - (now - rounds[-1]), partial(self._mark, ref))
                return False
        return True

    def _has_namespace(self, namespace: Ref) -> bool:
        """Whether it is there; makes it if not. The controller has every Namespace wanted before what is in it."""
        if namespace in self._wanted and namespace not in self._seen and namespace not in self._used:
            self._bring(namespace, self._wanted[namespace])
        seen = self._seen.get(namespace)
        return seen is None or not seen.deleting

    def _remove(self, ref: Ref, uid: str) -> None:
        with self._line.open() as api:
            found = _metadata(api, ref)
            if found is not None and self._owner.has(found) and found["annotations"].get(OBJECT_UID) == uid:
                self._delete(api, ref, found)
        self._forget(ref)
        self._tell.settled(ref, uid)

    def _delete(self, api: Api, ref: Ref, found: Json) -> None:
        if ref.kind == NAMESPACE and (others := leftovers.foreign(api, ref.name, self._owner.has)):
            log.warning(
                f"Namespace {ref.name} stays in {self.name}, as others have {others} in it",
                extra={"cluster": self.name},
            )
            self._unmark(api, ref)
        elif "deletionTimestamp" not in found:
            lock = {"uid": found["uid"]}
            options = {"preconditions": lock, "propagationPolicy": "Background"}
            _but_absent(api.delete, ref.path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
            self._metrics.taken.labels(self.name).inc()

    def _unmark(self, api: Api, ref: Ref) -> None:
        _but_absent(api.patch, ref.path, unmarked())
        self._seen.pop(ref, None)

    def _leave(self, keep_workloads: bool) -> None:
        self._leaving = keep_workloads
        self._wanted.clear()
        self._go_on_leaving()

    def _go_on_leaving(self) -> None:
        """One object at a time, Namespaces last; what fails is tried again."""
        if self._leaving is None or len(self._synced) < len(self._streams):
            return
        left = sorted(self._seen, key=lambda ref: ref.kind == NAMESPACE)
        if not left:
            self._tell.left()
            return
        try:
            for ref in left:
                with self._line.open() as api:
                    found = None if self._leaving else _metadata(api, ref)
                    if self._leaving:
                        self._unmark(api, ref)
                    elif found is not None and self._owner.has(found):
                        self._delete(api, ref, found)
                self._seen.pop(ref, None)
        except FAILURES as error:
            log.warning(f"cannot leave {self.name} yet: {why(error)}", extra={"cluster": self.name})
            self._loop.after(2.0, self._go_on_leaving)
            return
        self._tell.left()


def _seen(kind: str, obj: Json) -> _Seen:
    metadata = obj["metadata"]
    says = read_says(kind, obj)
    return _Seen(metadata["uid"], shape(obj), "deletionTimestamp" in metadata, metadata["resourceVersion"], says)


def _metadata(api: Api, ref: Ref) -> Json | None:
    found = _but_absent(api.metadata, ref.path)
    return None if found is None else found["metadata"]


def _but_absent(call: Callable[..., Json], *arguments: object) -> Json | None:
    """The call's answer; None if the object is not there."""
    try:
        return call(*arguments)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None
