"""Where notices may be sent: kinds of addresses, and the hosts behind them.

A host is checked twice. Its name is looked up by whoever connects, so the address that counts is
the one of the connection: `courier` asks `may_connect` at each connection, after the look-up.
"""

import ipaddress
import re
from urllib.parse import urlsplit

# {scheme: whether the address names a host}. The others send to a host that Apprise knows.
SCHEMES = {
    "json": True,
    "jsons": True,
    "ntfy": True,
    "ntfys": True,
    "gotify": True,
    "gotifys": True,
    "matrix": True,
    "matrixs": True,
    "mmost": True,
    "mmosts": True,
    "rocket": True,
    "rockets": True,
    "mailto": True,
    "mailtos": True,
    "discord": False,
    "slack": False,
    "msteams": False,
    "gchat": False,
    "tgram": False,
    "pover": False,
}
LONGEST_ADDRESS = 1000
# Machines of clouds answer with their secrets at these addresses. Link-local ones are refused too.
METADATA = {ipaddress.ip_address(text) for text in ("100.100.100.200", "fd00:ec2::254")}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def scheme_of(address: str) -> str:
    """The scheme in lower case; "" if there is none."""
    found = re.match(r"([a-z]+)://", address, re.IGNORECASE)
    return found[1].lower() if found else ""


def without_secret(address: str) -> str:
    """What a page may show of a channel's address: scheme, and the host where it names one."""
    scheme = scheme_of(address)
    if not SCHEMES.get(scheme):
        return f"{scheme}://…"
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    # ntfy://topic and mailto://user:password@host have secrets beside the host only; a topic alone
    # reads like a host and has no dot.
    return f"{scheme}://{host}/…" if "." in host or ":" in host else f"{scheme}://…"


def literal_host(address: str) -> IPAddress | None:
    """The IP address that an address names as its host; None for a name."""
    try:
        return ipaddress.ip_address(urlsplit(address).hostname or "")
    except ValueError:
        return None


def may_connect(host: str, allow_private: bool) -> bool:
    """Whether a connection to this IP address is allowed. A name, or anything else, is refused.

    allow_private: also loopback and private networks. Link-local addresses and those of clouds'
    metadata are never allowed.
    """
    try:
        ip = _inner(ipaddress.ip_address(host))
    except ValueError:
        return False
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in METADATA:
        return False
    if ip.is_loopback or ip.is_private:
        return allow_private and (ip.is_loopback or not ip.is_reserved)
    # Neither public nor private, such as those that providers share.
    return ip.is_global or allow_private


def _inner(ip: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 address that only carries one."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
