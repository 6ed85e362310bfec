"""The control plane: a Kubernetes API of its own in the host cluster (what `kubefed init` made), whatever the engine.

`component` composes: `endpoint`, `programs` and `certificates` say what runs in the host and under which names.
"""

from federation.control_plane.component import ControlPlane, ControlPlaneArgs

__all__ = ["ControlPlane", "ControlPlaneArgs"]
