"""What members have to give back once they can, as their Clusters say: many notes are written at a time."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from controllers.engine.api_writer import Condition
from controllers.engine.cluster_writer import RETRY_SECONDS, ClusterWriter
from controllers.engine.clusters import debts
from controllers.engine.refs import Ref
from controllers.engine.turns import Timers
from controllers.runtime.api import FAILURES, why
from controllers.runtime.loop import Loop

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.5
"""So long it waits for what comes with a note: each time, the whole Cluster is written."""
EACH_SECONDS = 0.001
"""So much longer for each note that stands: no more than about 100 KB of a Cluster are written in a second."""
MOST_BYTES = 1_000_000
"""Of the notes on one Cluster, about 8,000 of them: etcd takes no object of more than 1.5 MiB."""
NOTED = "DebtsNoted"
"""Condition of a Cluster: False while it owes more than can be noted."""


@dataclass(frozen=True)
class _Note:
    """That an object is owed, or no longer."""

    cluster: str
    """UID of the Cluster that it is for."""
    ref: Ref
    owed: bool
    settles: bool
    """Whether `settled` is told once it is written: not where the object is to be in the member again."""


class Debts:
    """To be used on the loop only."""

    def __init__(self, writer: ClusterWriter, loop: Loop, settled: Callable[[str, Ref, str], None]) -> None:
        """`settled` is told the Cluster, the object and its UID once a note is written."""
        self._writer, self._settled, self._timers = writer, settled, Timers(loop)
        self._notes: defaultdict[str, dict[str, _Note]] = defaultdict(dict)
        """What is to be written, by Cluster and UID of the object."""

    def note(self, name: str, ref: Ref, uid: str, *, owed: bool, settles: bool = True) -> bool:
        """Whether the Cluster says so already; else it is tried until it does, and with `settles` `settled` is told."""
        cluster = self._writer.clusters[name]
        if (uid in cluster.owed) == owed:
            self._notes.get(name, {}).pop(uid, None)
            return True
        self._notes[name][uid] = _Note(cluster.uid, ref, owed, settles)
        if name not in self._timers:
            seconds = SETTLE_SECONDS + len(cluster.owed) * EACH_SECONDS
            self._timers.set(name, seconds, partial(self._write, name))
        return False

    def due(self, name: str, wanted: Callable[[str, Ref, str], bool | None]) -> Iterator[tuple[Ref, str]]:
        """What the member is to give back now, with its UID.

        Not what is to be there again: taken back, its data would go before it is made anew. `wanted` says so of
        Cluster, object and UID; what it does not know yet (None) waits.
        """
        for uid, ref in debts(self._writer.clusters[name]):
            if wanted(name, ref, uid) is False:
                yield ref, uid

    def _write(self, name: str) -> None:
        notes, cluster = self._notes.pop(name), self._writer.clusters.get(name)
        if cluster is None:
            return
        notes = {uid: note for uid, note in notes.items() if note.cluster == cluster.uid}
        told = {uid: str(note.ref) if note.owed else None for uid, note in notes.items()}
        fitting = _fitting(cluster.owed, told)
        try:
            if fitting:
                self._writer.note_owed(name, fitting)
        except FAILURES as error:
            log.warning(f"cannot note what {name} owes: {why(error)}", extra={"cluster": name})
            self._notes[name] = notes
            self._timers.set(name, RETRY_SECONDS, partial(self._write, name))
            return
        self._remark(name, len(told) - len(fitting))
        for uid in fitting:
            if notes[uid].owed:
                text = f"{notes[uid].ref} goes from {name} once it can"
                log.info(text, extra={"cluster": name, "object": str(notes[uid].ref)})
            if notes[uid].settles:
                self._settled(name, notes[uid].ref, uid)

    def _remark(self, name: str, waiting: int) -> None:
        text = f"it owes more than can be noted: what else is deleted waits until {name} gives it back, or is given up"
        bad, good = Condition(NOTED, "False", "TooMany", text), Condition(NOTED, "True", "AllNoted", "all is noted")
        self._writer.remark(name, bad if waiting else good, is_well=not waiting)


def _fitting(owed: Mapping[str, str], told: Mapping[str, str | None]) -> dict[str, str | None]:
    """Of what is to be noted as much as there is room for; what goes off needs none."""
    used = sum(_size(uid, text) for uid, text in owed.items() if uid not in told)
    found: dict[str, str | None] = {}
    for uid, text in told.items():
        used += 0 if text is None else _size(uid, text)
        if text is None or used <= MOST_BYTES:
            found[uid] = text
    return found


def _size(uid: str, text: str) -> int:
    """In JSON, with the key once more in managedFields."""
    return 2 * len(uid) + len(text) + 14
