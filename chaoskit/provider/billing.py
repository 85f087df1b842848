"""An answer on its way out: where it ends, what it is in tokens, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from chaoskit.again import Latest
from chaoskit.exchange import Call, Hosted, Reply, Thinking, Usage
from chaoskit.provider.cache_use import CacheUse
from chaoskit.provider.catalogue import Model, geo_factor, tier_factor, tool_price
from chaoskit.provider.ending import end
from chaoskit.provider.latency import Latency
from chaoskit.provider.prediction import predicted
from chaoskit.provider.prices import Prices
from chaoskit.provider.prompt import PromptCount, part_tokens
from chaoskit.provider.reasoning import reasoned
from chaoskit.provider.tokens import TokenCounter
from chaoskit.quick import maker

__all__ = ["Bills", "Settled"]

_REMEMBERED = 64

_Ended: TypeAlias = tuple[Reply, int, int]
"""An answer as far as it goes, its tokens, and those that are not for the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An answer with its usage and its bill.

    Attributes:
        priced: whether the price of the model is known; `cost_usd` is 0 when it is not.
        seconds: from the request to the last token.
    """

    reply: Reply
    cost_usd: float
    priced: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """An answer that was settled, and for what. `use` and `tier` are the latest of several."""

    reply: Reply
    call: Call
    ended: _Ended
    use: CacheUse
    tier: str
    settled: Settled


_new_known = maker(_Known)
_new_reply = maker(Reply)
_new_settled = maker(Settled)
_new_usage = maker(Usage)


class Bills:
    """Ends answers where they have to end, counts them, and makes out their bills.

    A known answer to a known call ends as before.
    """

    def __init__(self, counter: TokenCounter, prices: Prices) -> None:
        self._counter = counter
        self._prices = prices
        self._known: Latest[int, _Known] = Latest(_REMEMBERED)

    def settle(
        self,
        reply: Reply,
        call: Call,
        *,
        model: Model,
        prompt: PromptCount,
        use: CacheUse,
        tier: str,
        latency: Latency,
    ) -> Settled:
        """Return an answer as the client gets it, with its usage and its bill."""
        known = self._known.get(id(reply))
        if known is not None and not (known.reply is reply and known.call is call):
            known = None
        if known is not None and known.use is use and known.tier == tier:
            return known.settled
        if known is not None:
            ended = known.ended
        elif call.operation == "generate":
            ended = self._end(reply, call, model, model.facts.window - prompt.total)
        else:
            ended = (reply, 0, 0)
        settled = self._billed(ended, call, model=model, use=use, tier=tier, latency=latency)
        made = _new_known(reply=reply, call=call, ended=ended, use=use, tier=tier, settled=settled)
        self._known.keep(id(reply), made)
        return settled

    def _end(self, reply: Reply, call: Call, model: Model, room: int) -> _Ended:
        answer, output = end(reasoned(reply, call), call, model, self._counter, room=room)
        reasoning = _reasoning(answer, model, self._counter)
        if "n" in call.options:
            others = reply.others or (reply,) * (_choices(call) - 1)
            more = [
                end(reasoned(other, call), call, model, self._counter, room=room)
                for other in others
            ]
            answer = replace(answer, others=tuple([other for other, _ in more]))
            output += sum(tokens for _, tokens in more)
            reasoning += sum(_reasoning(other, model, self._counter) for other, _ in more)
        return answer, output, reasoning

    def _billed(
        self,
        ended: _Ended,
        call: Call,
        *,
        model: Model,
        use: CacheUse,
        tier: str,
        latency: Latency,
    ) -> Settled:
        reply, output, reasoning = ended
        usage = _new_usage(
            input=use.uncached,
            cache_read=use.read,
            cache_write_5m=use.write_5m,
            cache_write_1h=use.write_1h,
            output=output,
            reasoning=reasoning,
            tier=tier,
        )
        if "prediction" in call.options:
            usage = predicted(usage, reply, call, model, self._counter)
        cost = self._cost(reply, usage, call, model)
        return _new_settled(
            reply=_new_reply(
                content=reply.content,
                stop=reply.stop,
                usage=usage,
                facts=reply.facts,
                stop_sequence=reply.stop_sequence,
                others=reply.others,
            ),
            cost_usd=0.0 if cost is None else cost,
            priced=cost is not None,
            seconds=latency.seconds(usage.output),
        )

    def _cost(self, reply: Reply, usage: Usage, call: Call, model: Model) -> float | None:
        """Return the bill in US dollars; None where nobody knows the price."""
        cost = self._prices.cost(call.provider, model.facts.name, usage)
        if cost and (tier := call.options.get("service_tier")):
            cost *= tier_factor(call.provider, str(tier))
        if cost and (geo := call.options.get("geo")):
            cost *= geo_factor(call.provider, str(geo))
        if cost is not None and len(reply.content) > 1:
            cost += _tools_usd(reply, call.provider)
        return cost


def _tools_usd(reply: Reply, provider: str) -> float:
    """Return what the vendor's own tools cost that were used on the way to an answer."""
    used = [part.tool for part in reply.content if isinstance(part, Hosted) and not part.error]
    return sum(tool_price(provider, tool) for tool in used)


def _choices(call: Call) -> int:
    """Return how many answers the request wants, all of which are billed."""
    wanted = call.options.get("n", 1)
    return wanted if isinstance(wanted, int) else 1


def _reasoning(reply: Reply, model: Model, counter: TokenCounter) -> int:
    """Return the tokens of an answer that are not for the reader."""
    return sum(
        [part_tokens(part, model, counter) for part in reply.content if isinstance(part, Thinking)]
    )
