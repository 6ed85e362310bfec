"""The Clusters as they were last seen, and what is written on them: conditions, what they owe, the finalizer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from controllers.engine.api_writer import ApiWriter, Condition, with_condition
from controllers.engine.clusters import COLLECTION, Cluster, read_cluster
from controllers.engine.turns import Timers
from controllers.runtime.api import FAILURES, why
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Json
from kube.errors import ApiError

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0


class ClusterWriter:
    """To be used on the loop only."""

    def __init__(self, writer: ApiWriter, loop: Loop) -> None:
        self._writer, self._timers = writer, Timers(loop)
        self.clusters: dict[str, Cluster] = {}
        """By name; with what we wrote ourselves."""

    def remark(self, name: str, new: Condition, *, is_well: bool) -> None:
        """Says something of a member on its Cluster: that all is well only where it was not before."""
        cluster = self.clusters[name]
        before, conditions = cluster.status_of(new.type), with_condition(cluster.conditions, new)
        if conditions is None or (is_well and before is None):
            return
        if self.try_to_write(name, {"conditions": conditions}) and not is_well and before != new.status:
            log.warning(f"{name}: {new.message}", extra={"cluster": name})
            try:
                self._writer.warn_of_cluster(name, cluster.uid, new.reason, new.message)
            except FAILURES as error:
                log.warning(f"no Event on {name}: {why(error)}", extra={"cluster": name})

    def note_owed(self, name: str, notes: Mapping[str, str | None]) -> None:
        """What the member has to give back, by UID; None is no longer. Raises what Api's calls raise."""
        self._write(name, {"owed": dict(notes)})

    def hold(self, name: str, *, held: bool) -> None:
        """Whether the Cluster is to stay when it is deleted. What fails is tried again."""
        self._timers.cancel(name)
        cluster = self.clusters.get(name)
        if cluster is None or cluster.is_held == held:
            return
        path = f"{COLLECTION}/{name}"
        try:
            answer = self._writer.hold(path, cluster.uid, cluster.version, cluster.finalizers, held=held)
        except FAILURES as error:
            if not (isinstance(error, ApiError) and error.status == HTTPStatus.NOT_FOUND):
                log.warning(f"cannot change the finalizer of {name} yet: {why(error)}", extra={"cluster": name})
                self._timers.set(name, RETRY_SECONDS, partial(self.hold, name, held=held))
            return
        self.clusters[name] = read_cluster(answer)

    def try_to_write(self, name: str, status: Json) -> bool:
        """Whether it is written."""
        try:
            self._write(name, status)
        except FAILURES as error:
            log.warning(f"the status of {name} is not written: {why(error)}", extra={"cluster": name})
            return False
        return True

    def _write(self, name: str, status: Json) -> None:
        cluster = self.clusters[name]
        self.clusters[name] = read_cluster(self._writer.set_status(name, cluster.uid, status))
