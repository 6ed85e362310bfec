"""Generations of authorities and tokens, and what is told of certificates that are about to end."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.control_plane.certificates import jump
from tests.component import cloud
from tests.component.program import run
from tests.component.recording import Record, opened
from tests.component.test_golden import GOLDEN, compare, lines

pytestmark = pytest.mark.component

AUTHORITIES = ("root", "etcd", "front-proxy")
ANCHORS = 42
"""Places in the dev topology that hold authorities to trust."""
SECOND = {
    "federation:certificates": {"authorities": [2, 1], "renewBeforeDays": 365},
    "federation:members.0.tokenGeneration": 2,
    "federation:protect": True,
}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The dev topology in which generation 2 signs, 1 is trusted still, and gondor has its second tokens."""
    return run(tmp_path_factory.mktemp("second"), SECOND)


def test_a_second_generation_adds_what_is_on_record_and_renames_nothing(karmada: Record, second: Record) -> None:
    before, after = set(lines(karmada)), set(lines(second))
    changes = [*(f"- {line}" for line in before - after), *(f"+ {line}" for line in after - before)]
    compare(GOLDEN / "generations.txt", sorted(changes))


def test_the_first_of_the_generations_signs_every_leaf_and_the_window_is_the_configured_one(second: Record) -> None:
    signers = {each.outputs["certificatePem"]: each.name for each in second.of("CertificateAuthority")}
    signed = {each.name: signers[each.inputs["authorityCertificatePem"]] for each in second.of("Certificate")}
    assert set(signed.values()) == {f"{authority}-ca-2" for authority in AUTHORITIES}
    for each in second.of("Certificate"):
        key = opened(each.inputs["authorityPrivateKeyPem"])
        assert key == opened(second.one("PrivateKey", signed[each.name]).outputs["privateKeyPem"])
        assert each.inputs["renewBeforeDays"] == 365


def test_all_that_trust_an_authority_trust_both_generations_of_it(karmada: Record, second: Record) -> None:
    trusted = {
        authority: "".join(
            second.one("CertificateAuthority", f"{authority}-ca{of}").outputs["certificatePem"] for of in ("", "-2")
        )
        for authority in AUTHORITIES
    }
    for record, expected in (
        (
            karmada,
            {name: karmada.one("CertificateAuthority", f"{name}-ca").outputs["certificatePem"] for name in AUTHORITIES},
        ),
        (second, trusted),
    ):
        found = dict(anchors(record))
        assert len(found) == ANCHORS
        wrong = {place: name for place, (name, pem) in found.items() if pem != expected[name]}
        assert wrong == {}


