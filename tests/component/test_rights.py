"""What our controllers for the names ask of an API, and what the program lets them: each is the other, in full.

The engine's: tests/unit/test_engine_rights.py. The zone writer's: tests/programs/test_zone_told.py.
"""

from __future__ import annotations

import pytest

from controllers.names.writer import COLLECTION
from federation.dns.member_dns import ACCOUNT
from federation.dns.records import CONTROLLER_USER, GROUP, RECORDS
from tests.component.recording import Record
from tests.unit.test_dns_controller import GLOBAL, World, both_serve, world
from tests.unit.test_engine_rights import Right, given, used

__all__ = ["world"]

pytestmark = pytest.mark.component

HEALTH: Right = ("get", "", "/readyz")
"""It is asked now and then, and every account may."""


def granted(record: Record, subject: str) -> set[Right]:
    """The rights of this subject, by its name, in the federation API or in a member."""
    bindings = [
        each.inputs
        for each in record.of("ClusterRoleBinding", "RoleBinding")
        if any(who["name"] == subject for who in each.inputs["subjects"])
    ]
    roles = {(each["roleRef"]["kind"], each["roleRef"]["name"]) for each in bindings}
    rules = [
        {"api_groups": rule["apiGroups"], "resources": rule["resources"], "verbs": rule["verbs"]}
        for each in record.of("ClusterRole", "Role")
        if (each.kind, each.inputs["metadata"]["name"]) in roles
        for rule in each.inputs["rules"]
    ]
    return given(rules)  # type: ignore[arg-type]


def test_the_rights_of_dns_controller_are_what_it_uses(builtin: Record, world: World) -> None:
    # It asks for an object where it may not create one.
    world.federation.put(COLLECTION, {"metadata": {"namespace": "default", "name": "web"}, "spec": {"endpoints": []}})
    world.run()
    asks, tells = ("get", GROUP, RECORDS), ("create", "", "events")
    world.federation.wait(lambda: {asks, tells} <= used(world.federation), "it to ask whose the object is, and to tell")
    world.federation.remove(COLLECTION, "default", "web")
    both_serve(world)
    world.balancers(gondor="10.0.0.9")
    world.await_answer(GLOBAL, "10.0.0.9")
    world.service("ClusterIP")
    world.federation.wait(lambda: not world.federation.get(COLLECTION, "default", "web"), "the records to go")
    assert used(world.federation) == granted(builtin, CONTROLLER_USER)
    assert (used(world.gondor) | used(world.rohan)) - {HEALTH} == granted(builtin, ACCOUNT)
