"""The controller's figures for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """A set of figures of its own."""

    def __init__(self) -> None:
        self._all = CollectorRegistry()
        self._connected = Gauge(
            "federation_dns_stream_connected",
            "1 while the objects are followed, 0 while what was seen last holds",
            ["stream"],
            registry=self._all,
        )
        self._failures = Counter(
            "federation_dns_stream_failures", "How often sight was lost", ["stream"], registry=self._all
        )
        self.writes = Counter("federation_dns_writes", "DNSEndpoint objects written", ["verb"], registry=self._all)
        self.write_failures = Counter(
            "federation_dns_write_failures", "Attempts that failed and are repeated", registry=self._all
        )
        self.services = Gauge("federation_dns_services", "Services of type LoadBalancer", registry=self._all)
        self.withdrawn = Gauge("federation_dns_withdrawn_clusters", "Members that are not Ready", registry=self._all)

    def connected(self, stream: str) -> None:
        self._connected.labels(stream).set(1)

    def failed(self, stream: str) -> None:
        self._connected.labels(stream).set(0)
        self._failures.labels(stream).inc()

    def forget(self, stream: str) -> None:
        self._connected.remove(stream)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._all)
