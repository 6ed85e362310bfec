"""What the controller takes from the APIs' objects, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import federation
from controllers.names.objects import (
    MANAGED_BY_KARMADA,
    FederatedService,
    LastSeen,
    LoadBalancer,
    MemberService,
    Slice,
    Written,
    dns_endpoint,
    owned,
    read_cluster,
    read_last_seen,
    read_member_service,
    read_service,
    read_slice,
    read_written,
)
from controllers.names.plan import RecordSet
from controllers.runtime.member import Endpoint
from controllers.runtime.objects import Json
from federation.settings.keys import CARRIED_BY, SEEN
from tests.strategies import json_values

pytestmark = pytest.mark.unit

WEB = ("default", "web")


def test_only_a_load_balancer_that_stays_counts() -> None:
    metadata = {"namespace": "default", "name": "web", "uid": "1"}
    service = {"metadata": metadata, "spec": {"type": "LoadBalancer"}}
    assert read_service(service) == FederatedService(WEB, "1")
    assert read_service(service | {"spec": {"type": "NodePort"}}) is None
    assert read_service(service | {"metadata": metadata | {"deletionTimestamp": "2026-01-01T00:00:00Z"}}) is None


def member_service(status: Json, kind: str = "LoadBalancer", **labels: str) -> Json:
    """A Service as a member has it; of Karmada's unless labels are given."""
    metadata = {"namespace": "default", "name": "web", "uid": "2", "labels": labels or {MANAGED_BY_KARMADA: "true"}}
    return {"metadata": metadata, "spec": {"type": kind}, "status": status}


@pytest.mark.parametrize(
    ("ingress", "balancer"),
    [
        (
            [{"ip": "10.0.0.1", "ipMode": "VIP"}, {"ip": "::1"}],
            LoadBalancer(frozenset(["10.0.0.1", "::1"]), frozenset()),
        ),
        (
            [{"hostname": "LB.Example.NET."}, {"hostname": "x" * 64}, {"ip": "", "ports": []}],
            LoadBalancer(frozenset(), frozenset(["lb.example.net"])),
        ),
        ([], LoadBalancer(frozenset(), frozenset())),
    ],
)
def test_a_members_service_says_what_its_load_balancer_offers(ingress: list[Json], balancer: LoadBalancer) -> None:
    seen = read_member_service(member_service({"loadBalancer": {"ingress": ingress}}), "fellowship")
    assert seen == MemberService(WEB, balancer)


@pytest.mark.parametrize("status", [{}, None, {"loadBalancer": {}}, {"loadBalancer": None}, {"x": 1}])
def test_a_service_without_an_address_offers_nothing(status: Any) -> None:
    assert read_member_service(member_service(status), "fellowship") == MemberService(
        WEB, LoadBalancer(frozenset(), frozenset())
    )


def test_a_members_service_counts_if_the_federation_brought_it_and_it_is_a_load_balancer_that_stays() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
    assert read_member_service(member_service(status, **{CARRIED_BY: "fellowship"}), "fellowship") is not None
    assert read_member_service(member_service(status, **{CARRIED_BY: "another"}), "fellowship") is None
    assert read_member_service(member_service(status, **{MANAGED_BY_KARMADA: "false"}), "fellowship") is None
    assert read_member_service(member_service(status, kind="ClusterIP"), "fellowship") is None
    bare = member_service(status)
    del bare["metadata"]["labels"]
    assert read_member_service(bare, "fellowship") is None
    going = member_service(status)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert read_member_service(going, "fellowship") is None


@pytest.mark.parametrize(
    ("conditions", "is_ready"),
    [
        ([], False),
        ([{"ready": False}], False),
        ([{"ready": False}, {"ready": True}], True),
        ([{}], True),
        ([{"ready": None}], True),
    ],
)
def test_an_endpoint_is_ready_unless_it_says_it_is_not(conditions: list[Json], is_ready: bool) -> None:
    metadata = {"namespace": "default", "name": "web-abc", "labels": {"kubernetes.io/service-name": "web"}}
    endpoints = [{"addresses": ["10.1.0.1"], "conditions": each} for each in conditions]
    assert read_slice({"metadata": metadata, "endpoints": endpoints or None}) == Slice(WEB, is_ready)
    assert read_slice({"metadata": {"namespace": "default", "name": "lone"}, "endpoints": endpoints}) is None


def cluster(*conditions: Json, **metadata: Any) -> Json:
    return {
        "metadata": {"name": "gondor", "uid": "1", "creationTimestamp": "1970-01-01T00:00:10Z", **metadata},
        "spec": {"apiEndpoint": "https://gondor", "region": "middle-earth", "zones": ["minas-tirith"]},
        "status": {"conditions": conditions},
    }


@pytest.mark.parametrize(
    ("conditions", "since"),
    [
        ([{"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:00:20Z"}], None),
        ([{"type": "Ready", "status": "False", "lastTransitionTime": "1970-01-01T00:00:20Z"}], 20),
        ([{"type": "Ready", "status": "Unknown", "lastTransitionTime": "1970-01-01T00:00:20Z"}], 20),
        ([{"type": "CompleteAPIEnablements", "status": "True", "lastTransitionTime": "1970-01-01T00:00:20Z"}], 10),
        ([], 10),
    ],
)
def test_a_cluster_is_not_ready_unless_it_is_said_to_be(conditions: list[Json], since: float | None) -> None:
    seen = read_cluster(cluster(*conditions))
    assert seen is not None
    assert seen.not_ready_since == since


