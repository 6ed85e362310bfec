"""What was found, for the reader at 3 in the morning. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from operate.drift.digest import Difference, Failure


def lines(differences: Sequence[Difference], failures: Sequence[Failure]) -> Iterator[str]:
    """The summary: what could not be looked at, what differs, what to do."""
    if failures:
        yield "COULD NOT LOOK at everything, so there may be more than is said here:"
        yield from (_failure(each) for each in failures)
    if differences:
        yield f"DRIFT: {_count(len(differences), 'object')} not as configured:"
        for each in differences:
            yield _heading(each)
            yield from (f"        {field}" for field in each.fields)
        yield "`pulumi up --refresh --run-program` puts all of it back as configured."
    if not failures and not differences:
        yield "No drift: everything is as configured."


def _failure(failure: Failure) -> str:
    of = f" ({_count(failure.resources, 'resource')})" if failure.resources > 1 else ""
    return f"    {failure.where}{of}: {failure.message}"


def _heading(each: Difference) -> str:
    named = f"{each.kind} {each.object or each.resource}"
    where = f" in {each.where}" if each.where else ""
    return f"    {each.happened:<8} {named}{where} (Pulumi's {each.resource})"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
