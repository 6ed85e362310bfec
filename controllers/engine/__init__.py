"""The engine `builtin`: tells of each member whether it is Ready, and carries what is in the federation API there.

Runs in the host cluster; of several pods one leads. From the federation API it reads Clusters, their credentials, and
the objects of the kinds that it carries; to each Ready member it applies them, and takes them back when they are
deleted.

Bottom up: `kinds` says where objects are in an API; `manifest` is the pure heart (object in, what to apply out);
`placement` says for which clusters that is; `federated` and `clusters` read the objects of the federation API;
`health` judges a member by its answers and `heartbeat` asks for them.

`carrier` is one Ready member and what is to be there, on a thread of its own. It sees what is there by `sight` (within
its `reach`), gives way by `scaling`, `finished`, `recreation` and `fights`, takes back by `removal` and at its end by
`leaving`, and tells by `contract`. `dropped` are the kinds that are carried no more, `orphans` what nobody knows.

What comes back is `standing` in one cluster, `status` (`conditions`, `jobs`) of all of them, and `reports`
(`progress`) of each; `herald` writes it, on a thread of its own. `clerk` writes all else to the federation API;
`controller` owns all else and ties them together.
"""
