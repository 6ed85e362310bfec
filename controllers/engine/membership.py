"""The members as they come, are Ready or not, and leave."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from controllers.engine import orphans
from controllers.engine.aggregator import StatusAggregator, TellStatus
from controllers.engine.api_writer import ApiWriter, Condition, with_condition
from controllers.engine.carrier import Carrier
from controllers.engine.cluster_writer import RETRY_SECONDS, ClusterWriter
from controllers.engine.clusters import LEFT, READY, Cluster, Endpoint, connect
from controllers.engine.contract import Wanted
from controllers.engine.debts import Debts
from controllers.engine.health import Verdict
from controllers.engine.heartbeat import Heartbeat, Report
from controllers.engine.manifest import Owner
from controllers.engine.member_status import MemberStatus, Reported
from controllers.engine.metrics import Metrics
from controllers.engine.orphans import Known
from controllers.engine.placement import Traits
from controllers.engine.refs import Ref
from controllers.engine.turns import Timers
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Json
from federation.settings.keys import UNREACHABLE

log = logging.getLogger(__name__)

ACCESS = "AccessGranted"
"""Condition of a Cluster: False while it does not let us follow some kind."""


@dataclass(frozen=True)
class Handlers:
    """Who is told, on the loop."""

    changed: Callable[[], None]
    """Members came, went, became Ready or not, or are selected or reached by something else."""
    settled: Callable[[str, Ref, str], None]
    finished: Callable[[str, Ref, str, Reported | None], None]
    problem: Callable[[Ref, str], None]
    known: Callable[[], Known]
    """What the federation API has now."""
    wanted: Callable[[str, Ref, str], bool | None]
    """Whether the object of this UID is to be in the cluster; None while that is not known yet."""


@dataclass
class _Member:
    endpoint: Endpoint
    heartbeat: Heartbeat
    carrier: Carrier | None = None
    """While it is Ready."""
    leaving: bool = False
    """Whether the carrier was told to leave."""
    awaits_federation: bool = False
    """Whether it could not be told yet, as not all objects of the federation API were seen."""


@dataclass(frozen=True)
class _OnLoop:
    """What a carrier tells, brought onto the loop."""

    members: Members
    member: _Member
    cluster: str
    tell_status: TellStatus

    def settled(self, ref: Ref, uid: str) -> None:
        self.members.loop.post(partial(self.members.settle, self.cluster, self.member, ref, uid))

    def keeps(self, ref: Ref, uid: str) -> None:
        self.members.loop.post(partial(self.members.keep, self.cluster, self.member, ref, uid))

    def problem(self, ref: Ref, text: str) -> None:
        self.members.loop.post(partial(self.members.handlers.problem, ref, text))

    def finished(self, ref: Ref, uid: str, reported: Reported | None) -> None:
        self.members.loop.post(partial(self.members.handlers.finished, self.cluster, ref, uid, reported))

    def owes(self, ref: Ref, uid: str) -> None:
        self.members.loop.post(partial(self.members.owe, self.cluster, self.member, ref, uid))

    def orphans(self, found: Sequence[Ref]) -> None:
        self.members.loop.post(partial(self.members.note_orphans, self.cluster, self.member, found))

    def refused(self, kinds: Mapping[str, str]) -> None:
        words = next(iter(kinds.values()), "")
        text = f"it does not let us follow {', '.join(kinds)}: {words}; nothing of that is changed there"
        good = Condition(ACCESS, "True", "AllFollowed", "all kinds that are carried are followed there")
        said = Condition(ACCESS, "False", "Forbidden", text) if kinds else good
        self.members.loop.post(partial(self.members.remark, self.cluster, self.member, said, is_well=not kinds))

    def staying(self, text: str) -> None:
        said = Condition(LEFT, "False", "NotTakenBack", text)
        self.members.loop.post(partial(self.members.remark, self.cluster, self.member, said, is_well=False))

    def status_changed(self, ref: Ref, member_status: MemberStatus | None) -> None:
        self.tell_status(ref, member_status)

    def left(self) -> None:
        self.members.loop.post(partial(self.members.leave, self.cluster, self.member))


class Members:
    """To be used on the loop only."""

    def __init__(
        self,
        owner: Owner,
        *,
        kinds: Sequence[str],
        federation: Callable[[], Api],
        writer: ApiWriter,
        aggregator: StatusAggregator,
        loop: Loop,
        metrics: Metrics,
        handlers: Handlers,
    ) -> None:
        self.loop, self.handlers = loop, handlers
        self._owner, self._kinds, self._federation, self._metrics = owner, kinds, federation, metrics
        self._aggregator = aggregator
        self._cluster_writer = ClusterWriter(writer, loop)
        self._debts = Debts(self._cluster_writer, loop, handlers.settled)
        self._clusters = self._cluster_writer.clusters
        self._timers = Timers(loop)
        self._members: dict[str, _Member] = {}
        self._told: Mapping[str, tuple[object, ...]] = {}
        """What counted when `changed` was told last."""

    @property
    def all(self) -> frozenset[str]:
        """All that may have something of ours."""
        return frozenset(self._clusters)

    @property
    def staying(self) -> Mapping[str, Traits]:
        """What each of those that do not leave is selected by."""
        return {name: cluster.traits for name, cluster in self._clusters.items() if not cluster.deleting}

    def take(self, told: Mapping[str, Cluster | None], *, complete: bool) -> None:
        """What the federation API has now."""
        gone = self._clusters.keys() - told.keys() if complete else set()
        for name, cluster in {**told, **dict.fromkeys(gone)}.items():
            old = self._clusters.get(name)
            # An event from before what we wrote ourselves tells nothing new.
            if complete or cluster is None or old is None or not cluster.is_older_than(old):
                self._take(name, cluster)
        if complete or self._what_counts() != self._told:
            self._tell()

    def _tell(self) -> None:
        self._told = self._what_counts()
        self.handlers.changed()

    def _what_counts(self) -> Mapping[str, tuple[object, ...]]:
        """The carrier too: where the member is reached otherwise it is a new one, which knows of nothing yet."""
        return {
            name: (each.uid, each.is_ready, each.deleting, each.traits, self._carrier(name))
            for name, each in self._clusters.items()
        }

    def want(self, cluster: str, ref: Ref, wanted: Wanted) -> None:
        """It is not owed any more, whether or not there is a carrier that was told to take it back."""
        self._debts.note(cluster, ref, wanted.uid, owed=False, settles=False)
        if (carrier := self._carrier(cluster)) is not None:
            carrier.want(ref, wanted)

    def take_back(self, cluster: str, ref: Ref, uid: str, *, owe: bool) -> bool:
        """Whether nothing more is to be waited for; with `owe`, a member that is away does so when it is back.

        Else `settled` is told.
        """
        if (carrier := self._carrier(cluster)) is not None:
            carrier.take_back(ref, uid)
            return False
        return owe and self._debts.note(cluster, ref, uid, owed=True)

    def owe(self, cluster: str, member: _Member, ref: Ref, uid: str) -> None:
        """The member refuses to give it back: nobody is to wait for that."""
        if self._members.get(cluster) is member and self._debts.note(cluster, ref, uid, owed=True):
            self.handlers.settled(cluster, ref, uid)

    def forget(self, ref: Ref) -> None:
        text = str(ref)
        for name, member in self._members.items():
            if member.carrier is not None:
                member.carrier.forget(ref)
                for uid, owed in self._clusters[name].owed.items():
                    if owed == text:
                        member.carrier.take_back(ref, uid)

    def collect_debts(self) -> None:
        """Has members that are Ready give back what they owe, but for what is to be there again."""
        for name, member in self._members.items():
            if member.carrier is not None:
                self._collect(name, member.carrier)

    def look_for_orphans(self, known: Known) -> None:
        for member in self._members.values():
            if member.carrier is not None:
                member.carrier.look_for_orphans(known)

    def note_orphans(self, cluster: str, member: _Member, found: Sequence[Ref]) -> None:
        if self._members.get(cluster) is member:
            self._metrics.orphans.labels(cluster).set(len(found))
            self.remark(cluster, member, orphans.condition(found), is_well=not found)

    def remark(self, name: str, member: _Member, new: Condition, *, is_well: bool) -> None:
        if self._members.get(name) is member:
            self._cluster_writer.remark(name, new, is_well=is_well)

    def settle(self, cluster: str, member: _Member, ref: Ref, uid: str) -> None:
        """It is gone from the member."""
        if self._members.get(cluster) is member and self._debts.note(cluster, ref, uid, owed=False):
            self.handlers.settled(cluster, ref, uid)

    def keep(self, cluster: str, member: _Member, ref: Ref, uid: str) -> None:
        """It is to be in the member again, and not owed any more."""
        if self._members.get(cluster) is member:
            self._debts.note(cluster, ref, uid, owed=False, settles=False)

    def leave(self, cluster: str, member: _Member) -> None:
        """Lets the Cluster go: nothing of ours is in it."""
        if self._members.get(cluster) is member:
            self._cluster_writer.hold(cluster, held=False)

    def _carrier(self, cluster: str) -> Carrier | None:
        member = self._members.get(cluster)
        return None if member is None or member.leaving else member.carrier

    def _take(self, name: str, cluster: Cluster | None) -> None:
        old, member = self._clusters.get(name), self._members.get(name)
        if member is not None and (
            cluster is None or old is None or (old.uid, member.endpoint) != (cluster.uid, cluster.endpoint)
        ):
            self._stop(name, member)
            member = None
        if cluster is None:
            self._clusters.pop(name, None)
            return
        self._clusters[name] = cluster
        if cluster.deleting and not cluster.is_held:
            return
        if member is None:
            self._start(name, cluster)
        if not cluster.deleting and not cluster.is_held:
            self._cluster_writer.hold(name, held=True)
        self._follow_readiness(name)

    def _start(self, name: str, cluster: Cluster) -> None:
        line = partial(connect, self._federation, cluster.endpoint)
        known = None if cluster.status_of(READY) is None else cluster.is_ready

        def tell(verdict: Verdict, report: Report | None) -> None:
            self.loop.post(partial(self._take_verdict, name, heartbeat, verdict, report))

        heartbeat = Heartbeat(name, line, known, tell)
        self._members[name] = _Member(cluster.endpoint, heartbeat)
        heartbeat.start()

    def _stop(self, name: str, member: _Member) -> None:
        member.heartbeat.stopped.set()
        if member.carrier is not None:
            member.carrier.stop()
        del self._members[name]
        self._aggregator.drop(name)
        self._metrics.forget(name)

    def _take_verdict(self, name: str, heartbeat: Heartbeat, verdict: Verdict, report: Report | None) -> None:
        member = self._members.get(name)
        if member is None or member.heartbeat is not heartbeat:
            return
        self._metrics.ready.labels(name).set(verdict.ready)
        cluster = self._clusters[name]
        status: Json = {}
        ready = Condition(READY, "True" if verdict.ready else "False", verdict.reason, verdict.message)
        if (conditions := with_condition(cluster.conditions, ready)) is not None:
            status["conditions"] = conditions
        if report is not None and verdict.ready:
            if report.kubernetes != cluster.kubernetes:
                status["kubernetesVersion"] = report.kubernetes
            if report.nodes is not None and report.nodes != cluster.nodes:
                total, good = report.nodes
                status["nodeSummary"] = {"totalNum": total, "readyNum": good}
        if status and self._cluster_writer.try_to_write(name, status) and cluster.is_ready != verdict.ready:
            log.log(
                logging.INFO if verdict.ready else logging.WARNING,
                f"{name} is {'' if verdict.ready else 'not '}Ready: {verdict.message}",
                extra={"cluster": name},
            )
            self._follow_readiness(name)
            self._tell()

    def _follow_readiness(self, name: str) -> None:
        """Has a carrier while the cluster is Ready; lets go what leaves."""
        cluster, member = self._clusters[name], self._members[name]
        if cluster.is_ready and member.carrier is None:
            line = partial(connect, self._federation, cluster.endpoint)
            on_loop = _OnLoop(self, member, name, self._aggregator.listener(name))
            member.carrier = Carrier(
                name,
                owner=self._owner,
                kinds=self._kinds,
                reach=cluster.endpoint.reach,
                connect=line,
                handlers=on_loop,
                metrics=self._metrics,
            )
        if not cluster.is_ready and member.carrier is not None:
            member.carrier.stop()
            member.carrier, member.leaving = None, False
        if not cluster.is_ready:
            self._aggregator.lose(name, cluster.why_not_ready)
        if cluster.deleting:
            self._go_on_leaving(name, cluster, member)

    def _collect(self, name: str, carrier: Carrier) -> None:
        for ref, uid in self._debts.due(name, self.handlers.wanted):
            carrier.take_back(ref, uid)

    def _go_on_leaving(self, name: str, cluster: Cluster, member: _Member) -> None:
        if cluster.unreachable:
            log.warning(f"{name} is given up: what it has of ours stays there", extra={"cluster": name})
            self._cluster_writer.hold(name, held=False)
        elif member.carrier is None:
            what = f"what it has of ours cannot be taken back: {cluster.why_not_ready}"
            text = f"{what}; annotation {UNREACHABLE}: 'true' gives it up"
            conditions = with_condition(cluster.conditions, Condition(LEFT, "False", "ClusterNotReachable", text))
            if conditions is not None:
                self._cluster_writer.try_to_write(name, {"conditions": conditions})
        elif not member.leaving:
            known = self.handlers.known()
            if unseen := set(self._kinds) - known.kinds:
                # What is an orphan, and stays, is not known yet.
                text = f"the federation API does not show yet what it has of {', '.join(sorted(unseen))}"
                if member.awaits_federation:  # Not when it has just begun.
                    self.remark(name, member, Condition(LEFT, "False", "ObjectsNotSeen", text), is_well=False)
                member.awaits_federation = True
                self._timers.set(name, RETRY_SECONDS, partial(self._go_on, name))
                return
            self._collect(name, member.carrier)
            member.leaving = True
            member.carrier.leave(known, keep_workloads=cluster.keeps_workloads)

    def _go_on(self, name: str) -> None:
        if name in self._members:
            self._follow_readiness(name)
