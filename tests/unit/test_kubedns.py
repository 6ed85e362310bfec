"""The federation's entries in ConfigMap kube-dns, beside those of others."""

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from provider.cluster_dns import kubedns
from provider.cluster_dns.lookup import Lookup
from tests import strategies

pytestmark = pytest.mark.unit

LOOKUP = Lookup("fellowship", "example.com", ("10.90.0.5",), "r", ())
OURS = {"stubDomains": '{"example.com": ["10.90.0.5"]}', "federations": "fellowship=example.com"}

blanks = st.text(" \n\t", max_size=3)
addresses = st.ip_addresses(v=4).map(str)
zones = strategies.zones().map(lambda zone: zone.lower().removesuffix("."))
lookups = st.builds(
    Lookup, strategies.labels(12), zones, st.lists(addresses, max_size=2).map(tuple), st.just("r"), st.just(())
)
stub_domains = st.builds(
    lambda found, indent, before, after: before + json.dumps(found, indent=indent) + after,
    st.dictionaries(zones, st.lists(addresses, max_size=2), min_size=1, max_size=3),
    st.sampled_from([None, 0, 2]),
    blanks,
    blanks,
)
federations = st.builds(
    lambda found, comma: comma.join(f"{name}={zone}" for name, zone in found.items()),
    st.dictionaries(strategies.labels(12), zones, min_size=1, max_size=3),
    st.sampled_from([",", ", ", " ,\n"]),
)
config_maps = st.fixed_dictionaries(
    {}, optional={"stubDomains": stub_domains, "federations": federations, "upstreamNameservers": st.text()}
)


@given(config_maps, lookups)
@example({"stubDomains": '{\n"a.b": []\n}', "federations": "a=b.c"}, LOOKUP)
def test_the_others_entries_come_back_byte_for_byte(data: dict[str, str], lookup: Lookup) -> None:
    assume(lookup.zone not in json.loads(data.get("stubDomains", "{}")))
    assume(
        lookup.federation not in [entry.partition("=")[0].strip() for entry in data.get("federations", "").split(",")]
    )
    assert kubedns.problems(data, lookup) == []
    added = kubedns.with_part(data, lookup)
    assert kubedns.without_part(added, lookup) == data
    assert kubedns.with_part(added, lookup) == added
    assert kubedns.problems(added, lookup) == []
    stubs = {lookup.zone: list(lookup.servers)} if lookup.servers else {}
    assert json.loads(added.get("stubDomains", "{}")) == stubs | json.loads(data.get("stubDomains", "{}"))
    listed = [entry.strip() for entry in added["federations"].split(",")]
    assert listed == [
        f"{lookup.federation}={lookup.zone}",
        *(entry.strip() for entry in data.get("federations", "").split(",") if entry),
    ]


def test_alone_they_come_and_go_with_their_keys() -> None:
    assert kubedns.with_part({}, LOOKUP) == OURS
    assert kubedns.without_part(OURS, LOOKUP) == {}
    # What says nothing is not told from what is not there; what nobody added to is left as it is.
    assert kubedns.without_part(kubedns.with_part({"stubDomains": "{ }", "federations": " "}, LOOKUP), LOOKUP) == {}
    assert kubedns.without_part({"stubDomains": "{ }", "federations": ""}, LOOKUP) == {
        "stubDomains": "{ }",
        "federations": "",
    }


@pytest.mark.parametrize(
    ("key", "text", "left"),
    [
        ("federations", "a=b.c, fellowship=example.com", "a=b.c"),
        ("federations", "a=b.c, fellowship = example.org, d=e.f", "a=b.c, d=e.f"),
        ("federations", "the-fellowship=example.com,fellowship-2=b.c", "the-fellowship=example.com,fellowship-2=b.c"),
        ("stubDomains", '{"a.b": ["1.2.3.4"],\n "example.com" : [\n"5.6.7.8" ]\n}', '{"a.b": ["1.2.3.4"]\n}'),
        ("stubDomains", '{"a.b": [], "example.com": [], "c.d": []}', '{"a.b": [], "c.d": []}'),
        ("stubDomains", '{"www.example.com": []}', '{"www.example.com": []}'),
    ],
)
def test_an_entry_that_was_moved_or_changed_is_taken_out_alone(key: str, text: str, left: str) -> None:
    assert kubedns.without_part({key: text}, LOOKUP) == {key: left}


def test_without_name_servers_the_users_own_stub_domain_stays() -> None:
    lookup = Lookup("fellowship", "example.com", (), "r", ())
    data = {"stubDomains": '{"example.com": ["1.2.3.4"]}'}
    assert kubedns.problems(data, lookup) == []
    assert kubedns.with_part(data, lookup) == {**data, "federations": "fellowship=example.com"}
    assert kubedns.without_part({**data, "federations": "fellowship=example.com"}, lookup) == data


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"stubDomains": '{"example.com": ["1.2.3.4"]}'}, "stubDomains sends example.com to 1.2.3.4 already"),
        ({"stubDomains": '{"example.com": []}'}, "stubDomains sends example.com to nobody already"),
        ({"federations": "fellowship=example.org"}, "federations has fellowship=example.org already"),
        ({"stubDomains": ""}, "stubDomains is not JSON"),
        ({"stubDomains": "[]"}, "stubDomains is not a JSON map"),
        ({"stubDomains": '{"a.b": "1.2.3.4"}'}, "stubDomains is not a JSON map"),
        ({"federations": "a=b.c,"}, "federations: '' is not a name and a domain"),
        ({"federations": "Shire=b.c"}, "federations: 'Shire=b.c' is not a name and a domain"),
    ],
)
def test_what_kube_dns_would_refuse_or_has_for_somebody_else_is_told(data: dict[str, str], problem: str) -> None:
    found = kubedns.problems(data, LOOKUP)
    assert len(found) == 1
    assert found[0].startswith(problem)
