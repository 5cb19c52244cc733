"""The service by itself, against issuers that exist in this process only."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cloud_connector import KEYS_TTL, REFETCH_AFTER, RETRY_AFTER, Issuer
from main import create_app

GITLAB, CUSTOMERSDOT = "https://gitlab.example", "https://customers.example"
FORBIDDEN = {"error": "Forbidden by auth provider"}

KEYS = {
    name: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for name in ("gitlab", "customersdot", "next", "stranger")
}


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[name].public_key(), as_dict=True)
    return public | {"kid": name, "use": "sig", "alg": "RS256"} | changes


class Stage:
    """The service, two issuers, and a clock for how old keys are."""

    def __init__(self) -> None:
        self.now = 0.0
        self.published = {GITLAB: [jwk("gitlab")], CUSTOMERSDOT: [jwk("customersdot")]}
        self.issuer_names = {GITLAB: GITLAB, CUSTOMERSDOT: CUSTOMERSDOT}
        self.down: set[str] = set()
        self.fetched = {GITLAB: 0, CUSTOMERSDOT: 0}
        transport = httpx2.MockTransport(self.answer)
        self.issuers = [
            Issuer(url, transport, lambda: self.now) for url in (GITLAB, CUSTOMERSDOT + "/")
        ]
        self.app = create_app(self.issuers, "gitlab-ai-gateway")

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)  # gives way, as the network does
        url = f"{request.url.scheme}://{request.url.host}"
        if url in self.down:
            return httpx2.Response(500, json={"keys": []})
        if request.url.path == "/.well-known/openid-configuration":
            document = {"issuer": self.issuer_names[url], "jwks_uri": f"{url}/the/keys"}
            return httpx2.Response(200, json=document)
        self.fetched[url] += 1
        return httpx2.Response(200, json={"keys": self.published[url]})

    def send(
        self,
        token: str | None,
        headers: list[tuple[str, str]] | None = None,
        method: str = "POST",
        path: str = "/new_feature_endpoint",
        content: bytes = b"{}",
    ) -> httpx2.Response:
        if headers is None:
            headers = [("X-Gitlab-Realm", "self-managed"), ("X-Gitlab-Instance-Id", "an-instance")]
        if token is not None:
            headers = [*headers, ("Authorization", f"Bearer {token}")]

        headers = [*headers, ("Content-Type", "application/json")]

        async def ask() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.request(method, path, headers=headers, content=content)

        return asyncio.run(ask())


@pytest.fixture
def stage() -> Stage:
    return Stage()


def sign(key: str = "customersdot", header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A good token of CustomersDot with changes. None takes a claim or header away."""
    now = int(time.time())
    claims = {
        "jti": "a-token",
        "iss": CUSTOMERSDOT,
        "aud": "gitlab-ai-gateway",
        "sub": "an-instance",
        "iat": now,
        "nbf": now - 5,
        "exp": now + 3600,
        "gitlab_realm": "self-managed",
        "scopes": ["complete_code", "new_feature_scope"],
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": key} | (header or {})
    return encode(KEYS[key], _without_none(header), _without_none(claims | changes))


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def encode(key: rsa.RSAPrivateKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Signs what PyJWT would not."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    text = b".".join(_base64url(part) for part in parts)
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return (text + b"." + _base64url(algorithm.sign(text, key))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_answers_a_good_token(stage: Stage) -> None:
    response = stage.send(sign())
    assert response.status_code == 200
    body = response.json()
    assert abs(body.pop("created") - time.time()) < 60
    assert body == {"id": "id", "extra": "Feature"}


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda: sign(aud=["another", "gitlab-ai-gateway"]), id="a list of audiences"),
        pytest.param(lambda: sign(header={"kid": None}), id="no key id"),
        pytest.param(lambda: sign("gitlab", iss=GITLAB), id="the other issuer"),
        pytest.param(lambda: sign(iss=CUSTOMERSDOT + "/"), id="an issuer with a slash"),
        pytest.param(lambda: sign(iat=int(time.time()) + 4), id="an issuer that is a bit ahead"),
        pytest.param(lambda: sign(sub=None), id="no sub, as GitLab.com sends it"),
        pytest.param(lambda: sign(gitlab_instance_id="an-instance"), id="an instance id"),
    ],
)
def test_accepts(stage: Stage, token: Callable[[], str]) -> None:
    assert stage.send(token()).status_code == 200


