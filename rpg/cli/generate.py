"""`rpg generate`: pictures from a prompt, a plan or an earlier picture."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rpg import metadata
from rpg.cli import console, files, options
from rpg.cli.control import Control
from rpg.cli.loading import ModelFlags, read_adapters
from rpg.cli.planning import PlannerFlags, planned
from rpg.cli.recording import Recording
from rpg.cli.region_flags import RegionFlags
from rpg.cli.setting_flags import SettingFlags, with_setting_flags
from rpg.defaults import PRESET_FIELDS, Preset
from rpg.errors import PromptError, SettingsError
from rpg.events import Event, Failed, Notice, Rendered, Step
from rpg.planners.base import checked_prompt, noted
from rpg.plans.overlay import draw_plan
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record
    from rpg.pipeline import RPGPipeline
    from rpg.planners import Planner


@with_setting_flags("image")
def generate(
    prompt: options.Prompt = None,
    plan_file: options.PlanFile = None,
    picture: options.From = None,
    planner: options.PlannerName = "rules",
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    recaption: options.RecaptionKind = None,
    fallback: options.FallbackKind = None,
    no_plan_cache: options.NoPlanCache = False,
    planner_examples: options.PlannerExamples = None,
    model: options.Model = None,
    dtype: options.DtypeName = "auto",
    device: options.Device = None,
    variant: options.Variant = None,
    revision: options.Revision = None,
    prediction_type: options.PredictionKind = None,
    vae: options.Vae = None,
    config: options.Config = None,
    lora: options.Lora = None,
    embedding: options.Embedding = None,
    region_lora: options.RegionLora = None,
    region_image: options.RegionImage = None,
    region_image_scale: options.RegionImageScale = None,
    ip_adapter: options.IpAdapter = None,
    ip_image_encoder: options.IpImageEncoder = None,
    cpu_offload: options.Offload = None,
    vae_tiling: options.VaeTiling = False,
    vae_slicing: options.VaeSlicing = False,
    low_vram: options.LowVram = "auto",
    control_image: options.ControlImage = None,
    controlnet: options.ControlNet = None,
    control_mode: options.ControlMode = None,
    control_scale: options.ControlScale = None,
    preset: options.PresetName = None,
    *,
    given: SettingFlags,
    output: options.Output = None,
    scale: options.Scale = None,
    draw: options.DrawPlan = False,
    session: options.SessionName = None,
    no_session: options.NoSession = False,
    as_json: options.Json = False,
) -> None:
    """Plan a prompt and draw it. The pictures carry plan and settings; --from makes one again."""
    with console.explained(as_json):
        wishes = given.words()
        source = Source.read(prompt, plan_file, picture)
        settings = source.open_to(preset).updated(wishes)
        targets = files.Targets(output, settings.num_images_per_prompt)
        recording = Recording.of(session, no_session)
        control = Control.read(control_image, controlnet, control_mode, control_scale)
        regions = RegionFlags.read(
            region_lora or (), region_image or (), region_image_scale, ip_adapter, ip_image_encoder
        )
        flags = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            variant=variant,
            revision=revision,
            lora=read_adapters(lora or ()),
            cpu_offload=cpu_offload,
            vae_tiling=vae_tiling,
            vae_slicing=vae_slicing,
            low_vram=low_vram,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            embeddings=tuple(embedding or ()),
            ip_adapter=ip_adapter,
            ip_image_encoder=ip_image_encoder,
        )
        planning = source.planner(
            PlannerFlags(
                planner,
                planner_model,
                base_url,
                recaption,
                fallback,
                no_plan_cache,
                planner_examples,
            )
        )
        if source.plan is not None:
            regions.check(source.plan)
        rpg = flags.load()  # before the planner is asked, which is told of it
        source.check_model(rpg.model, flags, control, regions)
        told = noted(planning, rpg.notes(settings)) if planning is not None else None
        plan, shown = source.planned(told, wishes["negative_prompt"])
        if not as_json:
            console.show_plan(plan, reasoning=not shown)
        regions.check(plan)
        further = control.words(rpg, plan) | regions.words()
        made = draw_all(rpg, plan, settings, recording, preset, **further)
        recording.say()  # first, so that a file that cannot be written costs no picture
        made.save(targets, scale if scale is not None else source.scale, draw)
        made.report(as_json, recording)


@dataclass(frozen=True)
class Source:
    """What to draw and how, from wherever it was given."""

    prompt: str | None
    plan: Plan | None
    settings: GenerationSettings
    record: Record | None = None

    @classmethod
    def read(cls, prompt: str | None, plan_file: Path | None, picture: Path | None) -> Source:
        """Reads the plan or the picture.

        Raises:
            PromptError: Nothing to draw, or the prompt is blank or too long.
            SettingsError: Two things to draw.
        """
        if picture is not None:
            if prompt is not None or plan_file is not None:
                raise SettingsError("--from brings its own prompt and plan; leave out the others")
            record = files.read_record(picture)
            return cls(None, record.plan, record.settings, record)
        if prompt is None and plan_file is None:
            raise PromptError(
                'nothing to draw: give a prompt, as in rpg generate "a red star", --plan or --from'
            )
        text = checked_prompt(prompt) if prompt is not None else None
        plan = files.read_plan(plan_file) if plan_file is not None else None
        return cls(text, plan, GenerationSettings())

    def planner(self, flags: PlannerFlags) -> Planner | None:
        """The planner; None where there is a plan.

        Raises:
            SettingsError: There is a plan already, and flags of a planner.
            RPGError: As `PlannerFlags.build`.
        """
        if self.plan is None:
            return flags.build()
        flags.check_unused()
        return None

    def planned(self, planner: Planner | None, negative: str | None) -> tuple[Plan, bool]:
        """The plan, made of the prompt where none was given, and whether its reasoning was shown.

        Args:
            planner: Is asked; None where there is a plan.
            negative: In place of the plan's own; None leaves that.

        Raises:
            RPGError: As the planner does.
        """
        plan, shown = self.plan, False
        if plan is None:
            assert planner is not None
            plan, shown = planned(planner, self.prompt or "")
        return plan.with_words(prompt=self.prompt, negative=negative), shown

    def open_to(self, preset: Preset | None) -> GenerationSettings:
        """The settings; a preset, where one is asked for, goes before those of a picture."""
        if preset is None:
            return self.settings
        return self.settings.model_copy(update=dict.fromkeys(PRESET_FIELDS))

    @property
    def scale(self) -> int | None:
        """The picture's own enlargement; None leaves it to the model."""
        return self.record.scale if self.record is not None else None

    def check_model(
        self, name: str, flags: ModelFlags, control: Control, regions: RegionFlags
    ) -> None:
        """Whether the same picture can be made at all.

        Raises:
            SettingsError: The picture came from another model, or from inputs that it does not
                hold.
        """
        if self.record is None:
            return
        brought = {
            "lora": flags.lora,
            "embedding": flags.embeddings,
            "prediction_type": flags.prediction_type,
            "vae": flags.vae,
        }
        held = {name for name, given in brought.items() if given}
        held |= control.given | {*regions.words()}
        missing = set(self.record.needs) - held
        if missing:
            raise SettingsError(
                f"the picture was made with {', '.join(sorted(missing))}, which it does not hold"
            )
        if not made_with(self.record, name, flags):
            console.say(f"note: made with {self.record.model}; {name} will draw another picture")


