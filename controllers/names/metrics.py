"""The figures of controllers/names for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from controllers.runtime.metrics import StreamMetrics


class Metrics:
    """A set of figures of its own."""

    def __init__(self) -> None:
        self._all = CollectorRegistry()
        self.streams = StreamMetrics(self._all)
        self.writes = Counter("federation_dns_writes", "DNSEndpoint objects written", ["verb"], registry=self._all)
        self.write_failures = Counter(
            "federation_dns_write_failures", "Attempts that failed and are repeated", registry=self._all
        )
        self.services = Gauge("federation_dns_services", "Services of type LoadBalancer", registry=self._all)
        self.withdrawn = Gauge(
            "federation_dns_withdrawn_clusters",
            "Members out of service: not Ready, or without an answer",
            registry=self._all,
        )

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._all)
