"""What of an installation works and what does not, in plain words, without loading a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rpg._loading import first_line
from rpg.doctor import endpoints, machine, model
from rpg.doctor.finding import Finding

__all__ = ["Finding", "examine"]


def examine(
    *, source: str | None = None, device: str | None = None, base_url: str | None = None
) -> Iterator[Finding]:
    """Looks at versions, device, model, folders and endpoints, in this order.

    What fails is a finding, also where a library cannot be imported. Nothing is downloaded and no
    weight is read; the language model's address is asked for its list of models.

    Args:
        source: The model: a folder, a file or a hub id. None: `RPG_MODEL`, else Toybox.
        device: None: `RPG_DEVICE`, else the best there is.
        base_url: The language model's address. None: `OPENAI_BASE_URL`, else OpenAI's if there is
            a key.
    """
    yield from _looked("versions", machine.versions)
    yield from _looked("device", lambda: machine.devices(device))
    yield from _looked("model", lambda: model.models(source, device))
    yield from _looked("folders", machine.folders)
    yield from _looked("endpoints", lambda: endpoints.endpoints(base_url))
    yield from _looked("extras", machine.extras)


def _looked(section: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A section's findings; a failure of looking is the last of them."""
    try:
        yield from look()
    except Exception as error:
        yield Finding(section, "cannot be looked at", first_line(error), "problem")
