"""The figures of controllers/engine for Prometheus."""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from controllers.runtime.metrics import StreamMetrics


class Metrics:
    """A set of figures of its own."""

    def __init__(self) -> None:
        self._all = CollectorRegistry()
        self.streams = StreamMetrics(self._all)
        self.leads = Gauge("federation_leads", "1 while it leads, 0 while it stands by", registry=self._all)
        self.ready = Gauge("federation_cluster_ready", "1 while it is Ready", ["cluster"], registry=self._all)
        self.objects = Gauge(
            "federation_objects", "Objects of the federation API that are followed", registry=self._all
        )
        self.applied = Counter("federation_applied", "Objects applied in a member", ["cluster"], registry=self._all)
        self.taken = Counter("federation_taken_back", "Objects deleted in a member", ["cluster"], registry=self._all)
        self.refused = Counter("federation_refused", "Failures in a member", ["cluster"], registry=self._all)

        self.foreign = Gauge(
            "federation_foreign",
            "Objects of the federation that a member has from others",
            ["cluster"],
            registry=self._all,
        )
        self.orphans = Gauge(
            "federation_orphans",
            "Objects of this federation in a member that the federation API does not know",
            ["cluster"],
            registry=self._all,
        )

    def forget(self, cluster: str) -> None:
        """Of a member that is followed no more."""
        for gauge in (self.ready, self.foreign, self.orphans):
            with suppress(KeyError):  # Nothing was told of it yet.
                gauge.remove(cluster)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._all)