def made_with(record: Record, name: str, flags: ModelFlags) -> bool:
    """Whether a picture came from the model of that name, as far as is known.

    Raises:
        SettingsError: It came from another, and nobody chose this one.
    """
    if record.model in ("", name):
        return True
    if flags.model is None:
        raise SettingsError(f"the picture was made with {record.model}, not {name}; pass --model")
    return False


@dataclass
class Made:
    """Pictures and what is to be said about them."""

    images: list[Image] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)

    def save(self, targets: files.Targets, scale: int | None, draw: bool) -> None:
        """Writes every picture, enlarged `scale` times, None as its model has it."""
        for image, record in zip(self.images, self.records, strict=True):
            path = targets.save(image, metadata.rescaled(record, scale), tell=self.tell)
            self.paths.append(path)
            if draw:
                drawn = draw_plan(image, record.plan)
                files.write_picture(drawn, files.beside(path), None, tell=self.tell)

    def tell(self, text: str) -> None:
        """A notice, said and kept."""
        self.notices.append(text)
        console.note(text)

    def report(self, as_json: bool, recording: Recording) -> None:
        """The files and their session, for people or programs."""
        if as_json:
            console.put(json.dumps(self._summary() | recording.summary()))
        else:
            for path, record in zip(self.paths, self.records, strict=True):
                console.put(f"wrote {path} (seed {record.settings.seed})")

    def _summary(self) -> dict[str, object]:
        record = self.records[0]
        pairs = zip(self.paths, self.records, strict=True)
        return {
            "images": [{"path": str(path), "seed": one.settings.seed} for path, one in pairs],
            "plan": record.plan.model_dump(mode="json"),
            "settings": record.settings.model_dump(mode="json"),
            "model": record.model,
            "notices": self.notices,
        }


def draw_all(
    rpg: RPGPipeline,
    plan: Plan,
    settings: GenerationSettings,
    recording: Recording,
    preset: Preset | None = None,
    **words: Any,
) -> Made:
    """Draws a plan with a progress bar; `words` are further ones of a call.

    Raises:
        RPGError: What the pipeline failed with.
    """
    words |= {"plan": plan, "settings": settings, "preset": preset}
    return collected(recording.stream(rpg.stream(**words, preview_every=-1.0)))


def collected(events: Generator[Event, None, None]) -> Made:
    """The pictures of events, with a progress bar.

    Raises:
        RPGError: What the pipeline failed with.
    """
    made = Made()
    with console.progress() as bar, closing(events):
        for event in events:
            match event:
                case Step(i=i, n=n):
                    bar(i, n)
                case Notice(text=text):
                    made.tell(text)
                case Rendered(images=images, records=records):
                    made.images += images
                    made.records += records
                case Failed(error=error):
                    raise error
    return made
