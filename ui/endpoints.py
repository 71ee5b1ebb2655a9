"""Where the page's planners may be asked, and with whose key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from rpg.chat.addresses import Trust, forbidden
from rpg.chat.endpoints import OPENAI_URL, clean_base_url, whereabouts
from rpg.chat.hosted import NO_KEY, Key, operators_key
from rpg.environment import endpoint_key, endpoint_variable, environment
from rpg.errors import ChatAccessError, SettingsError

__all__ = ["EndpointPolicy", "Route"]


@dataclass(frozen=True)
class Route:
    """Whom a planner asks, with which key, and who named the address; as `OpenAIChat` takes it."""

    base_url: str
    api_key: Key
    trust: Trust


@dataclass(frozen=True)
class EndpointPolicy:
    """The operator's endpoints, and what a visitor may add to them.

    Attributes:
        base_url: The operator's own; empty is `OPENAI_BASE_URL`, else OpenAI's.
        listed: More of them, by name.
        shared: Whether others than the operator may use the page.
        free: Whether visitors may type an address.
    """

    base_url: str = ""
    listed: tuple[tuple[str, str], ...] = ()
    shared: bool = False
    free: bool = True

    @classmethod
    def of(
        cls, base_url: str, endpoints: Iterable[str], *, shared: bool, allow_any: bool
    ) -> EndpointPolicy:
        """The policy that the command line's flags make.

        Args:
            base_url: `--base-url`, or empty.
            endpoints: NAME=URL, each an endpoint to choose.
            shared: Whether others than the operator may use the page.
            allow_any: Whether visitors of a shared page may type an address all the same.

        Raises:
            ChatAccessError: `base_url` is no address.
            SettingsError: An endpoint is no NAME=URL, or a name is taken.
        """
        own = clean_base_url(base_url) if base_url.strip() else ""
        listed: dict[str, str] = {}
        variables: set[str] = set()
        for text in endpoints:
            name, url = _pair(text)
            if endpoint_variable(name) in variables:
                raise SettingsError(
                    f"--planner-endpoint {name}: another one has that name, or the variable "
                    f"{endpoint_variable(name)} for its key; choose another name"
                )
            variables.add(endpoint_variable(name))
            listed[name] = url
        return cls(own, tuple(listed.items()), shared, allow_any or not shared)

    def route(self, wanted: str, key: SecretStr) -> Route:
        """Whom to ask for a tab, and with which key.

        The environment's keys go to addresses of the operator alone; any other gets the tab's key
        or none.

        Args:
            wanted: What the tab holds: a name of the list, an address, or empty for the operator's.
            key: The tab's key; may be blank.

        Raises:
            ChatAccessError: It is no address, or one that a visitor may not name here.
        """
        text, typed = wanted.strip(), key if key.get_secret_value().strip() else None
        listed = dict(self.listed)
        own = clean_base_url(self.base_url or environment().openai_base_url or OPENAI_URL)
        url = listed.get(text) or (clean_base_url(text) if text else own)
        if url == own:
            return Route(url, typed or operators_key(), "owner")
        name = text if text in listed else next((n for n, at in self.listed if at == url), None)
        if name is not None:
            return Route(url, endpoint_key(name) or typed or NO_KEY, "owner")
        self._check(url)
        return Route(url, typed or NO_KEY, "stranger" if self.shared else "visitor")

    def _check(self, url: str) -> None:
        if not self.free:
            names = ", ".join(name for name, _ in self.listed)
            offered = f"one of {names}, or leave it empty" if names else "leave the base URL empty"
            raise ChatAccessError(f"this page asks its own endpoints alone: choose {offered}")
        if whereabouts(urlsplit(url).hostname or "") == "link-local":
            raise forbidden(url)


def _pair(text: str) -> tuple[str, str]:
    name, equals, url = (part.strip() for part in text.partition("="))
    if not (name and equals and url) or "://" in name:
        raise SettingsError(f"--planner-endpoint {text.split('://')[0]}: write NAME=URL")
    try:
        return name, clean_base_url(url)
    except ChatAccessError as error:
        raise SettingsError(f"--planner-endpoint {name}: {error}") from None
