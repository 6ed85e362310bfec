"""What control plane, engines, members and names are made of.

The rooms:

    accounts          ServiceAccounts of a member, with tokens that others use to call its API
    etcd              etcd in the host cluster: one or three members, each with a volume, open to its clients alone, by
                      a CA of its own
    load_balancer     The address of a Service of type LoadBalancer: how Pulumi awaits it, how it is read, what to do
                      where none comes
    network_policies  Who may reach a program's pods. Kubernetes leaves enforcement to the host cluster's network:
                      some have none
    our_provider      The project's own Pulumi provider (`provider/`), as the program sees it
    pki               Certificate authorities and the leaves that they sign. Which ones: control_plane/certificates,
                      dns
    readiness         What a Cluster says of itself when it does not become Ready: Pulumi's own wait tells only that
                      time ran out
    roles             Rights for one user or account, in a whole cluster or in one namespace
    storage           Whether the host cluster can give etcd a volume: without, its pod would wait for a claim that
                      nobody serves
    workload          One program in the host cluster as Kubernetes objects: its Secrets, Deployment, Service,
                      NetworkPolicy and PodDisruptionBudget
"""
