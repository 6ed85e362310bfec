"""What a carrier and the controller know of each other: what is wanted in a member, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from controllers.engine.member_status import MemberStatus, Reported
from controllers.engine.refs import Ref


@dataclass(frozen=True)
class Wanted:
    """What is to be in the member."""

    uid: str
    """Of the object in the federation API."""
    body: bytes
    digest: str
    adopt: bool
    recreate: bool
    is_finished: bool
    """Whether it is a Job that has finished in the member: it is not made again there."""


class CarrierHandlers(Protocol):
    """What a carrier tells, from its own thread."""

    def settled(self, ref: Ref, uid: str) -> None:
        """The object of this UID in the federation API is no longer in the member."""

    def keeps(self, ref: Ref, uid: str) -> None:
        """The object of this UID is to be in the member again, before it was taken back: it is not owed any more."""

    def problem(self, ref: Ref, text: str) -> None:
        """The member is not as it should be."""

    def finished(self, ref: Ref, uid: str, reported: Reported | None) -> None:
        """The Job of this UID in the federation API has finished in the member, and says this of itself."""

    def owes(self, ref: Ref, uid: str) -> None:
        """The member refuses to give it back, or to tell whether it has it."""

    def orphans(self, found: Sequence[Ref]) -> None:
        """All that the member has of this federation and the federation API does not; told again and again."""

    def refused(self, kinds: Mapping[str, str]) -> None:
        """The kinds that the member does not let us follow, with its words; none, once it does again."""

    def status_changed(self, ref: Ref, member_status: MemberStatus | None) -> None:
        """What is known of the object has changed; None is that it is to be there no more."""

    def left(self) -> None:
        """Nothing of ours is in the member any more."""

    def staying(self, text: str) -> None:
        """The member cannot leave yet."""
