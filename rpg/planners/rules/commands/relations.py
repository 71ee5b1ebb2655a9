"""Relations of a scene under commands: new ones as they are said, others while they hold."""

from __future__ import annotations

from rpg.language.grammar.elements import RelationKind
from rpg.planners.rules.commands.destinations import Where
from rpg.planners.rules.commands.plan_editor import PlanEditor
from rpg.planners.rules.commands.selectors import stands
from rpg.plans import edits as e
from rpg.plans.scene import Relation

_KINDS = frozenset(RelationKind)


def relate(editor: PlanEditor, thing: str, where: Where | None) -> None:
    """Notes how a thing stands to others now, where the words say so of it alone."""
    others = tuple(item.thing.id for item in where.others if item.thing) if where else ()
    known = editor.scene.thing(thing)
    if not where or not known or known.count != 1 or not others or thing in others:
        return
    new = tuple(
        Relation(subject=thing, kind=kind.value, objects=tuple(dict.fromkeys(others)))
        for kind in where.kinds
    )
    editor.do(e.SetScene(relations=tuple(dict.fromkeys((*editor.scene.relations, *new)))))


def settle_relations(editor: PlanEditor) -> None:
    """Drops the relations that held before the commands and do not hold now."""
    before, after = PlanEditor(editor.before), editor
    kept = tuple(
        one for one in editor.scene.relations if _holds(after, one) or not _holds(before, one)
    )
    if kept != editor.scene.relations:
        editor.do(e.SetScene(relations=kept))


def _holds(editor: PlanEditor, relation: Relation) -> bool:
    """Whether all regions stand so; those of kinds that have no such sense do."""
    if relation.kind not in _KINDS:
        return True
    kind = RelationKind(relation.kind)
    subjects, objects = (
        [item for item in editor.items if set(names) & set(item.region.shows)]
        for names in ((relation.subject,), relation.objects)
    )
    return all(stands(one, kind, other) for one in subjects for other in objects if one != other)
