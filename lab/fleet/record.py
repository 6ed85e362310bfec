"""What a fleet is made of, on disk, where any checkout finds it: FOLDER/NAME/record.json, and the locks."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from lab.fleet import addresses
from lab.fleet.waiting import FleetError

CHECKOUT = Path(__file__).resolve().parents[2]


def fleets() -> Path:
    return Path(os.environ.get("FEDERATION_FLEETS", "/var/lib/federation-fleet")).resolve()


class BrokenRecordError(FleetError):
    """There is a record, but not one that this version of the fleet can read."""


@dataclass(frozen=True)
class Member:
    """One cluster as the record knows it."""

    name: str
    context: str
    number: int
    api_only: bool = False


@dataclass
class Record:
    """One fleet."""

    name: str
    slot: int
    owner: str = str(CHECKOUT)
    """The checkout that started it. Another one takes it down before it starts its own of that name."""
    members: list[Member] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    """Names of the published images that the host has, too (`fleet.published`)."""

    @property
    def folder(self) -> Path:
        return fleets() / self.name

    @property
    def host(self) -> str:
        """The cluster that gets the control plane's images: the first with a node."""
        return next((member.name for member in self.members if not member.api_only), "")

    def member(self, name: str) -> Member:
        for member in self.members:
            if member.name == name:
                return member
        known = ", ".join(member.name for member in self.members)
        raise FleetError(f"fleet {self.name} has no cluster {name!r}; it has {known}")

    def add(self, name: str, context: str, *, api_only: bool) -> None:
        """Notes a cluster down. One that is there already keeps its number, so it keeps its address."""
        taken = {member.number for member in self.members if member.name != name}
        known = next((member for member in self.members if member.name == name), None)
        if known and known.api_only != api_only:
            raise FleetError(f"cluster {name} is there already and is {'' if known.api_only else 'not '}api-only")
        candidates = addresses.API_ONLY_NUMBERS if api_only else addresses.FULL_NUMBERS
        number = known.number if known else addresses.first_free(candidates, taken)
        if number is None:
            raise FleetError(f"no room for cluster {name}: a fleet has room for {len(candidates)} of its kind")
        others = [member for member in self.members if member.name != name]
        if any(member.context == context for member in others):
            raise FleetError(f"context {context} would name two clusters of fleet {self.name}")
        member = Member(name, context, number, api_only)
        self.members = sorted([*others, member], key=lambda each: each.number)

    def save(self) -> None:
        new = self.folder / "record.json.new"
        new.write_text(json.dumps(asdict(self), indent=2) + "\n")
        new.rename(self.folder / "record.json")

    @classmethod
    def load(cls, name: str) -> Self | None:
        """None if there is no such fleet."""
        try:
            found = json.loads((fleets() / name / "record.json").read_text())
            found["members"] = [Member(**member) for member in found["members"]]
            return cls(**found)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as problem:
            raise BrokenRecordError(f"the record of fleet {name} cannot be read: {problem}") from problem


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and holds it for this process alone, for as long as the body runs.

    The lock is on the folder itself, so that it goes with the folder; whoever waited for one that has gone by
    then starts over with the new one.
    """
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting for another command on {folder}", flush=True)
                fcntl.flock(held, fcntl.LOCK_EX)
            if _still_there(held, folder):
                yield
                return
        finally:
            os.close(held)


def _still_there(held: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(held), folder.stat())
    except FileNotFoundError:
        return False
