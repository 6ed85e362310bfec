"""The stack's configuration and what is known by it alone: no Pulumi resource, no network.

The rooms:

    access      What the federation may do in a member, for each engine and profile of access, as rules of Kubernetes
                RBAC
    config      Load the stack's configuration, or say everything that is wrong with it at once. No Pulumi resource
    domains     Domains of one label whose names pods look up: a federation that is called like one would hide them
    images      References of container images, by the grammar of container runtimes (distribution's package
                `reference`)
    keys        The keys of labels, annotations and the finalizer by which the federation speaks of objects
    kubeconfig  Kubeconfig files as values: read, pick one context out, merge several. No Pulumi, no network
    names       The names by which the program, its controllers and clients know each other's objects, and those in the
                zone
    reach       What of a kubeconfig's cluster holds for the control plane's pods too, on their way to a member
    schema      The shape of the stack's configuration: sections, fields, defaults, and the rule of each value
    syntax      The syntax of values: what is a name, a label, a domain, an address, a proxy; and the words for it
    validation  What contradicts each other in the configuration, though each value is good by itself
"""
