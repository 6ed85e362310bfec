"""Names that follow the Services: works out the DNS records of a federation, as DNSEndpoint objects.

Runs as one pod in the host cluster. From the federation API it reads Services and Clusters, from each
member its own Services and EndpointSlices; it writes one DNSEndpoint object for each Service of type LoadBalancer.

Bottom up: `plan` is the pure heart (clusters in, records out); `objects` turns the objects of the APIs into its input
and its records into DNSEndpoint objects; `loop` is the one thread that owns all state; `watching`, `members` and
`resolve` tell it what they see, each from threads of its own; `controller` ties them together, `writer` writes.
"""
