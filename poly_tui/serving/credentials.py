"""Keys and tokens of the server, made where its configuration is."""

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from poly_engine.config import Config
from poly_engine.errors import ConfigError

__all__ = ["NewKey", "new_key", "new_token"]

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key for who asks, and the hash of it for the configuration, which tells nobody the key."""

    key: str = field(repr=False)
    digest: str

    @property
    def setting(self) -> str:
        """The line of the configuration that accepts it."""
        return f'allowed_keys = ["{self.digest}"]'


def new_key() -> NewKey:
    """Make a key that nobody guesses."""
    from poly_serve.access import key_digest  # 60 ms

    key = f"poly_{secrets.token_urlsafe(32)}"
    return NewKey(key, key_digest(key))


def new_token(config: Config, subject: str, hours: float, limits: Mapping[str, Collection[str]]) -> str:
    """Make a JSON web token that a server of that configuration accepts for so long. `limits` are the names of what it
    is for, by "tasks", "models" and "memories"; where there are none, it is for all. Raises ConfigError.
    """
    import jwt  # 60 ms

    key = config.jwt_private_key
    if key is None:
        raise ConfigError(["the configuration has no jwt_private_key to sign it with"])
    claims = {kind: list(names) for kind, names in limits.items() if names}
    expires = int(time.time() + hours * _HOUR_S)
    return jwt.encode({"sub": subject, "exp": expires, **claims}, key.symmetric.get_secret_value(), algorithm="HS256")
