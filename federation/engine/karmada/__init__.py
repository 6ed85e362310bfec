"""The engine Karmada: `component` composes `programs` (in the host), and what must exist inside the federation API.

That is `contents` with `crds`, `webhooks` and `rbac`; `propagation`, the policy of those who wrote none; and
`kept_workloads`, for members that leave and keep what they run.
"""

from federation.engine.karmada.component import TERMS, Karmada

__all__ = ["TERMS", "Karmada"]
