"""The control plane: Karmada's API and controllers in the host cluster (what `kubefed init` made).

`component` composes: `endpoint`, `programs` and `certificates` say what runs in the host and under which names;
`contents`, `crds`, `webhooks` and `rbac` are what must exist inside the API.
"""

from federation.control_plane.component import ControlPlane, ControlPlaneArgs
from federation.control_plane.programs import CONTROLLER_MANAGER

__all__ = ["CONTROLLER_MANAGER", "ControlPlane", "ControlPlaneArgs"]
