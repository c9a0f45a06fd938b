"""A transport that sees to what has to come before a request: the server's flags and a token."""

from __future__ import annotations

from returns.result import Failure, Success

from tinkex_py.errors import TransportError
from tinkex_py.plans.effects import Plan, Unready
from tinkex_py.plans.startup import TEACHING, Startup, heeded, nothing_first, prepared
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime.executor import Executor


class Preparing:
    """Sends through the transport of `executor`, which also runs what has to be done first."""

    def __init__(self, executor: Executor, startup: Startup) -> None:
        self._executor = executor
        self._startup = startup

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
        """One exchange. Mostly nothing has to come before it and the answer changes nothing: then no plan is run."""
        if not nothing_first(self._startup, request):
            return await self._run(prepared(self._startup, request, headers))
        presented = self._startup.authentication.credential_for(request)
        answer = await self._executor.transport.exchange(request, headers)
        if not isinstance(answer, Reply) or answer.status not in TEACHING:
            return answer
        return await self._run(heeded(self._startup, request, headers, presented, answer))

    async def _run(self, plan: Plan[Reply | TransportError]) -> Reply | TransportError | Unready:
        match await self._executor.run(plan):
            case Success(answer):
                return answer
            case Failure(error):
                return Unready(error)

    async def close(self) -> None:
        """End what goes on in the background, then the transport."""
        await self._executor.close()
