"""A cluster before anything is made in it: how it is reached, who it is, and whose what is there is.

The rooms:

    connection   A direct line to an API server, for the few questions that Pulumi's resources cannot answer
    credentials  What a context's user has to show: the answer of a plugin in place of the plugin, and nobody who is
                 nobody
    identity     Who is behind each context: the UID of a cluster's kube-system namespace, asked before anything is
                 created
    ownership    Whose is what is already there: a name that somebody else has taken is refused, in preview too,
                 unless adopted
    providers    A cluster as the components are handed it: the one provider of its context, and what they ask it
                 besides
    proxies      The proxy that the environment names for an API server, by the rules that kubectl and Pulumi's
                 provider go by
"""
