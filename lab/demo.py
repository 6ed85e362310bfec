"""The demonstration: one Service, its names, and what they say while a member is without power."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from federation.settings.names import ServiceNames
from lab.fleet.waiting import FleetError, wait_until
from lab.stack import CHECKOUT, Stack
from lab.toolbox import tool
from lab.zone import Zone

EXAMPLE = CHECKOUT / "examples" / "web.yaml"
READY_SECONDS, LOOKUP_SECONDS, CHANGE_SECONDS = 60, 120, 120


@dataclass(frozen=True)
class Member:
    name: str
    context: str
    region: str
    place: tuple[str, ...]
    """Of the name nearest to it (`ServiceNames.at`): its first zone and region, or the region alone without zones."""


@dataclass(frozen=True)
class Demo:
    """A running federation: its kubeconfig, and whom to ask for the names of the example."""

    kubeconfig: Path
    federation: str
    zone: Zone
    members: list[Member]

    @classmethod
    def of(cls, stack: Stack, kubeconfig: Path) -> Demo:
        """Of the stack's outputs; the kubeconfig leads to the federation API and to the members."""
        outputs = json.loads(
            stack.pulumi("stack", "output", "--json", "--show-secrets", "--stack", stack.name, capture=True).stdout
        )
        if "nameServers" not in outputs:
            raise FleetError("the federation is not up: run `make up` first")
        if not outputs["nameServers"]:
            raise FleetError("there are no names to show: Pulumi.dev.yaml has no federation:dns")
        federation = yaml.safe_load(outputs["kubeconfig"])["current-context"]
        members = [
            Member(each["name"], each["context"], each["region"], (*each["zones"][:1], each["region"]))
            for each in outputs["members"]
        ]
        names = ServiceNames("web", "default", federation, outputs["zone"])
        return cls(kubeconfig, federation, Zone(outputs["nameServers"][0], names), members)

    def kubectl(self, context: str, *arguments: str) -> str:
        command = [str(tool("kubectl")), "--kubeconfig", str(self.kubeconfig), "--context", context, *arguments]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout

    def page(self, member: Member) -> str:
        """What a pod in the member gets when it fetches the page by the short name; empty if it gets none."""
        fetch = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 nc {self.short_name} 80 2>/dev/null | tail -n 1"
        return self.kubectl(member.context, "exec", "deployment/web", "--", "sh", "-c", fetch).strip()

    def addresses(self, member: Member) -> set[str]:
        """Of the member's own load balancer; the names of its place may have other members' too."""
        addresses = "jsonpath={.status.loadBalancer.ingress[*].ip}"
        return set(self.kubectl(member.context, "get", "service", "web", "-o", addresses).split())

    def show_pages(self, members: list[Member]) -> None:
        """The page as pods in these members get it; a cluster's DNS hears of a new Corefile only after a while."""
        for member in members:
            self._await_page(member)
            print(f"  {member.name:<8} {self.page(member)}")

    def _await_page(self, member: Member) -> None:
        wait_until(f"a pod in {member.name} to get the page", lambda: bool(self.page(member)), LOOKUP_SECONDS)

    @property
    def short_name(self) -> str:
        return f"web.default.{self.federation}"

    def show(self, *place: str) -> None:
        """The answer for the example at this place, as dig prints it."""
        for rrset in self.zone.ask(self.zone.names.at(*place)).answer:
            for line in rrset.to_text().splitlines():
                print(f"  {line}")


def run(demo: Demo, fleet: Callable[..., object]) -> None:
    """Show it all, on a page. Every wait has a limit; `fleet` does the commands that cut and give a member's power."""
    example = EXAMPLE.relative_to(CHECKOUT)
    print(f"A Deployment and a Service, applied to the federation: {example}")
    print(demo.kubectl(demo.federation, "apply", "-f", str(EXAMPLE)), end="")
    seconds = wait_until(
        "an address from each member",
        lambda: demo.zone.agrees(lambda: len(demo.zone.addresses()) == len(demo.members)),
        READY_SECONDS,
    )
    print(f"{seconds:.1f} s later its pods run in all members, and {demo.zone.server} answers for its names:\n")
    places = [(), *((each.region,) for each in demo.members), *(each.place for each in demo.members)]
    for place in dict.fromkeys(places):
        demo.show(*place)

    print(f"\nIn a pod of each member, http://{demo.short_name} is the nearest one:")
    demo.show_pages(demo.members)

    lost, *others = demo.members
    print(f"\n{lost.name} loses its power.")
    gone = demo.addresses(lost)
    start = time.monotonic()
    try:
        fleet("stop", lost.name)
        wait_until(
            f"{lost.name} to leave the global name",
            lambda: demo.zone.agrees(lambda: gone.isdisjoint(demo.zone.addresses())),
            CHANGE_SECONDS,
        )
        print(f"{time.monotonic() - start:.1f} s after that its address is out of the names:\n")
        demo.show()
        demo.show(*lost.place)
        demo.show_pages(others)
    finally:
        print(f"\n{lost.name} gets its power back.")
        start = time.monotonic()
        fleet("start", lost.name)
    wait_until(
        f"{lost.name} to be in the global name again",
        lambda: demo.zone.agrees(lambda: gone <= demo.zone.addresses()),
        CHANGE_SECONDS,
    )
    print(f"{time.monotonic() - start:.1f} s after that its address is back:\n")
    demo.show()
    print(f"\nTo take the example away: kubectl --context {demo.federation} delete -f {example}")
