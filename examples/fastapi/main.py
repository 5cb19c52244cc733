"""The backend of the Cloud Connector tutorial: one endpoint, for one scope."""

import asyncio
import os
from collections.abc import Collection
from time import time
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.middleware.authentication import AuthenticationMiddleware

from cloud_connector import CloudConnector, Issuer, Refusal, refuse, requires

router = APIRouter()


class FeatureRequest(BaseModel):
    prompt: str = ""


class FeatureResponse(BaseModel):
    id: str
    created: int
    extra: str


@router.post("/new_feature_endpoint")
@requires("new_feature_scope")
async def new_feature(request: Request, payload: FeatureRequest) -> FeatureResponse:
    return FeatureResponse(id="id", created=int(time()), extra="Feature")


def create_app(issuers: Collection[Issuer] = (), audience: str = "") -> FastAPI:
    """The service. What is not given comes from GITLAB_URL, CUSTOMERSDOT_URL and AUDIENCE."""
    issuers = issuers or [Issuer(os.environ[name]) for name in ("GITLAB_URL", "CUSTOMERSDOT_URL")]
    audience = audience or os.environ.get("AUDIENCE", "gitlab-ai-gateway")
    app = FastAPI(openapi_url=None)
    app.add_middleware(
        AuthenticationMiddleware,
        backend=CloudConnector(issuers, audience, ["/monitoring/healthz", "/monitoring/ready"]),
        on_error=refuse,
    )
    app.include_router(router)

    @app.get("/monitoring/healthz")
    async def healthz() -> dict[str, Any]:
        return {}

    @app.get("/monitoring/ready")
    async def ready() -> JSONResponse:
        try:
            await asyncio.gather(*(issuer.keys() for issuer in issuers))
        except Refusal as error:
            return JSONResponse({}, error.status)
        return JSONResponse({})

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": "Validation error"}, 422)

    return app
