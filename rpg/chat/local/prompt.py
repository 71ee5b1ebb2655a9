"""A conversation as a model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from rpg.chat.base import Message
from rpg.errors import ChatError

if TYPE_CHECKING:
    from PIL.Image import Image


def encode(
    processor: Any, messages: Sequence[Message], images: Sequence[Image], *, brief: bool
) -> Any:
    """The conversation in the model's own words, ready for `generate`.

    Control tokens that stand in a message are encoded as plain text: nobody can end the user's
    turn, or put a picture in, from within a prompt.

    Args:
        processor: A tokenizer, or the processor of an image-text model.
        messages: The conversation.
        images: Pictures that belong to the last message.
        brief: Whether a model that can do both should answer without thinking first.

    Returns:
        A mapping with `input_ids` (1, n) and whatever else the model takes.

    Raises:
        ChatError: The model's chat template refuses the conversation.
    """
    template = _template(processor)
    if template is None:
        return _plain(processor, messages, images)
    words = {"enable_thinking": False} if brief and "enable_thinking" in template else {}
    try:
        return _templated(processor, messages, images, template, words)
    except TemplateError as error:
        folded = _without_system(messages)
        if len(folded) == len(messages):
            raise ChatError(f"the model's chat template refuses: {_line(error)}") from error
    try:  # some templates know no system message
        return _templated(processor, folded, images, template, words)
    except TemplateError as error:
        raise ChatError(f"the model's chat template refuses: {_line(error)}") from error


def sees(processor: Any) -> bool:
    """Whether it takes pictures."""
    return hasattr(processor, "image_processor") and hasattr(processor, "tokenizer")


def tokenizer_of(processor: Any) -> Any:
    """The tokenizer alone."""
    return processor.tokenizer if sees(processor) else processor


def _template(processor: Any) -> str | None:
    for holder in (processor, tokenizer_of(processor)):
        template = getattr(holder, "chat_template", None)
        if isinstance(template, dict):
            template = template.get("default")
        if isinstance(template, str) and template.strip():
            return template
    return None


def _templated(
    processor: Any,
    messages: Sequence[Message],
    images: Sequence[Image],
    template: str,
    words: dict[str, Any],
) -> Any:
    turns: list[dict[str, Any]]
    special: dict[str, Any] = {}
    if sees(processor):
        turns = [_parts(message) for message in messages]
        turns[-1]["content"][:0] = [{"type": "image", "image": _rgb(image)} for image in images]
        special = {"processor_kwargs": {"add_special_tokens": False}}
    else:
        turns = [{"role": message.role, "content": message.content} for message in messages]
    return processor.apply_chat_template(
        turns,
        chat_template=template,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        sanitize_control_tokens=True,
        **special,
        **words,
    )


def _parts(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": [{"type": "text", "text": message.content}]}


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """System messages put at the head of the first message of the user."""
    system = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if system and rest and rest[0].role == "user":
        rest[0] = Message("user", "\n\n".join([*system, rest[0].content]))
    return rest


def _plain(processor: Any, messages: Sequence[Message], images: Sequence[Image]) -> Any:
    """The conversation as a script, for models without a chat template."""
    names = {"system": "System", "user": "User", "assistant": "Assistant"}
    lines = [f"{names[message.role]}: {message.content}" for message in messages]
    text = "\n\n".join([*lines, "Assistant:"])
    if not sees(processor):
        return processor(text, return_tensors="pt", split_special_tokens=True)
    token = getattr(processor, "image_token", "")
    text = token * len(images) + (text.replace(token, "") if token else text)
    pictures = [_rgb(image) for image in images]
    return processor(text=text, images=pictures or None, return_tensors="pt")


def _rgb(image: Image) -> Image:
    return image.convert("RGB")


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
