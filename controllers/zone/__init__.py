"""The zone as a file: writes the DNSEndpoints of the federation API where CoreDNS, in the same pod, reads them.

Runs beside each name server. Bottom up: `rdata` and `endpoints` check what an object asks for, `contents` makes one
zone of all objects, all three pure; `serial` gives each content its number, the same in every pod; `loading` sees
whether CoreDNS has it, `notices` tells what does not come into the zone; `writer` ties them together.

The rooms:

    contents   One zone of all DNSEndpoints, and its text as RFC 1035 has it. Pure: the same objects give the same
               bytes
    endpoints  What a DNSEndpoint asks to be published, checked by itself
    loading    Whether the name server beside the writer has loaded what was written: its SOA says which serial it has
    metrics    The figures of controllers/zone for Prometheus
    notices    Tells as Events in the federation API what does not come into the zone, and why
    rdata      Targets of a DNSEndpoint as the data of records in a zone file
    serial     One serial for one content: given out once for all pods, in a ConfigMap of the federation API
    writer     Keeps the zone file as the DNSEndpoints say: puts together what the stream tells, asks for a serial,
               and writes
"""
