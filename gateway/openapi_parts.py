"""What descriptions of our interfaces in OpenAPI 3.1 are made of."""

from typing import Any

_PROBLEM = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


PROBLEM_DOCUMENT = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
COUNTED = {"type": "integer", "minimum": 0}


def answers(good: str, description: str, schema: str | None = None) -> dict[str, Any]:
    """The answers of a call: the `good` one, and a problem."""
    answer: dict[str, Any] = {"description": description}
    if schema is not None:
        answer["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {good: answer, "default": _PROBLEM}


def body(schema: str) -> dict[str, Any]:
    """A JSON body of this schema."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"required": True, "content": content}


def text_in_path(name: str) -> dict[str, Any]:
    """A parameter that is part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
