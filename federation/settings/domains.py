"""Domains of one label whose names pods look up: a federation that is called like one would hide them. Pure data.

Each member's cluster DNS answers for all that ends in the federation's name, and asks nobody else.
"""

from __future__ import annotations

IN_A_CLUSTER = {"any", "arpa", "cluster", "local", "localhost", "svc"}
"""What means something else in a cluster, and `arpa`, which addresses are looked up in."""
IN_HOUSE = {"consul", "corp", "domain", "home", "internal", "intranet", "lan", "localdomain", "mail", "private"}
"""What networks call their own names by.

RFC 6762, appendix G; draft-chapin-additional-reserved-tlds; ICANN's resolution 2024.07.29.06 (`internal`); the default
of HashiCorp Consul.
"""
_WELL_KNOWN = """
com net org edu gov mil int info biz name pro mobi tel travel jobs museum aero coop cat asia post
academy agency app art auto aws bank berlin bio blog build builders business cab cafe cam care center chat city
click clinic cloud club codes coffee community company computer consulting cool credit data day deals delivery
design dev digital direct directory domains download earth education email energy engineer engineering estate
events exchange expert express farm finance financial foo foundation fun fund fyi game games global gold goog
google graphics green group guide health help host hosting house how industries ink institute international land
legal life limited link live lol london ltd management map market marketing media microsoft money mov network
new news ngo ninja now office one ong online open page partners parts party photos pink place play plus press
productions pub red rent report rest review rocks run sale school science search security services shop show
site social software solar solutions space spot store stream studio style support systems team tech technology
tips today tools top town trade training university video vip watch website wiki win wine work works world wtf
xyz you zip zone
"""
TOP_LEVEL = {*_WELL_KNOWN.split()}
"""Top-level domains that many names are in, from IANA's list (data.iana.org/TLD/tlds-alpha-by-domain.txt)."""
RULE = "a name of three letters or more that is no top-level domain, in-house domain or word of cluster DNS"


def is_end_of_others(name: str) -> bool:
    """Whether other names end in `name`. All of two letters are countries, or may become one (ISO 3166-1)."""
    of_a_country = len(name) == 2 and name.isalpha()
    return of_a_country or name.startswith("xn--") or name in IN_A_CLUSTER | IN_HOUSE | TOP_LEVEL
