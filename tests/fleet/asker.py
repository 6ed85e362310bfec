"""A client that asks a name server all along, and knows afterwards which questions had no answer, or another one."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import Self

import dns.exception
import dns.message
import dns.query
import dns.rcode

PAUSE = 0.05
"""Seconds between two questions."""


class Asker:
    """Asks for the addresses of a name, from entering to leaving it. What it expects is that they stay as they are."""

    def __init__(self, server: str, name: str, *, tries: int, seconds: float) -> None:
        """Each question is tried so often, from a port of its own, and waits so long each time."""
        self.count = 0
        """How many questions were answered as expected."""
        self.failures: list[str] = []
        """What else came of a question, and when."""
        self._server, self._name, self._tries, self._seconds = server, name, tries, seconds
        self._expected: set[str] | None = None
        self._ended = Event()
        self._thread = Thread(target=self._run, name=f"asker of {name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(PAUSE):
            found = self._ask()
            if isinstance(found, set):
                self._expected = self._expected or found
            if found == self._expected:
                self.count += 1
            else:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {found}")

    def _ask(self) -> set[str] | str:
        """The addresses, or why there are none."""
        why, tried = "", 0
        while tried < self._tries:
            question, began = dns.message.make_query(self._name, "A"), time.monotonic()
            try:
                answer = dns.query.udp(question, self._server, timeout=self._seconds)
            except (dns.exception.DNSException, OSError) as error:
                why = repr(error)
                # Where this client waited longer than it was to, it is the machine that stood still.
                tried += time.monotonic() - began < 1.5 * self._seconds
                continue
            addresses = {str(record) for rrset in answer.answer for record in rrset}
            return addresses or dns.rcode.to_text(answer.rcode())
        return why
