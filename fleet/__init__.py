"""The embedded fleet: real Kubernetes clusters on this machine, for development and tests.

One cluster is one sandbox (namespaces that die with one process), in it the published Kubernetes programs. The rooms:

    __main__       the command line
    operations     what each verb does, over all clusters of a fleet
    ownership      whose a fleet is, which addresses it gets
    takedown       everything of a fleet away, and a look at whether it is
    bringup        one cluster, step by step
    cluster        what a cluster is, and the questions one can ask it
    programs       the programs of a cluster and their flags
    settings       the files those programs read: kubelet, containerd, CNI
    certificates   the keys of a cluster; kubeconfig: of a whole fleet; private: how both are written
    addons         what a cluster holds from the start: storage class, DNS
    loadbalancer   the process that gives LoadBalancer Services their addresses
    images         container images made from the same programs
    record         what a fleet is made of, on disk, and the locks
    addresses      who has which address
    sandbox        the namespaces a cluster lives in; cgroups, network, processes, api, waiting: the tools of all

Nothing here knows about federation: to a `pulumi up` these are clusters like any other.
"""
