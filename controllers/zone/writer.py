"""Keeps the zone file as the DNSEndpoints say: puts together what the stream tells, asks for a serial, and writes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Key
from controllers.runtime.watching import News, Stream, follow
from controllers.zone.contents import Contents, Zone, contents
from controllers.zone.endpoints import Source, read_source
from controllers.zone.metrics import Metrics
from controllers.zone.serial import LAG_SECONDS, Seen, Serials

log = logging.getLogger(__name__)

COLLECTION = "/apis/externaldns.k8s.io/v1alpha1/dnsendpoints"
TOGETHER_SECONDS = 0.1
"""What changes within it is one change of the zone."""
LOOK_SECONDS = 2.0
"""How often the serial is looked at: another pod may have given this content a newer one, or this one failed."""


@dataclass(frozen=True)
class Settings:
    zone: Zone
    file: Path
    namespace: str
    """Of the ConfigMap that has the serial, in the federation API."""


class Writer:
    """All state; to be touched on the loop only, but for `start` and `is_written`."""

    def __init__(
        self, settings: Settings, connect: Callable[[], Api], loop: Loop, metrics: Metrics, done: Callable[[], None]
    ) -> None:
        """`connect` makes a new line to the federation API; `done` is called each time the file is as it should be."""
        self._settings, self._connect, self._loop, self._metrics = settings, connect, loop, metrics
        self._done = done
        self._serials = Serials(connect, settings.namespace)
        self._sources: dict[Key, Source] | None = None
        self._version = 0
        self._contents: Contents | None = None
        self._since = monotonic()
        """When the contents became what they are."""
        self._written: tuple[str, int] | None = None
        """Digest and serial."""
        self._is_due = False
        self._trouble = ""

    def start(self) -> None:
        """Begins to follow the federation API."""
        read = partial(read_source, self._settings.zone.domain)
        tell = self._tell
        follow(Stream("dnsendpoints", COLLECTION, read, self._connect, tell), self._metrics.streams)
        self._loop.post(self._look)

    @property
    def is_written(self) -> bool:
        """Whether this process has seen the zone written as it should be once."""
        return self._written is not None

    def _tell(self, news: News[Source]) -> None:
        """In the stream's thread."""
        self._loop.post(partial(self._take, news))

    def _take(self, news: News[Source]) -> None:
        told = {key: source for key, source in news.views.items() if source is not None}
        gone = news.views.keys() - told.keys()
        kept = {} if news.complete or self._sources is None else self._sources
        sources = {key: source for key, source in {**kept, **told}.items() if key not in gone}
        self._version = int(news.version)
        if sources != self._sources:
            self._sources = sources
            if not self._is_due:
                self._is_due = True
                self._loop.after(TOGETHER_SECONDS, self._renew)

    def _renew(self) -> None:
        self._is_due = False
        before = self._contents
        self._contents = contents(self._settings.zone, (self._sources or {}).values())
        said = before.left_out if before else frozenset()
        for key, problem in sorted(self._contents.left_out - said):
            log.warning(problem, extra={"object": "/".join(key)})
        self._metrics.left_out.set(len(self._contents.left_out))
        self._metrics.sets.set(len(self._contents.sets))
        self._since = monotonic()
        self._publish()

    def _look(self) -> None:
        self._loop.after(LOOK_SECONDS, self._look)
        if self._contents is not None:
            self._publish()

    def _publish(self) -> None:
        """Writes the contents, if they have a serial; what fails is tried again by the next look."""
        assert self._contents is not None
        digest = self._contents.digest
        is_new = self._written is None or self._written[0] != digest
        is_late = monotonic() - self._since > LAG_SECONDS
        try:
            serial = self._serials.ask(Seen(digest, self._version, is_new, is_late))
            if serial is not None and self._written != (digest, serial):
                replace(self._settings.file, self._contents.text(serial))
                self._written = digest, serial
                self._metrics.serial.set(serial)
                log.info(f"written with serial {serial}", extra={"records": len(self._contents.sets)})
        except FAILURES as error:
            self._metrics.failures.inc()
            self._say(f"the zone stays as it is, and is tried again: {why(error)}")
        else:
            self._say("")
            if serial is not None:
                self._done()

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning(trouble)
        self._trouble = trouble


def replace(file: Path, text: str) -> None:
    """Whoever reads the file meets the old text or the new one, after a loss of power too."""
    new = file.with_name(f".{file.name}.new")
    with new.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)
