"""The page as a whole, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_says_what_draws_and_what_plans(tab: Page) -> None:
    expect(tab.locator("#headline")).to_contain_text("Toybox")
    expect(tab.locator("#headline")).to_contain_text("by rules")
