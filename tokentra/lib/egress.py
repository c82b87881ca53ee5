"""Addresses that customers type: which of them we send to at all, and a connection that goes nowhere else (B44).

The name is looked up once, right before connecting; every address that it has must be public, and the connection goes
to one of those. So nothing can answer one thing to the check and another to the call.
"""

import re
import socket
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore2
from django.conf import settings

LONGEST = 2_000
LOOK_UP_SECONDS = 4.0
HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
EMBEDDING = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # addresses that stand for one of IPv4


class BadAddress(ValueError):
    """Nothing is sent there; the text says what an address has to be like."""


def checked(url: str, *, suffixes: Collection[str] = ()) -> str:
    """The address, or BadAddress. Without `suffixes` it may be on any public host; whether it is, shows at connecting.

    Hosts that the operator named (TOKENTRA_ALERT_HOSTS) are allowed as they are, over http and on any port too.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress("This is no address. It begins with https:// and a host.") from None
    if len(text) > LONGEST or not text.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", text):
        raise BadAddress("This is no address that a message can be sent to.")
    if is_named_by_operator(parts.hostname, port, parts.scheme) and not parts.username:
        return text
    if parts.scheme != "https" or port not in (None, 443) or parts.username is not None or parts.password is not None:
        raise BadAddress("Use an address that begins with https://, with no port, user name or password.")
    host = parts.netloc.removesuffix(":443").lower()
    if not HOST.fullmatch(host) or "xn--" in host:
        raise BadAddress("Use the name of a public host, such as hooks.example.com, and no number.")
    if suffixes and not any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes):
        raise BadAddress(f"The address has to be one of {' or '.join(sorted(suffixes))}.")
    return text


def is_named_by_operator(host: str | None, port: int | None, scheme: str = "https") -> bool:
    default = {"https": 443, "http": 80}.get(scheme, 0)
    return bool(host) and f"{host}:{port or default}" in settings.ALERT_HOSTS


class Wall(httpcore2.NetworkBackend):
    """Connects to public addresses only. `refusal` says why it did not."""

    def __init__(self) -> None:
        self.refusal = ""
        self._behind = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        more: dict[str, Any] = {"timeout": timeout, "local_address": local_address, "socket_options": socket_options}
        if any(is_named_by_operator(host, port, scheme) for scheme in ("https", "http")):
            return self._behind.connect_tcp(host, port, **more)
        try:
            addresses = looked_up(host, port)
        except OSError as problem:
            self.refusal = "its name could not be looked up"
            raise httpcore2.ConnectError(self.refusal) from problem
        if not addresses or not all(is_public(address) for address in addresses):
            self.refusal = "its name leads into a private network, where nothing is sent"
            raise httpcore2.ConnectError(self.refusal)
        return self._behind.connect_tcp(addresses[0], port, **more)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        raise httpcore2.ConnectError("a message goes to a host")


def looked_up(host: str, port: int) -> list[str]:
    """Every address of a name, those of IPv4 first; OSError when nobody says within some seconds."""
    pool = ThreadPoolExecutor(1)  # a resolver knows no deadline
    try:
        found = pool.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(LOOK_UP_SECONDS)
    except TookTooLong:
        raise OSError("no answer in time") from None
    finally:
        pool.shutdown(wait=False)
    return [str(address[0]) for family, *_, address in sorted(found, key=lambda each: each[0] != socket.AF_INET)]


def is_public(address: str) -> bool:
    """Whether packets to it leave for the internet, also where it is an address inside of another."""
    try:
        held: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(held, IPv6Address):
        inner = held.ipv4_mapped or held.sixtofour or (held.teredo or (None, None))[1]
        if any(held in network for network in EMBEDDING):
            inner = IPv4Address(int(held) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return held.is_global and not held.is_multicast
