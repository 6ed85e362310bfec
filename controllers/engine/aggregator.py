"""Tells in the federation API how what is carried stands in the members: in its status, and in a report per cluster."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Thread
from time import monotonic

from controllers.engine import finished, reports
from controllers.engine.federated import Federated
from controllers.engine.manifest import MANAGER
from controllers.engine.member_status import ClusterStatus, MemberStatus, read_reported
from controllers.engine.metrics import Metrics
from controllers.engine.refs import Ref
from controllers.engine.reports import Report, is_reported, read_report, report
from controllers.engine.status import aggregate, change
from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.line import Line
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Key, now
from controllers.runtime.watching import News, Stream, follow
from kube.errors import ApiError
from kube.kinds import NAMESPACE

log = logging.getLogger(__name__)

TellStatus = Callable[[Ref, MemberStatus | None], None]
"""How a carrier tells of an object; None is that it has nothing to do with it any more."""

SETTLE_SECONDS = 0.2
"""So long it waits for what comes with a change: most often the other cluster says the same at once."""
EVERY_SECONDS = 1.0
"""An object is written no more often than this, however fast its pods come and go."""
PATIENCE_SECONDS = 30.0
"""So long a cluster that is newly Ready may take to list what it has, before what it does not name counts as absent."""
RETRY_SECONDS = 2.0
REFUSED_SECONDS = 60.0


class StatusAggregator:
    """On a thread of its own, so that nothing is carried later for it. Its methods are for any thread."""

    def __init__(self, connect: Callable[[], Api], metrics: Metrics) -> None:
        self._line = Line(connect)
        self._metrics = metrics
        self._loop = Loop()
        self._objects: dict[Ref, tuple[Federated, frozenset[str]]] = {}
        """With the clusters that each is for."""
        self._listeners: dict[str, object] = {}
        """Whose word counts, of each cluster that is Ready."""
        self._away: dict[str, str] = {}
        """Why the others are not."""
        self._listed: set[str] = set()
        """Those that have had time to tell what they have."""
        self._statuses: defaultdict[str, dict[Ref, MemberStatus]] = defaultdict(dict)
        """By cluster."""
        self._reports: dict[Key, Report] = {}
        self._rows: defaultdict[Ref, dict[str, Report]] = defaultdict(dict)
        """The same by cluster."""
        self._synced = False
        self._due: set[Ref] = set()
        self._written: dict[Ref, float] = {}

        self._stream = Stream("propagations", reports.COLLECTION, _read, connect, self._post, stopped=self._loop.ended)

    def start(self) -> None:
        Thread(target=self._run, name="aggregator", daemon=True).start()
        follow(self._stream, self._metrics.streams)

    def end(self) -> None:
        self._loop.end()

    def _run(self) -> None:
        self._loop.run()
        self._line.close()

    def follow(self, obj: Federated, clusters: frozenset[str]) -> None:
        """The object is for these clusters."""
        if obj.ref.kind != NAMESPACE:  # It is there wherever something is in it.
            self._loop.post(partial(self._follow, obj, clusters))

    def forget(self, ref: Ref) -> None:
        """The object goes, and its reports with it."""
        self._loop.post(partial(self._forget, ref))

    def listener(self, cluster: str) -> TellStatus:
        """For the carrier of a cluster that is Ready; what an earlier one tells counts no more."""
        token = object()
        self._loop.post(partial(self._open, cluster, token))
        return lambda ref, member_status: self._loop.post(
            partial(self._take_status, cluster, token, ref, member_status)
        )

    def lose(self, cluster: str, text: str) -> None:
        """The cluster is not Ready, for this reason."""
        self._loop.post(partial(self._lose, cluster, text))

    def drop(self, cluster: str) -> None:
        """The cluster has left, or is another one now."""
        self._loop.post(partial(self._drop, cluster))

    def _post(self, news: News[Report]) -> None:
        self._loop.post(partial(self._learn, news))

    def _follow(self, obj: Federated, clusters: frozenset[str]) -> None:
        known = self._objects.get(obj.ref)
        # An event from before what was written here tells nothing new.
        if known is not None and obj.is_older_than(known[0]):
            obj = known[0]
        if known != (obj, clusters):
            self._objects[obj.ref] = obj, clusters
            self._mark(obj.ref)

    def _forget(self, ref: Ref) -> None:
        self._objects.pop(ref, None)
        self._written.pop(ref, None)

    def _open(self, cluster: str, token: object) -> None:
        self._drop(cluster)
        self._listeners[cluster] = token
        self._loop.after(PATIENCE_SECONDS, partial(self._count, cluster, token))

    def _count(self, cluster: str, token: object) -> None:
        if self._listeners.get(cluster) is token:
            self._listed.add(cluster)
            self._mark(*self._of(cluster))

    def _of(self, cluster: str) -> list[Ref]:
        return [ref for ref, (_, clusters) in self._objects.items() if cluster in clusters]

    def _lose(self, cluster: str, text: str) -> None:
        self._listeners.pop(cluster, None)
        self._statuses.pop(cluster, None)
        if self._away.get(cluster) != text:
            self._away[cluster] = text
            self._mark(*self._of(cluster))

    def _drop(self, cluster: str) -> None:
        for memory in (self._listeners, self._away, self._statuses):
            memory.pop(cluster, None)
        self._listed.discard(cluster)

    def _take_status(self, cluster: str, token: object, ref: Ref, member_status: MemberStatus | None) -> None:
        if self._listeners.get(cluster) is not token:
            return
        if member_status is None:
            self._statuses[cluster].pop(ref, None)
        else:
            self._statuses[cluster][ref] = member_status
            self._mark(ref)

    def _learn(self, news: News[Report]) -> None:
        told: Mapping[Key, Report | None] = news.views
        if news.complete:
            told = {**dict.fromkeys(self._reports), **news.views}
        for key, view in told.items():
            old = self._reports.pop(key, None)
            if old is not None:
                self._rows[old.ref].pop(old.cluster, None)
                if not self._rows[old.ref]:
                    del self._rows[old.ref]
            if view is not None:
                self._keep(view)
            if old != view and (one := view or old):
                self._mark(one.ref)
        if not self._synced:
            self._synced = True
            self._mark(*self._objects)

    def _keep(self, row: Report) -> None:
        self._reports[row.ref.namespace, row.name] = row
        self._rows[row.ref][row.cluster] = row

    def _mark(self, *refs: Ref) -> None:
        """Has each looked at once, soon, but not more often than it may be written."""
        now = monotonic()
        for ref in refs:
            if ref not in self._due and ref in self._objects:
                self._due.add(ref)
                soon = self._written.get(ref, 0.0) + EVERY_SECONDS - now
                self._loop.after(max(SETTLE_SECONDS, soon), partial(self._look, ref))

    def _look(self, ref: Ref) -> None:
        self._due.discard(ref)
        if ref not in self._objects:
            return
        obj, clusters = self._objects[ref]
        statuses = [self._status_in(obj, cluster) for cluster in sorted(clusters)]
        heard = [each for each in statuses if each is not None]
        if len(heard) < len(statuses):
            return  # Who starts anew does not take back what is there until it knows better.
        try:
            self._write_status(obj, heard)
            if self._synced:
                self._write_reports(obj, heard)
        except Exception as error:  # One odd object must not stop the others.
            status = error.status if isinstance(error, ApiError) else None
            if status in (404, 409):
                return  # It has changed, and is looked at when that is seen.
            known = isinstance(error, FAILURES)
            log.warning(f"how {ref} stands is not told: {why(error)}", exc_info=not known, extra={"object": str(ref)})
            self._written[ref] = monotonic() + (REFUSED_SECONDS if status == 422 else RETRY_SECONDS)
            self._mark(ref)

    def _status_in(self, obj: Federated, cluster: str) -> ClusterStatus | None:
        """None as long as a cluster that is newly Ready says nothing of it."""
        if cluster in self._away:
            return ClusterStatus(cluster, away=True, message=f"{cluster} is not Ready: {self._away[cluster]}")
        member_status = self._statuses.get(cluster, {}).get(obj.ref)
        if member_status is None and cluster not in self._listed:
            return None
        # A Job that has finished may be gone there, and is not made again.
        condition = obj.finished.get(cluster)
        if condition and not (member_status and finished.condition(member_status.reported)):
            return ClusterStatus(cluster, finished.remembered(condition), applied=True)
        if member_status is None:
            return ClusterStatus(cluster)
        is_applied = bool(obj.digest) and member_status.digest == obj.digest
        return ClusterStatus(cluster, member_status.reported, applied=is_applied, message=member_status.problem)

    def _write_status(self, obj: Federated, statuses: list[ClusterStatus]) -> None:
        if obj.reported is None or not statuses:
            return
        new = aggregate(obj.ref.kind, obj.reported, statuses, now())
        patch = change(obj.reported.status, new)
        if patch is None:
            return
        self._written[obj.ref] = monotonic()
        with self._line.open() as api:
            answer = api.patch(f"{obj.ref.path}/status", {"metadata": {"uid": obj.uid}, "status": patch})
        # What else has changed meanwhile comes with the event of this very version.
        after = replace(
            obj, reported=read_reported(obj.ref.kind, answer), version=answer["metadata"]["resourceVersion"]
        )
        self._objects[obj.ref] = after, self._objects[obj.ref][1]

    def _write_reports(self, obj: Federated, statuses: list[ClusterStatus]) -> None:
        rows = self._rows.get(obj.ref, {})
        told = [report(obj.ref, obj.uid, each) for each in statuses if is_reported(obj.ref.kind, each)]
        for new in told:
            if rows.get(new.cluster) != new:
                self._written[obj.ref] = monotonic()
                with self._line.open() as api:
                    api.apply(new.path, json.dumps(new.body()), MANAGER, force=True)
                self._keep(new)
        for old in [each for each in rows.values() if each.cluster not in {new.cluster for new in told}]:
            with self._line.open() as api:
                api.delete(old.path, {"apiVersion": "v1", "kind": "DeleteOptions"})


def _read(obj: dict[str, object]) -> Report | None:
    """None for one that somebody else named."""
    found = read_report(obj)
    metadata = obj["metadata"]
    assert isinstance(metadata, dict)
    return found if metadata["name"] == found.name else None
