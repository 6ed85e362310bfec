"""The names of federated Services: the zone, the records in it, and the members' lookups.

`component` composes: `core_dns` or `cloud_dns` is the zone, `records` what is in it, and `name_servers` or
`external_dns` publishes that. `member_dns` is a member's part, with `cluster_dns` for its cluster DNS and `withdrawal`
for its end.
"""
