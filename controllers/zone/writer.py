"""Keeps the zone file as the DNSEndpoints say: puts together what the stream tells, asks for a serial, and writes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import gethostname
from time import monotonic

from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.events import Notice
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Key
from controllers.runtime.watching import News, Stream, follow
from controllers.zone.contents import Apex, Contents, merge, written_in
from controllers.zone.endpoints import Source, read_source
from controllers.zone.loading import LATE_SECONDS, Loading, ask_serial
from controllers.zone.metrics import Metrics
from controllers.zone.notices import Notices
from controllers.zone.serial import LAG_SECONDS, Seen, Serials
from federation.settings.names import DNS_ENDPOINT_API, OWN_RECORDS, ZONE_SERIAL

log = logging.getLogger(__name__)

COLLECTION = f"/apis/{DNS_ENDPOINT_API}/dnsendpoints"
TOGETHER_SECONDS = 0.1
"""What changes within it is one change of the zone."""
ASK_SECONDS = 0.25
"""How often the name server is asked, while it is to load something."""
LOOK_SECONDS = 2.0
"""How often the serial is looked at: another pod may have given this content a newer one, or this one failed."""


@dataclass(frozen=True)
class Settings:
    apex: Apex
    file: Path
    namespace: str
    """Of the ConfigMap that has the serial, and of the program's own DNSEndpoint, in the federation API."""
    server: tuple[str, int] | None
    """Address and port of the name server that reads the file; None if nobody is to be asked what it has loaded."""


class Writer:
    """All state; to be touched on the loop only, but for `start` and `is_written`."""

    def __init__(
        self, settings: Settings, connect: Callable[[], Api], loop: Loop, metrics: Metrics, done: Callable[[], None]
    ) -> None:
        """`connect` makes a new line to the federation API; `done` is called each time the file is as it should be."""
        self._settings, self._connect, self._loop, self._metrics = settings, connect, loop, metrics
        self._done = done
        self._serials = Serials(connect, settings.namespace)
        self._notices = Notices(connect, loop)
        self._loading = Loading()
        self._late: Notice | None = None
        self._sources: dict[Key, Source] | None = None
        self._version = 0
        self._contents: Contents | None = None
        self._since = monotonic()
        """When the contents became what they are."""
        self._written: tuple[str, int] | None = None
        """Digest and serial."""
        self._served = _found_in(settings.file)
        """The same of what is in the file, be it of the run before."""
        self._is_due = False
        self._trouble = ""

    def start(self) -> None:
        """Begins to follow the federation API."""
        read = partial(read_source, self._settings.apex.domain, (self._settings.namespace, OWN_RECORDS))
        stream = Stream("dnsendpoints", COLLECTION, read, self._connect, self._tell, stopped=self._loop.ended)
        follow(stream, self._metrics.streams)
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
        self._contents = merge(self._settings.apex, (self._sources or {}).values())
        said = before.left_out if before else frozenset()
        for each in sorted(self._contents.left_out - said):
            log.warning(each.text, extra={"object": "/".join(each.key)})
        self._metrics.left_out.set(len(self._contents.left_out))
        self._metrics.sets.set(len(self._contents.sets))
        self._since = monotonic()
        self._publish()
        self._hold_notices()

    def _look(self) -> None:
        self._loop.after(LOOK_SECONDS, self._look)
        # The version is that of a change already which the contents are without, while a renewal is due.
        if self._contents is not None and not self._is_due:
            self._publish()

    def _publish(self) -> None:
        """Writes the contents, if they have a serial; what fails is tried again by the next look."""
        assert self._contents is not None
        digest = self._contents.digest
        is_new = self._written is None or self._written[0] != digest
        is_late = monotonic() - self._since > LAG_SECONDS
        try:
            serial = self._serials.ask(Seen(digest, self._version, is_new, is_late, self._served))
            if serial is not None and self._written != (digest, serial):
                replace(self._settings.file, self._contents.text(serial))
                self._written = self._served = digest, serial
                self._metrics.serial.set(serial)
                self._await_loading(serial)
                log.info(f"written with serial {serial}", extra={"records": len(self._contents.sets)})
        except FAILURES as error:
            self._metrics.failures.inc()
            self._say(f"the zone stays as it is, and is tried again: {why(error)}")
        else:
            self._say("")
            if serial is not None:
                self._done()

    def _await_loading(self, serial: int) -> None:
        if self._settings.server is not None:
            if self._loading.is_done:
                self._loop.after(ASK_SECONDS, partial(self._ask, self._settings.server))
            self._loading.wrote(serial, monotonic())

    def _ask(self, server: tuple[str, int]) -> None:
        """Goes on until the name server has what was written last."""
        found = ask_serial(server, self._settings.apex.domain)
        if found is not None:
            self._loading.answered(found)
        late = self._loading.late(monotonic())
        if (late is not None) != (self._late is not None):
            self._late = None if late is None else self._not_loaded(late, found)
            self._metrics.late.set(late is not None)
            self._hold_notices()
        if self._loading.is_done:
            log.info(f"loaded with serial {found}")
        else:
            self._loop.after(ASK_SECONDS if late is None else LOOK_SECONDS, partial(self._ask, server))

    def _not_loaded(self, serial: int, found: int | None) -> Notice:
        answer = "it does not answer" if found is None else f"it answers with {found}"
        text = f"the name server of pod {gethostname()} has not loaded serial {serial} within {LATE_SECONDS:.0f} s: "
        log.warning(text + answer)
        place = self._settings.namespace, ZONE_SERIAL
        return Notice("v1", "ConfigMap", *place, self._serials.uid, "NotLoaded", text + answer)

    def _hold_notices(self) -> None:
        assert self._contents is not None
        left_out = {
            Notice(DNS_ENDPOINT_API, "DNSEndpoint", *each.key, each.uid, "NotPublished", each.text)
            for each in self._contents.left_out
        }
        self._notices.hold(left_out | {self._late} if self._late else left_out)

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning(trouble)
        self._trouble = trouble


def _found_in(file: Path) -> tuple[str, int] | None:
    try:
        return written_in(file.read_text())
    except FileNotFoundError:
        return None


def replace(file: Path, text: str) -> None:
    """Whoever reads the file meets the old text or the new one, after a loss of power too."""
    new = file.with_name(f".{file.name}.new")
    with new.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)
