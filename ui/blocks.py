"""The seam between Gradio's handling of values and ours: every refusal is one sentence of ours.

What Gradio raises of a value is told with a traceback in the log, and to the client as an error
without words. Here it becomes a `gr.Error` with words and without a traceback.
"""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from rpg.errors import RPGError
from ui.failures import BROKEN, described
from ui.references import localised

__all__ = ["Page", "refusal"]

_LOG = logging.getLogger(__name__)
_UNREADABLE = "a value came that this field does not take; reload the page and try again"


def refusal(error: RPGError | str) -> gr.Error:
    """A refusal as Gradio's clients take it."""
    return gr.Error(str(error), print_exception=False)


class Page(gr.Blocks):  # type: ignore[misc]
    """Blocks whose listeners fail in words."""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> Any:
        """The values that a listener is given, from those that came.

        Raises:
            gr.Error: There are too few, or one is none that its field takes.
        """
        missing = block_fn.inputs[len(inputs) :]
        if not all(isinstance(one, Api) for one in missing):
            raise refusal(_UNREADABLE)
        try:
            local = [
                localised(value, is_plain=isinstance(block, Api))
                for value, block in zip(inputs, block_fn.inputs, strict=False)
            ]
            local += [None] * len(missing)  # the endpoints judge themselves
            return await super().preprocess_data(block_fn, local, state, explicit_call)
        except RPGError as error:
            raise refusal(error) from None
        except Exception as error:
            _LOG.info("a value of %s: %s", block_fn.name, type(error).__name__)
            raise refusal(_UNREADABLE) from None

    async def process_api(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Runs a listener.

        Raises:
            gr.Error: It refuses, or failed.
        """
        try:
            answer: dict[str, Any] = await super().process_api(*args, **kwargs)
            return answer
        except gr.Error as error:
            error.print_exception = False
            raise
        except RPGError as error:
            raise refusal(error) from None
        except Exception as error:
            _LOG.error("a listener failed: %s", described(error))
            raise refusal(BROKEN) from None
