"""The project's own Pulumi provider: resources that no other provider has, under the tokens `federation:index:...`.

`pulumi-resource-federation` is what Pulumi starts, `edge` is its protocol, `schema.json` says which resources there
are and of what they consist. Each kind has a file (or a folder) of its own: `private_key`, `certificate_authority` and
`certificate` (with `signing`), `cluster_dns`, `withdrawal` and `kept_workloads` (with `clusters`).
"""
