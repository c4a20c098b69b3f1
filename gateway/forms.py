"""What a visitor may send along: a small form or JSON object, read strictly. Untrusted text enters here."""

from typing import TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, ValidationError

from ecluse.domain.errors import BadInput
from gateway.asgi import Receive, Scope, header
from gateway.requests import is_json, read_body


class JoinForm(BaseModel):
    """What a visitor may say when joining; `to` is where they want to go."""

    model_config = ConfigDict(extra="ignore", strict=True)

    lane: str | None = None
    person: str | None = None
    invitation: str | None = None
    challenge: str | None = None
    to: str | None = None
    code: str | None = None
    key: str | None = None
    confirm: bool | str | None = None
    asked: str | None = None
    """The form asked for a lane, so one without it left that out."""

    @property
    def confirmed(self) -> bool:
        """Whether the place of a known person is asked for all the same."""
        return self.confirm is True or self.confirm in ("1", "true")


class NotifyForm(BaseModel):
    """Where a visitor wants to be told of their turn; `to` is where they want to go."""

    model_config = ConfigDict(extra="ignore", strict=True)

    email: str | None = None
    phone: str | None = None
    to: str | None = None


class SignInForm(BaseModel):
    """Who an operator says they are."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = ""
    password: str = ""


_Form = TypeVar("_Form", bound=BaseModel)


async def read_form(scope: Scope, receive: Receive) -> JoinForm:
    """What a visitor says when joining. Raises BadInput, BodyTooLarge."""
    return await read_fields(scope, receive, JoinForm)


async def read_fields(scope: Scope, receive: Receive, form: type[_Form]) -> _Form:
    """The fields of a JSON or form body, or none. Raises BadInput, BodyTooLarge."""
    body = await read_body(receive)
    if not body.strip():
        return form()
    try:
        if is_json(scope):
            return form.model_validate_json(body)
        kind = header(scope, b"content-type") or b""
        if kind.startswith(b"application/x-www-form-urlencoded"):
            fields = parse_qs(body.decode(), max_num_fields=20, strict_parsing=False)
            return form.model_validate({name: values[-1] for name, values in fields.items()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInput(f"{where}: {first['msg']}.") from None
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadInput("The body is not what its Content-Type says.") from None
    raise BadInput("Send application/json or a form.")
