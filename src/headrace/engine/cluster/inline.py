"""An executor that runs calls in this process."""

from __future__ import annotations

from headrace.engine.cluster.calls import run_call


class InlineExecutor:
    """Runs calls on the event loop of the caller; encoded and decoded as for another process."""

    name = "inline"
    shared = False

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots

    async def run(self, name: str, spec: bytes) -> bytes:
        """Run a call."""
        return await run_call(name, spec)

    async def aclose(self) -> None:
        """Do nothing."""
