"""What is asked of the federation API so that workloads outlive the membership; the API is a few objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

from federation.clusters import connection
from federation.settings.keys import KEEP_WORKLOADS
from kube.errors import ApiError
from provider import clusters, kept_workloads
from provider.kept_workloads import KeptWorkloads
from provider.resource import ProviderError
from tests.provider_calls import Called

pytestmark = pytest.mark.unit

KUBECONFIG = """\
clusters: [{name: c, cluster: {server: https://api.example}}]
contexts: [{name: c, context: {cluster: c, user: c}}]
current-context: c
"""
PROPS = {"cluster": "gondor", "kubeconfig": KUBECONFIG}
CLUSTER = "/apis/cluster.karmada.io/v1alpha1/clusters/gondor"
NAMESPACE = "/api/v1/namespaces/karmada-es-gondor"
WORKS = "/apis/work.karmada.io/v1alpha1/namespaces/karmada-es-gondor/works"


class Api:
    """Objects by path; each PATCH is merged, as far as it is needed here."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {
            CLUSTER: {
                "metadata": {"name": "gondor", "annotations": {KEEP_WORKLOADS: "true"}},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            },
            NAMESPACE: {"metadata": {"name": "karmada-es-gondor", "labels": {"karmada.io/system": "true"}}},
        }
        self.add("web")
        self.add("shire-namespace", [{"kind": "Namespace"}])
        self.add("karmada-impersonator", [{"kind": "Cluster"}])
        self.rewritten = 0
        """How often Karmada will yet write all Works anew, right after they were changed."""

    def add(self, name: str, owners: list[dict[str, str]] | None = None) -> None:
        metadata = {"name": name, **({"ownerReferences": owners} if owners else {})}
        self.objects[f"{WORKS}/{name}"] = {"metadata": metadata, "spec": {"preserveResourcesOnDeletion": False}}

    def get(self, _: Any, path: str) -> Any:
        if path == WORKS:
            return {"items": [each for key, each in self.objects.items() if key.startswith(f"{WORKS}/")]}
        if path not in self.objects:
            raise ApiError(status=404)
        return self.objects[path]

    def send(self, _: Any, method: str, path: str, body: dict[str, Any]) -> None:
        assert method == "PATCH"
        if path not in self.objects:
            raise ApiError(status=404)
        for section, values in body.items():
            target = self.objects[path].setdefault(section, {})
            for key, value in values.items():
                target[key] = {**target.get(key, {}), **value} if isinstance(value, dict) else value
        if path.startswith(WORKS) and self.rewritten:
            self.rewritten -= 1
            self.objects[path]["spec"]["preserveResourcesOnDeletion"] = False

    @property
    def stay(self) -> set[str]:
        return {
            path.removeprefix(f"{WORKS}/")
            for path, each in self.objects.items()
            if each.get("spec", {}).get("preserveResourcesOnDeletion")
        }

    @property
    def label(self) -> str | None:
        found: str | None = self.objects[NAMESPACE]["metadata"]["labels"].get("federation/workloads")
        return found


@contextmanager
def _connected(_: object) -> Iterator[None]:
    yield None


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    new = Api()
    monkeypatch.setattr(clusters, "connect", _connected)
    monkeypatch.setattr(connection, "get", new.get)
    monkeypatch.setattr(kept_workloads, "get", new.get)
    monkeypatch.setattr(kept_workloads, "send", new.send)
    return new


def test_leaving_has_every_work_leave_its_object_but_for_karmadas_own_rights(api: Api) -> None:
    Called(KeptWorkloads).delete(PROPS)
    assert api.stay == {"web", "shire-namespace"}
    assert api.label == "stay"


def test_a_work_that_was_written_anew_in_between_is_told_again(api: Api) -> None:
    api.rewritten = 2
    Called(KeptWorkloads).delete(PROPS)
    assert api.stay == {"web", "shire-namespace"}


def test_works_that_never_listen_are_an_error_that_names_one(api: Api) -> None:
    api.rewritten = 1000
    with pytest.raises(ProviderError, match=r"member gondor: .* such as web; they must have .* true"):
        Called(KeptWorkloads).delete(PROPS)


def test_a_work_that_goes_meanwhile_is_nobodys_loss(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = api.get(None, WORKS)
    del api.objects[f"{WORKS}/web"]
    answers = iter([stale])
    monkeypatch.setattr(
        kept_workloads, "get", lambda _, path: next(answers, api.get(_, path)) if path == WORKS else api.get(_, path)
    )
    Called(KeptWorkloads).delete(PROPS)
    assert api.stay == {"shire-namespace"}


def test_a_setting_that_was_taken_back_lets_nothing_go(api: Api) -> None:
    api.objects[CLUSTER]["metadata"]["annotations"] = {}
    Called(KeptWorkloads).delete(PROPS)
    assert (api.stay, api.label) == (set(), None)


def test_a_member_that_is_not_ready_is_an_error_as_karmada_would_try_for_ever(api: Api) -> None:
    api.objects[CLUSTER]["status"]["conditions"][0]["status"] = "False"
    with pytest.raises(ProviderError, match=r"member gondor is not Ready.* set unreachable: true"):
        Called(KeptWorkloads).delete(PROPS)
    assert (api.stay, api.label) == (set(), None)


def test_a_member_that_is_given_up_is_let_go_without_a_word(api: Api) -> None:
    Called(KeptWorkloads, gone=("rohan", "gondor")).delete(PROPS)
    assert (api.stay, api.label) == (set(), None)


@pytest.mark.parametrize("missing", [CLUSTER, NAMESPACE])
def test_a_member_that_has_left_already_needs_nothing(api: Api, missing: str) -> None:
    del api.objects[missing]
    Called(KeptWorkloads).delete(PROPS)
    assert api.stay == set()


def test_a_silent_api_is_an_error_as_the_cluster_must_not_go_like_this(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> None:
        raise urllib3.exceptions.HTTPError("no route to host")

    monkeypatch.setattr(clusters, "connect", _connected)
    monkeypatch.setattr(connection, "get", silent)
    with pytest.raises(ProviderError, match=r"the federation API at https://api.example cannot be reached: no route"):
        Called(KeptWorkloads).delete(PROPS)


def test_joining_takes_back_a_leave_that_was_given_up_half_way(api: Api) -> None:
    Called(KeptWorkloads).delete(PROPS)
    assert Called(KeptWorkloads).create(PROPS) == PROPS
    assert (api.stay, api.label) == (set(), None)


def test_joining_leaves_alone_what_somebodys_policy_has_asked_for(api: Api) -> None:
    api.objects[f"{WORKS}/web"]["spec"]["preserveResourcesOnDeletion"] = True
    Called(KeptWorkloads).create(PROPS)
    assert api.stay == {"web"}
