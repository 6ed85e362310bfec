"""What the controllers have in common: a line to an API server, following a collection, the loop that owns all state.

Bottom up: `api`, `line` and `objects`; `member` leads to a member's API, `events` tells of an object; `metrics`,
`serving` and `process` are the edges to Prometheus, kubelet and container, and `supervisor` starts a process anew;
`watching` and `probing` tell the `loop` what they see, each from threads of its own; `leader` says whether this process
is the one that works.
"""