def hmac_with_the_public_key() -> str:
    claims = jwt.decode(sign(), options={"verify_signature": False})
    secret = jwk("customersdot")["n"].encode()
    return jwt.encode(claims, secret, "HS256", headers={"kid": "customersdot"})


def unsigned() -> str:
    claims = jwt.decode(sign(), options={"verify_signature": False})
    return jwt.encode(claims, "", "none", headers={"kid": "customersdot"})


def tampered() -> str:
    header, _, signature = sign(scopes=[]).split(".")
    return ".".join((header, sign().split(".")[1], signature))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda: "", id="nothing"),
        pytest.param(lambda: "three.small.words", id="no JSON"),
        pytest.param(lambda: "one", id="one segment"),
        pytest.param(lambda: sign() + ".more", id="four segments"),
        pytest.param(lambda: sign() + " " + sign(), id="two tokens"),
        pytest.param(lambda: "[" * 100_000, id="much of nothing"),
        pytest.param(tampered, id="tampered"),
        pytest.param(unsigned, id="alg none"),
        pytest.param(hmac_with_the_public_key, id="alg HS256"),
        pytest.param(lambda: sign(header={"alg": "RS512"}), id="alg RS512"),
        pytest.param(lambda: sign(header={"alg": None}), id="no alg"),
        pytest.param(lambda: sign(header={"kid": 1}), id="a key id that is a number"),
        pytest.param(lambda: sign(header={"crit": ["b64"], "b64": False}), id="crit"),
        pytest.param(
            lambda: sign("stranger", {"jwk": jwk("stranger"), "kid": "customersdot"}),
            id="a key that it brings along",
        ),
        pytest.param(lambda: sign("stranger"), id="an unknown key"),
        pytest.param(lambda: sign("stranger", {"kid": None}), id="an unknown key without an id"),
        pytest.param(lambda: sign("gitlab"), id="a key of the other issuer"),
        pytest.param(lambda: sign("gitlab", {"kid": "customersdot"}), id="another's key id"),
        pytest.param(lambda: sign("gitlab", {"kid": None}), id="the other's key without an id"),
        pytest.param(lambda: sign(iss="https://stranger.example"), id="an unknown issuer"),
        pytest.param(lambda: sign(iss=None), id="no issuer"),
        pytest.param(lambda: sign(iss=[CUSTOMERSDOT]), id="an issuer that is a list"),
        pytest.param(lambda: sign(aud="another"), id="another audience"),
        pytest.param(lambda: sign(aud=["another"]), id="other audiences"),
        pytest.param(lambda: sign(aud="gitlab-ai-gateway-2"), id="a longer audience"),
        pytest.param(lambda: sign(aud=None), id="no audience"),
        pytest.param(lambda: sign(aud=[]), id="no audiences"),
        pytest.param(lambda: sign(exp=int(time.time()) - 1), id="expired"),
        pytest.param(lambda: sign(exp=int(time.time())), id="expiring now"),
        pytest.param(lambda: sign(exp=None), id="no expiry"),
        pytest.param(lambda: sign(exp="soon"), id="an expiry that is a word"),
        pytest.param(lambda: sign(nbf=int(time.time()) + 60), id="not yet valid"),
        pytest.param(lambda: sign(sub=1), id="a subject that is a number"),
    ],
)
def test_refuses(stage: Stage, token: Callable[[], str]) -> None:
    response = stage.send(token())
    assert (response.status_code, response.json()) == (401, FORBIDDEN)


