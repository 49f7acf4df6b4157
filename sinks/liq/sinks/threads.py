"""Blocking calls outside of the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

THREAD_NAME: Final = "destination"
Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result]) -> Result:
    """Run a blocking call in its own daemon thread; return its result.

    Unlike with `asyncio.to_thread`, a call that hangs on a silent server does not keep the process
    from ending. Cancelling the wait leaves the call running and discards its result.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def succeed(result: Result) -> None:
        if not future.done():
            future.set_result(result)

    def fail(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    def work() -> None:
        with suppress(RuntimeError):  # the event loop is closed, so no coroutine waits any more
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - handed to the waiting coroutine
                loop.call_soon_threadsafe(fail, error)
            else:
                loop.call_soon_threadsafe(succeed, result)

    threading.Thread(target=work, name=THREAD_NAME, daemon=True).start()
    return await future
