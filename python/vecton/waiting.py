"""Futures and coroutines of an engine's answers. Callbacks run on a thread of the engine: they only hand over."""
from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

from vecton.errors import QueueFull

SHORT = 16  # inputs that may be tokenized on the event loop's own thread


class _Future(concurrent.futures.Future):  # type: ignore[type-arg]
    """A future whose cancel() gives up what the engine has not begun."""

    ticket: Any = None

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled and self.ticket is not None:
            self.ticket.cancel()
        return cancelled


def submit(core: Any, call: Any) -> concurrent.futures.Future[Any]:
    future = _Future()

    def done(results: Any) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            results.raise_first()
            value = call.finish([results])
        except BaseException as error:  # whatever it is, it belongs to who waits
            future.set_exception(error)
        else:
            future.set_result(value)

    future.ticket = core.submit(call.inputs, call.like, done, call.seconds)
    return future


async def run_async(core: Any, call: Any) -> Any:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def take(results: Any) -> None:
        if not answer.done():
            answer.set_result(results)

    def done(results: Any) -> None:
        try:
            loop.call_soon_threadsafe(take, results)
        except RuntimeError:  # the loop is closed: nobody waits any more
            pass

    def start(wait: bool) -> Any:
        return core.submit(call.inputs, call.like, done, call.seconds, wait)

    def give_up(started: asyncio.Future[Any]) -> None:
        if not started.cancelled() and started.exception() is None:
            started.result().cancel()

    ticket: Any = None
    if len(call.inputs) <= SHORT:
        try:
            ticket = start(False)
        except QueueFull:
            pass
    if ticket is None:
        starting = loop.run_in_executor(None, start, True)
        try:
            ticket = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(give_up)
            raise
    try:
        results = await answer
    except asyncio.CancelledError:
        ticket.cancel()
        raise
    results.raise_first()
    return call.finish([results])
