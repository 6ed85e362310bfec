"""What is seen in a member of what this federation made there, whether or not it is still to be there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from controllers.engine import orphans
from controllers.engine.manifest import Owner, shape
from controllers.engine.member_status import Reported, read_reported
from controllers.engine.orphans import Known
from controllers.engine.reach import Reach
from controllers.engine.refs import Ref
from controllers.engine.traces import Traces, traces
from controllers.runtime.api import Api, why
from controllers.runtime.loop import Loop
from controllers.runtime.metrics import StreamMetrics
from controllers.runtime.objects import Json
from controllers.runtime.watching import News, Stream, follow
from federation.settings.keys import CARRIED_BY, OBJECT_UID
from kube.errors import ApiError
from kube.kinds import collection

WATCH_SECONDS = 300
"""Long, as a member that is gone shows in its heartbeat: few requests while nothing happens."""


@dataclass(frozen=True)
class Seen:
    """An object in the member that has the federation's name."""

    uid: str
    made_of: str
    """UID in the federation API."""
    ours: bool
    """Whether this federation API made it, and not another one of the same name."""
    shape: str
    deleting: bool
    traces: Traces
    version: str = field(compare=False)
    """Not compared, as it changes with every status."""
    reported: Reported | None = field(compare=False)


@dataclass(frozen=True)
class Handlers:
    """Who is told, on the loop."""

    changed: Callable[[Mapping[Ref, Seen | None]], None]
    """What is ours now of these objects."""
    synced: Callable[[str], None]
    """Objects of this kind were seen for the first time, in one of its places."""
    refused: Callable[[Mapping[str, str]], None]
    """The kinds that the member does not let us follow, with its words; none, once it does again."""


class Informer:
    """To be used on the loop only."""

    def __init__(
        self,
        member: str,
        owner: Owner,
        *,
        kinds: Iterable[str],
        reach: Reach,
        connect: Callable[[], Api],
        loop: Loop,
        metrics: StreamMetrics,
        handlers: Handlers,
    ) -> None:
        self._member, self._owner, self._reach = member, owner, reach
        self._loop, self._metrics, self._handlers = loop, metrics, handlers
        self.ours: dict[Ref, Seen] = {}
        self._strange: dict[Ref, Seen] = {}
        """What another federation API of our name made."""
        self._suspects: frozenset[Ref] = frozenset()
        """What was an orphan when they were last looked for: one stream may be ahead of another for a moment."""
        self._synced: set[tuple[str, str]] = set()
        """Kinds and the places of `reach` where all objects were seen."""
        self._refused: dict[tuple[str, str], str] = {}
        """Those that may not be followed, with the member's words."""
        self._streams = [self._stream(kind, place, connect) for kind in kinds for place in reach.places(kind)]
        for stream in self._streams:
            follow(stream, metrics)

    def stop(self) -> None:
        """For any thread."""
        for stream in self._streams:
            stream.stopped.set()
            self._metrics.forget(stream.name)

    @property
    def is_complete(self) -> bool:
        """Whether all was seen that there is."""
        return len(self._synced) == len(self._streams)

    @property
    def is_settled(self) -> bool:
        """Whether all was seen but for what is refused."""
        return len(self._synced | self._refused.keys()) == len(self._streams)

    @property
    def refused(self) -> dict[str, str]:
        """The kinds that may not be followed in some place, with the member's words of the first one."""
        return {kind: text for (kind, _), text in sorted(self._refused.items(), reverse=True)}

    def has_seen(self, ref: Ref) -> bool:
        """Whether it would be known if it were there."""
        return (ref.kind, self._reach.place(ref)) in self._synced

    def view(self, kind: str, obj: Json) -> Seen:
        metadata = obj["metadata"]
        made_of = (metadata.get("annotations") or {}).get(OBJECT_UID, "")
        return Seen(
            metadata["uid"],
            made_of,
            self._owner.has(metadata),
            shape(obj),
            "deletionTimestamp" in metadata,
            traces(kind, obj),
            metadata["resourceVersion"],
            read_reported(kind, obj),
        )

    def orphans(self, known: Known, expected: Collection[Ref]) -> list[Ref] | None:
        """What was an orphan the last time, too; None while not all was seen that may be."""
        if not self.is_settled:
            return None
        seen = {ref: each.made_of for ref, each in self.ours.items() if not each.deleting}
        before, self._suspects = self._suspects, orphans.find(seen, known, expected) | self._strange.keys()
        return sorted(before & self._suspects)

    def _stream(self, kind: str, place: str, connect: Callable[[], Api]) -> Stream[Seen]:
        return Stream(
            f"{kind} objects in {self._member}{f', namespace {place}' if place else ''}",
            collection(kind, place),
            partial(self.view, kind),
            connect,
            lambda news: self._loop.post(partial(self._learn, kind, place, news)),
            # What others made is never read: of their Secrets we know nothing.
            f"{CARRIED_BY}={self._owner.federation}",
            watch_seconds=WATCH_SECONDS,
            failed=lambda error: self._loop.post(partial(self._lose, kind, place, error)),
        )

    def _learn(self, kind: str, place: str, news: News[Seen]) -> None:
        is_first = (kind, place) not in self._synced
        self._synced.add((kind, place))
        told = {Ref(kind, *key): view for key, view in news.views.items()}
        if news.complete:
            before = (*self.ours, *self._strange)
            told |= {
                ref: None for ref in before if (ref.kind, self._reach.place(ref)) == (kind, place) and ref not in told
            }
        for ref, view in list(told.items()):
            known = self.ours.get(ref)
            if not news.complete and known is not None and int(known.version) > int(news.version):
                del told[ref]  # From before what we wrote ourselves.
                continue
            self.ours.pop(ref, None)
            self._strange.pop(ref, None)
            if view is not None:
                (self.ours if view.ours else self._strange)[ref] = view
        # Not before: who hears that nothing is refused takes `ours` for all that there is.
        self._note_refused(kind, place, "")
        self._handlers.changed({ref: self.ours.get(ref) for ref in told})
        if is_first:
            self._handlers.synced(kind)
            if self.is_complete:
                self._handlers.refused({})

    def _lose(self, kind: str, place: str, error: Exception) -> None:
        """A kind that may not be followed keeps its objects as they are; all others go on."""
        if isinstance(error, ApiError) and error.status == HTTPStatus.FORBIDDEN:
            self._note_refused(kind, place, why(error))

    def _note_refused(self, kind: str, place: str, text: str) -> None:
        before = self.refused
        self._refused.pop((kind, place), None)
        if text:
            self._refused[kind, place] = text
        if self.refused != before:
            self._handlers.refused(self.refused)
