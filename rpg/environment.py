"""What the environment says; the only reader of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from rpg.errors import SettingsError
from rpg.settings import explain


class Environment(BaseModel):
    """What the environment says: what is used where a call names nothing else.

    Attributes:
        model: `RPG_MODEL`, a folder, a single-file checkpoint or a hub id. None: the bundled
            Toybox.
        device: `RPG_DEVICE`, such as "cuda", "cuda:1", "mps" or "cpu". None: the best there is.
        dtype: `RPG_DTYPE`, one of "float32", "float16", "bfloat16". None: what suits the device.
        sessions: `RPG_SESSIONS`, the folder of edit sessions. None: in the user's data folder.
        config: `RPG_CONFIG`, the folder of what `rpg calibrate` keeps. None: the user's folders of
            configuration, for settings, and of data, for journals.
        openai_api_key: `OPENAI_API_KEY`, the key of the endpoint that chat models are asked at. It
            never shows in a log, an error or a representation.
        openai_base_url: `OPENAI_BASE_URL`, that endpoint's address. None: OpenAI's own.
        auth: `RPG_AUTH`, "user:password" that the web UI asks for. None: nobody is asked.
        mcp_token: `RPG_MCP_TOKEN`, the token that MCP clients of the web UI send.
    """

    model_config = ConfigDict(frozen=True)

    model: str | None = None
    device: str | None = None
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    sessions: str | None = None
    config: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    auth: SecretStr | None = None
    mcp_token: SecretStr | None = None


def environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Reads the variables that `Environment` names; blank counts as unset.

    Raises:
        SettingsError: A variable holds what it may not.
    """
    source = os.environ if variables is None else variables
    found = {name: source.get(_variable(name), "").strip() for name in Environment.model_fields}
    try:
        return Environment.model_validate({name: text for name, text in found.items() if text})
    except ValidationError as error:
        field, _, fault = explain(error).partition(":")
        raise SettingsError(f"environment: {_variable(field)}:{fault}") from None


def endpoint_key(name: str, variables: Mapping[str, str] | None = None) -> SecretStr | None:
    """The key of an endpoint that the operator listed by name; None where there is none."""
    source = os.environ if variables is None else variables
    found = source.get(endpoint_variable(name), "").strip()
    return SecretStr(found) if found else None


def endpoint_variable(name: str) -> str:
    """The variable that holds the key of a listed endpoint: RPG_KEY_MY_LAB for "my-lab"."""
    return f"RPG_KEY_{re.sub('[^A-Z0-9]', '_', name.upper())}"


def _variable(name: str) -> str:
    """The environment's word for a field; chat models keep the one that every tool reads."""
    return name.upper() if name.startswith("openai_") else f"RPG_{name.upper()}"
