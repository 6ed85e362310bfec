"""Who carries objects to the members: one component for each engine, on one contract.

This is the only place that chooses between them. The rooms:

    builtin   The built-in engine: its component, the kinds that it serves, and its rights in the federation API
    karmada   The engine Karmada
    choice    A federation keeps the engine that it got at its first `pulumi up`; another one is refused, in the
              preview already
    contract  What an engine and the rest of the program know of each other
"""

from collections.abc import Callable, Mapping

from federation.engine import builtin, karmada
from federation.engine.contract import EngineArgs, ForMembers, Terms
from federation.settings.schema import EngineName

TERMS: Mapping[EngineName, Terms] = {"karmada": karmada.TERMS, "builtin": builtin.TERMS}
ENGINES: Mapping[EngineName, Callable[[str, EngineArgs], karmada.Karmada | builtin.Builtin]] = {
    "karmada": karmada.Karmada,
    "builtin": builtin.Builtin,
}

__all__ = ["ENGINES", "TERMS", "EngineArgs", "ForMembers", "Terms"]
