"""The figures of controllers/zone for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from controllers.runtime.metrics import StreamMetrics


class Metrics:
    """A set of figures of its own."""

    def __init__(self) -> None:
        self._all = CollectorRegistry()
        self.streams = StreamMetrics(self._all)
        self.serial = Gauge("federation_zone_serial", "Serial of the zone that was written last", registry=self._all)
        self.sets = Gauge("federation_zone_record_sets", "Names and types in the zone", registry=self._all)
        self.left_out = Gauge(
            "federation_zone_left_out", "What DNSEndpoints ask for and is not published", registry=self._all
        )
        self.late = Gauge(
            "federation_zone_serial_late",
            "1 while the name server has not loaded a serial that was written 3 seconds ago",
            registry=self._all,
        )
        self.failures = Counter(
            "federation_zone_failures", "Attempts to write that failed and are repeated", registry=self._all
        )

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._all)
