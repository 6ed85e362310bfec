"""The keys of labels, annotations and the finalizer by which the federation speaks of objects. Pure.

All that it writes or reads are here; docs/propagation.md says which of them people set, on objects that are carried.
"""

FEDERATION = "federation/name"
"""Label of what a federation makes in clusters that it shares with others: the federation's name."""
CONTROL_PLANE = "federation/control-plane"
"""Annotation of a federation's own Namespace in a member, which tells federations of one name apart: where its control
plane is, as the UID of Namespace kube-system in the host cluster, a slash, and the Namespace there."""
STACK = "federation/stack"
"""Annotation of the control plane's Namespace: the stack that manages it, as PROJECT/STACK."""
CARRIED_BY = "federation/carried-by"
"""Label of what the builtin engine brings into a member: the federation's name."""
PROPAGATE = "federation/propagate"
"""Label: `false` keeps an object in the federation API."""
STAYING = {"federation/workloads": "stay"}
"""Label of the namespace of a member's Works while it leaves without them."""
CLUSTERS = "federation/clusters"
"""Annotation: the names of the clusters that the object is for, such as `gondor,rohan`. All, if there is none."""
CLUSTER_SELECTOR = "federation/cluster-selector"
"""Annotation: a label selector that the clusters match, such as `region=aman,tier!=test`. All, if there is none."""
ADOPT = "federation/adopt"
"""Annotation: `true` takes over an object of the same name that a member has already."""
RECREATE = "federation/recreate"
"""Annotation: `true` lets the object be made anew in a member where a change is refused, as a field is
immutable."""
FINISHED = "federation/finished"
"""Annotation, written by the engine: UID of the Job, a colon, and the clusters in which it has finished, such as
`gondor=Complete, rohan=Failed`."""
FINALIZER = "federation/engine"
"""Of what is carried, and of Clusters: none of them goes before its objects are gone from the members."""
API_UID = "federation/api"
"""Annotation in members: UID of Namespace kube-system in the federation API that the object is from."""
OBJECT_UID = "federation/object"
"""Annotation in members: UID of the object in the federation API."""
LEAVING = "federation/leaving"
"""Annotation of a Cluster that is about to go: while it is `true`, the cluster's addresses stay out of the
names."""
KEEP_WORKLOADS = "federation/keep-workloads"
"""Annotation of a Cluster: `true` while `keepWorkloads` is set. Where it is missing, the deletion of KeptWorkloads
means that the setting was taken back, and lets no workload stay."""
NAMESPACES = "federation/namespaces"
"""Annotation of a Cluster: the only namespaces there that the federation may look into, such as `shire,bree`."""
UNREACHABLE = "federation/unreachable"
"""Annotation of a Cluster, written by our provider: with `true` its member is gone for good, and is not asked when the
Cluster is deleted."""
SEEN = "federation/seen"
"""Annotation of a DNSEndpoint: what was seen of each cluster when the records were worked out."""
TOKEN = "federation/token-"
"""Annotation of a pod, with a member's name after it: a checksum of the token in that member that it has read."""
FILES = "federation/files"
"""Annotation of a pod: a checksum of the files that its programs do not read again."""
CLUSTER_DNS = "federation/cluster-dns"
"""Annotation of the pods of a member's CoreDNS, where that has no plugin reload: a checksum of what federations have in
its files."""
GENERATIONS = "federation/authorities"
"""Annotation of the control plane's Namespace: the generations of the authorities, where there are others than
1."""
