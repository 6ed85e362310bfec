"""Who says how many replicas an object has in a member: the federation, or somebody there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from controllers.engine.refs import Ref
from controllers.engine.traces import Traces
from controllers.engine.turns import LONGEST_PAUSE, Timers
from controllers.runtime.api import Api, why
from controllers.runtime.line import Line
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Json
from kube.errors import ApiError

log = logging.getLogger(__name__)

SCALED = ("Deployment", "StatefulSet")
_AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"


class Scaling:
    """Of the objects in one member; to be used on its loop only."""

    def __init__(self, member: str, loop: Loop, line: Line, again: Callable[[Ref], None]) -> None:
        """`again` is told of what no autoscaler aims at any more: its replicas are the federation's."""
        self._member, self._line, self._again = member, line, again
        self._timers = Timers(loop)
        self._autoscaled: set[Ref] = set()

    def settle(self, api: Api, ref: Ref, body: Json, there: Traces) -> Json:
        """What to apply over what is there, with the replicas that are to be. Raises what Api's calls raise."""
        self.forget(ref)
        if there.is_scaled and not there.by_autoscaler:
            return without_replicas(body)
        if not (there.is_scaled or would_scale(ref, body, there)):
            return body
        aimed_at = autoscaled(api, ref.namespace)
        if aimed_at is None:
            return without_replicas(body) if there.is_scaled else body
        if ref not in aimed_at:
            return body
        self._autoscaled.add(ref)
        self._look_again_in(ref.namespace)
        return without_replicas(body) if there.is_scaled else as_there(body, there)

    def forget(self, ref: Ref) -> None:
        self._autoscaled.discard(ref)

    def _look_again_in(self, namespace: str) -> None:
        """Autoscalers are not watched: whether there still are some is asked again."""
        if namespace not in self._timers and any(ref.namespace == namespace for ref in self._autoscaled):
            self._timers.set(namespace, LONGEST_PAUSE, partial(self._look_in, namespace))

    def _look_in(self, namespace: str) -> None:
        try:
            with self._line.open() as api:
                aimed_at = autoscaled(api, namespace)
        except Exception as error:  # Whatever is odd about the answer, it must not stop the others.
            log.warning(
                f"{self._member} does not tell of its autoscalers: {why(error)}", extra={"cluster": self._member}
            )
            aimed_at = None
        if aimed_at is not None:
            for ref in [ref for ref in self._autoscaled if ref.namespace == namespace and ref not in aimed_at]:
                self.forget(ref)
                self._again(ref)
        self._look_again_in(namespace)


def without_replicas(body: Json) -> Json:
    """Who scaled them holds the field, so that it does not go with our word for it."""
    return {**body, "spec": {key: value for key, value in body["spec"].items() if key != "replicas"}}


def would_scale(ref: Ref, body: Json, there: Traces) -> bool:
    """Whether applying this would change how many replicas are there."""
    return ref.kind in SCALED and body["spec"].get("replicas", there.replicas) != there.replicas


def as_there(body: Json, there: Traces) -> Json:
    """The same with as many replicas as are there. To leave the field out would be to set it to 1: we hold it."""
    return {**body, "spec": {**body["spec"], "replicas": there.replicas}}


def autoscaled(api: Api, namespace: str) -> frozenset[Ref] | None:
    """What HorizontalPodAutoscalers in the namespace of the member aim at; None where we may not ask.

    Raises what Api's calls raise.
    """
    try:
        found = api.get(_AUTOSCALERS.format(namespace))["items"] or ()
    except ApiError as error:
        if error.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise
        return None
    aims = [autoscaler["spec"]["scaleTargetRef"] for autoscaler in found]
    return frozenset(Ref(aim["kind"], namespace, aim["name"]) for aim in aims)
