"""Keeps each Service's DNSEndpoint as it should be: puts together what the streams tell, plans, and has it written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from time import monotonic, time
from typing import TypeVar

from controllers.names import writer
from controllers.names.cache import Cache, OfService
from controllers.names.members import SERVICES, Members, connect_member
from controllers.names.metrics import Metrics
from controllers.names.objects import (
    NO_BALANCER,
    Cluster,
    FederatedService,
    LastSeen,
    LoadBalancer,
    Written,
    dns_endpoint,
    has_other_names,
    owned,
    read_cluster,
    read_last_seen,
    read_service,
    read_written,
)
from controllers.names.plan import Shard, plan
from controllers.names.resolve import Hosts, Lookup
from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.events import AGAIN_SECONDS
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Json, Key
from controllers.runtime.watching import News, Stream, follow
from federation.settings.names import DNS_CONTROLLER, MANAGED_BY, ServiceNames, own_namespace

log = logging.getLogger(__name__)

CLUSTERS = "/apis/cluster.karmada.io/v1alpha1/clusters"

RESYNC_SECONDS = 60.0
FASTEST_LOOKUPS = 30.0
RETURN_SECONDS = 60.0
"""After no member answered and one does, none is withdrawn so long: Karmada takes 30 s to call it Ready again."""
LONGEST_PAUSE = 60.0
"""Seconds between attempts to write."""

T = TypeVar("T")
V = TypeVar("V", bound=OfService)


@dataclass(frozen=True)
class Settings:
    federation: str
    zone: str
    ttl: int
    """Seconds, of every record."""
    withdraw_after: float
    """Seconds that a cluster may be not Ready before it is out of service."""


@dataclass
class _Memory:
    """What is kept of a Service from one look to the next."""

    last_seen: LastSeen
    warnings: tuple[str, ...] = ()
    failures: int = 0
    """In a row; after each there is a pause."""
    is_pausing: bool = False
    wrote: Json | None = None
    """What we wrote last, or found as we want it, as `owned` has it."""
    wrote_at: float = 0.0
    """When we wrote last (as time.monotonic)."""
    replaced: int = 0
    """How often in a row somebody wrote over it and we wrote it again."""
    told: tuple[str, str] = ("", "")
    """The uid of somebody's DNSEndpoint, and what an Event says of it."""
    told_at: float = 0.0
    """When we wrote that Event last (as time.monotonic)."""


