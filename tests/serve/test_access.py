"""Who is let in, and as what: keys, hashes of keys, and JSON web tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from poly_engine.config import Config
from poly_engine.errors import ConfigError, Forbidden, Unauthorized
from poly_serve.access import ANYBODY, Access, Kind, Principal, key_digest

SECRET = "s" * 40


def access(**config: Any) -> Access:
    return Access(Config.model_validate(config))


def signed(claims: dict[str, Any] | None = None, secret: str = SECRET, **header: Any) -> str:
    return jwt.encode({"exp": time.time() + 60, "sub": "ada", **(claims or {})}, secret, "HS256", header or None)


def by_secret() -> Access:
    return access(jwt_private_key={"symmetric": SECRET})


def test_without_keys_anybody_is_let_in() -> None:
    assert access().is_open
    assert access().principal(None) is ANYBODY
    assert access().principal("which the client wants to send") is ANYBODY


def test_with_keys_nobody_is_let_in_without_one() -> None:
    keys = access(allowed_keys=["one", key_digest("two")])
    assert not keys.is_open
    for credential, words in ((None, "no auth token provided"), ("", "no auth token"), ("three", "no acceptable")):
        with pytest.raises(Unauthorized, match=words):
            keys.principal(credential)
    assert keys.principal("one").subject != keys.principal("two").subject
    assert "one" not in keys.principal("one").subject


def test_a_key_with_a_name_is_known_by_it() -> None:
    keys = access(allowed_keys=[{"name": "ci", "key": "one"}, {"name": "ci", "key": key_digest("two")}, "three"])
    assert keys.principal("one").subject == keys.principal("two").subject == "key:ci"
    assert keys.principal("three").subject == f"key:{key_digest('three')[7:15]}"


@pytest.mark.parametrize("subject", ["key:ci", "anybody"])
def test_a_token_cannot_pass_for_a_key_or_for_nobody(subject: str) -> None:
    assert by_secret().principal(signed({"sub": subject})).subject == f"token:{subject}"


def test_a_hash_is_no_key() -> None:
    with pytest.raises(Unauthorized):
        access(allowed_keys=[key_digest("two")]).principal(key_digest("two"))


def test_a_public_server_still_refuses_a_wrong_key() -> None:
    public = access(allowed_keys=["one"], public=True)
    assert public.principal("") is ANYBODY
    with pytest.raises(Unauthorized):
        public.principal("two")


def test_a_token_names_its_subject_and_limits_what_it_reaches() -> None:
    principal = by_secret().principal(signed({"tasks": ["chat"], "memories": []}))
    assert principal.subject == "ada"
    assert principal.may_use(Kind.TASK, "chat")
    assert not principal.may_use(Kind.TASK, "other")
    assert not principal.may_use(Kind.MEMORY, "notes")
    assert principal.may_use(Kind.MODEL, "any")
    with pytest.raises(Forbidden, match="does not allow task other"):
        principal.check(Kind.TASK, "other")


@pytest.mark.parametrize(
    "token",
    [
        signed({"exp": time.time() - 61}),
        signed({"exp": "soon"}),
        signed({"nbf": time.time() + 600}),
        jwt.encode({"sub": "ada"}, SECRET, "HS256"),
        signed(secret="t" * 40),
        jwt.encode({"exp": time.time() + 60}, "", "none"),
        signed({"tasks": "chat"}),
        signed({"tasks": [1]}),
        signed({"models": {"a": 1}}),
        signed(crit=["b64"], b64=False),
        signed({"sub": 7}),
        jwt.encode({"exp": time.time() + 60}, SECRET + "x" * 30, "HS512"),
        "a.b.c",
        "..",
        "a" * 100_000,
        signed()[:-2],
        signed() + ".",
    ],
    ids=lambda _: "",  # what is signed now is no name: another process would have another
)
def test_a_forged_or_stale_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized, match="invalid JWT token"):
        by_secret().principal(token)


def test_a_token_may_be_a_minute_late_since_clocks_differ() -> None:
    assert by_secret().principal(signed({"exp": time.time() - 30})).subject == "ada"


def test_tokens_of_somebody_else_are_checked_by_public_keys(tmp_path: Path) -> None:
    ed, rsa = Ed25519PrivateKey.generate(), generate_private_key(65537, 2048)
    claims = {"exp": time.time() + 60, "sub": "eve", "tasks": ["chat"]}
    for key, algorithm in ((ed, "EdDSA"), (rsa, "RS256")):
        path = tmp_path / f"{algorithm}.pem"
        path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        keys = access(jwt_public_keys=str(path))
        assert keys.principal(jwt.encode(claims, key, algorithm)).claims[Kind.TASK] == {"chat"}
        with pytest.raises(Unauthorized):  # the public key as the secret of another algorithm
            keys.principal(_hs256(claims, path.read_bytes()))


def test_a_key_set_may_hold_several(tmp_path: Path) -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    entries = [json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key())) for key in keys]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": entries}))
    for key in keys:
        token = jwt.encode({"exp": time.time() + 60, "sub": "x"}, key, "EdDSA")
        assert access(jwt_public_keys=str(path)).principal(token).subject == "x"


@pytest.mark.parametrize(
    "config",
    [
        {"jwt_private_key": {"symmetric": "short"}},
        {"allowed_keys": ["sha256:abc"]},
        {"allowed_keys": ["sha256:xyz"]},
        {"jwt_public_keys": "/nowhere/at/all"},
    ],
)
def test_a_key_that_cannot_be_used_is_a_mistake_in_the_configuration(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        access(**config)


def test_a_configuration_that_is_wrong_changes_nothing() -> None:
    keys = access(allowed_keys=["one"])
    with pytest.raises(ConfigError):
        keys.use(Config.model_validate({"allowed_keys": ["two", "sha256:abc"]}))
    assert isinstance(keys.principal("one"), Principal)


def _hs256(claims: dict[str, Any], secret: bytes) -> str:
    """PyJWT refuses to sign by a public key, which is what an attacker does."""

    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    head = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (head + b"." + part(hmac.digest(secret, head, hashlib.sha256))).decode()