REALM, INSTANCE = ("X-Gitlab-Realm", "self-managed"), ("X-Gitlab-Instance-Id", "an-instance")


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ([INSTANCE], "Header mismatch 'X-Gitlab-Realm'"),
        ([INSTANCE, ("X-Gitlab-Realm", "saas")], "Header mismatch 'X-Gitlab-Realm'"),
        ([INSTANCE, REALM, ("X-Gitlab-Realm", "saas")], "Header mismatch 'X-Gitlab-Realm'"),
        ([REALM], "Header mismatch 'X-Gitlab-Instance-Id'"),
        ([REALM, ("X-Gitlab-Instance-Id", "other")], "Header mismatch 'X-Gitlab-Instance-Id'"),
        (
            [REALM, INSTANCE, ("X-Gitlab-Authentication-Type", "OIDC")],
            "Invalid authentication token type - only OIDC is supported",
        ),
    ],
)
def test_refuses_headers(stage: Stage, headers: list[tuple[str, str]], says: str) -> None:
    response = stage.send(sign(), headers)
    assert (response.status_code, response.json()) == (401, {"error": says})


@pytest.mark.parametrize("claim", ["gitlab_instance_id", "gitlab_realm"])
@pytest.mark.parametrize("value", ["other", ["self-managed"], {"a": 1}, 7])
def test_compares_claims_of_any_type(stage: Stage, claim: str, value: Any) -> None:
    assert stage.send(sign(**{claim: value})).status_code == 401


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "No authorization header presented"),
        ("Basic YWRhOmFkYQ==", "Invalid authorization header"),
        ("", "Invalid authorization header"),
        ("Bearer", "Forbidden by auth provider"),
    ],
)
def test_refuses_without_a_bearer(stage: Stage, header: str | None, says: str) -> None:
    headers = [REALM, INSTANCE] + ([] if header is None else [("Authorization", header)])
    response = stage.send(None, headers)
    assert (response.status_code, response.json()) == (401, {"error": says})


def test_refuses_a_second_authorization(stage: Stage) -> None:
    headers = [REALM, INSTANCE, ("Authorization", f"Bearer {sign()}")]
    assert stage.send(None, headers).status_code == 200
    response = stage.send("another", headers)
    assert (response.status_code, response.json()) == (401, FORBIDDEN)


def test_takes_the_scheme_in_any_case(stage: Stage) -> None:
    headers = [REALM, INSTANCE, ("Authorization", f"bEARER {sign()}")]
    assert stage.send(None, headers).status_code == 200


@pytest.mark.parametrize(
    "scopes", [[], None, ["new_feature"], "new_feature_scope", ["new_feature_scope", 1], 7]
)
def test_requires_the_scope(stage: Stage, scopes: Any) -> None:
    response = stage.send(sign(scopes=scopes))
    assert response.status_code == 403
    assert response.json() == {"detail": "Unauthorized to access new_feature_scope"}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "body"),
    [
        ("POST", "/elsewhere", b"{}", 404, {"detail": "Not Found"}),
        ("GET", "/new_feature_endpoint", b"", 405, {"detail": "Method Not Allowed"}),
        ("POST", "/new_feature_endpoint", b"{", 422, {"detail": "Validation error"}),
        ("GET", "/openapi.json", b"", 404, {"detail": "Not Found"}),
    ],
)
def test_other_requests(
    stage: Stage, method: str, path: str, content: bytes, status: int, body: dict[str, str]
) -> None:
    response = stage.send(sign(), None, method, path, content)
    assert (response.status_code, response.json()) == (status, body)
    assert stage.send(None, None, method, path, content).status_code == 401


def test_keeps_keys_for_a_day(stage: Stage) -> None:
    for _ in range(3):
        assert stage.send(sign()).status_code == 200
    assert stage.fetched == {GITLAB: 0, CUSTOMERSDOT: 1}
    stage.now = KEYS_TTL - 1
    assert stage.send(sign()).status_code == 200
    assert stage.fetched[CUSTOMERSDOT] == 1
    stage.published[CUSTOMERSDOT] = [jwk("next")]
    stage.now = KEYS_TTL
    assert stage.send(sign()).status_code == 401
    assert stage.fetched[CUSTOMERSDOT] == 2


def test_fetches_once_for_all_that_wait(stage: Stage) -> None:
    issuer = stage.issuers[1]

    async def ask() -> None:
        await asyncio.gather(*(issuer.keys("customersdot") for _ in range(20)))

    asyncio.run(ask())
    assert stage.fetched == {GITLAB: 0, CUSTOMERSDOT: 1}


