"""Whether the name server beside the writer has loaded what was written: its SOA says which serial it has."""

from __future__ import annotations

from collections import deque

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

LATE_SECONDS = 3.0
STARTING_SECONDS = 60.0
"""So long a name server that has not yet answered this writer counts as one that starts. Both start together; a writer
alone may start beside one that hangs."""
ANSWER_SECONDS = 0.2
"""It is on the same machine."""


class Loading:
    """What was written and not yet seen in an answer. Times are of time.monotonic. Pure."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, float]] = deque()
        """Serials, the oldest first, and when each was written."""
        self._has_answered = False

    def wrote(self, serial: int, now: float) -> None:
        self._waiting.append((serial, now))

    def answered(self, serial: int) -> None:
        self._has_answered = True
        if any(serial == waiting for waiting, _ in self._waiting):
            # Older ones will not be seen any more.
            while self._waiting.popleft()[0] != serial:
                pass

    @property
    def is_done(self) -> bool:
        return not self._waiting

    def late(self, now: float) -> int | None:
        """The oldest serial that has been waiting for too long: LATE_SECONDS, or STARTING_SECONDS."""
        if not self._waiting:
            return None
        serial, since = self._waiting[0]
        return serial if now - since > (LATE_SECONDS if self._has_answered else STARTING_SECONDS) else None


def ask_serial(server: tuple[str, int], zone: str) -> int | None:
    """The serial that it answers with; None if it does not answer, or has no such zone."""
    host, port = server
    try:
        answer = dns.query.udp(dns.message.make_query(zone, "SOA"), host, port=port, timeout=ANSWER_SECONDS)
    except (dns.exception.DNSException, OSError):
        return None
    soa = next((rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.SOA), None)
    return None if soa is None else int(soa[0].serial)
