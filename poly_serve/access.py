"""Who asks, and what they may use: keys, JSON web tokens, and their claims. Nothing else decides that."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import SecretStr

from poly_engine.config import Config, NamedKey
from poly_engine.config.locations import file_at
from poly_engine.errors import ConfigError, Forbidden, Unauthorized

__all__ = ["ANYBODY", "KEY_PREFIX", "Access", "Kind", "Principal", "key_digest"]

_LEEWAY_S = 60
_HASHED = "sha256:"
_LEAST_SECRET_BYTES = 32


class Kind(Enum):
    """What a claim is about; its value is the name of the claim."""

    TASK = "tasks"
    MODEL = "models"
    MEMORY = "memories"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks. `claims` names what they may use of a kind; a kind that is not in it is not limited. The
    `subject` of a key is its name, or the beginning of its hash, behind KEY_PREFIX; no token has such a one.
    """

    subject: str
    claims: Mapping[Kind, frozenset[str]] = field(default_factory=dict)

    def may_use(self, kind: Kind, name: str) -> bool:
        """Whether they may use what has that name."""
        return kind not in self.claims or name in self.claims[kind]

    def check(self, kind: Kind, name: str) -> None:
        """Raise Forbidden if they may not use what has that name."""
        if not self.may_use(kind, name):
            raise Forbidden(f"the token does not allow {kind.name.lower()} {name}")


ANYBODY = Principal("anybody")
KEY_PREFIX = "key:"


def key_digest(key: str) -> str:
    """What the configuration may hold in place of a key."""
    return _HASHED + hashlib.sha256(key.encode()).hexdigest()


class Access:
    """The keys and tokens that a configuration accepts. Raises ConfigError for a key that cannot be used."""

    def __init__(self, config: Config) -> None:
        self.use(config)

    def use(self, config: Config) -> None:
        """Accept what another configuration says. Raises ConfigError, and then nothing has changed."""
        keys = dict(map(_digest_and_subject, config.allowed_keys))
        verifiers = list(_verifiers(config))
        self._is_public, self._keys, self._verifiers = config.public, keys, verifiers

    @property
    def is_public(self) -> bool:
        """Whether it is said that everybody may come."""
        return self._is_public

    @property
    def is_open(self) -> bool:
        """Whether nobody needs a key."""
        return self._is_public or not (self._keys or self._verifiers)

    def principal(self, credential: str | None) -> Principal:
        """Whoever has a key or a token; "" is none. Raises Unauthorized."""
        if not self._keys and not self._verifiers:
            return ANYBODY  # also with a key: clients that insist on one send any
        if not credential:
            if self.is_open:
                return ANYBODY
            raise Unauthorized("no auth token provided and not a public server")
        digest = hashlib.sha256(credential.encode()).digest()
        subjects = [subject for one, subject in self._keys.items() if hmac.compare_digest(digest, one)]
        if subjects:
            return Principal(subjects[0])
        if not self._verifiers:
            raise Unauthorized("no acceptable auth token provided")
        return self._of_token(credential)

    def _of_token(self, token: str) -> Principal:
        for verifier in self._verifiers:
            try:
                return _principal(verifier.claims(token))
            except (jwt.PyJWTError, ValueError):
                continue
        raise Unauthorized("invalid JWT token")


@dataclass(frozen=True, slots=True)
class _Verifier:
    """A key, and the only algorithm that it is for: a token does not choose."""

    key: Any  # Any: a secret, or a key of one of several types
    algorithm: str

    def claims(self, token: str) -> Mapping[str, object]:
        """What a token says. Raises PyJWTError if it was not made with the key, or is no longer valid."""
        options: Any = {"require": ["exp"], "verify_aud": False}  # Any: a typed dictionary with more keys
        claims: Mapping[str, object] = jwt.decode(
            token, self.key, algorithms=[self.algorithm], options=options, leeway=_LEEWAY_S
        )
        return claims


def _principal(claims: Mapping[str, object]) -> Principal:
    """Raises ValueError for claims of a wrong type."""
    limits: dict[Kind, frozenset[str]] = {}
    for kind in Kind:
        names = claims.get(kind.value)
        if names is None:
            continue
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{kind.value} is no list of names")
        limits[kind] = frozenset(names)
    subject = str(claims.get("sub") or "token")
    is_taken = subject.startswith(KEY_PREFIX) or subject == ANYBODY.subject
    return Principal(f"token:{subject}" if is_taken else subject, limits)


def _digest_and_subject(key: SecretStr | NamedKey) -> tuple[bytes, str]:
    if isinstance(key, NamedKey):
        return _digest(key.key.get_secret_value()), f"{KEY_PREFIX}{key.name}"
    digest = _digest(key.get_secret_value())
    return digest, f"{KEY_PREFIX}{digest.hex()[:8]}"


def _digest(key: str) -> bytes:
    if not key.startswith(_HASHED):
        return hashlib.sha256(key.encode()).digest()
    try:
        digest = bytes.fromhex(key.removeprefix(_HASHED))
    except ValueError as error:
        raise ConfigError([f"allowed_keys: {_HASHED} must be followed by 64 hexadecimal digits"]) from error
    if len(digest) != hashlib.sha256().digest_size:
        raise ConfigError([f"allowed_keys: {_HASHED} must be followed by 64 hexadecimal digits"])
    return digest


def _verifiers(config: Config) -> Iterable[_Verifier]:
    if config.jwt_private_key is not None:
        secret = config.jwt_private_key.symmetric.get_secret_value()
        if len(secret.encode()) < _LEAST_SECRET_BYTES:
            raise ConfigError(
                [f"jwt_private_key.symmetric: is shorter than {_LEAST_SECRET_BYTES} bytes, and could be guessed"]
            )
        yield _Verifier(secret, "HS256")
    if config.jwt_public_keys is not None:
        yield from _public_keys(file_at(config.jwt_public_keys))


def _public_keys(path: Path) -> Iterable[_Verifier]:
    try:
        content = path.read_bytes()
        keys: list[object] = [load_pem_public_key(content)] if b"-----BEGIN" in content else _jwks_keys(content)
    except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
        raise ConfigError([f"jwt_public_keys: {path} holds no public key that can be used: {error}"]) from error
    for key in keys:
        if isinstance(key, Ed25519PublicKey):
            yield _Verifier(key, "EdDSA")
        elif isinstance(key, RSAPublicKey):
            yield _Verifier(key, "RS256")
        else:
            raise ConfigError([f"jwt_public_keys: {path} holds a key that is neither Ed25519 nor RSA"])


def _jwks_keys(content: bytes) -> list[object]:
    return [key.key for key in jwt.PyJWKSet.from_dict(json.loads(content)).keys]
