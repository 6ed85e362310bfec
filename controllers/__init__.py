"""What runs in the host cluster, in one image.

Each of `engine`, `names` and `zone` is a process of its own; `runtime` is common to them.

The rooms:

    engine   The engine `builtin`: tells of each member whether it is Ready, and carries what is in the federation API
             there
    names    Names that follow the Services: works out the DNS records of a federation, as DNSEndpoint objects
    runtime  What the controllers have in common: a line to an API server, following a collection, the loop that owns
             all state
    zone     The zone as a file: writes the DNSEndpoints of the federation API where CoreDNS, in the same pod, reads
             them
"""
