"""Who says how many replicas an object has in a member: the federation, or somebody there."""

from __future__ import annotations

from http import HTTPStatus

from controllers.engine.refs import Ref
from controllers.engine.traces import Traces
from controllers.runtime.api import Api
from controllers.runtime.objects import Json
from kube.errors import ApiError

SCALED = ("Deployment", "StatefulSet")
_AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"


def without_given_up(body: Json, there: Traces) -> Json:
    """What to apply over the object that is there: without `replicas` if they were last scaled there.

    Who scaled them holds the field then, so that it does not go with our word for it.
    """
    if not there.is_scaled or "spec" not in body:
        return body
    return {**body, "spec": {key: value for key, value in body["spec"].items() if key != "replicas"}}


def would_scale(ref: Ref, body: Json, there: Traces) -> bool:
    """Whether applying this would change how many replicas are there."""
    return ref.kind in SCALED and body["spec"].get("replicas", there.replicas) != there.replicas


def as_there(body: Json, there: Traces) -> Json:
    """The same with as many replicas as are there. To leave the field out would be to set it to 1: we hold it."""
    return {**body, "spec": {**body["spec"], "replicas": there.replicas}}


def is_autoscaled(api: Api, ref: Ref) -> bool:
    """Whether a HorizontalPodAutoscaler in the member aims at it; no, where we may not ask.

    Raises what Api's calls raise.
    """
    try:
        found = api.get(_AUTOSCALERS.format(ref.namespace))["items"] or ()
    except ApiError as error:
        if error.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise
        return False
    aims = [autoscaler["spec"]["scaleTargetRef"] for autoscaler in found]
    return any((aim["kind"], aim["name"]) == (ref.kind, ref.name) for aim in aims)
