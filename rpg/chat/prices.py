"""What hosted models charge: list prices of September 2026, no discounts. They age: check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rpg.chat.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens read and a million written."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What these tokens cost, in US dollars."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


FREE = Price(0.0, 0.0)

PRICES: Mapping[str, Mapping[str, Price]] = {
    "OpenAI": {
        "gpt-5.5": Price(5.00, 30.00),
        "gpt-5.4": Price(2.50, 15.00),
        "gpt-5.4-mini": Price(0.75, 4.50),
        "gpt-5.1": Price(1.25, 10.00),
        "gpt-5": Price(1.25, 10.00),
        "gpt-5-mini": Price(0.25, 2.00),
        "gpt-5-nano": Price(0.05, 0.40),
        "gpt-4.1": Price(2.00, 8.00),
        "gpt-4.1-mini": Price(0.40, 1.60),
        "gpt-4.1-nano": Price(0.10, 0.40),
        "gpt-4o": Price(2.50, 10.00),
        "gpt-4o-mini": Price(0.15, 0.60),
        "o3": Price(2.00, 8.00),
        "o4-mini": Price(1.10, 4.40),
    },
}


def price_of(
    endpoint: Endpoint, model: str, own: Mapping[str, Price] | None = None
) -> Price | None:
    """The price of a model: the caller's `own` first, then the table; None if it is not known.

    A dated snapshot ("gpt-4o-2024-08-06") costs what its model does. Local servers are free.
    """
    for table in (own or {}, PRICES.get(endpoint.name, {})):
        for name, price in table.items():
            if model == name or model.startswith(f"{name}-20"):
                return price
    return FREE if endpoint.local else None
