"""What is written on an object of the federation API: its finalizer, where it has finished, Events."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from controllers.engine import finished
from controllers.engine.api_writer import ApiWriter
from controllers.engine.federated import Federated, reader
from controllers.runtime.api import FAILURES, why
from federation.settings.keys import FINISHED

log = logging.getLogger(__name__)


class ObjectWriter:
    """Not for several threads. All calls but `warn` give the object as it is then, and raise what Api's calls raise."""

    def __init__(self, writer: ApiWriter, federation: str) -> None:
        self._writer, self._federation = writer, federation

    def hold(self, obj: Federated, *, held: bool) -> Federated:
        """Whether it is to stay when it is deleted."""
        answer = self._writer.hold(obj.ref.path, obj.uid, obj.version, obj.finalizers, held=held)
        return reader(obj.ref.kind, self._federation)(answer)

    def note_finished(self, obj: Federated, clusters: Mapping[str, str]) -> Federated:
        """By which condition a Job has finished in more clusters."""
        text = finished.write({**obj.finished, **clusters}, obj.uid)
        answer = self._writer.annotate(obj.ref.path, obj.uid, obj.version, {FINISHED: text})
        return reader(obj.ref.kind, self._federation)(answer)

    def warn(self, obj: Federated, text: str) -> None:
        """An Event; that it cannot be written is logged."""
        try:
            self._writer.warn(obj.ref, obj.uid, text)
        except FAILURES as error:
            log.warning(f"no Event on {obj.ref}: {why(error)}", extra={"object": str(obj.ref)})
