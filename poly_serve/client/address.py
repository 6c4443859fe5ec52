"""Where a server is."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from poly_engine.errors import ConfigError

__all__ = ["Address"]

_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Address:
    """The URL of a server, without a slash at its end."""

    url: str

    @classmethod
    def of(cls, text: str) -> "Address":
        """The address that somebody wrote, where http:// may be left out. Raises ConfigError for one that is none."""
        url = text.strip()
        url = url if "://" in url else f"http://{url}"
        try:
            parts = urlsplit(url)
            is_one = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
        except ValueError as error:
            raise ConfigError([f"{text} is no address of a server: {error}"]) from error
        if not is_one:
            raise ConfigError([f"{text} is no address of a server: write it as http://127.0.0.1:3000"])
        if parts.username is not None or parts.query or parts.fragment:
            raise ConfigError([f"{parts.hostname} must stand alone: neither a user nor a query belongs to the address"])
        return cls(url.rstrip("/"))

    @property
    def is_secure(self) -> bool:
        """Whether it is reached by TLS."""
        return self.url.startswith("https:")

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy leads to."""
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def path(self, *names: str) -> str:
        """The URL of a path, whose parts may hold anything."""
        return "/".join((self.url, *(quote(name, safe="") for name in names)))

    def socket(self, *names: str) -> str:
        """As `path`, for a WebSocket."""
        return f"ws{self.path(*names).removeprefix('http')}"
