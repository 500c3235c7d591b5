"""Plan a synchronization: what is done with each file, and what would be lost."""

from __future__ import annotations

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.download.names import NamedFile
from headrace.engine.sync.losses import DeleteLimit, find_refusal, shapes_of_assets
from headrace.engine.sync.plan import Action, Decision, RemoteFile, Side, SyncOptions, decide
from headrace.engine.sync.report import SyncReport, SyncStep
from headrace.engine.sync.sides import Sides, content_of
from headrace.protocol.operations.annotating import LIST_ASSET_ANNOTATIONS
from headrace.protocol.operations.assets import AssetId


async def make_plan(sides: Sides, options: SyncOptions, limit: DeleteLimit) -> SyncReport:
    """Decide what to do with every file, and count what would be lost; equal files are entered in the state."""
    report = SyncReport()
    for name in sorted(sides.local.keys() | sides.remote.keys() | sides.state.files.keys()):
        if options.chosen and not options.chosen.chooses(name):
            continue
        entry = sides.state.files.get(name)
        local, remote = sides.local.get(name), sides.remote.get(name)
        decision = decide(
            None if entry is None else entry.base,
            None if local is None else local.sha256,
            None if remote is None else RemoteFile(content_of(remote.data), remote.data.sha256),
            options,
        )
        if decision.action is Action.REPLACE and remote and options.prefer is not Side.LOCAL:
            decision = await _unless_annotated(sides.backend, remote, decision)
        if decision.action is Action.SAME and local and remote:
            report.same += 1
            sides.enter(name, remote.id, remote.data, local)
        elif decision.action is Action.GONE:
            sides.state.files.pop(name, None)
        else:
            report.steps.append(SyncStep(name, decision.action, decision.why))
    await _count_shapes(sides, report, options)
    report.steps += [SyncStep(name, Action.KEEP, "its name is not UTF-8") for name in sides.unnamed]
    refuse(report, sides, limit)
    return report


def refuse(report: SyncReport, sides: Sides, limit: DeleteLimit) -> None:
    """Enter into a report why it is refused to do what it says; nothing if it is not."""
    refusal = find_refusal(report, limit, assets=len(sides.remote), files=len(sides.local))
    report.refusal, report.cure = ("", "") if refusal is None else (refusal.why, refusal.hint)


async def _count_shapes(sides: Sides, report: SyncReport, options: SyncOptions) -> None:
    """Add to each step the number of shapes that the version loses."""
    actions = [Action.DELETE_REMOTE]
    if options.prefer is Side.LOCAL:
        actions.append(Action.REPLACE)  # of others the assets have none
    names = [step.name for step in report.of(*actions) if step.name in sides.remote]
    lost = {name: sides.remote[name].id for name in names}
    shapes = await shapes_of_assets(sides.backend, sides.state.version, [*lost.values()])
    report.steps = [
        replace(step, shapes=shapes.get(lost[step.name], 0)) if step.name in lost else step
        for step in report.steps
    ]


async def _unless_annotated(backend: Backend, remote: NamedFile, decision: Decision) -> Decision:
    request = AssetId(asset_id=remote.id)
    if (await backend.call(LIST_ASSET_ANNOTATIONS, request)).items:
        return Decision(
            Action.CONFLICT,
            "changed in the folder; its annotations in the version would be lost",
        )
    return decision
