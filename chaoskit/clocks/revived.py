"""Event loops that outlive the run with which their thread ended."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

__all__ = ["revived_when_needed"]


def revived_when_needed(loop: Any, ended: threading.Thread) -> None:
    """Let a loop whose thread has ended be driven by a fresh one as soon as it gets work again.

    A framework starts the thread of its loop once for its process and waits for what it hands to
    it, at the latest when the process ends. What the loop had not done belongs to the ended run.
    """
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - as asyncio does
        asyncio._unregister_task(task)  # noqa: SLF001 - there is no public way
    loop._ready.clear()  # noqa: SLF001 - see above
    loop._scheduled.clear()  # noqa: SLF001 - see above

    def call_soon_threadsafe(*args: Any, **kwargs: Any) -> Any:
        first = vars(loop).pop("call_soon_threadsafe", None) is not None
        handle = loop.call_soon_threadsafe(*args, **kwargs)
        if first and not loop.is_running():
            fresh = threading.Thread(target=loop.run_forever, name=ended.name, daemon=True)
            # Who stops the loop waits for its thread, which may be replaced again.
            ended.join = lambda timeout=None: fresh.join(timeout)  # type: ignore[method-assign]
            fresh.start()
        return handle

    loop.call_soon_threadsafe = call_soon_threadsafe
