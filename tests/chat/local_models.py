"""Language models with random weights, a few thousand of them, made from configurations alone."""

from __future__ import annotations

import string
from functools import cache
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

_library: Any = transformers  # whose constructors have no types
_WORDS = """reasoning regions prompt kind row column box weight null entities name count attributes
shows id left top right bottom base_prompt base_ratio negative {"reasoning": "x", "regions": [{"id":
a red star above a blue moon and a tree. You plan pictures, User: Assistant:
"""
_CONTROL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<image>", "<think>", "</think>"]
TEMPLATE = """{%- for message in messages -%}
<|{{ message.role }}|>
{%- if message.content is string -%}{{ message.content }}
{%- else -%}{%- for part in message.content -%}
{%- if part.type == "image" -%}<image>{%- else -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}<|end|>
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"""
PIXELS, PATCH = 16, 8
CONTEXT = 4096


@cache
def _bpe() -> str:
    """Every byte and a few merges, as JSON."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=400, min_frequency=1, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator([_WORDS], trainer)
    text: str = bpe.to_str()
    return text


def tiny_tokenizer(template: str | None = TEMPLATE) -> Any:
    """A byte-level tokenizer with control tokens and a chat template."""
    tokenizer = _library.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_bpe()),
        eos_token=_CONTROL[0],
        pad_token=_CONTROL[0],
        additional_special_tokens=_CONTROL[1:5],
    )
    tokenizer.add_tokens(_CONTROL[5:])
    tokenizer.chat_template = template
    return tokenizer


def _text_config(tokenizer: Any, **words: Any) -> LlamaConfig:
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer) + 5,  # as many models have: rows that no token uses
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return LlamaConfig(**(settings | words))


def tiny_text_model(tokenizer: Any, seed: int = 0, **words: Any) -> Any:
    """Llama's architecture."""
    torch.manual_seed(seed)
    return _library.LlamaForCausalLM(_text_config(tokenizer, **words)).eval()


def tiny_image_model(tokenizer: Any, seed: int = 0) -> Any:
    """LLaVA's architecture: a CLIP eye before Llama."""
    torch.manual_seed(seed)
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=1,
        image_size=PIXELS,
        patch_size=PATCH,
        projection_dim=16,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=_text_config(tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    return _library.LlavaForConditionalGeneration(config).eval()


def tiny_processor(tokenizer: Any) -> Any:
    """Pictures to 16 x 16 pixels in four patches, without torchvision."""
    side = {"height": PIXELS, "width": PIXELS}
    return _library.LlavaProcessor(
        image_processor=_library.CLIPImageProcessorPil(size=side, crop_size=side),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokenizer.chat_template,
    )


def marked_tokenizer() -> Any:
    """A tokenizer like SentencePiece's: spaces are marks, unknown letters fall into bytes."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    tokens += [*string.ascii_letters, *string.digits, *string.punctuation]
    merges = [("▁", "a"), ("r", "e"), ('"', ":"), ("{", '"'), ('"', ","), ("▁", '"'), ("}", "]")]
    vocabulary = {token: i for i, token in enumerate([*tokens, *map("".join, merges)])}
    bpe = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True)
    )
    bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    bpe.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer = _library.PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.chat_template = "{{ bos_token }}" + TEMPLATE
    return tokenizer
