"""Ties together what the federation API holds and what each member is told."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from controllers.engine import finished, membership
from controllers.engine.aggregator import StatusAggregator
from controllers.engine.api_writer import ApiWriter
from controllers.engine.clusters import COLLECTION, Cluster, read_cluster
from controllers.engine.contract import Wanted
from controllers.engine.dropped import dropped, not_carried
from controllers.engine.federated import Federated, reader, stays
from controllers.engine.manifest import Owner
from controllers.engine.member_status import Reported
from controllers.engine.membership import Members
from controllers.engine.metrics import Metrics
from controllers.engine.object_writer import ObjectWriter
from controllers.engine.objects import Objects
from controllers.engine.orphans import Known
from controllers.engine.placement import PlacementError, without_meaning
from controllers.engine.refs import Ref, namespace_ref
from controllers.engine.same_api import connect_to
from controllers.engine.turns import Timers
from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.loop import Loop
from controllers.runtime.watching import News, Stream, follow
from kube.errors import ApiError
from kube.kinds import NAMESPACE, collection

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
ORPHANS_SECONDS = 5.0
"""What is in no API for twice as long is told as an orphan."""


T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    federation: str
    kinds: Sequence[str]
    """Without Namespace, which is carried wherever something is in it."""
    clusters: Sequence[str] = ()
    """The only ones that anything is carried to; empty is all."""


class Controller:
    """All state; to be touched on the loop only, but for `start` and `missing`."""

    def __init__(self, settings: Settings, connect: Callable[[], Api], loop: Loop, metrics: Metrics) -> None:
        """`connect` makes a new line to the federation API."""
        self._settings, self._connect, self._loop, self._metrics = settings, connect, loop, metrics
        self._kinds = (NAMESPACE, *settings.kinds)
        self._writer = ApiWriter(connect)
        self._object_writer = ObjectWriter(self._writer, settings.federation)
        self._aggregator = StatusAggregator(connect, metrics)
        self._objects = Objects(settings.clusters)
        self._synced: set[str] = set()
        self._refused: set[str] = set()
        """Kinds that we may not follow: nothing of them is changed, and all others go on."""
        self._done: defaultdict[tuple[Ref, str], set[str]] = defaultdict(set)
        """Of each object that is taken back, from which members it is gone (or owed by them)."""
        self._finished: defaultdict[tuple[Ref, str], dict[str, Reported | None]] = defaultdict(dict)
        """Of each Job, in which members it has finished, and what it says there, until that is written."""
        self._reached: dict[Ref, frozenset[str]] = {}
        """To which clusters each object was given."""
        self._marked: set[Ref] = set()
        self._timers = Timers(loop)
        self._misplaced: dict[Ref, str] = {}
        """What was told of annotations that do not say where an object is to be."""
        self._members: Members | None = None

    @property
    def missing(self) -> list[str]:
        """What was not yet seen of the federation API. Until it was, nothing is written."""
        return [each for each in ("clusters", *self._kinds) if each not in self._synced | self._refused]

    def start(self) -> None:
        """Begins to follow the federation API; all else comes from that."""
        self._loop.post(self._begin)

    def _begin(self) -> None:
        try:
            uid = self._writer.api_uid()
            with self._connect() as api:
                ending = dropped(api, self._settings.kinds)
        except FAILURES as error:
            log.warning(f"the federation API does not answer yet: {why(error)}")
            self._loop.after(RETRY_SECONDS, self._begin)
            return
        if ending:
            log.warning(f"no longer carried, and taken back from all clusters: {', '.join(ending)}")
        self._kinds = (NAMESPACE, *self._settings.kinds, *ending)
        self._members = Members(
            Owner(self._settings.federation, uid),
            kinds=self._kinds,
            federation=self._connect,
            writer=self._writer,
            aggregator=self._aggregator,
            loop=self._loop,
            metrics=self._metrics,
            handlers=membership.Handlers(
                self._look_at_all, self._settled, self._finish, self._warn, self._known, self._is_wanted
            ),
        )
        self._aggregator.start()
        connect = partial(connect_to, uid, self._connect, self._loop)
        ended = self._loop.ended
        take = self._post(self._take_clusters)
        follow(Stream("clusters", COLLECTION, read_cluster, connect, take, stopped=ended), self._metrics.streams)
        for kind in self._kinds:
            read = reader(kind, self._settings.federation)
            if kind in ending:
                read = not_carried(read)
            tell, lose = self._post(partial(self._take, kind)), self._post(partial(self._lose, kind))
            stream = Stream(kind, collection(kind), read, connect, tell, failed=lose, stopped=ended)
            follow(stream, self._metrics.streams)
        self._look_for_orphans()

    def _post(self, take: Callable[[T], None]) -> Callable[[T], None]:
        return lambda told: self._loop.post(partial(take, told))

    def _lose(self, kind: str, error: Exception) -> None:
        """Of a kind that may not be followed what was seen last holds; it holds up no other."""
        if not (isinstance(error, ApiError) and error.status == HTTPStatus.FORBIDDEN) or kind in self._synced:
            return
        was_missing = bool(self.missing)
        self._refused.add(kind)
        if was_missing:
            self._look_at_all()

    def _is_wanted(self, cluster: str, ref: Ref, uid: str) -> bool | None:
        """None while too little was seen to say, and while nothing is to be changed in any cluster."""
        assert self._members is not None
        if self.missing or ref.kind in self._refused - self._synced:
            return None
        obj = self._objects.all.get(ref)
        if obj is None or obj.uid != uid or self._objects.is_kept_at_home(obj) or cluster not in self._members.staying:
            return False
        try:
            return cluster in self._objects.targets(obj, self._members.staying)
        except PlacementError:
            return None

    def _known(self) -> Known:
        return Known({ref: obj.uid for ref, obj in self._objects.all.items()}, frozenset(self._synced))

    def _look_for_orphans(self) -> None:
        if self._members is not None and not self.missing:
            self._members.look_for_orphans(self._known())
        self._loop.after(ORPHANS_SECONDS, self._look_for_orphans)

    def _take_clusters(self, news: News[Cluster]) -> None:
        assert self._members is not None
        self._synced.add("clusters")
        self._members.take({name: cluster for (_, name), cluster in news.views.items()}, complete=news.complete)

    def _take(self, kind: str, news: News[Federated]) -> None:
        is_first = kind not in self._synced
        self._synced.add(kind)
        told = {Ref(kind, *key): view for key, view in news.views.items()}
        if news.complete:
            told |= {ref: None for ref in self._objects.all if ref.kind == kind and ref not in told}
        for ref, view in told.items():
            old = self._objects.all.get(ref)
            # An event from before what we wrote ourselves tells nothing new.
            if news.complete or view is None or old is None or not view.is_older_than(old):
                self._put(ref, view)
        self._metrics.objects.set(len(self._objects.all))
        if is_first:
            for job in [each for each in self._finished if each[0].kind == kind]:
                for cluster, reported in self._finished.pop(job).items():
                    self._finish(cluster, *job, reported)
            self._look_at_all()
        else:
            self._mark(*told)

    def _put(self, ref: Ref, view: Federated | None) -> None:
        if view is None or view.deleting:
            self._aggregator.forget(ref)
        old = self._objects.put(ref, view)
        if view is None:
            for memory in (self._misplaced, self._reached):
                memory.pop(ref, None)
            if old is not None:
                self._done.pop((ref, old.uid), None)
                self._finished.pop((ref, old.uid), None)
        elif ref.kind == NAMESPACE and (old is None or (old.body is None) != (view.body is None)):
            self._mark(*self._objects.inside[ref.name])
        if ref.namespace:
            self._mark(namespace_ref(ref.namespace))

    def _look_at_all(self) -> None:
        """Clusters came, went, became Ready or not, or are selected or reached by something else; or all are seen."""
        assert self._members is not None
        if not self.missing:
            self._members.collect_debts()
        self._reached.clear()
        self._mark(*self._objects.all)

    def _mark(self, *refs: Ref) -> None:
        """Has each looked at once; Namespaces first, for what is in them."""
        if self.missing:
            return
        for ref in sorted(refs, key=lambda each: each.kind != NAMESPACE):
            if ref not in self._marked:
                self._marked.add(ref)
                self._loop.post(partial(self._look, ref))

    def _look(self, ref: Ref) -> None:
        self._marked.discard(ref)
        self._timers.cancel(ref)
        try:
            self._reconcile(ref)
        except Exception as error:  # One odd object must not stop the others.
            if isinstance(error, ApiError) and error.status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                return  # It has changed, and is looked at when that is seen.
            log.warning(
                f"{ref} will be looked at again: {why(error)}",
                exc_info=not isinstance(error, FAILURES),
                extra={"object": str(ref)},
            )
            self._timers.set(ref, RETRY_SECONDS, partial(self._mark, ref))

    def _reconcile(self, ref: Ref) -> None:
        assert self._members is not None
        obj = self._objects.all.get(ref)
        if obj is None or (obj.deleting and not obj.is_held):
            self._members.forget(ref)  # Absence is no order to delete.
            return
        if clusters := self._finished.get((ref, obj.uid)):
            conditions = {name: finished.condition(reported) for name, reported in clusters.items()}
            obj = self._object_writer.note_finished(obj, conditions)
            del self._finished[ref, obj.uid]
            self._put(ref, obj)
        if self._objects.is_kept_at_home(obj):
            obj = stays(obj)
        try:
            targets = self._objects.targets(obj, self._members.staying)
        except PlacementError as error:
            self._tell_of_placement(ref, str(error))
            return
        is_namespace = ref.kind == NAMESPACE and obj.body is not None
        if ref in self._misplaced and not is_namespace:
            self._members.collect_debts()  # It was not known whether it is among them.
        self._tell_of_placement(ref, without_meaning(obj.placement) if is_namespace else "")
        if targets and ref.namespace and not self._has_namespace(ref.namespace, targets):
            return
        if targets and not obj.is_held:
            obj = self._object_writer.hold(obj, held=True)
            self._put(ref, obj)
        self._carry(obj, targets)

    def _tell_of_placement(self, ref: Ref, problem: str) -> None:
        """Once, until it is another problem or none (empty)."""
        told = self._misplaced.pop(ref, "")
        if problem:
            self._misplaced[ref] = problem
            if problem != told:
                self._warn(ref, problem)

    def _has_namespace(self, name: str, targets: frozenset[str]) -> bool:
        """Whether the Namespace is wanted where what is in it is to be; that waits for it, and is then marked."""
        home = self._objects.all.get(ref := namespace_ref(name))
        if home is None:
            return False
        if home.deleting or home.body is None or targets <= self._reached.get(ref, frozenset()):
            return True
        self._mark(ref)
        return False

    def _carry(self, obj: Federated, targets: frozenset[str]) -> None:
        assert self._members is not None
        before, self._reached[obj.ref] = self._reached.get(obj.ref, frozenset()), targets
        if obj.ref.kind == NAMESPACE and targets - before:
            self._mark(*self._objects.inside[obj.ref.name])
        if not obj.deleting:
            self._aggregator.follow(obj, targets)
        ref, done = obj.ref, self._done[obj.ref, obj.uid]
        if obj.body is not None and targets:
            for name in targets:
                done.discard(name)
                is_finished = name in obj.finished
                wanted = Wanted(obj.uid, obj.body, obj.digest, obj.adopt, obj.recreate, is_finished)
                self._members.want(name, ref, wanted)
        if not obj.is_held:
            return
        is_ending = obj.deleting or obj.body is None
        if ref.kind == NAMESPACE and (
            not is_ending or any(self._objects.all[each].is_held for each in self._objects.inside[ref.name])
        ):
            return  # It stays as long as it is in the federation API, and something is in it.
        for name in self._members.all - targets - done:
            if self._members.take_back(name, ref, obj.uid, owe=is_ending):
                done.add(name)
        if is_ending and done >= self._members.all:
            self._object_writer.hold(obj, held=False)

    def _settled(self, cluster: str, ref: Ref, uid: str) -> None:
        """The object is gone from the member, unless it was given to it again since."""
        obj = self._objects.all.get(ref)
        if obj is not None and obj.uid == uid and cluster not in self._reached.get(ref, ()):
            self._done[ref, uid].add(cluster)
            self._mark(ref)

    def _finish(self, cluster: str, ref: Ref, uid: str, reported: Reported | None) -> None:
        """The Job has finished in the member, which tells it once: that may be before it is seen here."""
        obj = self._objects.all.get(ref)
        if ref.kind not in self._synced:
            self._finished[ref, uid][cluster] = reported
        elif obj is not None and obj.uid == uid and not obj.finished.get(cluster):
            self._finished[ref, uid][cluster] = reported
            self._mark(ref)

    def _warn(self, ref: Ref, text: str) -> None:
        log.warning(text, extra={"object": str(ref)})
        obj = self._objects.all.get(ref)
        if obj is not None:
            self._object_writer.warn(obj, text)
