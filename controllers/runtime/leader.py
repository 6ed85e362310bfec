"""Which of several processes works: who holds a Lease (coordination.k8s.io/v1), as Kubernetes' own controllers do it.

The holder renews it every two seconds. Whoever has seen it unchanged for LEASE_SECONDS, by his own clock, takes it:
nobody compares the times that are written in it, as clocks may differ. The holder writes nothing any more when his
last renewal is GIVE_UP_SECONDS old, and ends: then no two of them work at once, but for writes that are on their way.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from uuid import uuid4

from controllers.runtime import process
from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.line import Line
from controllers.runtime.objects import Json
from kube.errors import ApiError

log = logging.getLogger(__name__)

LEASE_SECONDS = 10
GIVE_UP_SECONDS = 7.0
EVERY_SECONDS = 2.0
LOOK_SECONDS = 1.0
"""Whoever stands by looks so often, and when the Lease becomes free, but not before SOON_SECONDS have passed."""
SOON_SECONDS = 0.5
ANSWER_SECONDS = 3.0
"""A Lease that is not answered for longer is asked for anew, while there is time."""


@dataclass(frozen=True)
class Observation:
    """A Lease as it was seen last."""

    version: str
    """Empty if it is not there."""
    holder: str
    """Empty if nobody holds it."""
    since: float
    """When it was first seen like this, by our own clock."""

    def then(self, lease: Json | None, now: float) -> Observation:
        """After another look; `lease` is None if it is not there."""
        version = "" if lease is None else str(lease["metadata"]["resourceVersion"])
        holder = "" if lease is None else str((lease.get("spec") or {}).get("holderIdentity") or "")
        return self if (version, holder) == (self.version, self.holder) else Observation(version, holder, now)

    def is_free(self, me: str, now: float) -> bool:
        """Whether `me` may take it."""
        return self.holder in ("", me) or now - self.since >= LEASE_SECONDS


UNSEEN = Observation("", "", 0.0)


def clock() -> float:
    """Seconds that also pass while this process is stopped or the machine sleeps, whatever is done to its date.

    A process that is stopped (SIGSTOP) has any monotonic clock go on; only this one goes on in a machine that was
    suspended, while those of the others did.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leader:
    """`check` and `release` are for any thread."""

    def __init__(self, connect: Callable[[], Api], namespace: str, name: str) -> None:
        """`connect` makes a line to the API with the Lease."""
        self.me = f"{socket.gethostname()}_{uuid4()}"
        self._connect, self._name, self._namespace = connect, name, namespace
        self._line = Line(connect)
        self._observation = UNSEEN
        self._until = 0.0
        """Until then we may write."""
        self._leads = self._looked = False
        self._asking = Lock()
        self._over = Event()

    @property
    def leads(self) -> bool:
        return self._leads

    @property
    def missing(self) -> list[str]:
        """What keeps us from being one who could take over."""
        return [] if self._looked else [f"the Lease {self._namespace}/{self._name} was not yet seen"]

    def start(self, lead: Callable[[], None]) -> None:
        """Stands by, on a thread of its own, and calls `lead` there once we hold the Lease."""
        Thread(target=self._run, args=(lead,), name="leader", daemon=True).start()

    def check(self) -> None:
        """For right before a write: ends the process unless we lead."""
        if self._over.is_set():
            Event().wait()  # The process ends, and what was not yet written is for the next to write.
        if clock() >= self._until:
            process.end(f"no longer leads: {self._lease} was not renewed for {GIVE_UP_SECONDS:.0f} s", 1)

    def release(self) -> None:
        """For the end of the process: nothing is written any more, and the next may take over at once."""
        self._over.set()
        # A renewal may be on its way; with an older version we would be refused.
        if self._leads and self._asking.acquire(timeout=ANSWER_SECONDS):
            with suppress(*FAILURES), self._connect() as api:
                api.replace(self._path, self._body("", self._observation.version))

    def _run(self, lead: Callable[[], None]) -> None:
        self._renew_or_look()
        while not self._leads:
            self._over.wait(self._pause())
            self._renew_or_look()
        lead()
        while not self._over.wait(EVERY_SECONDS):
            self._renew_or_look()
            self.check()

    def _pause(self) -> float:
        if not self._observation.holder:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(SOON_SECONDS, self._observation.since + LEASE_SECONDS - clock()))

    def _renew_or_look(self) -> None:
        try:
            with self._asking, self._line.open() as api:
                if self._over.is_set():
                    return
                if not (self._leads and self._take(api)):
                    self._look(api)
                    if self._observation.is_free(self.me, clock()):
                        self._take(api)
        except FAILURES as error:
            log.warning(f"{self._lease} is not {'renewed' if self._leads else 'seen'}: {why(error)}")

    def _look(self, api: Api) -> None:
        try:
            lease: Json | None = api.get(self._path)
        except ApiError as error:
            if error.status != 404:
                raise
            lease = None
        before, self._observation = self._observation, self._observation.then(lease, clock())
        self._looked = True
        if self._observation.holder not in ("", self.me):
            if self._leads:
                process.end(f"no longer leads: {self._observation.holder} holds {self._lease}", 1)
            if before.holder != self._observation.holder:
                log.info(f"stands by: {self._observation.holder} holds {self._lease}")

    def _take(self, api: Api) -> bool:
        """Takes or renews it; False if it is not as it was seen."""
        began = clock()
        try:
            # Without a version it is made; that is refused if another one made it meanwhile.
            answer = api.replace(self._path, self._body(self.me, self._observation.version))
        except ApiError as error:
            if error.status not in (409, 422):
                raise
            return False
        self._observation = self._observation.then(answer, clock())
        # The others count from when they see the change, which is after we asked for it.
        self._until = began + GIVE_UP_SECONDS
        if not self._leads:
            self._leads = True
            log.info(f"leads: {self.me} holds {self._lease}")
        return True

    @property
    def _lease(self) -> str:
        return f"Lease {self._namespace}/{self._name}"

    @property
    def _path(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases/{self._name}"

    def _body(self, holder: str, version: str) -> Json:
        locked = {"resourceVersion": version} if version else {}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace, **locked},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now},
        }
