"""The built-in engine: its component, the kinds that it serves, and its rights in the federation API.

The rooms:

    component  The built-in engine: federation-controller-manager (controllers/engine), and the kinds that it serves
    departure  The last thing before a member's Cluster goes, on the built-in engine: `provider/departure.py` says
               what it does
    rules      What the built-in engine may do in the federation API, as rules of Kubernetes RBAC
"""

from federation.engine.builtin.component import TERMS, Builtin

__all__ = ["TERMS", "Builtin"]