def test_learns_a_new_key_and_is_not_made_to_fetch_all_the_time(stage: Stage) -> None:
    assert stage.send(sign()).status_code == 200
    stage.published[CUSTOMERSDOT].append(jwk("next"))
    assert stage.send(sign("next")).status_code == 200
    assert stage.fetched[CUSTOMERSDOT] == 2
    for _ in range(3):
        assert stage.send(sign("stranger")).status_code == 401
    assert stage.fetched[CUSTOMERSDOT] == 2
    stage.now = REFETCH_AFTER
    assert stage.send(sign("stranger")).status_code == 401
    assert stage.fetched[CUSTOMERSDOT] == 3


def test_an_issuer_that_is_down_leaves_the_other_usable(stage: Stage) -> None:
    stage.down.add(CUSTOMERSDOT)
    assert stage.send(sign("gitlab", iss=GITLAB)).status_code == 200
    response = stage.send(sign())
    assert response.status_code == 503
    assert response.json() == {"error": "Keys of the token's issuer are not available"}
    stage.down.clear()
    assert stage.send(sign()).status_code == 503
    stage.now = RETRY_AFTER
    assert stage.send(sign()).status_code == 200


def test_keeps_the_old_keys_while_there_are_no_new_ones(stage: Stage) -> None:
    assert stage.send(sign()).status_code == 200
    stage.down.add(CUSTOMERSDOT)
    stage.now = KEYS_TTL
    assert stage.send(sign()).status_code == 200


@pytest.mark.parametrize(
    "published",
    [
        pytest.param([], id="no keys"),
        pytest.param([jwk("customersdot", use="enc")], id="a key for encryption"),
        pytest.param([jwk("customersdot", alg="RS512")], id="a key for another algorithm"),
        pytest.param([{"kty": "oct", "k": "c2VjcmV0", "kid": "customersdot"}], id="a secret"),
        pytest.param([{"kty": "RSA", "kid": "customersdot"}], id="half a key"),
        pytest.param("keys", id="no list"),
        pytest.param(None, id="null"),
    ],
)
def test_uses_no_key_that_is_not_for_this(stage: Stage, published: Any) -> None:
    stage.published[CUSTOMERSDOT] = published
    assert stage.send(sign()).status_code == 503
    assert stage.send(sign(header={"kid": None})).status_code == 503


def test_finds_its_key_among_others(stage: Stage) -> None:
    unusable: list[Any] = [{"kty": "EC", "crv": "P-256"}, {"kty": "new"}, 7]
    others = [*unusable, jwk("stranger", alg="RS512"), jwk("next")]
    stage.published[CUSTOMERSDOT] = [*others, *stage.published[CUSTOMERSDOT]]
    assert stage.send(sign()).status_code == 200
    assert stage.send(sign(header={"kid": None})).status_code == 200
    assert stage.send(sign("next", {"kid": "customersdot"})).status_code == 401


def test_does_not_take_one_issuer_for_another(stage: Stage) -> None:
    stage.issuer_names[CUSTOMERSDOT] = GITLAB
    assert stage.send(sign()).status_code == 503
    stage.issuer_names[CUSTOMERSDOT] = CUSTOMERSDOT + "/"
    stage.now = RETRY_AFTER
    assert stage.send(sign()).status_code == 200


def test_says_whether_it_is_ready(stage: Stage) -> None:
    stage.down.add(GITLAB)
    for path, status in (("/monitoring/healthz", 200), ("/monitoring/ready", 503)):
        response = stage.send(None, [], "GET", path)
        assert (response.status_code, response.json()) == (status, {})
    stage.down.clear()
    stage.now = RETRY_AFTER
    response = stage.send(None, [], "GET", "/monitoring/ready")
    assert (response.status_code, response.json()) == (200, {})


def test_is_configured_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITLAB_URL", "CUSTOMERSDOT_URL", "AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(KeyError, match="GITLAB_URL"):
        create_app()
    monkeypatch.setenv("GITLAB_URL", GITLAB)
    monkeypatch.setenv("CUSTOMERSDOT_URL", CUSTOMERSDOT)
    create_app()
