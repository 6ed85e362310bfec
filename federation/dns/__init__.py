"""The names of federated Services: the zone, the records in it, and the members' lookups.

`component` composes: `core_dns` or `cloud_dns` is the zone, `records` what is in it, and `name_servers` or
`external_dns` publishes that. `member_dns` is a member's part, with `cluster_dns` for its cluster DNS and `withdrawal`
for its end. The rooms:

    cloud_dns     The federation's zone in Google Cloud DNS, with the name of the federation API in it
    cluster_dns   A member's cluster DNS, led to the federation's names: put in when the member joins, taken out when
                  it leaves
    component     The names of a federation: a zone of the configured kind, and what keeps its records up to date
    core_dns      A zone of our own, answered from the host cluster: its address, and the records that name it
    external_dns  external-dns, which publishes the federation's records in a zone of Google Cloud DNS
    member_dns    A member's part in DNS: what the controller may see there, and where its pods look the federation's
                  names up
    name_servers  The name servers of a zone of our own: CoreDNS on a zone file, and beside it what writes that file
    publication   How external-dns writes into a zone: what the zone tells it
    records       The federation's records as objects of its API: the kind DNSEndpoint, and the controller that works
                  them out
    transfers     Who may take the whole zone: secondaries that have its key (TSIG, RFC 8945)
    withdrawal    A member leaves the names before the federation: clients that remember its addresses still find them
                  alive
    zone_key      The key that signs a zone, in the forms that DNS has for it
"""
