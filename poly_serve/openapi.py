"""What the server can do, as an OpenAPI description made of its routes (https://spec.openapis.org/oas/v3.1.0)."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from poly_engine import __version__
from poly_serve.routing import Route

__all__ = ["description"]

_NAME = re.compile(r"{(\w+)}")
_SCHEMAS = "#/components/schemas/{model}"


def description(routes: Iterable[Route]) -> dict[str, object]:
    """The description of some routes, as JSON holds it. The words are the docstrings of their handlers."""
    routes = list(routes)
    bodies = {route.body for route in routes if route.body is not None}
    schemas, definitions = models_json_schema([(body, "validation") for body in bodies], ref_template=_SCHEMAS)
    references = {body: schemas[body, "validation"] for body in bodies}
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    security = {"key": {"type": "http", "scheme": "bearer", "description": "A key, or a JSON web token."}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Poly",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": security},
    }


def _operation(route: Route, references: Mapping[type, dict[str, Any]]) -> dict[str, object]:
    summary, _, more = inspect.cleandoc(route.handler.__doc__ or "").partition("\n\n")
    operation: dict[str, object] = {
        "operationId": "_".join([route.method.lower(), *re.findall(r"\w+", route.path)]),
        "summary": " ".join(summary.split()),
        "parameters": [*map(_path_parameter, _NAME.findall(route.path)), *map(_query_parameter, route.query)],
        "responses": {"200": {"description": "Done."}, "default": {"description": "An error, in words or in JSON."}},
    }
    if more:
        operation["description"] = more
    if route.body is not None:
        content = {"application/json": {"schema": references[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    if not route.rule.is_open:
        operation["security"] = [{"key": []}]
    return operation


def _path_parameter(name: str) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameter(name: str) -> dict[str, object]:
    is_required = name == "prompt"
    return {"name": name, "in": "query", "required": is_required, "schema": {"type": "string"}}
