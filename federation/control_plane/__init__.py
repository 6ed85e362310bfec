"""The control plane: a Kubernetes API of its own in the host cluster (what `kubefed init` made), whatever the engine.

The rooms:

    certificates  The certificates of the control plane: three authorities, and what each signs
    component     `kubefed init`: the control plane of a federation in its host cluster
    endpoint      How clients outside the host cluster reach the federation API: the Service of its Deployment, and
                  the address
    programs      The programs of the control plane as data: image, flags, probes and files of each Deployment
"""

from federation.control_plane.component import ControlPlane, ControlPlaneArgs

__all__ = ["ControlPlane", "ControlPlaneArgs"]
