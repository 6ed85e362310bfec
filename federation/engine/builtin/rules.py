"""What the built-in engine may do in the federation API, as rules of Kubernetes RBAC. Pure."""

from federation.access import Rule

RULES: list[Rule] = []