def anchors(record: Record) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each place that holds authorities to trust: of which name, and what it trusts (PEM)."""
    for secret in record.of("Secret"):
        for file, text in opened(secret.inputs.get("stringData", {})).items():
            place = f"{secret}/{file}"
            if file == "kubeconfig":
                yield place, ("root", authority_of(text))
            elif file in ("ca.crt", "etcd-ca.crt", "front-proxy-ca.crt"):
                own = {"etcd-ca.crt": "etcd", "front-proxy-ca.crt": "front-proxy"}.get(file, "root")
                yield place, ("etcd" if secret.name == "etcd-files" else own, text)
    for each in record.of("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for webhook in each.inputs["webhooks"]:
            yield f"{each}/{webhook['name']}", ("root", decoded(webhook["clientConfig"]["caBundle"]))
    for each in record.of("CustomResourceDefinition"):
        if "conversion" in each.inputs["spec"]:
            client = each.inputs["spec"]["conversion"]["webhook"]["clientConfig"]
            yield str(each), ("root", decoded(client["caBundle"]))
    for each in record.of("APIService"):
        yield str(each), ("root", decoded(each.inputs["spec"]["caBundle"]))
    for each in record.of("Withdrawal"):
        yield str(each), ("root", authority_of(opened(each.inputs["kubeconfig"])))
    yield "provider api", ("root", authority_of(opened(record.one("kubernetes", "api").inputs["kubeconfig"])))
    yield "output", ("root", authority_of(opened(record.exports["kubeconfig"])))


def authority_of(kubeconfig: str) -> str:
    return decoded(yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]["certificate-authority-data"])


def decoded(data: Any) -> str:
    return base64.b64decode(data).decode()


def test_etcd_starts_anew_for_another_trust_and_not_for_a_renewed_certificate_of_its_own(
    karmada: Record, second: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = cloud.pem
    monkeypatch.setattr(cloud, "pem", lambda label, text: pem(label, text + (" renewed" if "server" in text else "")))
    renewed = run(tmp_path)
    secrets, pods = zip(
        *(
            (
                opened(record.one("Secret", "etcd-files").inputs["stringData"])["tls.crt"],
                record.one("StatefulSet", "etcd").inputs["spec"]["template"]["metadata"]["annotations"],
            )
            for record in (karmada, renewed, second)
        ),
        strict=True,
    )
    assert secrets[0] != secrets[1]
    assert pods[0] == pods[1] != pods[2]
    apiserver = [
        record.one("Deployment", "federation-apiserver").inputs["spec"]["template"]["metadata"]
        for record in (karmada, renewed)
    ]
    assert apiserver[0] != apiserver[1]


def test_protect_covers_every_generation_of_the_authorities(second: Record) -> None:
    protected = {str(each) for each in second.resources if each.protect}
    assert protected == {
        "StatefulSet etcd",
        "Namespace karmada-system",
        "PrivateKey service-account",
        *(
            f"{kind} {authority}-ca{of}"
            for kind in ("PrivateKey", "CertificateAuthority")
            for authority in AUTHORITIES
            for of in ("", "-2")
        ),
    }


def test_new_tokens_are_known_to_the_federation_before_its_watchers_begin_anew(karmada: Record, second: Record) -> None:
    reread = second.one("DeploymentPatch", "gondor-token-reread")
    annotations = reread.inputs["spec"]["template"]["metadata"]["annotations"]
    assert (reread.inputs["metadata"]["name"], list(annotations)) == (
        "karmada-controller-manager",
        ["federation/token-gondor"],
    )
    needed = [second.one("Secret", "gondor-credentials"), second.one("Deployment", "karmada-controller-manager")]
    assert {each.urn for each in needed} <= second.needs(reread)
    for account, secret in (
        ("engine", "gondor-credentials"),
        ("karmada-impersonator", "gondor-impersonation"),
        ("federation-dns", "gondor-dns"),
    ):
        token = second.one("Secret", f"gondor-{account}-token-2")
        assert token.inputs["metadata"]["name"] == f"{account}.2"
        assert token.inputs["metadata"]["annotations"] == {"kubernetes.io/service-account.name": account}
        new, old = (opened(record.one("Secret", secret).inputs["data"])["token"] for record in (second, karmada))
        assert new == opened(token.outputs["data"])["token"] != old


@pytest.mark.parametrize("preview", [False, True])
def test_what_is_about_to_end_is_told_by_name_and_time(
    karmada: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    # A preview knows what an earlier update left behind.
    monkeypatch.setattr(cloud, "is_dry_run", lambda: False)
    now = datetime.now(UTC)
    soon, later = (
        (now + timedelta(days=days, hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z") for days in (29, 30)
    )
    for name, end in {"services": soon, "etcd-ca": soon, "admin": later, "root-ca": later}.items():
        monkeypatch.setitem(cloud.EARLY, name, end)
    record = run(tmp_path, preview=preview)
    how = f"ends at {soon}, 29 days from now; how to renew it: docs/day-2.md"
    assert sorted(record.warnings) == [f"authority etcd, generation 1, {how}", f"certificate services {how}"]
    assert preview or record.exports["certificateExpiry"] == soon
    assert karmada.warnings == []


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ([1], [1, 2], None),
        ([1, 2], [2, 1], None),
        ([2, 1], [2], None),
        ([2, 1], [1, 2], None),
        ([1, 2], [1], None),
        ([2, 1], [2, 3], None),
        ([1], [2], "clients do not trust 2 yet"),
        ([1], [2, 1], "clients do not trust 2 yet"),
        ([1, 2], [2], "what 1 signed is still in use"),
    ],
)
def test_a_step_that_would_cut_clients_off_is_refused(before: list[int], after: list[int], reason: str | None) -> None:
    found = jump(before, after)
    assert (found or "").startswith(reason or "")
    assert (found is None) == (reason is None)
