"""A federation's zone as clients see it: questions to its name server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from federation.settings.names import ServiceNames

SECONDS = 3
"""How long an answer may take."""
QUESTIONS = 12
"""After so many, one of two name servers was not asked once in 2,000 times."""


@dataclass(frozen=True)
class Zone:
    """A name server, and the names of one Service in its zone.

    All calls but `agrees` raise dns.exception.DNSException or OSError where there is no answer.
    """

    server: str
    names: ServiceNames

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
        """One question, as `dig @server name kind` puts it."""
        question = dns.message.make_query(name, kind)
        if not tcp:
            with suppress(dns.exception.Timeout):  # A packet may be lost; the question then goes by TCP.
                return dns.query.udp(question, self.server, timeout=SECONDS)
        return dns.query.tcp(question, self.server, timeout=SECONDS)

    def rcode(self, name: str, kind: str = "A") -> str:
        return dns.rcode.to_text(self.ask(name, kind).rcode())

    def addresses(self, *place: str) -> set[str]:
        """The addresses at a place of the tree (`ServiceNames.at`), however many CNAMEs lead there."""
        answer = self.ask(self.names.at(*place)).answer
        return {str(record) for rrset in answer if rrset.rdtype == dns.rdatatype.A for record in rrset}

    def agrees(self, condition: Callable[[], bool]) -> bool:
        """Whether a condition on its answers holds of all name servers behind the address.

        Each question goes to one of them by chance, and one may be a moment behind the others. One that does not
        answer does not agree.
        """
        with suppress(dns.exception.DNSException, OSError):
            return all(condition() for _ in range(QUESTIONS))
        return False

    def leads_to(self, *place: str) -> str | None:
        """The target of the CNAME at a place of the tree, without the final dot; None where there is none."""
        name = f"{self.names.at(*place)}."
        targets = [
            str(record).removesuffix(".")
            for rrset in self.ask(name).answer
            if rrset.rdtype == dns.rdatatype.CNAME and str(rrset.name) == name
            for record in rrset
        ]
        return targets[0] if targets else None
