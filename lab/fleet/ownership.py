"""Whose a fleet is, and which addresses it gets.

A fleet belongs to the checkout that started it. Another checkout that wants one of the same name takes what it
finds down first: that is how the remains of a killed run, or of a deleted clone, go away.
"""

from contextlib import suppress

from lab.fleet import addresses, network
from lab.fleet.record import CHECKOUT, BrokenRecordError, Record, fleets, locked
from lab.fleet.takedown import take_down
from lab.fleet.waiting import FleetError, Progress


def existing(name: str) -> Record:
    fleet = Record.load(name)
    if fleet is None:
        raise FleetError(f"there is no fleet {name}; start it with: python -m lab.fleet --fleet {name} up")
    return fleet


def mine(name: str, say: Progress) -> Record:
    """The fleet's record, a new one if need be."""
    found = None
    try:
        found = Record.load(name)
        in_the_way = f"it belongs to {found.owner}" if found and found.owner != str(CHECKOUT) else None
        if found is None and network.bridge_of(name):
            in_the_way = "it has lost its record"
    except BrokenRecordError as problem:
        in_the_way = str(problem)
    if in_the_way:
        print(f"{in_the_way}; taking fleet {name} down first", flush=True)
        take_down(name, say)
    elif found:
        return found
    return _new(name)


def _new(name: str) -> Record:
    with locked(fleets()):
        taken = _taken()
        slot = addresses.first_free(addresses.SLOTS, taken)
        if slot is None:
            users = ", ".join(sorted(set(taken.values())))
            raise FleetError(
                f"no addresses left for another fleet: all of 10.89.0.0/20 and 10.90.0.0/16 is in use, by {users}"
            )
        fleet = Record(name, slot)
        fleet.save()
        return fleet


def _taken() -> dict[int, str]:
    """The slots that are not free, and what has each."""
    slots = network.occupied()
    for folder in fleets().iterdir():
        # Whatever a record says that cannot be read, the addresses of a running fleet are seen on the machine.
        with suppress(BrokenRecordError):
            if other := Record.load(folder.name):
                slots[other.slot] = f"fleet {other.name}"
    return slots
