"""The engine `builtin`: tells of each member whether it is Ready, and carries what is in the federation API there.

Runs in the host cluster; of several pods one leads. From the federation API it reads Clusters, their credentials, and
the objects of the kinds that it carries; to each Ready member it applies them, and takes them back when they are
deleted.

Bottom up: `refs` says which object is meant; `manifest` is the pure heart (object in, what to apply out);
`placement` says for which clusters that is; `federated` and `clusters` read the objects of the federation API, as long
as it is the `same_api`, and `objects` are all of the former; `health` judges a member by its answers and `heartbeat`
asks for them.

`carrier` is one Ready member and what is to be there, on a thread of its own, object by object in `turns`. It sees what
is there by `informer` (within its `reach`), gives way by `scaling`, `finished`, `recreation` and `fights`, takes back
by `removal` and at its end by `leaving`, and tells by `telling` and `contract`. `dropped` are kinds that are carried no
more, `orphans` what nobody knows.

What comes back is `member_status` of one cluster, `status` (`conditions`, `jobs`) of all of them, and `reports`
(`progress`) of each; `aggregator` writes it, on a thread of its own. `cluster_writer` writes what is said on Clusters
(`debts`, what they owe), `object_writer` on objects, both by `api_writer`; `controller` owns the rest and ties all
together. The rooms:

    aggregator      Tells in the federation API how what is carried stands in the members: in its status, and in a
                    report per cluster
    api_writer      Writes to the federation API: finalizers, the status of Clusters, Events
    carrier         One Ready member: what is to be there, what is there of ours, and a thread of its own that makes
                    them agree
    cluster_writer  The Clusters as they were last seen, and what is written on them: conditions, what they owe, the
                    finalizer
    clusters        What is kept of a Cluster, and its credentials
    conditions      One condition of a Deployment out of those of all clusters
    contract        What a carrier and the controller know of each other: what is wanted in a member, and what is told
                    of it
    controller      Ties together what the federation API holds and what each member is told
    debts           What members have to give back once they can, as their Clusters say: many notes are written at a
                    time
    dropped         Kinds that were carried once and are no longer: their objects are taken back, because the
                    configuration says so
    federated       What is kept of an object of the federation API
    fights          How often objects were put back, and when somebody goes on changing one
    finished        In which clusters a Job has finished, so that it is not made again there
    health          Whether a member is Ready, judged by its answers over time
    heartbeat       Asks one member's API every few seconds how it is, on a thread of its own
    informer        What is seen in a member of what this federation made there, whether or not it is still to be there
    jobs            The status of a Job out of those of all clusters
    leaving         What a member that leaves gives back, and what stays in it without our marks
    leftovers       Whether a Namespace in a member holds what would be lost with it
    manifest        Object of the federation API in, what to apply in a member out
    member_status   How an object stands in a member: what a carrier tells, and what becomes of it for each cluster
    membership      The members as they come, are Ready or not, and leave
    metrics         The figures of controllers/engine for Prometheus
    object_writer   What is written on an object of the federation API: its finalizer, where it has finished, Events
    objects         What was seen of the federation API, and for which clusters each object is
    orphans         What a member has of ours that the federation API does not know. It is told of, and never deleted
    pages           All objects of a collection, without their content
    placement       Which clusters an object is for, by what its annotations say
    progress        What an object still awaits in one cluster, by the rules of `kubectl rollout status`, in words
    reach           Which part of a member the federation may look at
    recreation      An object in a member that is deleted and made anew, because it cannot be changed
    refs            Which object: the same in the federation API and in every member
    removal         Taking one object out of a member, or our marks off it: never what is not ours, or is not as it was
                    seen
    reports         The kind Propagation: how one object stands in one cluster, as people read it
    same_api        That the federation API is the one that we began with: of another one, nothing that we hold is true
    scaling         Who says how many replicas an object has in a member: the federation, or somebody there
    status          The status of an object of the federation API, out of what it says in each cluster that it is for
    telling         What is told of each object in one member, once: how it stands there, and what is wrong with it
    traces          What an object of ours in a member tells of what happened to it there: it was scaled, or it is
                    finished
    turns           When each object is looked at: once, however often it is marked; and after what failed again, later
                    each time
"""
