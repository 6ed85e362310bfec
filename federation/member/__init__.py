"""A cluster's membership (what `kubefed join` made).

The rooms:

    component  `kubefed join`: a cluster's membership, in the member itself and in the federation API (Push mode)
"""

from federation.member.component import Member, MemberArgs

__all__ = ["Member", "MemberArgs"]
