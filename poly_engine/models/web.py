"""Getting bytes from the web, and minding which hosts they come from, and which of these is told secrets."""

import asyncio
import base64
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeAlias
from urllib.request import getproxies, proxy_bypass

import httpx

from poly_engine.errors import PullFailed

__all__ = ["LookUp", "Web"]

LookUp: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host and a port to the addresses to connect to."""

_MOST_REDIRECTS = 5
_SCHEMES = ("https", "http")
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # some clouds tell secrets there
_CONNECT_S, _SILENCE_S = 10.0, 30.0


class Web:
    """An HTTP client for files. A secret goes to the host that was named, and to no other that it redirects to.

    What the user names may be any host, also of this machine or network; `is_named_by_user` set to False says that
    somebody else names it, and then it must have a public address. What a host with a public address redirects to must
    have one, too, and https never leads to http. Names are looked up once, and connected to is what was checked; only
    where the environment sets a proxy, that is the proxy's affair. After `silence_s` without a byte it gives up.
    """

    def __init__(
        self,
        *,
        is_named_by_user: bool = True,
        silence_s: float = _SILENCE_S,
        look_up: LookUp | None = None,
        is_public: Callable[[str], bool] | None = None,
    ) -> None:
        self._context = httpx.create_ssl_context()
        self._transports: dict[str | None, httpx.AsyncHTTPTransport] = {}
        timeout = httpx.Timeout(silence_s, connect=_CONNECT_S)
        self._extensions = {"timeout": timeout.as_dict()}
        self._is_named_by_user = is_named_by_user
        self._look_up = look_up or _addresses
        self._is_public = is_public or _is_public

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str], authorization: str | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The answer to a GET, whose body is yet to be read, when all redirects were followed. A name and password in
        the URL take the place of `authorization`.

        Raises PullFailed for what it does not go to, and httpx.TransportError if there is no connection.
        """
        here, authorization = _without_user(_parsed(url), authorization)
        origin, may_be_private = _origin(here), self._is_named_by_user
        for _ in range(_MOST_REDIRECTS + 1):
            secret = {"Authorization": authorization} if authorization and _origin(here) == origin else {}
            response, was_public = await self._ask(here, {**headers, **secret}, may_be_private=may_be_private)
            try:
                if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                    yield response
                    return
                there = _next(here, response.headers["Location"])
            finally:
                await response.aclose()
            may_be_private = may_be_private and not was_public
            here = there
        raise PullFailed(f"{_shown(here)} redirects more than {_MOST_REDIRECTS} times: it leads nowhere")

    async def _ask(
        self, url: httpx.URL, headers: Mapping[str, str], *, may_be_private: bool
    ) -> tuple[httpx.Response, bool]:
        """The answer of one host, and whether it has a public address."""
        if proxy := _proxy(url):
            if not may_be_private:
                self._refuse_private(url, _literal(url.host))
            request = httpx.Request("GET", url, headers=_headers(url, headers), extensions=self._extensions)
            return await self._transport(proxy).handle_async_request(request), True
        addresses = await self._look_up(url.host, url.port or (443 if url.scheme == "https" else 80))
        if not may_be_private:
            self._refuse_private(url, addresses)
        return await self._ask_at(addresses, url, headers), all(map(self._is_public, addresses))

    async def _ask_at(self, addresses: Sequence[str], url: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        """Connect to the first of the addresses that lets us, as if to the host of the URL."""
        failure: httpx.TransportError | None = None
        for address in addresses:
            request = httpx.Request(
                "GET",
                url.copy_with(host=address),
                headers=_headers(url, headers),
                extensions={**self._extensions, "sni_hostname": url.raw_host.decode("ascii")},
            )
            try:
                return await self._transport(None).handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        assert failure is not None, "a name that is looked up has addresses"
        raise failure

    def _transport(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        """What carries requests. No connection is used twice: hosts that share an address must not share one."""
        if proxy not in self._transports:
            limits = httpx.Limits(max_keepalive_connections=0)
            try:
                made = httpx.AsyncHTTPTransport(verify=self._context, limits=limits, proxy=proxy, trust_env=False)
            except (ImportError, ValueError, httpx.InvalidURL) as error:
                raise PullFailed(f"the proxy that the environment sets cannot be used: {error}") from error
            self._transports[proxy] = made
        return self._transports[proxy]

    def _refuse_private(self, url: httpx.URL, addresses: Sequence[str]) -> None:
        private = [address for address in addresses if not self._is_public(address)]
        if private:
            raise PullFailed(
                f"{_shown(url)} is at {private[0]}, which is no public address: only the user may name such a host"
            )


def _is_public(address: str) -> bool:
    """Whether everybody reaches the same machine by this address: none of this machine, this network, or kept free."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return ip.is_global and not ip.is_multicast and ip not in _PROTOCOLS


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise PullFailed(f"the URL cannot be understood: {error}") from error


def _without_user(url: httpx.URL, authorization: str | None) -> tuple[httpx.URL, str | None]:
    if not url.userinfo:
        return url, authorization
    pair = f"{url.username}:{url.password}".encode()
    return url.copy_with(userinfo=b""), "Basic " + base64.b64encode(pair).decode("ascii")


def _next(here: httpx.URL, location: str) -> httpx.URL:
    try:
        there = here.join(location)
        is_usable = there.scheme in _SCHEMES and bool(there.host)
    except (httpx.InvalidURL, ValueError) as error:
        raise PullFailed(f"{_shown(here)} redirects to what is no URL") from error
    if not is_usable or (here.scheme == "https" and there.scheme != "https"):
        raise PullFailed(f"{_shown(here)} redirects to {_shown(there)}, which is not secure: it is not followed")
    return there.copy_with(userinfo=b"", fragment=None)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _shown(url: httpx.URL) -> str:
    """A URL less what may be a secret in it."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))[:200]


def _headers(url: httpx.URL, more: Mapping[str, str]) -> Mapping[str, str]:
    """Lengths and ranges are those of the file, so that it must not be compressed on its way."""
    host = url.netloc.decode("ascii")
    return {"Host": host, "User-Agent": "poly", "Accept": "*/*", "Accept-Encoding": "identity", **more}


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment sets for a URL."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if proxy and not proxy_bypass(url.host) else None


def _literal(host: str) -> Sequence[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return []


async def _addresses(host: str, port: int) -> Sequence[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"the name {host} cannot be looked up") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
