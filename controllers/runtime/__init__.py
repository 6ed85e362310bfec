"""What the controllers have in common: a line to an API server, following a collection, the loop that owns all state.

Bottom up: `api`, `line` and `objects`; `member` leads to a member's API, `events` tells of an object; `metrics`,
`serving` and `process` are the edges to Prometheus, kubelet and container, and `supervisor` starts a process anew;
`watching` and `probing` tell the `loop` what they see, each from threads of its own; `leader` says whether this process
is the one that works. The rooms:

    api         A line to one API server as controllers need it: a fence before each write, and finite times for
                everything
    arguments   Arguments that controllers have in common, and the rule of each
    events      Events: what the federation says of an object to whoever describes it
    leader      Which of several processes works: who holds a Lease (coordination.k8s.io/v1), as Kubernetes' own
                controllers do it
    line        A line to one API that is kept while it works, and is new after a failure
    loop        The one thread that owns all state: others post to it what they see, so that nothing needs a lock
    member      The way to a member's API: where it is, by its Cluster, and the credentials that the federation API
                has for it
    metrics     What every controller tells Prometheus: of each stream, whether it is followed
    objects     Objects of an API as JSON has them, and what they are known by
    probing     Whether a member's API answers at all: asked every few seconds, on a thread of its own
    process     A controller as a process: its log, its probes, its loop and its end
    serving     What the controller tells the kubelet and Prometheus over HTTP: /livez, /healthz and /metrics
    supervisor  Runs a module as a process of its own, and starts it anew whenever it ends or is stuck: PORT MODULE
                ARGUMENT
    watching    Following a collection of objects: list, then watch, for ever
"""
