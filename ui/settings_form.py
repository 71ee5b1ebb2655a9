"""The form of generation settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from rpg.defaults import PRESET_FIELDS, ModelDefaults
from rpg.errors import SettingsError
from rpg.plans.plan import Plan
from rpg.settings import ADVANCED, SETTINGS, GenerationSettings, Group, Setting
from ui import settings_words as words
from ui.sizes import CUSTOM, named

__all__ = ["STRENGTH", "SettingsForm"]

STRENGTH = 0.6  # of a picture to start from, where nothing is said
_LOCKED_IF_GIVEN = "(seed) => seed.trim() !== '' && seed.trim() !== '-1'"
_SIZE_OF_PRESET = """(preset, width, height) => {
    const size = /^([0-9]+)x([0-9]+)$/.exec(preset);
    if (size) return [size[1], size[2]];
    return preset ? [width, height] : ["", ""];
}"""


class SettingsForm:
    """Fields for `GenerationSettings`; an empty one leaves its value to the model.

    Attributes:
        fields: Components, not yet on the page; as inputs of a listener their values go to `read`,
            as outputs they take what `shown` returns.
        preset: What fills the fields left empty before the model does.
        seed: Text: a browser's numbers end at 2**53.
        lock: Whether the seed is used again and again.
        keep: A button that shows the last seed, for the generate panel to fill and to listen to.
        of_image: For pictures to start from; on the page beside those, not by `render`.
    """

    def __init__(self, defaults: ModelDefaults) -> None:
        """Make the fields, with the model's own values where they have some."""
        self._defaults = defaults
        self.preset = _choice("preset", "Preset", words.presets(defaults))
        self.size = _choice("size", "Size", words.sizes(defaults), scale=3, min_width=280)
        self.seed = gr.Textbox(
            label=SETTINGS["seed"].label,
            placeholder="A new one each time",
            max_lines=1,
            scale=2,
            min_width=160,
            elem_id="seed",
            render=False,
        )
        self.lock = gr.Checkbox(
            label="Keep the seed", min_width=120, elem_id="seed-lock", render=False
        )
        self.keep = gr.Button(
            "", size="sm", min_width=220, visible=False, elem_id="keep-seed", render=False
        )
        self._named = {name: self._field(one) for name, one in SETTINGS.items() if name != "seed"}
        self.of_image = self._grouped("image")
        self.fields: list[Any] = [
            self.preset,
            self.size,
            self.seed,
            self.lock,
            *self._named.values(),
        ]

    def read(self, values: Sequence[Any]) -> GenerationSettings:
        """The settings that the fields' values make.

        Raises:
            SettingsError: A value is out of its range; says which.
        """
        preset, _, seed, lock, *others = values
        given = {
            name: value
            for name, value in zip(self._named, others, strict=True)
            if value is not None and str(value).strip()
        }
        wanted = _seed("" if seed is None else str(seed))
        try:
            said = GenerationSettings(**given, seed=wanted).model_copy(
                update={} if lock else {"seed": None}
            )
            return said.filled(self._defaults.preset(preset)) if preset else said
        except SettingsError as error:
            raise SettingsError(_in_labels(str(error))) from None

    def shown(self, settings: GenerationSettings, preset: str = "") -> list[Any]:
        """Values for the fields that show these settings; the seed, if there is one, is kept."""
        seed, size = settings.seed, named(self._defaults, settings.width, settings.height)
        others = [_written(getattr(settings, name)) for name in self._named]
        return [preset, size, _written(seed), seed is not None, *others]

    def reopened(self, settings: GenerationSettings, plan: Plan, *, seed: bool) -> list[Any]:
        """Likewise for a picture that is there; what the model would choose too is left open.

        So the canvas of the next plan is not bound to that of this one.

        Args:
            settings: Complete, as a record has them.
            plan: What was drawn.
            seed: Whether the seed is kept, so that the next picture is the same.
        """
        own = self._defaults
        alike = [name for name, value in own.words().items() if getattr(settings, name) == value]
        if (settings.width, settings.height) == own.canvas(
            (one.box for one in plan.layers()), plan.aspect
        ):
            alike += ["width", "height"]
        preset = own.preset_of(settings)
        alike += PRESET_FIELDS if preset else ()
        left = dict.fromkeys([*alike, "strength", *([] if seed else ["seed"])])
        return self.shown(settings.model_copy(update=left), preset)

    def render(self) -> None:
        """Puts the fields on the page, the common ones in sight."""
        with gr.Row():
            self.size.render()
            self._put("count")
        self.preset.render()
        with gr.Row():
            self.seed.render()
            self._put("noise")
            self._put("sampling")
        with gr.Row(elem_classes="controls"):
            self.lock.render()
            dice = gr.Button("New seed each time", size="sm", min_width=120, elem_id="seed-dice")
            self.keep.render()
        self._put("text")
        with gr.Accordion("More settings", open=False, elem_id="more-settings"):
            gr.Markdown(
                "An empty field takes the preset's or model's value, which it shows in grey."
            )
            for group in ADVANCED:
                with gr.Row():
                    self._put(group)
        self._listen(dice)

    def _listen(self, dice: gr.Button) -> None:
        """What goes on in the browser alone, but for the words of empty fields."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        sides = [self._named["width"], self._named["height"]]
        self.seed.change(None, self.seed, self.lock, js=_LOCKED_IF_GIVEN, **quiet)
        dice.click(None, None, self.seed, js="() => ''", **quiet)
        self.size.input(None, [self.size, *sides], sides, js=_SIZE_OF_PRESET, **quiet)
        for side in sides:
            side.input(None, None, self.size, js=f"() => '{CUSTOM}'", **quiet)
        filled = [self._named[name] for name in PRESET_FIELDS]
        self.preset.change(self.own, self.preset, filled, **quiet)

    def own(self, preset: str) -> list[Any]:
        """What the fields that a preset fills say of themselves while they are empty."""
        own = words.own(self._defaults, preset)
        filled = [SETTINGS[name] for name in PRESET_FIELDS]
        return [
            gr.Dropdown(choices=words.choices(one, own, preset))
            if one.choices
            else gr.Textbox(placeholder=self._unset(one, preset))
            for one in filled
        ]

    def _put(self, group: Group) -> None:
        for field in self._grouped(group):
            field.render()

    def _grouped(self, group: Group) -> list[Any]:
        return [field for name, field in self._named.items() if SETTINGS[name].group == group]

    def _field(self, setting: Setting) -> Any:
        """The component of a setting that has no field of its own kind."""
        if setting.choices:
            listed = words.choices(setting, words.own(self._defaults))
            return _choice(setting.id, setting.label, listed)
        return self._text(setting) if setting.kind is str else self._number(setting)

    def _text(self, setting: Setting) -> gr.Textbox:
        return gr.Textbox(
            label=setting.label,
            placeholder=setting.help,
            lines=1,
            max_lines=4,
            elem_id=setting.id,
            render=False,
        )

    def _number(self, setting: Setting) -> gr.Textbox:
        """A field for a number; of text, since `gr.Number` shows an empty value as 0."""
        explained = setting.group in ADVANCED and setting.group != "canvas"
        return gr.Textbox(
            label=setting.label,
            info=setting.sentence if explained or setting.group == "image" else None,
            placeholder=self._unset(setting),
            max_lines=1,
            min_width=110,
            elem_id=setting.id,
            render=False,
        )

    def _unset(self, setting: Setting, preset: str = "") -> str:
        """What an empty field for a number says."""
        if setting.group == "canvas":
            side = getattr(self._defaults, setting.name)
            return (
                f"{side}, more where regions need it" if self._defaults.region_side else f"{side}"
            )
        if setting.name == "strength":
            return f"{STRENGTH:g}"
        own = words.own(self._defaults, preset).get(setting.name)
        value = setting.default if own is None else own
        return setting.unset if value is None else f"{value:g}"


def _choice(
    name: str,
    label: str,
    choices: list[tuple[str, str]],
    *,
    scale: int | None = None,
    min_width: int = 140,
) -> gr.Dropdown:
    """A list to choose from that begins with the model's own, empty value."""
    return gr.Dropdown(
        choices,
        value=choices[0][1],
        label=label,
        filterable=False,
        scale=scale,
        min_width=min_width,
        elem_id=name,
        render=False,
    )


def _seed(text: str) -> int | None:
    """The number in the seed's field.

    Raises:
        SettingsError: There is something else in it.
    """
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError:
        raise SettingsError(
            f"Seed: {text.strip()[:40]!r} is no whole number; leave it empty for a new one"
        ) from None


def _written(value: object) -> str:
    """A value as its field shows it; reading gives the same value."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _in_labels(message: str) -> str:
    """The message with the form's own name of the field that it is about."""
    named = re.match(r"([a-z_]+)(: .*)", message, re.DOTALL)
    if named is None or named[1] not in SETTINGS:
        return message
    return SETTINGS[named[1]].label + named[2]
