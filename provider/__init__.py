"""The project's own Pulumi provider: resources that no other provider has, under the tokens `federation:index:...`.

`pulumi-resource-federation` is what Pulumi starts, `edge` is its protocol, `schema.json` says which resources there
are and of what they consist. Each kind has a file (or a folder) of its own: `private_key`, `certificate_authority` and
`certificate` (with `signing`), `cluster_dns`, `withdrawal` and `kept_workloads` (with `clusters`). The rooms:

    cluster_dns            A member's cluster DNS, led to the federation's names: put in when the member joins, taken
                           out when it leaves
    certificate            A certificate that an authority signs, and signs anew in time
    certificate_authority  The certificate of an authority, signed with its own key
    clusters               Calls of a cluster's API; what goes wrong is told in words
    departure              A member that is gone for good leaves without being asked: the built-in engine is told,
                           before its Cluster goes
    edge                   The edge to Pulumi: its protocol for providers, turned into calls of `resource.Resource`
                           with plain values
    kept_workloads         `keepWorkloads`: a member that leaves goes on running what the federation brought it
    private_key            A private key of the kind that all parts of a federation use
    resource               What a kind of resource does, without Pulumi's protocol, and how it says what went wrong
    schema                 What `schema.json` says of each kind of resource: the one place where its properties are
                           listed
    serving                The server, with every kind of resource that there is
    shared_secret          A secret that two sides share, who know each other by it
    signing                Certificates (X.509) as PEM: an authority's own, and those that it signs
    values                 Properties as Pulumi's protocol has them, and as plain values
    withdrawal             A member leaves the names before it leaves the federation: clients that remember its
                           addresses still find them alive
"""
