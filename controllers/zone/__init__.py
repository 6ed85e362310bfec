"""The zone as a file: writes the DNSEndpoints of the federation API where CoreDNS, in the same pod, reads them.

Runs beside each name server. Bottom up: `rdata` and `endpoints` check what an object asks for, `contents` makes one
zone of all objects, all three pure; `serial` gives each content its number, the same in every pod; `loading` sees
whether CoreDNS has it, `notices` tells what does not come into the zone; `writer` ties them together.
"""
