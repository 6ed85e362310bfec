"""The built-in engine: its component, the kinds that it serves, and its rights in the federation API."""

from federation.engine.builtin.component import TERMS, Builtin

__all__ = ["TERMS", "Builtin"]
