"""Arms: settings by name, what a model does already left out."""

from __future__ import annotations

import pytest

from rpg.calibration.arms import ARMS, MOST_ARMS, OWN, Arm, arms_for, described, parse_arm
from rpg.defaults import FAMILIES, ModelDefaults
from rpg.errors import SettingsError


def test_an_arm_is_read_from_the_command_line_and_called_by_its_settings() -> None:
    arm = parse_arm(" composer=attention , base-ratio=0.3, num_inference_steps=20")
    assert arm.settings == {
        "composer": "attention", "base_ratio": 0.3, "num_inference_steps": 20
    }  # fmt: skip
    assert arm.name == "attention base_ratio=0.3 num_inference_steps=20"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("attention", "write NAME=VALUE"),
        ("seed=4", "'seed' is no setting of a model"),
        ("base_ratio=2", "base_ratio: should be less than or equal to 1"),
        ("composer=magic", "composer: should be 'latent"),
        ("base_ratio=nan", "base_ratio: should be a finite number"),
    ],
)
def test_what_is_no_arm_is_named(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_arm(text)


def test_the_models_own_way_is_first_and_not_twice() -> None:
    own = ModelDefaults(composer="attention", base_ratio=0.3, share=0.4, window=768)
    arms = arms_for(own, [*ARMS, *ARMS, parse_arm("composer=latent,base_ratio=0,window=768")])
    assert arms[0] == Arm(name=OWN) and len(arms) == len(ARMS)  # one is what the model does
    assert described(arms, own)[OWN] == f"{OWN}: attention base_ratio=0.3 share=0.4"
    for family in FAMILIES.values():
        assert len(arms_for(family)) in (len(ARMS), len(ARMS) + 1)


def test_there_has_to_be_something_to_compare() -> None:
    own = ModelDefaults(composer="latent")
    with pytest.raises(SettingsError, match="0 arms differ"):
        arms_for(own, [parse_arm("composer=latent")])
    many = [parse_arm(f"guidance_scale={at}") for at in range(10, 10 + MOST_ARMS)]
    with pytest.raises(SettingsError, match=f"{MOST_ARMS} arms"):
        arms_for(own, many)
