"""The edge of our own provider, asked as Pulumi asks it: over gRPC, with values as they are on the wire."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import grpc
import pytest
from cryptography import x509
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import provider_pb2 as protocol
from pulumi.runtime.proto import status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub, add_ResourceProviderServicer_to_server

from provider import serving, values
from provider.edge import Edge
from provider.resource import BegunError, ProviderError, Resource
from provider.values import UNKNOWN, UNKNOWN_TEXT, Values, struct

pytestmark = pytest.mark.unit

T = TypeVar("T")
URN = "urn:pulumi:dev::federation::federation:index:Pki$federation:index:{}::{}"
SECRET = {values.SIGNATURE: values.SECRET}


def urn(kind: str, name: str = "gondor") -> str:
    return URN.format(kind, name)


def asked(question: Callable[[Any], Awaitable[T]], kind: Callable[[str], type[Resource]] = serving.kind) -> T:
    """What the edge answers, on a server of its own."""

    async def ask() -> T:
        server = grpc.aio.server()
        add_ResourceProviderServicer_to_server(Edge(kind), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                return await question(ResourceProviderStub(channel))
            finally:
                await server.stop(None)

    return asyncio.run(ask())


def create(kind: str, inputs: Values, *, preview: bool = False) -> dict[str, Any]:
    request = protocol.CreateRequest(urn=urn(kind), properties=struct(inputs), preview=preview)
    answer = asked(lambda provider: provider.Create(request))
    return {"id": answer.id, **MessageToDict(answer.properties)}


@pytest.fixture(scope="module")
def made() -> dict[str, Values]:
    """The state of a key, an authority and a certificate, secrets in the clear."""
    key = _clear(create("PrivateKey", {}))
    authority = {"privateKeyPem": key["privateKeyPem"], "commonName": "root", "validityDays": 3650}
    trusted = _clear(create("CertificateAuthority", authority))
    leaf = {
        "publicKeyPem": key["publicKeyPem"],
        "authorityCertificatePem": trusted["certificatePem"],
        "authorityPrivateKeyPem": key["privateKeyPem"],
        "commonName": "api",
        "dnsNames": ["localhost"],
        "uses": ["server_auth"],
        "validityDays": 365,
        "renewBeforeDays": 30,
    }
    return {"PrivateKey": key, "CertificateAuthority": trusted, "Certificate": _clear(create("Certificate", leaf))}


def _clear(answer: dict[str, Any]) -> Values:
    whole = struct({key: value for key, value in answer.items() if key != "id"})
    return values.plain(whole)


def leaf_inputs(made: dict[str, Values], **changes: Any) -> Values:
    outputs = ("certificatePem", "notAfter")
    return {key: value for key, value in made["Certificate"].items() if key not in outputs} | changes


def test_keys_are_secret_whatever_the_program_asks(made: dict[str, Values]) -> None:
    answer = create("PrivateKey", {})
    assert answer["id"] == "gondor"
    assert answer["privateKeyPem"].items() >= SECRET.items()
    assert isinstance(answer["publicKeyPem"], str)
    # The program has given the authority's key in the clear.
    again = create("Certificate", leaf_inputs(made))
    assert again["authorityPrivateKeyPem"].items() >= SECRET.items()


def test_a_shared_secret_is_secret_and_random() -> None:
    answers = [create("SharedSecret", {}) for _ in range(2)]
    assert all(each["secretBase64"].items() >= SECRET.items() for each in answers)
    one, other = (base64.b64decode(_clear(each)["secretBase64"], validate=True) for each in answers)
    assert (len(one), len(other)) == (32, 32)
    assert one != other


def test_a_secret_stays_one_where_the_schema_has_none(made: dict[str, Values]) -> None:
    inputs = struct(leaf_inputs(made), {"commonName"})
    answer = asked(lambda it: it.Create(protocol.CreateRequest(urn=urn("Certificate"), properties=inputs)))
    assert MessageToDict(answer.properties)["commonName"] == {**SECRET, "value": "api"}


@pytest.mark.parametrize("kind", ["PrivateKey", "CertificateAuthority", "Certificate"])
def test_a_preview_makes_nothing_and_shows_what_it_would_make_as_unknown(kind: str) -> None:
    def no_kind(token: str) -> type[Resource]:
        raise AssertionError(f"{token} was asked")

    request = protocol.CreateRequest(
        urn=urn(kind), properties=struct({"dnsNames": UNKNOWN, "commonName": "api"}), preview=True
    )
    answer = MessageToDict(asked(lambda provider: provider.Create(request), no_kind).properties)
    outputs = {"PrivateKey": ("privateKeyPem", "publicKeyPem")}.get(kind, ("certificatePem", "notAfter"))
    shown = {key: value if isinstance(value, str) else value["value"] for key, value in answer.items()}
    assert shown == {"dnsNames": UNKNOWN_TEXT, "commonName": "api", **dict.fromkeys(outputs, UNKNOWN_TEXT)}


def check(kind: str, new: Values) -> dict[str, str]:
    answer = asked(lambda provider: provider.Check(protocol.CheckRequest(urn=urn(kind), news=struct(new))))
    assert MessageToDict(answer.inputs) == MessageToDict(struct(new))
    return {failure.property: failure.reason for failure in answer.failures}


def test_whole_numbers_are_taken_and_others_refused(made: dict[str, Values]) -> None:
    assert check("Certificate", leaf_inputs(made)) == {}
    reason = "must be a whole number"
    for wrong in (30.5, "30", True):
        assert check("Certificate", leaf_inputs(made, renewBeforeDays=wrong)) == {"renewBeforeDays": reason}


def test_each_wrong_input_is_named(made: dict[str, Values]) -> None:
    wrong = leaf_inputs(made, names=["a"], dnsNames=[1], uses=["server_auth"])
    del wrong["commonName"]
    found = check("Certificate", wrong)
    assert list(found) == ["names", "commonName", "dnsNames"]
    assert found["commonName"] == "is missing"
    assert check("Certificate", leaf_inputs(made, uses=["signing"])) == {
        "uses": "has signing; allowed: server_auth, client_auth"
    }


def test_what_is_not_known_yet_is_not_wrong(made: dict[str, Values]) -> None:
    unknown = leaf_inputs(made, dnsNames=UNKNOWN, ipAddresses=[UNKNOWN], commonName=UNKNOWN, uses=["server_auth"])
    assert check("Certificate", unknown) == {}
    assert check("Certificate", {**unknown, "uses": UNKNOWN}) == {}


def test_what_is_wrong_is_told_though_something_else_is_not_known_yet(made: dict[str, Values]) -> None:
    reason = "has signing; allowed: server_auth, client_auth"
    assert check("Certificate", leaf_inputs(made, dnsNames=UNKNOWN, uses=["signing"])) == {"uses": reason}


def diff(kind: str, state: Values, new: Values) -> protocol.DiffResponse:
    old = {key: value for key, value in state.items() if key not in ("certificatePem", "notAfter")}
    request = protocol.DiffRequest(urn=urn(kind), olds=struct(state), old_inputs=struct(old), news=struct(new))
    answer: protocol.DiffResponse = asked(lambda provider: provider.Diff(request))
    return answer


def test_no_change_is_told_as_none_and_a_change_in_place(made: dict[str, Values]) -> None:
    same = diff("Certificate", made["Certificate"], leaf_inputs(made))
    assert (same.changes, list(same.diffs)) == (protocol.DiffResponse.DIFF_NONE, [])
    for change in ({"dnsNames": ["other"]}, {"dnsNames": UNKNOWN}, {"organization": "o"}):
        found = diff("Certificate", made["Certificate"], leaf_inputs(made, **change))
        assert found.changes == protocol.DiffResponse.DIFF_SOME
        assert (list(found.diffs), list(found.replaces)) == (list(change), [])


def test_an_authority_that_changes_is_another_one(made: dict[str, Values]) -> None:
    inputs = {key: made["CertificateAuthority"][key] for key in ("privateKeyPem", "commonName", "validityDays")}
    assert diff("CertificateAuthority", made["CertificateAuthority"], inputs).replaces == []
    found = diff("CertificateAuthority", made["CertificateAuthority"], inputs | {"commonName": "new"})
    assert list(found.replaces) == ["commonName"]


def update(made: dict[str, Values], new: Values, *, preview: bool = False) -> Values:
    old = leaf_inputs(made)
    request = protocol.UpdateRequest(
        urn=urn("Certificate"),
        olds=struct(made["Certificate"]),
        old_inputs=struct(old),
        news=struct(new),
        preview=preview,
    )
    return values.plain(asked(lambda provider: provider.Update(request)).properties)


def test_a_certificate_in_its_last_days_is_renewed_in_place(made: dict[str, Values]) -> None:
    window = leaf_inputs(made, renewBeforeDays=365)
    found = diff("Certificate", made["Certificate"], window)
    assert (list(found.diffs), list(found.replaces)) == (["renewBeforeDays", "notAfter"], [])
    assert update(made, window, preview=True)["certificatePem"] is UNKNOWN
    renewed = update(made, window)
    assert renewed["certificatePem"] != made["Certificate"]["certificatePem"]
    assert renewed["renewBeforeDays"] == 365


@pytest.mark.parametrize(("kind", "days"), [("CertificateAuthority", 3650), ("Certificate", 365)])
def test_a_certificate_is_good_for_clocks_that_are_five_minutes_behind(
    made: dict[str, Values], kind: str, days: int
) -> None:
    found = x509.load_pem_x509_certificate(made[kind]["certificatePem"].encode())
    assert found.not_valid_after_utc - found.not_valid_before_utc == timedelta(days=days, minutes=5)
    # What it ends by, and is renewed by, is told as it is asked for.
    assert abs(found.not_valid_after_utc - timedelta(days=days) - datetime.now(UTC)) < timedelta(minutes=2)


def test_another_window_alone_signs_nothing(made: dict[str, Values]) -> None:
    window = leaf_inputs(made, renewBeforeDays=60)
    for preview in (True, False):
        kept = update(made, window, preview=preview)
        assert kept == made["Certificate"] | {"renewBeforeDays": 60}


def test_a_refresh_finds_keys_as_they_are_and_an_import_is_refused(made: dict[str, Values]) -> None:
    state = struct(made["PrivateKey"], {"privateKeyPem"})
    request = protocol.ReadRequest(id="gondor", urn=urn("PrivateKey"), properties=state)
    assert asked(lambda provider: provider.Read(request)).properties == state
    with pytest.raises(grpc.aio.AioRpcError) as told:
        asked(lambda provider: provider.Read(protocol.ReadRequest(id="x", urn=urn("PrivateKey"))))
    assert told.value.details() == "gondor: cannot be imported: what it is stands in the state of its stack only"


@dataclass
class Failing:
    """A kind of resource that raises an error in each call."""

    error: Exception

    def kind(self, _: str) -> type[Resource]:
        error = self.error

        class Broken(Resource):
            async def create(self, new: Values) -> Values:
                raise error

            async def update(self, state: Values, old: Values, new: Values) -> Values:
                raise error

        return Broken

    def told(self) -> grpc.aio.AioRpcError:
        inputs = {"cluster": "gondor", "kubeconfig": "config", "ttl": 1}
        request = protocol.CreateRequest(urn=urn("Withdrawal", "gondor-withdrawal"), properties=struct(inputs))
        with pytest.raises(grpc.aio.AioRpcError) as told:
            asked(lambda provider: provider.Create(request), self.kind)
        return told.value


def test_an_error_is_one_sentence_with_the_name() -> None:
    told = Failing(ProviderError("the federation API answered 403")).told()
    assert told.details() == "gondor-withdrawal: the federation API answered 403"
    # With some other codes Pulumi says besides that it does not know whether the resource is there.
    assert told.code() == grpc.StatusCode.FAILED_PRECONDITION


def test_a_fault_of_ours_is_told_by_its_place_and_not_by_its_words() -> None:
    details = Failing(ValueError("token: secret")).told().details() or ""
    assert details.startswith("gondor-withdrawal: ValueError in test_provider_edge.py, line ")
    assert "secret" not in details
    assert "\n" not in details


def test_what_was_begun_is_remembered_with_its_state() -> None:
    told = Failing(BegunError("its API answered 500")).told()
    packed = next(value for key, value in told.trailing_metadata() if key == "grpc-status-details-bin")
    status, detail = status_pb2.Status.FromString(packed), protocol.ErrorResourceInitFailed()
    assert status.code == told.code().value[0]
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == (
        "gondor-withdrawal",
        ["gondor-withdrawal: its API answered 500"],
    )
    state = MessageToDict(detail.properties)
    assert state == {"cluster": "gondor", "ttl": 1, "drift": "", "kubeconfig": {**SECRET, "value": "config"}}


def test_the_settings_of_the_provider_are_checked_compared_and_handed_on() -> None:
    async def question(provider: Any) -> tuple[Any, ...]:
        bad = await provider.CheckConfig(protocol.CheckRequest(news=struct({"gone": 1, "goen": "x"})))
        same, other = [
            await provider.DiffConfig(
                protocol.DiffRequest(old_inputs=struct({"gone": "a"}), news=struct({"gone": new}))
            )
            for new in ("a", "b")
        ]
        configured = await provider.Configure(protocol.ConfigureRequest(args=struct({"gone": "rohan,gondor"})))
        left = {"member": "gondor", "kubeconfig": "", "federation": "f", "zone": "z", "servers": [], "region": "r"}
        # A member that is given up is not asked: there is no kubeconfig to ask it by.
        deleted = protocol.DeleteRequest(urn=urn("ClusterDns"), properties=struct({**left, "zones": []}))
        return bad, same, other, configured, await provider.Delete(deleted)

    bad, same, other, configured, _ = asked(question)
    assert {failure.property for failure in bad.failures} == {"gone", "goen"}
    assert same.changes == protocol.DiffResponse.DIFF_NONE
    assert (other.changes, list(other.replaces)) == (protocol.DiffResponse.DIFF_SOME, [])
    assert (configured.acceptSecrets, configured.supportsPreview) == (True, True)


class Slow(Resource):
    """A kind of resource whose deletion waits for a minute."""

    waiting = 0

    async def delete(self, state: Values) -> None:
        Slow.waiting += 1
        await self.work.sleep(60)


def test_an_interrupt_ends_every_wait_at_once() -> None:
    async def question(provider: Any) -> list[Any]:
        waits = [
            asyncio.ensure_future(_answer(provider.Delete(protocol.DeleteRequest(urn=urn("Withdrawal", name)))))
            for name in ("gondor", "rohan")
        ]
        while Slow.waiting < len(waits):
            await asyncio.wait(waits, timeout=0.01)
        await provider.Cancel(Empty())
        return await asyncio.wait_for(asyncio.gather(*waits), 10)

    told = asked(question, lambda _: Slow)
    assert told == [f"{name}: interrupted; the next run does it again" for name in ("gondor", "rohan")]


async def _answer(call: Awaitable[Any]) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.details() or ""
    return ""


def test_values_come_back_as_they_went() -> None:
    given = {"a": 1, "b": 1.5, "c": ["x", UNKNOWN], "d": {"e": True}, "f": ""}
    assert values.plain(struct(given)) == given
    assert values.plain(struct(given, {"a", "c"})) == given
    assert values.secret_keys(struct(given, {"a", "c"})) == {"a", "c"}
    assert values.has_unknown(given)
    assert values.plain(struct({"none": None})) == {}