@pytest.mark.parametrize(("mark", "leaves"), [("true", True), ("false", False)])
def test_a_cluster_that_is_marked_still_has_its_place(mark: str, leaves: bool) -> None:
    seen = read_cluster(cluster(annotations={"federation/leaving": mark}))
    assert seen is not None
    assert (seen.leaves, seen.region, seen.zones) == (leaves, "middle-earth", ("minas-tirith",))


def test_a_cluster_that_is_deleted_does_not_count() -> None:
    assert read_cluster(cluster(deletionTimestamp="2026-01-01T00:00:00Z")) is None


def test_a_cluster_may_lack_region_and_zones() -> None:
    bare = cluster()
    bare["spec"] = {}
    del bare["status"]
    seen = read_cluster(bare)
    assert seen is not None
    assert (seen.endpoint, seen.region, seen.zones) == (Endpoint("", insecure=False, proxy=""), "", ())


RECORDS = (
    RecordSet("web.x.example.com", "A", ("10.0.0.1", "10.0.0.2")),
    RecordSet("web.y.example.com", "CNAME", ("lb.net",)),
)


def test_a_dns_endpoint_is_as_its_crd_says() -> None:
    schema: Any = yaml.safe_load((Path(federation.__file__).parent / "dns" / "dnsendpoint.yaml").read_text())
    version = schema["spec"]["versions"][0]
    written = dns_endpoint(FederatedService(WEB, "1"), RECORDS, 30, LastSeen())
    assert written["apiVersion"] == f"{schema['spec']['group']}/{version['name']}"
    assert written["kind"] == schema["spec"]["names"]["kind"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["endpoints"]["items"][
        "properties"
    ]
    for endpoint in written["spec"]["endpoints"]:
        assert endpoint.keys() <= fields.keys()
        assert isinstance(endpoint["recordTTL"], int)
    assert written["spec"]["endpoints"][0] == {
        "dnsName": "web.x.example.com",
        "recordType": "A",
        "recordTTL": 30,
        "targets": ["10.0.0.1", "10.0.0.2"],
    }


def read_back(wanted: Json) -> Written | None:
    return read_written(wanted | {"metadata": wanted["metadata"] | {"uid": "2", "resourceVersion": "3"}})


def test_what_was_written_is_known_again() -> None:
    wanted = dns_endpoint(FederatedService(WEB, "1"), RECORDS, 30, LastSeen())
    assert read_back(wanted) == Written(WEB, "2", "3", owned(wanted))
    for change in [
        dns_endpoint(FederatedService(WEB, "other"), RECORDS, 30, LastSeen()),
        dns_endpoint(FederatedService(WEB, "1"), RECORDS[:1], 30, LastSeen()),
        dns_endpoint(FederatedService(WEB, "1"), RECORDS, 31, LastSeen()),
        dns_endpoint(FederatedService(WEB, "1"), RECORDS, 30, LastSeen({"gondor": True})),
    ]:
        assert owned(change) != owned(wanted)


def test_an_object_without_the_label_is_not_ours() -> None:
    wanted = dns_endpoint(FederatedService(WEB, "1"), RECORDS, 30, LastSeen())
    wanted["metadata"]["labels"] = {}
    assert read_back(wanted) is None


ADDRESSES = st.frozensets(st.ip_addresses().map(str), min_size=1, max_size=3)
HOSTS = st.frozensets(st.sampled_from(["lb.gondor.net", "lb.rohan.net"]), min_size=1)
BALANCERS = st.builds(LoadBalancer, ADDRESSES, HOSTS) | st.builds(LoadBalancer, ADDRESSES, st.just(frozenset[str]()))


@given(
    st.dictionaries(st.text(max_size=5), st.booleans(), max_size=3),
    st.dictionaries(st.text(max_size=5), BALANCERS, max_size=2),
    st.dictionaries(st.text(max_size=5), ADDRESSES, max_size=2),
)
def test_what_was_seen_is_read_back(
    ready: dict[str, bool], balancers: dict[str, LoadBalancer], resolved: dict[str, frozenset[str]]
) -> None:
    last_seen = LastSeen(ready, balancers, resolved)
    assert read_last_seen(read_back(dns_endpoint(FederatedService(WEB, "1"), (), 30, last_seen))) == last_seen


def test_nothing_was_seen_where_nothing_was_written() -> None:
    assert read_last_seen(None) == LastSeen()


@given(
    st.one_of(
        st.text(max_size=10),
        json_values().map(json.dumps),
        st.fixed_dictionaries(
            {}, optional={"ready": json_values(), "shares": json_values(), "resolved": json_values()}
        ).map(json.dumps),
    )
)
def test_an_annotation_that_was_spoilt_was_not_seen(text: str) -> None:
    metadata = {"namespace": "default", "name": "web", "annotations": {SEEN: text}}
    last_seen = read_last_seen(Written(WEB, "1", "2", owned({"metadata": metadata})))
    assert all(isinstance(is_ready, bool) for is_ready in last_seen.ready.values())
    assert all(balancer.addresses or balancer.hosts for balancer in last_seen.balancers.values())
    assert all(isinstance(host, str) and addresses for host, addresses in last_seen.resolved.items())
