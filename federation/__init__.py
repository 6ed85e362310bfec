"""A federation of Kubernetes clusters as Pulumi components; `__main__.py` of the project composes them.

The rooms, in the order of the data; each imports only from those that stand before it:

    settings       The stack's configuration and what is known by it alone: no Pulumi resource, no network
    clusters       A cluster before anything is made in it: how it is reached, who it is, and whose what is there is
    parts          What control plane, engines, members and names are made of
    control_plane  The control plane: a Kubernetes API of its own in the host cluster (what `kubefed init` made),
                   whatever the engine
    engine         Who carries objects to the members: one component for each engine, on one contract
    member         A cluster's membership (what `kubefed join` made)
    dns            The names of federated Services: the zone, the records in it, and the members' lookups
    immutable      What is fixed at the first `pulumi up`: the members and the volumes of etcd
    outputs        What a stack gives out, as plain values
    interruption   How the program ends when Pulumi interrupts it
"""
