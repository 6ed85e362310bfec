"""What is seen of the members: each Service's load balancer and endpoints there, and whether their APIs answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from threading import Event
from time import monotonic
from typing import TypeVar

from controllers.names.cache import Cache, OfService
from controllers.names.metrics import Metrics
from controllers.names.objects import (
    NO_BALANCER,
    OF_SERVICE,
    Cluster,
    LoadBalancer,
    MemberService,
    Slice,
    read_member_service,
    read_slice,
)
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.runtime.member import Endpoint, connect
from controllers.runtime.objects import Json, Key
from controllers.runtime.probing import probe
from controllers.runtime.watching import News, Stream, follow
from federation.settings.names import dns_secret

SERVICES = "/api/v1/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"

V = TypeVar("V", bound=OfService)


@dataclass(frozen=True, eq=False)
class _Member:
    cluster: Cluster
    services: dict[str, Cache[MemberService]] = field(default_factory=dict)
    """By namespace; of all together where we may look into all of them, and then under an empty name."""
    slices: dict[str, Cache[Slice]] = field(default_factory=dict)
    streams: list[str] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)

    @property
    def places(self) -> tuple[str, ...]:
        return self.cluster.namespaces or ("",)

    def leads_where(self, cluster: Cluster) -> bool:
        """Whether what is followed is what the Cluster says now."""
        now = self.cluster
        return (now.uid, now.endpoint, now.namespaces) == (cluster.uid, cluster.endpoint, cluster.namespaces)

    def reaches(self, service: Key) -> bool:
        """Whether we may look where the Service is: where not, it was not brought there either."""
        return not self.cluster.namespaces or service[0] in self.cluster.namespaces

    def place(self, service: Key) -> str:
        return service[0] if self.cluster.namespaces else ""


SILENT_SECONDS = 30.0
"""Karmada's own threshold. Karmada counts from the first failed answer, and awaits each for 32 s: so it takes more than
a minute for a member whose machine is gone without a word."""
LATELY_SECONDS = 20.0
"""Longer than from one answer to the next of a member that takes its time (a probe's EVERY_SECONDS and ANSWER_SECONDS).
Shorter than 25 s: an engine may call a member not Ready so soon after the last answer that it gave to us, and while
the host's network is down no other member may count as heard then."""


class Members:
    """The members as they come and go. To be used on the loop only."""

    def __init__(
        self,
        line: Callable[[str, Endpoint], Api],
        loop: Loop,
        changed: Callable[[set[Key] | None], None],
        review: Callable[[], None],
        metrics: Metrics,
        *,
        federation: str,
    ) -> None:
        """`line` connects to a member, given name and endpoint; `changed` is told the Services with news, None is all;
        `review` is called when a member fell silent or spoke again; `federation` is its name."""
        self._federation, self._line, self._loop, self._metrics = federation, line, loop, metrics
        self._changed, self._review = changed, review
        self._members: dict[str, _Member] = {}
        self._answers: dict[str, float | None] = {}
        """Of each member that was asked: None if it answers, else when the first question was asked of those without an
        answer: how long each was waited for does not count on top."""
        self._answered: dict[str, float] = {}
        """When each member answered last."""

    def keep(self, clusters: Mapping[str, Cluster]) -> None:
        """Follows these clusters and no others."""
        for name, member in list(self._members.items()):
            cluster = clusters.get(name)
            if cluster is None or not member.leads_where(cluster):
                self._stop(name, member)
        for name in clusters.keys() - self._members.keys():
            self._start(name, clusters[name])

    def balancer(self, cluster: str, service: Key) -> LoadBalancer | None:
        """What the Service's load balancer there offers, as seen last; None if nothing was seen of the member yet."""
        member = self._members.get(cluster)
        if member is not None and not member.reaches(service):
            return NO_BALANCER
        if member is None or not (cache := member.services[member.place(service)]).synced:
            return None
        member_service = cache.one(service)
        return member_service.balancer if member_service else NO_BALANCER

    def is_ready(self, cluster: str, service: Key) -> bool | None:
        """Whether the Service has a ready endpoint there, as seen last; None if nothing was seen of the member yet."""
        member = self._members.get(cluster)
        if member is not None and not member.reaches(service):
            return False
        if member is None or not (cache := member.slices[member.place(service)]).synced:
            return None
        return any(each.ready for each in cache.of(service))

    def not_answering(self) -> Mapping[str, float]:
        """From when on (as time.monotonic) members whose API does not answer count as away."""
        return {name: since + SILENT_SECONDS for name, since in self._answers.items() if since is not None}

    def is_heard(self, name: str, is_ready: bool) -> bool:
        """Whether the member's API has answered lately. `is_ready` is what its Cluster says, and counts until it was
        asked for the first time."""
        if name not in self._answers:
            return is_ready
        return monotonic() - self._answered.get(name, -inf) < LATELY_SECONDS

    def _start(self, name: str, cluster: Cluster) -> None:
        line = partial(self._line, name, cluster.endpoint)
        member = self._members[name] = _Member(cluster)

        def begin(everywhere: str, place: str, read: Callable[[Json], V | None], selector: str) -> Cache[V]:
            cache: Cache[V] = Cache()

            def tell(news: News[V]) -> None:
                self._loop.post(partial(self._learn, name, member, cache, news))

            group, _, kind = everywhere.rpartition("/")
            path = f"{group}/namespaces/{place}/{kind}" if place else everywhere
            title = f"{kind} of {name}{f', namespace {place}' if place else ''}"
            member.streams.append(title)
            follow(Stream(title, path, read, line, tell, selector, stopped=member.stopped), self._metrics.streams)
            return cache

        member_service = partial(read_member_service, federation=self._federation)
        for place in member.places:
            # No one selector finds the Services of both engines.
            member.services[place] = begin(SERVICES, place, member_service, "")
            member.slices[place] = begin(SLICES, place, read_slice, OF_SERVICE)

        def hear(answers: bool, asked: float) -> None:
            self._loop.post(partial(self._hear, name, member, answers, asked))

        probe(f"probe of {name}", line, hear, member.stopped)

    def _stop(self, name: str, member: _Member) -> None:
        member.stopped.set()
        for stream in member.streams:
            self._metrics.streams.forget(stream)
        del self._members[name]
        self._answers.pop(name, None)
        self._answered.pop(name, None)

    def _hear(self, name: str, member: _Member, answers: bool, asked: float) -> None:
        if self._members.get(name) is not member:
            return
        before, was_heard = self._answers.copy(), self.is_heard(name, False)
        self._answers[name] = None if answers else before.get(name) or asked
        if answers:
            self._answered[name] = monotonic()
        if self._answers != before or self.is_heard(name, False) != was_heard:
            self._review()

    def _learn(self, name: str, member: _Member, cache: Cache[V], news: News[V]) -> None:
        if self._members.get(name) is not member:
            return
        is_first = not cache.synced
        changed = cache.take(news)
        # Until now the beliefs of an earlier run held, also for Services of which there is nothing here.
        self._changed(None if is_first else changed)


def connect_member(federation: Callable[[], Api], namespace: str, cluster: str, endpoint: Endpoint) -> Api:
    """A line to a member, with the credentials that join left in this namespace of the federation API.

    Raises what `connect` raises.
    """
    return connect(federation, (namespace, dns_secret(cluster)), endpoint)
