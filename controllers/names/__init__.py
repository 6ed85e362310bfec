"""Names that follow the Services: works out the DNS records of a federation, as DNSEndpoint objects.

Runs as one pod in the host cluster. From the federation API it reads Services and Clusters, from each member the
federation's Services there, and their EndpointSlices; it writes one DNSEndpoint object for each Service of type
LoadBalancer.

Bottom up: `plan` is the pure heart (clusters in, records out); `objects` turns the objects of the APIs into its input
and its records into DNSEndpoint objects; `members` and `resolve` tell what they see, each from threads of its own;
`controller` ties them together on the one thread that owns all state, `writer` writes. `controllers.runtime` has the
loop of that thread, and the streams.

The rooms:

    cache       The latest view of each object of a stream, and the Service that it is about
    controller  Keeps each Service's DNSEndpoint as it should be: puts together what the streams tell, plans, and has
                it written
    members     What is seen of the members: each Service's load balancer and endpoints there, and whether their APIs
                answer
    metrics     The figures of controllers/names for Prometheus
    objects     What the controller takes from the objects of the APIs, and the DNSEndpoint objects that it writes
    plan        The DNS records of one federated Service, worked out from what its clusters have to offer
    resolve     The addresses of load balancers that are known by host name only, looked up again and again as they
                change
    writer      Writes DNSEndpoint objects: only ours, and only over the version that was looked at
"""
