"""What ccmock publishes and signs, as read by two JOSE libraries and an OpenID client.

Needs a running ecosystem, whose time is the present: CCMOCK_UP names a file with what
`ccmock up --json` prints. It is reset after each test.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import joserfc.jwt
import jwt
import pytest
from authlib.integrations.starlette_client import OAuth
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

AUDIENCE = "gitlab-ai-gateway"
SCOPE = "new_feature_scope"


class Ecosystem:
    def __init__(self, up: dict[str, Any], http: httpx2.Client) -> None:
        self._http = http
        self.control = up["control"]
        self.urls = {service["name"]: service["url"] for service in up["services"]}

    def do(self, action: str, **arguments: Any) -> Any:
        return self._post(f"/v1/do/{action}", arguments)

    def reset(self) -> None:
        self._post("/v1/reset", {})

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        response = self._http.post(self.control + path, json=body)
        assert response.status_code == 200, response.text
        return response.json() if response.content else None

    def get(self, service: str, path: str) -> Any:
        return self._http.get(self.urls[service] + path).raise_for_status().json()

    def published(self, service: str) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = self.get(service, "/oauth/discovery/keys")["keys"]
        return keys


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=30) as client:
        yield client


@pytest.fixture
def ccmock(http: httpx2.Client) -> Iterator[Ecosystem]:
    ecosystem = Ecosystem(json.loads(Path(os.environ["CCMOCK_UP"]).read_text()), http)
    yield ecosystem
    ecosystem.reset()


def read_with_pyjwt(ccmock: Ecosystem, service: str, raw: str) -> dict[str, Any]:
    document = ccmock.get(service, "/.well-known/openid-configuration")
    client = jwt.PyJWKClient(document["jwks_uri"])
    if "kid" in jwt.get_unverified_header(raw):
        keys = [client.get_signing_key_from_jwt(raw)]
    else:
        keys = client.get_signing_keys()
    for key in keys:
        try:
            return jwt.decode(
                raw,
                key,
                algorithms=["RS256"],
                audience=AUDIENCE,
                issuer=document["issuer"],
                options={"require": ["exp", "iat", "nbf", "iss", "aud", "jti"]},
            )
        except jwt.InvalidSignatureError:
            continue
    raise jwt.InvalidSignatureError("no key signed this")


def read_with_joserfc(ccmock: Ecosystem, service: str, raw: str) -> dict[str, Any]:
    keys = KeySet.import_key_set({"keys": ccmock.published(service)})
    token = joserfc.jwt.decode(raw, keys, algorithms=["RS256"])
    issuer = ccmock.get(service, "/.well-known/openid-configuration")["issuer"]
    joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        nbf={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    ).validate(token.claims)
    return token.claims


READERS = [
    pytest.param(read_with_pyjwt, jwt.PyJWTError, id="PyJWT"),
    pytest.param(read_with_joserfc, JoseError, id="joserfc"),
]
Reader = Callable[[Ecosystem, str, str], dict[str, Any]]


@pytest.mark.parametrize("version", ["16.8.1", "16.11.0", "17.1.0", "17.5.1", "17.11.0"])
@pytest.mark.parametrize(("read", "_"), READERS)
def test_tokens_of_gitlab_com(ccmock: Ecosystem, version: str, read: Reader, _: Any) -> None:
    ccmock.do("upgrade", instance="gitlab", gitlab_version=version)
    issued = ccmock.do("access_token", instance="gitlab", user="grace", scopes=[SCOPE])
    claims = read(ccmock, "gitlab", issued["raw"])
    assert claims == issued["token"]["claims"]
    assert claims["gitlab_realm"] == "saas"
    assert claims["exp"] - claims["iat"] == 3600
    check_key_id(ccmock, "gitlab", issued["token"]["header"])


@pytest.mark.parametrize("version", ["16.9.2", "16.11.0", "17.1.0", "17.5.1", "17.11.0"])
@pytest.mark.parametrize(("read", "_"), READERS)
def test_tokens_of_customersdot(ccmock: Ecosystem, version: str, read: Reader, _: Any) -> None:
    ccmock.do("upgrade", instance="dedicated", gitlab_version=version)
    assert ccmock.do("sync", instance="dedicated", force=True)["outcome"] == "succeeded"
    issued = ccmock.do("access_token", instance="dedicated", scopes=[SCOPE])
    claims = read(ccmock, "customersdot", issued["raw"])
    assert claims == issued["token"]["claims"]
    assert claims["gitlab_realm"] == "self-managed"
    assert claims["exp"] - claims["iat"] == 3 * 24 * 3600
    assert SCOPE in claims["scopes"]
    assert "kid" in issued["token"]["header"]
    check_key_id(ccmock, "customersdot", issued["token"]["header"])


def check_key_id(ccmock: Ecosystem, service: str, header: dict[str, Any]) -> None:
    """If a token names a key, it is by the thumbprint of one that is published."""
    assert header["alg"] == "RS256"
    thumbprints = [RSAKey.import_key(key).thumbprint() for key in ccmock.published(service)]
    assert header.get("kid", thumbprints[0]) in thumbprints


@pytest.mark.parametrize(("read", "_"), READERS)
def test_a_rotation(ccmock: Ecosystem, read: Reader, _: Any) -> None:
    before = ccmock.do("sign", service="customersdot", instance="dedicated")
    for step in ("create", "rotate"):
        ccmock.do("rotate_keys", service="customersdot", step=step)
    after = ccmock.do("sign", service="customersdot", instance="dedicated")
    assert before["token"]["header"]["kid"] != after["token"]["header"]["kid"]
    assert len(ccmock.published("customersdot")) == 2
    for issued in (before, after):
        assert read(ccmock, "customersdot", issued["raw"]) == issued["token"]["claims"]
        check_key_id(ccmock, "customersdot", issued["token"]["header"])
    ccmock.do("rotate_keys", service="customersdot", step="trim")
    assert read(ccmock, "customersdot", after["raw"])
    with pytest.raises((jwt.PyJWTError, JoseError)):
        read(ccmock, "customersdot", before["raw"])


def later(seconds: int) -> int:
    return int(time.time()) + seconds


FORGERIES: dict[str, Callable[[Ecosystem], dict[str, Any]]] = {
    "a stranger's key": lambda _: {"stranger": True},
    "a stranger's key under a known id": lambda e: {
        "stranger": True,
        "header": {"kid": e.published("customersdot")[0]["kid"]},
    },
    "a stranger's key without an id": lambda _: {"stranger": True, "header": {"kid": None}},
    "a key of GitLab.com": lambda e: {
        "service": "gitlab",
        "claims": {"iss": e.urls["customersdot"]},
    },
    "alg none": lambda _: {"header": {"alg": "none"}},
    "alg HS256": lambda _: {"header": {"alg": "HS256"}},
    "alg RS512": lambda _: {"header": {"alg": "RS512"}},
    "no alg": lambda _: {"header": {"alg": None}},
    "an unknown extension": lambda _: {"header": {"crit": ["x"], "x": 1}},
    "expired": lambda _: {"claims": {"exp": later(-10)}},
    "no expiry": lambda _: {"claims": {"exp": None}},
    "not yet valid": lambda _: {"claims": {"nbf": later(600)}},
    "another audience": lambda _: {"claims": {"aud": ["another"]}},
    "no audience": lambda _: {"claims": {"aud": None}},
    "another issuer": lambda e: {"claims": {"iss": e.urls["gitlab"]}},
    "no issuer": lambda _: {"claims": {"iss": None}},
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize(("read", "refusal"), READERS)
def test_forgeries(ccmock: Ecosystem, forgery: str, read: Reader, refusal: type[Exception]) -> None:
    good = {"service": "customersdot", "instance": "dedicated"}
    assert read(ccmock, "customersdot", ccmock.do("sign", **good)["raw"])
    forged = ccmock.do("sign", **good | FORGERIES[forgery](ccmock))["raw"]
    with pytest.raises(refusal):
        read(ccmock, "customersdot", forged)


@pytest.mark.parametrize(("read", "refusal"), READERS)
def test_a_token_that_was_tampered_with(
    ccmock: Ecosystem, read: Reader, refusal: type[Exception]
) -> None:
    one, other = (
        ccmock.do("sign", service="customersdot", instance=name)["raw"].split(".")
        for name in ("acme", "dedicated")
    )
    with pytest.raises(refusal):
        read(ccmock, "customersdot", ".".join((one[0], other[1], one[2])))


@pytest.mark.parametrize("service", ["gitlab", "acme", "dedicated", "customersdot"])
@pytest.mark.parametrize("version", ["16.11.0", "17.11.0"])
def test_key_sets(ccmock: Ecosystem, service: str, version: str) -> None:
    if service != "customersdot":
        ccmock.do("upgrade", instance=service, gitlab_version=version)
    published = ccmock.published(service)
    assert published
    for key in published:
        assert set(key) == {"kty", "kid", "e", "n", "use", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
        by_joserfc = RSAKey.import_key(key)
        assert key["kid"] == by_joserfc.thumbprint()
        assert by_joserfc.as_dict() == key, "what it writes is what it read"
        assert not by_joserfc.is_private
        by_pyjwt = jwt.PyJWK(key).key
        assert by_pyjwt.public_numbers() == by_joserfc.public_key.public_numbers()
        assert by_pyjwt.key_size == 2048


def openid_client(ccmock: Ecosystem, service: str) -> Any:
    url = f"{ccmock.urls[service]}/.well-known/openid-configuration"
    return OAuth().register("ccmock", client_id=AUDIENCE, server_metadata_url=url)


@pytest.mark.parametrize("version", ["16.11.0", "17.11.0"])
@pytest.mark.parametrize("service", ["gitlab", "acme", "dedicated", "customersdot"])
def test_discovery_by_an_openid_client(ccmock: Ecosystem, service: str, version: str) -> None:
    if service != "customersdot":
        ccmock.do("upgrade", instance=service, gitlab_version=version)

    async def discover() -> tuple[dict[str, Any], dict[str, Any]]:
        client = openid_client(ccmock, service)
        return await client.load_server_metadata(), await client.fetch_jwk_set()

    metadata, key_set = asyncio.run(discover())
    assert metadata["issuer"] == ccmock.urls[service]
    assert key_set == {"keys": ccmock.published(service)}

    # A loopback address has no TLS, which the specification asks for; all else must be right.
    document = json.loads(json.dumps(metadata).replace("http://", "https://"))
    provider = OpenIDProviderMetadata(document)
    if service != "customersdot":
        provider.validate()
        return
    # CustomersDot logs nobody in, so its document has only what a token is verified with.
    provider.validate_issuer()
    provider.validate_jwks_uri()
    provider.validate_id_token_signing_alg_values_supported()


def test_a_token_is_taken_by_an_openid_client(ccmock: Ecosystem) -> None:
    """Cloud Connector tokens are no ID tokens, but they have all that one must have."""
    ccmock.do("upgrade", instance="gitlab", gitlab_version="17.11.0")
    for service in ("customersdot", "gitlab"):
        issued = ccmock.do("sign", service=service, instance="dedicated")

        async def take(service: str, raw: str) -> dict[str, Any]:
            client = openid_client(ccmock, service)
            token = {"id_token": raw}
            return dict(await client.parse_id_token(token, None, claims_cls=CodeIDToken))

        assert asyncio.run(take(service, issued["raw"])) == issued["token"]["claims"]
        forged = ccmock.do("sign", service=service, instance="dedicated", stranger=True)
        with pytest.raises((JoseError, ValueError)):
            asyncio.run(take(service, forged["raw"]))
