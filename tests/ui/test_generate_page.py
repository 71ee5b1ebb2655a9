"""The generate panel in a browser: from a prompt to a picture, and what may come between."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from rpg import metadata
from rpg.plans.overlay import shrink
from rpg.toybox.detector import detect

PROMPT = "a red star above a blue circle"
NAMED = re.compile(r"\?session=[0-9a-f]{12}$")
SLOW = 60_000  # milliseconds, for work on a busy machine


def generate(tab: Page, **fields: str) -> None:
    for name, value in fields.items():
        tab.fill(f"#{name} input", value)
    tab.click("#generate-button")


def shown(tab: Page) -> Locator:
    """The large picture of the gallery."""
    return tab.locator("#gallery .preview .media-button img")


def done(tab: Page) -> None:
    expect(tab.locator("#cancel-button")).to_be_hidden(timeout=SLOW)
    expect(shown(tab)).to_be_visible(timeout=SLOW)
    expect(tab.locator("#status")).to_have_text("Done")


def downloaded(tab: Page, folder: Path) -> Path:
    with tab.expect_download() as download:
        tab.click("#gallery button[aria-label=Download]")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_prompt_becomes_a_picture_with_everything_in_it(tab: Page, tmp_path: Path) -> None:
    tab.fill("#prompt textarea", PROMPT)
    generate(tab, seed="5")
    expect(tab.locator("#status")).to_contain_text("Step ", timeout=SLOW)
    expect(tab.locator("#preview img")).to_be_visible(timeout=SLOW)
    done(tab)
    expect(tab.locator("#preview")).to_be_hidden()
    first = downloaded(tab, tmp_path)
    record = metadata.read(first)
    assert first.suffix == ".png" and record.settings.seed == 5
    assert [region.prompt for region in record.plan.regions] == ["a red star", "a blue circle"]
    with Image.open(first) as picture:
        found = detect(shrink(picture.convert("RGB"), record.scale))
    assert sorted((one.colour, one.name) for one in found) == [("blue", "circle"), ("red", "star")]

    expect(tab.locator("#seed-lock input")).to_be_checked()
    tab.click("#seed-dice")
    expect(tab.locator("#seed-lock input")).not_to_be_checked()
    tab.click("#keep-seed")
    expect(tab.locator("#seed input")).to_have_value("5")
    expect(tab.locator("#seed-lock input")).to_be_checked()
    before = shown(tab).get_attribute("src")
    generate(tab)
    expect(tab.locator("#cancel-button")).to_be_visible()
    done(tab)
    assert shown(tab).get_attribute("src") == before  # named by its content

    tab.check("#show-regions input")
    expect(shown(tab)).to_have_attribute("src", re.compile(r"regions\.png$"))
    tab.uncheck("#show-regions input")
    expect(shown(tab)).to_have_attribute("src", str(before))
    tab.click("#compare-button")
    expect(tab.locator("#comparison img").first).to_be_visible(timeout=SLOW)
    expect(tab.locator("#comparison img")).to_have_count(2)
    tab.click("#to-refine")
    expect(tab.get_by_role("tab", name="Refine")).to_have_attribute("aria-selected", "true")


def test_several_pictures_each_with_its_seed_by_a_preset(tab: Page) -> None:
    tab.fill("#prompt textarea", PROMPT)
    tab.click("#preset input")
    tab.get_by_role("option", name="Fast").click()
    expect(tab.locator("#steps input")).to_have_attribute("placeholder", "4")
    generate(tab, count="3", seed="20")
    done(tab)
    small = tab.locator("#gallery .thumbnails button")
    expect(small).to_have_count(3)
    expect(tab.locator("#keep-seed")).to_contain_text("20")
    small.nth(2).click()
    expect(tab.locator("#keep-seed")).to_contain_text("22")
    expect(shown(tab)).to_have_attribute("src", re.compile(r"rpg-22\.png$"))
    tab.reload()
    fast = re.compile("^Fast: 4 steps of euler-a$")
    expect(tab.locator("#preset input")).to_have_value(fast, timeout=SLOW)
    expect(tab.locator("#steps input")).to_have_attribute("placeholder", "4")


def test_problems_are_told_and_nothing_typed_is_lost(tab: Page, tmp_path: Path) -> None:
    problem = tab.locator("#problem")
    generate(tab)
    expect(problem).to_contain_text("The prompt is empty")
    hostile = "<b>a red star</b> ${1} {{2}}"
    tab.fill("#prompt textarea", hostile)
    refused = {"-2": "not -2", str(2**64): f"not {2**64}", "<i>x</i>": "'<i>x</i>' is no"}
    for seed, says in refused.items():
        generate(tab, seed=seed)
        expect(problem).to_contain_text(re.compile(f"Seed: .*{re.escape(says)}"))
    expect(tab.locator("#prompt textarea")).to_have_value(hostile)
    expect(problem.locator("i")).to_have_count(0)
    generate(tab, seed="1", steps="2")
    done(tab)
    expect(problem).to_be_hidden()
    expect(tab.locator("#notices")).to_contain_text("Toybox does not know")

    tab.click("#from-picture > button")
    (tmp_path / "note.png").write_text("no picture")
    turned = Image.Exif()
    turned[274] = 6
    Image.new("CMYK", (160, 80)).save(tmp_path / "photo.jpg", exif=turned)
    tab.set_input_files("#input-image input[type=file]", tmp_path / "note.png")
    expect(tab.locator(".toast-body")).to_contain_text("cannot be read")
    expect(tab.locator("#input-image img")).to_have_count(0)
    tab.set_input_files("#input-image input[type=file]", tmp_path / "photo.jpg")
    upright = """() => {
        const img = document.querySelector("#input-image img");
        return img && img.complete && img.naturalHeight === 2 * img.naturalWidth;
    }"""
    image = tab.locator("#input-image img")
    expect(image).to_have_attribute("src", re.compile(r"\.png$"), timeout=SLOW)
    tab.wait_for_function(upright)
    generate(tab)
    done(tab)


def test_a_long_drawing_can_be_left_found_again_and_cancelled(tab: Page) -> None:
    tab.fill("#prompt textarea", PROMPT)
    generate(tab, steps="100")
    expect(tab.locator("#preview img")).to_be_visible(timeout=SLOW)
    expect(tab).to_have_url(NAMED)
    again = tab.context.new_page()
    again.goto(tab.url)
    tab.close()
    expect(again.locator("#preview img")).to_be_visible(timeout=SLOW)
    expect(again.locator("#prompt textarea")).to_have_value(PROMPT)
    again.click("#cancel-button")
    expect(again.locator("#cancel-button")).to_be_hidden(timeout=5000)
    expect(again.locator("#status")).to_have_text("Cancelled")
    expect(again).not_to_have_url(NAMED)

    generate(again, steps="40")
    expect(again).to_have_url(NAMED)
    back = again.context.new_page()
    back.goto(again.url)
    again.close()
    done(back)
    expect(back.locator("#keep-seed")).to_be_visible()
