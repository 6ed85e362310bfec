"""The federation on clusters of this machine: what `make up` and `make down` do, and what the tests build on.

It puts the others together (toolbox, fleet, pulumi), each as a user would call it. The rooms:

    fleet       The embedded fleet: real Kubernetes clusters on this machine, for development and tests
    toolbox     The programs this project needs: found on PATH, unpacked from a bundle, or downloaded from their
                projects
    demo        The demonstration: one Service, its names, and what they say while a member is without power
    federation  Up and down: the fleet, the stack on it, and the kubeconfig that a user then works with
    stack       A Pulumi stack of the program that lives beside the fleet it manages, and goes with it
    zone        A federation's zone as clients see it: questions to its name server
"""