class Controller:
    """All state; to be touched on the loop only, but for `start` and `missing`."""

    def __init__(
        self, settings: Settings, connect: Callable[[], Api], lookup: Lookup, loop: Loop, metrics: Metrics
    ) -> None:
        """`connect` makes a new line to the federation API."""
        self._settings, self._connect, self._loop, self._metrics = settings, connect, loop, metrics
        self._services: Cache[FederatedService] = Cache()
        self._written: Cache[Written] = Cache()
        self._clusters: Mapping[str, Cluster] | None = None
        self._withdrawn: frozenset[str] = frozenset()
        self._held_until = 0.0
        """Until then (as time.monotonic) no cluster is withdrawn that is not withdrawn already."""
        line = partial(connect_member, connect, own_namespace(settings.federation))
        self._members = Members(line, loop, self._mark, self._review, metrics, federation=settings.federation)
        self._hosts = Hosts(loop, self._mark, max(settings.ttl, FASTEST_LOOKUPS), lookup)
        self._writer = writer.Writer(connect, metrics)
        self._memory: dict[Key, _Memory] = {}
        self._marked: set[Key] = set()

    def start(self) -> None:
        """Begins to follow the federation API; all else comes from that."""
        self._follow("services", SERVICES, read_service, partial(self._take, self._services))
        self._follow("clusters", CLUSTERS, read_cluster, self._take_clusters)
        ours = f"{MANAGED_BY}={DNS_CONTROLLER}"
        self._follow("dnsendpoints", writer.COLLECTION, read_written, partial(self._take, self._written), ours)
        self._loop.post(self._resync)

    @property
    def missing(self) -> list[str]:
        """What was not yet seen of the federation API. Until it was, nothing is written."""
        synced = {
            "services": self._services.synced,
            "clusters": self._clusters is not None,
            "dnsendpoints": self._written.synced,
        }
        return [name for name, is_synced in synced.items() if not is_synced]

    def _follow(
        self,
        name: str,
        path: str,
        read: Callable[[Json], T | None],
        take: Callable[[News[T]], None],
        selector: str = "",
    ) -> None:
        def tell(news: News[T]) -> None:
            self._loop.post(partial(take, news))

        stream = Stream(name, path, read, self._connect, tell, selector, stopped=self._loop.ended)
        follow(stream, self._metrics.streams)

    def _take(self, cache: Cache[V], news: News[V]) -> None:
        was_synced = cache.synced
        changed = cache.take(news)
        self._metrics.services.set(len(self._services.services))
        self._mark(changed if was_synced else None)

    def _take_clusters(self, news: News[Cluster]) -> None:
        old = self._clusters or {}
        told = {**({} if news.complete else old), **{name: cluster for (_, name), cluster in news.views.items()}}
        self._clusters = {name: _by_our_clock(cluster, old.get(name)) for name, cluster in told.items() if cluster}
        if self._clusters != old or news.complete:
            self._members.keep(self._clusters)
            self._review()

    def _review(self) -> None:
        """Decides which clusters are out of service by now, and when to look again."""
        now = monotonic()
        clusters = (self._clusters or {}).items()
        not_ready = {name: each.not_ready_since for name, each in clusters if each.not_ready_since is not None}
        # Since the earlier of the two: what is out already does not come back as the engine takes longer to see it.
        silent = self._members.not_answering()
        away = not_ready | {name: min(since, not_ready.get(name, inf)) for name, since in silent.items()}
        left = {name: since + self._settings.withdraw_after - now for name, since in away.items()}
        withdrawn = frozenset(name for name, seconds in left.items() if seconds <= 0)
        # Where none answers, it is the host's network and not theirs. The engine looks from the same place: it calls
        # all of them not Ready, and takes a while to see that they are back.
        if any(self._members.is_heard(name, name not in not_ready) for name, _ in clusters):
            if self._held_until == inf:
                log.info("a member answers again")
                self._held_until = now + RETURN_SECONDS
                self._loop.after(RETURN_SECONDS, self._review)
        elif withdrawn - self._withdrawn and self._held_until != inf:
            log.warning("no member answers: none is taken out of the records until one does")
            self._held_until = inf
        if now < self._held_until:
            withdrawn &= self._withdrawn
        for name in sorted(withdrawn - self._withdrawn):
            log.warning("the cluster is out of service and is taken out of the records", extra={"cluster": name})
        for name in sorted(self._withdrawn - withdrawn):
            log.info("the cluster is back or gone", extra={"cluster": name})
        self._withdrawn = withdrawn
        self._metrics.withdrawn.set(len(withdrawn))
        if any(seconds > 0 for seconds in left.values()):
            self._loop.after(min(seconds for seconds in left.values() if seconds > 0), self._review)
        self._mark()

    def _resync(self) -> None:
        self._mark()
        self._loop.after(RESYNC_SECONDS, self._resync)

    def _mark(self, services: Iterable[Key] | None = None) -> None:
        """Has the Services looked at, None is all, each once however often it is marked before its turn."""
        if self.missing:
            return
        everything = self._services.services | self._written.services
        for service in everything if services is None else services:
            if service not in self._marked:
                self._marked.add(service)
                self._loop.post(partial(self._look, service))

    def _look(self, key: Key) -> None:
        self._marked.discard(key)
        written = self._written.one(key)
        memory = self._memory.setdefault(key, _Memory(read_last_seen(written)))
        try:
            self._reconcile(key, written, memory)
            memory.failures = 0
        except writer.ForeignError as error:
            log.error(str(error), extra={"service": "/".join(key)})
            self._tell(key, memory, error.uid, str(error))
        except Exception as error:  # One odd Service must not stop the others.
            known = isinstance(error, FAILURES)
            text = f"records are not written, and will be tried again: {why(error)}"
            log.warning(text, exc_info=not known, extra={"service": "/".join(key)})
            self._pause(key, memory)

    def _pause(self, key: Key, memory: _Memory) -> None:
        """One more attempt, later; not one for each look that fails in the meantime."""
        if not memory.is_pausing:
            self._look_again(key, memory, _pause_after(memory.failures))
            memory.failures += 1

    def _look_again(self, key: Key, memory: _Memory, seconds: float) -> None:
        if memory.is_pausing:
            return
        memory.is_pausing = True

        def end() -> None:
            memory.is_pausing = False
            self._mark([key])

        self._loop.after(seconds, end)

    def _reconcile(self, key: Key, written: Written | None, memory: _Memory) -> None:
        service = self._services.one(key)
        if service is None:
            if written is not None:
                self._writer.delete(written)
                log.info("records deleted", extra={"service": "/".join(key)})
            self._hosts.forget(key)
            del self._memory[key]
            return
        shards = list(self._shards(key, memory.last_seen))
        hosts = frozenset(host for shard in shards for host in shard.hosts)
        resolved = self._hosts.use(key, hosts, memory.last_seen.resolved)
        balancers = {
            shard.cluster: LoadBalancer(shard.addresses, shard.hosts) for shard in shards if shard.has_balancer
        }
        memory.last_seen = LastSeen({shard.cluster: shard.ready for shard in shards}, balancers, resolved)
        namespace, name = key
        names = ServiceNames(name, namespace, self._settings.federation, self._settings.zone)
        result = plan(names, [*shards, *self._leaving()], resolved)
        self._warn(key, memory, result.warnings)
        wanted = dns_endpoint(service, result.records, self._settings.ttl, memory.last_seen)
        if written is not None and written.owned == owned(wanted):
            memory.wrote = written.owned
        elif self._may_write(key, written, memory):
            answer = self._writer.create(wanted) if written is None else self._writer.change(written, wanted)
            self._written.take(News({key: read_written(answer)}, complete=False))
            memory.wrote, memory.wrote_at = owned(answer), monotonic()
            # With no other names it may be another pod, of another TTL, that wrote, or a snapshot that was restored.
            if written is not None and memory.replaced and has_other_names(written, names):
                self._tell(key, memory, written.uid, writer.WRITTEN_OVER)
            told = [f"{each.name} {each.type} {' '.join(each.targets)}" for each in result.records]
            log.info("records written", extra={"service": "/".join(key), "records": told})

    def _may_write(self, key: Key, written: Written | None, memory: _Memory) -> bool:
        """Whether it is time to; if not, there is another look when it is.

        Where somebody wrote over what we wrote, there are pauses, each twice as long. It may be another pod that wants
        something else: the two would write against each other as fast as they can.
        """
        if written is None or memory.wrote in (None, written.owned):
            memory.replaced = 0
            return True
        left = memory.wrote_at + _pause_after(memory.replaced) - monotonic()
        if left > 0:
            self._look_again(key, memory, left)
            return False
        memory.replaced += 1
        log.warning("somebody wrote over the records", extra={"service": "/".join(key)})
        return True

    def _shards(self, key: Key, last_seen: LastSeen) -> Iterator[Shard]:
        for name, cluster in sorted((self._clusters or {}).items()):
            if cluster.leaves:
                continue
            balancer = self._members.balancer(name, key) or last_seen.balancers.get(name, NO_BALANCER)
            seen = self._members.is_ready(name, key)
            ready = last_seen.ready.get(name, False) if seen is None else seen
            yield Shard(
                name, cluster.region, cluster.zones, balancer.addresses, balancer.hosts, ready, name in self._withdrawn
            )

    def _leaving(self) -> Iterator[Shard]:
        """The places of clusters that leave. They are not kept as seen: `pulumi up` waits until they are not."""
        for name, cluster in (self._clusters or {}).items():
            if cluster.leaves:
                nothing = NO_BALANCER
                yield Shard(
                    name, cluster.region, cluster.zones, nothing.addresses, nothing.hosts, ready=False, withdrawn=True
                )

    def _tell(self, key: Key, memory: _Memory, uid: str, text: str) -> None:
        """As Events: once, not at every look, and again when the API may have forgotten them."""
        service = self._services.one(key)
        if service is None or (memory.told == (uid, text) and monotonic() - memory.told_at < AGAIN_SECONDS):
            return
        try:
            self._writer.warn(service, uid, text)
        except FAILURES as error:
            log.warning(f"no Event, which will be tried again: {why(error)}", extra={"service": "/".join(key)})
            return
        memory.told, memory.told_at = (uid, text), monotonic()

    def _warn(self, key: Key, memory: _Memory, warnings: tuple[str, ...]) -> None:
        """Once, not at every look."""
        for warning in set(warnings) - set(memory.warnings):
            log.warning(warning, extra={"service": "/".join(key)})
        memory.warnings = warnings


def _pause_after(times: int) -> float:
    """Seconds until the next attempt, after what happened so many times before. Pure."""
    return min(LONGEST_PAUSE, 2.0 ** min(times, 6))


def _by_our_clock(cluster: Cluster, before: Cluster | None) -> Cluster:
    """With a `not_ready_since` as time.monotonic has it, which holds whatever is done to the date.

    Now, at the latest: the API's clock may be ahead of ours, and the cluster would be published for as long. From
    False to Unknown the condition begins anew, while the cluster has been away all the time.
    """
    if cluster.not_ready_since is None:
        return cluster
    if before is not None and before.uid == cluster.uid and before.not_ready_since is not None:
        return replace(cluster, not_ready_since=before.not_ready_since)
    return replace(cluster, not_ready_since=monotonic() - max(0.0, time() - cluster.not_ready_since))
