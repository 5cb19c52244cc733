"""What a backend behind Cloud Connector checks before it answers. Copy this file as it is."""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import httpx2
import jwt
from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    SimpleUser,
)
from starlette.requests import HTTPConnection

log = logging.getLogger("uvicorn.error")  # where uvicorn writes what it has to say itself

KEYS_TTL = 24 * 60 * 60  # seconds for which published keys are good
RETRY_AFTER = 5  # seconds from a fetch that failed to the next
REFETCH_AFTER = 60  # seconds between fetches for unknown key ids, which anyone can make up


class Refusal(AuthenticationError):
    """A request that is not let in. The caller is told what it says, the log knows the reason."""

    def __init__(self, says: str, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.says, self.status = says, status


class Issuer:
    """GitLab or CustomersDot, and the keys that it publishes."""

    def __init__(
        self,
        url: str,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url.rstrip("/")
        self._transport, self._clock, self._lock = transport, clock, asyncio.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._fetch_at = self._refetch_at = float("-inf")

    async def keys(self, kid: str | None = None) -> list[jwt.PyJWK]:
        """The keys with that id or, for a token that names none, all of them."""
        async with self._lock:
            now = self._clock()
            known = kid is None or any(key.key_id == kid for key in self._keys)
            if now >= self._fetch_at:
                await self._fetch(now)
            elif self._keys and not known and now >= self._refetch_at:  # there may be a new one
                self._refetch_at = now + REFETCH_AFTER
                await self._fetch(now)
            if not self._keys:
                says = "Keys of the token's issuer are not available"
                raise Refusal(says, f"there are no keys of {self.url}", status=503)
            return [key for key in self._keys if kid is None or key.key_id == kid]

    async def _fetch(self, now: float) -> None:
        """Whatever is wrong with an issuer, the keys that it had stay in use."""
        try:
            async with httpx2.AsyncClient(timeout=10, transport=self._transport) as client:
                document = await _get(client, f"{self.url}/.well-known/openid-configuration")
                if document["issuer"].rstrip("/") != self.url:
                    raise ValueError(f"the document is that of {document['issuer']!r}")
                published = jwt.PyJWKSet.from_dict(await _get(client, document["jwks_uri"]))
            self._keys = [
                key
                for key in published.keys
                if key.algorithm_name == "RS256" and key.public_key_use in (None, "sig")
            ]
            self._fetch_at = now + KEYS_TTL
        except Exception as error:
            log.warning("the keys of %s could not be fetched: %r", self.url, error)
            self._fetch_at = now + RETRY_AFTER


async def _get(client: httpx2.AsyncClient, url: str) -> Any:
    return (await client.get(url)).raise_for_status().json()


class CloudConnector(AuthenticationBackend):
    """Lets a request in if its token is for this service and from an issuer that is trusted."""

    def __init__(
        self, issuers: Collection[Issuer], audience: str, open_paths: Collection[str] = ()
    ) -> None:
        self._issuers, self._audience, self._open_paths = issuers, audience, open_paths

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        if conn.scope["path"] in self._open_paths:
            return None
        token = _bearer(conn)
        kinds = conn.headers.getlist("X-Gitlab-Authentication-Type")
        if kinds not in ([], ["oidc"]):
            says = "Invalid authentication token type - only OIDC is supported"
            raise Refusal(says, f"the type is {kinds!r}")
        try:
            claims = await self._verify(token)
        except jwt.PyJWTError as error:
            raise Refusal("Forbidden by auth provider", repr(error)) from error
        for header, claim in (
            ("X-Gitlab-Realm", "gitlab_realm"),
            ("X-Gitlab-Instance-Id", "gitlab_instance_id"),
            ("X-Gitlab-Instance-Id", "sub"),
        ):
            want, got = claims.get(claim), conn.headers.getlist(header)
            if claim in claims and (not got or any(value != want for value in got)):
                raise Refusal(f"Header mismatch '{header}'", f"{got!r}, but {claim} is {want!r}")
        scopes = claims.get("scopes")
        if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
            scopes = []
        return AuthCredentials(scopes), SimpleUser(claims.get("sub", claims["iss"]))

    async def _verify(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token).get("kid")
        iss = jwt.decode(token, options={"verify_signature": False}).get("iss")
        # A token is held against the keys of the issuer that it names and no others, so that none
        # can sign in the other's name. CustomersDot's is documented with a slash and without.
        issuer = next((i for i in self._issuers if iss in (i.url, i.url + "/")), None)
        if issuer is None:
            raise jwt.InvalidIssuerError(f"{iss!r} is not trusted")
        for key in await issuer.keys(kid):  # several for GitLab up to 17.4, which sends no key id
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=["RS256"],
                    audience=self._audience,
                    # Clocks differ a little: nbf allows for that, iat does not.
                    options={"require": ["exp", "aud"], "verify_iat": False},
                )
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError(f"signed by no key of {issuer.url}; the key id is {kid!r}")


def _bearer(conn: HTTPConnection) -> str:
    headers = conn.headers.getlist("Authorization")
    if not headers:
        raise Refusal("No authorization header presented", "there is none")
    if len(headers) > 1:
        raise Refusal("Forbidden by auth provider", "there are several Authorization headers")
    scheme, _, token = headers[0].strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal("Invalid authorization header", "the scheme is not Bearer")
    return token.strip()


def refuse(conn: HTTPConnection, error: AuthenticationError) -> JSONResponse:
    """Answers a request that is not let in."""
    assert isinstance(error, Refusal)
    request_id = conn.headers.get("X-Request-Id", "-")
    log.warning("%s is refused: %s: %s", request_id, error.says, error)
    return JSONResponse({"error": error.says}, error.status)


Endpoint = Callable[..., Awaitable[Any]]


def requires(scope: str) -> Callable[[Endpoint], Endpoint]:
    """Keeps an endpoint to tokens with that scope. The endpoint has a parameter `request`."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def checked(*args: Any, request: Request, **kwargs: Any) -> Any:
            if scope not in request.auth.scopes:
                raise HTTPException(403, f"Unauthorized to access {scope}")
            return await endpoint(*args, request=request, **kwargs)

        return checked

    return decorate
