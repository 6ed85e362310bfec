"""What every controller tells Prometheus: of each stream, whether it is followed."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class StreamMetrics:
    """Figures of the collections that are followed, in the registry of one controller."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._connected = Gauge(
            "federation_stream_connected",
            "1 while the objects are followed, 0 while what was seen last holds",
            ["stream"],
            registry=registry,
        )
        self._failures = Counter(
            "federation_stream_failures", "How often sight was lost", ["stream"], registry=registry
        )

        self._left_out = Counter(
            "federation_stream_malformed_objects", "Objects that could not be read", ["stream"], registry=registry
        )

    def connected(self, stream: str) -> None:
        self._connected.labels(stream).set(1)

    def failed(self, stream: str) -> None:
        self._connected.labels(stream).set(0)
        self._failures.labels(stream).inc()

    def forget(self, stream: str) -> None:
        self._connected.remove(stream)

    def left_out(self, stream: str) -> None:
        self._left_out.labels(stream).inc()
