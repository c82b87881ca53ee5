"""What stands in the DNS of a domain as text. An operator may name the server to ask (TOKENTRA_DNS_SERVER)."""

from django.conf import settings

SECONDS = 5.0


class NobodySays(Exception):
    """No server answered in time whether there are any."""


def records(name: str) -> list[str]:
    """Every TXT record of a name; none when it has none, is not there, or nobody answers in time."""
    try:
        return told(name)
    except NobodySays:
        return []


def told(name: str) -> list[str]:
    """Every TXT record of a name that a server told. Raises NobodySays."""
    import dns.exception  # here, since it takes 2.5 MiB of each process that never asks
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVER)
    if settings.DNS_SERVER:
        host, _, port = settings.DNS_SERVER.rpartition(":")
        resolver.nameservers, resolver.port = [host], int(port)
    try:
        answer = resolver.resolve(f"{name}.", "TXT", lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as silent:
        raise NobodySays from silent
    return [b"".join(record.strings).decode(errors="replace") for record in answer]
