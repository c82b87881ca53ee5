"""What stands in the DNS of a domain as text. An operator may name the server to ask (TOKENTRA_DNS_SERVER)."""

import dns.exception
import dns.resolver
from django.conf import settings

SECONDS = 5.0


def records(name: str) -> list[str]:
    """Every TXT record of a name; none when it has none, is not there, or nobody answers in time."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVER)
    if settings.DNS_SERVER:
        host, _, port = settings.DNS_SERVER.rpartition(":")
        resolver.nameservers, resolver.port = [host], int(port)
    try:
        answer = resolver.resolve(f"{name}.", "TXT", lifetime=SECONDS, search=False)
    except dns.exception.DNSException:
        return []
    return [b"".join(record.strings).decode(errors="replace") for record in answer]
