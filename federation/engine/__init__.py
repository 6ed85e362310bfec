"""Who carries objects to the members: one component for each engine, on one contract (`contract`).

This is the only place that chooses between them. `only` keeps a federation with the engine that it has.
"""

from collections.abc import Callable, Mapping

from federation.engine import builtin, karmada
from federation.engine.contract import EngineArgs, Joining, Terms
from federation.settings import EngineName

TERMS: Mapping[EngineName, Terms] = {"karmada": karmada.TERMS, "builtin": builtin.TERMS}
ENGINES: Mapping[EngineName, Callable[[str, EngineArgs], karmada.Karmada | builtin.Builtin]] = {
    "karmada": karmada.Karmada,
    "builtin": builtin.Builtin,
}

__all__ = ["ENGINES", "TERMS", "EngineArgs", "Joining", "Terms"]
