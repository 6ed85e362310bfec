"""Kinds that were carried once and are no longer: their objects are taken back, because the configuration says so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from controllers.engine.federated import Federated, stays
from controllers.engine.pages import all_metadata
from controllers.runtime.api import Api, why
from controllers.runtime.objects import Json
from federation.settings.keys import FINALIZER
from kube.errors import ApiError
from kube.kinds import API_VERSIONS, NAMESPACE, collection

log = logging.getLogger(__name__)


def dropped(api: Api, carried: Collection[str]) -> list[str]:
    """The kinds of which something still has our finalizer, though they are not among the carried ones.

    One that we may not list is left out, and said. Raises what Api's calls raise.
    """
    return [kind for kind in API_VERSIONS if kind not in (NAMESPACE, *carried) and _is_held(api, kind)]


def not_carried(read: Callable[[Json], Federated]) -> Callable[[Json], Federated]:
    """Reads objects of a kind that is not carried any more: none of them is to be in any cluster."""
    return lambda obj: stays(read(obj))


def _is_held(api: Api, kind: str) -> bool:
    try:
        return any(FINALIZER in metadata.get("finalizers", ()) for metadata in all_metadata(api, collection(kind)))
    except ApiError as error:
        if error.status != 403:
            raise
        log.warning(f"what was carried of kind {kind} once is not seen: {why(error)}")
        return False
