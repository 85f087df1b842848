"""The world around the agent: what becomes of each request.

A request is decoded, admitted, answered, damaged and encoded here, and every arrow of that way is
journalled. Nothing is performed: the result is the steps that a player carries out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chaoskit import cors
from chaoskit.alike import kinds_of
from chaoskit.asking import ask
from chaoskit.behaviour import Behaviour
from chaoskit.canary import Canaries
from chaoskit.clock import Clock
from chaoskit.dialect import Conversing, Dialect, Envelope, LimitState, Sequenced, Stateful
from chaoskit.dialects import DIALECTS
from chaoskit.drawing import drawn
from chaoskit.errors import ChaoskitError, InternalError, RunStopped, UnusableSchema
from chaoskit.exchange import (
    Call,
    HttpReply,
    HttpRequest,
    Refusal,
    Reply,
    Text,
    ToolCall,
)
from chaoskit.journal import (
    Blocked,
    Delivered,
    Event,
    Noted,
)
from chaoskit.match import Subject
from chaoskit.plan import Decision, PlanState
from chaoskit.player import LARGEST, Ending, Exchange
from chaoskit.provider.limits import exhausted
from chaoskit.provider.service import Admission, Service, Settled
from chaoskit.quick import maker
from chaoskit.reading import Readings
from chaoskit.seed import derive
from chaoskit.steps import Frame, Step
from chaoskit.timed import plain, said, spoken, streamed
from chaoskit.visit import Visit, about
from chaoskit.who import who

__all__ = ["World"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The steps of an answer, before they are damaged.

    Attributes:
        whole: they are all that the provider meant to send.
        error_frame: the stream reports an error after HTTP 200.
        called: names of the tools that the reply calls.
    """

    steps: tuple[Step, ...]
    whole: bool = True
    error_frame: bool = False
    called: tuple[str, ...] = ()


_new_answer = maker(_Answer)
_new_delivered = maker(Delivered)
_new_envelope = maker(Envelope)
_new_exchange = maker(Exchange)
_new_visit = maker(Visit)


class World:
    """The simulated provider with its faults: the host behind every player.

    Args:
        max_calls, max_usd: bounds of the run.
        scale: seconds of the run in a second of its clients, who are told of waits in their own.
        together: events of a stream that come at the same time may be one piece on their way.
        emit: takes each event of the journal.
    """

    def __init__(
        self,
        *,
        service: Service,
        behaviour: Behaviour,
        plan: PlanState,
        canaries: Canaries,
        clock: Clock,
        seed: int,
        max_calls: int,
        max_usd: float,
        emit: Callable[[Event], None],
        scale: float = 1.0,
        together: bool = False,
    ) -> None:
        self._scale = scale
        self._together = together
        self.service = service
        self.plan = plan
        self.canaries = canaries
        self.clock = clock
        self.emit = emit
        self.last: dict[str, Call] = {}
        self.mistake: ChaoskitError | None = None
        self.on_offer: Callable[[Call], None] | None = None
        self._behaviour = behaviour
        self._seed = seed
        self._max_calls = max_calls
        self._max_usd = max_usd
        self._ids = derive(seed, "ids")
        self._readings = Readings(DIALECTS)
        self._calls = 0
        self._spent_usd = 0.0
        self._primary = ""
        self._attempts: Counter[str] = Counter()
        self._users: dict[str, int] = {}

    # What a player asks.

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is in a dialect of the simulated provider."""
        return self._readings.dialect(request) is not None

    def largest(self, request: HttpRequest) -> int:
        """Return how many bytes the vendor takes as the body of a request."""
        dialect = self._readings.dialect(request)
        return LARGEST if dialect is None else dialect.largest(request)

    def exchange(self, request: HttpRequest) -> Exchange:
        """Answer a request.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        try:
            return self._exchange(request)
        except ChaoskitError as error:
            raise self.failed(error) from None

    def failed(self, error: ChaoskitError) -> RunStopped:
        """Return what ends the run for a mistake that is not the agent's to forgive."""
        self.mistake = self.mistake or error
        reason = f"a mistake: {error}"
        self.clock.stop(reason)
        return RunStopped(reason)

    def _exchange(self, request: HttpRequest) -> Exchange:
        dialect = self._readings.dialect(request)
        if dialect is None:
            raise InternalError(f"no dialect claims {request.host}{request.path}")
        if cors.asks(request):
            user, turn = who()
            steps = plain(cors.answer(request))
            return Exchange(call=0, user=user, turn=turn, began=self.clock.now(), steps=steps)
        decoded = self._decoded(request, dialect)
        visit = self._visit(request, dialect, decoded)
        if isinstance(decoded, Call) and decoded.operation == "upgrade":
            struck = self._struck_at_admission(visit)
            if struck is None:
                return self._upgraded(visit, decoded)
            self._count(visit, request)
            answer = self._damaged(visit, *struck)
        else:
            self._count(visit, request)
            answer = self._answer(visit, decoded)
        steps = answer.steps
        if "origin" in request.headers:
            steps = cors.readable(steps, request.headers, dialect.provider)
        for decision in self.plan.decide(_calling(visit.subject, answer.called), "steps"):
            damaged = ask(decision.fault, "steps", steps, decision.strike)
            if damaged is not steps:
                steps = damaged
                self._struck(visit, decision, "steps")
        return _new_exchange(
            call=visit.number,
            user=visit.user,
            turn=visit.turn,
            began=visit.now,
            steps=steps,
            whole=answer.whole,
            error_frame=answer.error_frame,
        )

    def delivered(self, exchange: Exchange, how: Ending, *, sent_content: bool) -> None:
        """Take note of how an exchange ended for the client, if it was one of the run's calls."""
        if not exchange.call:
            return
        now = self.clock.now()
        self.emit(
            _new_delivered(
                at=now,
                user=exchange.user,
                turn=exchange.turn,
                call=exchange.call,
                how=how,
                seconds=now - exchange.began,
                sent_content=sent_content,
                error_frame=exchange.error_frame,
            )
        )

    def blocked(self, host: str, caller: str) -> None:
        """Take note of an attempt to reach another host."""
        user, turn = who()
        self.emit(Blocked(at=self.clock.now(), user=user, turn=turn, host=host, caller=caller))

    # What the rest of a run asks.

    def bound(self, *, calls: int, usd: float) -> None:
        """Set what a run may use before it is ended."""
        self._max_calls, self._max_usd = calls, usd

    def number_of(self, user: str) -> int:
        """Return the number of a user, from 1 in order of appearance; 0 for nobody."""
        return self._users.setdefault(user, len(self._users) + 1) if user else 0

    # The way of a request.

    def _decoded(self, request: HttpRequest, dialect: Dialect) -> Call | Refusal:
        decoded = self._readings.read(request, dialect, self.service.catalogue)
        stateful = _STATEFUL.get(dialect.name)
        if stateful is not None and isinstance(decoded, Call):
            shelf = self.service.shelf(decoded.provider, decoded.key)
            if request.lane is not None:
                return _CONVERSING[dialect.name].heard(decoded, request.lane, shelf)
            return stateful.recall(decoded, shelf, self.clock.wall())
        return decoded

    def _count(self, visit: Visit, request: HttpRequest) -> None:
        """Take note of a request that is one of the run's calls.

        Raises:
            RunStopped: there are too many of them.
        """
        self._calls += 1
        if self._calls > self._max_calls:
            self._end(f"calls: more than {self._max_calls}")
        self._attempts[visit.user] += 1
        self.emit(
            visit.requested(
                request,
                attempt=self._attempts[visit.user],
                service=self.service,
                hide=self.canaries.redact,
            )
        )
        if self.canaries:
            for leak in visit.leaked(request, self.canaries):
                self.emit(leak)

    def _visit(self, request: HttpRequest, dialect: Dialect, decoded: Call | Refusal) -> Visit:
        user, turn = who()
        now = self.clock.now()
        call = decoded if isinstance(decoded, Call) else None
        number = self.number_of(user)
        self._primary = self._primary or dialect.provider
        subject = _ANYBODY
        if self.plan.watches:
            subject = about(call, dialect, user=user, number=number, turn=turn, now=now)
            if self._primary != dialect.provider:
                subject = replace(subject, primary=False)
        return _new_visit(
            number=self._calls + 1,
            user=user,
            turn=turn,
            now=now,
            dialect=dialect,
            call=call,
            subject=subject,
            lane=request.lane,
            asked=request.body,
            keyed=bool(call.key) if call else any(map(request.headers.get, _KEYS)),
        )

    def _upgraded(self, visit: Visit, call: Call) -> Exchange:
        """Accept to go on as a WebSocket: its messages are calls, this is none."""
        return Exchange(
            call=0,
            user=visit.user,
            turn=visit.turn,
            began=visit.now,
            steps=(),
            socket=_CONVERSING[call.dialect].opened(),
        )

    def _struck_at_admission(
        self, visit: Visit
    ) -> tuple[Decision, Refusal | tuple[Step, ...]] | None:
        for decision in self.plan.decide(visit.subject, "admit"):
            outcome = decision.again or (
                ask(decision.fault, "admit", visit.call or _NO_CALL, decision.strike)
            )
            if outcome is not None:
                self.plan.struck(decision, outcome)
                return decision, outcome
        return None

    def _damaged(
        self, visit: Visit, decision: Decision, outcome: Refusal | tuple[Step, ...]
    ) -> _Answer:
        self._struck(visit, decision, "admit", tell_plan=False)
        if isinstance(outcome, Refusal):
            return self._refuse(visit, outcome, decision=decision)
        return _new_answer(steps=outcome)

    def _answer(self, visit: Visit, decoded: Call | Refusal) -> _Answer:
        struck = self._struck_at_admission(visit)
        if struck is not None:
            return self._damaged(visit, *struck)
        if isinstance(decoded, Refusal):
            return self._refuse(visit, decoded)
        call = decoded
        if call.operation == "count_tokens":
            refused = self.service.counting(call, now=visit.now)
            if refused is not None:
                return self._refuse(visit, refused)
            counted = visit.dialect.count(self.service.count(call), call, self._envelope(visit))
            return _new_answer(steps=plain(counted))
        if call.operation == "stored":
            envelope = replace(self._envelope(visit), ask=self._aside)
            answer = _STATEFUL[call.dialect].stored(call, envelope)
            return _new_answer(steps=_whole(visit, answer))
        if call.operation == "embed":
            return self._embed(visit, call)
        if call.operation not in ("generate", "prepare"):
            reply = visit.dialect.models(call, self.service.catalogue, self._envelope(visit))
            return _new_answer(steps=plain(reply))
        return self._generate(visit, call)

    def _generate(self, visit: Visit, call: Call) -> _Answer:
        if self.on_offer is not None and call.tools:
            self.on_offer(call)
        admission = self.service.admit(call, now=visit.now, caller=visit.user or call.key)
        if isinstance(admission, Refusal):
            return self._refuse(visit, admission)
        try:
            words, subject = self._drawn(visit, call)
        except UnusableSchema as error:
            words, subject = self._speechless(error), visit.subject
        begins = visit.now + admission.first_token
        settled = self.service.settle(admission, call, words, now=visit.now, begins=begins)
        reply = settled.reply
        if reply.tool_calls:
            reply = self._with_ids(reply, visit.dialect)
            settled = replace(settled, reply=reply)
        self._replied(visit, call, settled)
        self.last[visit.user] = call
        envelope = self._envelope(visit, limits=admission.limits, latency=settled.seconds)
        if not call.stream:
            http = visit.dialect.plain(reply, call, envelope)
            return _new_answer(steps=plain(http, wait=settled.seconds), called=subject.called)
        headers, frames = visit.dialect.stream(reply, call, envelope)
        frame_maker = _Maker(visit.dialect, envelope)
        for decision in self.plan.decide(subject, "frames"):
            frames = tuple(frames)
            torn = ask(decision.fault, "frames", frames, frame_maker, decision.strike)
            if torn is not frames:
                frames = torn
                self._struck(visit, decision, "frames")
        sequenced = _SEQUENCED.get(call.dialect)
        if sequenced is not None:
            frames = sequenced.sequence(frames)
        kinds = kinds_of(frames)
        return _new_answer(
            steps=streamed(
                headers,
                frames,
                admission.first_token,
                settled.seconds,
                together=self._together and not self.plan.works_at("steps"),
            )
            if visit.lane is None
            else spoken(tuple(frames), admission.first_token, settled.seconds),
            whole="done" in kinds,
            error_frame="error" in kinds,
            called=subject.called,
        )

    def _drawn(self, visit: Visit, call: Call) -> tuple[Reply, Subject]:
        """Return what the model says, and the facts on the call with it."""
        if call.operation == "prepare":
            return _NO_REPLY, visit.subject
        reply = self._chosen(visit, call)
        subject = _calling(visit.subject, tuple([tool.name for tool in reply.tool_calls]))
        for decision in self.plan.decide(subject, "reply"):
            changed = ask(decision.fault, "reply", reply, call, decision.strike)
            if changed is not reply:
                reply = changed
                self._struck(visit, decision, "reply")
        return reply, subject

    def _embed(self, visit: Visit, call: Call) -> _Answer:
        """Admit and bill like an answer; nothing is drawn, and no fault can change it."""
        admission = self.service.admit(call, now=visit.now, caller=visit.user or call.key)
        if isinstance(admission, Refusal):
            return self._refuse(visit, admission)
        begins = visit.now + admission.first_token
        settled = self.service.settle(admission, call, _NO_REPLY, now=visit.now, begins=begins)
        self._replied(visit, call, settled)
        envelope = self._envelope(visit, limits=admission.limits, latency=settled.seconds)
        http = visit.dialect.plain(settled.reply, call, envelope)
        return _new_answer(steps=plain(http, wait=settled.seconds))

    def _aside(self, request: HttpRequest) -> HttpReply:
        """Answer a request of a batch, at half the price: no limit holds for it, no fault strikes.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        dialect = self._readings.dialect(request)
        if dialect is None:
            raise InternalError(f"no dialect claims {request.path} of a batch")
        call = self._decoded(request, dialect)
        visit = self._visit(request, dialect, call)
        self._count(visit, request)
        if isinstance(call, Call):
            admission = self.service.admit(call, now=visit.now, limited=False)
            if isinstance(admission, Admission):
                asked = call.operation == "generate"
                try:
                    reply = self._chosen(visit, call) if asked else _NO_REPLY
                except UnusableSchema as error:
                    reply = self._speechless(error)
                settled = self.service.settle(
                    admission, call, reply, now=visit.now, begins=visit.now
                )
                reply = self._with_ids(settled.reply, dialect)
                settled = replace(settled, reply=reply, cost_usd=settled.cost_usd / 2)
                self._replied(visit, call, settled)
                return dialect.plain(reply, call, self._envelope(visit))
            call = admission
        return self._refused(visit, call)

    def _chosen(self, visit: Visit, call: Call) -> Reply:
        """Return what the model says."""
        return drawn(self._behaviour, call, seed=self._seed, user=visit.user, turn=visit.turn)

    def _speechless(self, error: UnusableSchema) -> Reply:
        """Return what is said where no simulated model knows what production's would say.

        The client goes on, but nothing is known of what it would have done.
        """
        if self.mistake is None:
            self.mistake = error
            self.emit(Noted(at=self.clock.now(), kind="not simulated", text=str(error)))
        return Reply(content=(Text("I cannot answer this in the form that was asked for."),))

    def _refuse(
        self, visit: Visit, refusal: Refusal, *, decision: Decision | None = None
    ) -> _Answer:
        return _new_answer(steps=_whole(visit, self._refused(visit, refusal, decision=decision)))

    def _refused(
        self, visit: Visit, refusal: Refusal, *, decision: Decision | None = None
    ) -> HttpReply:
        told = refusal
        if self._scale != 1 and refusal.retry_after is not None:
            wait = refusal.retry_after / self._scale
            told = replace(refusal, retry_after=wait, retry_after_form="ms")
        envelope = self._envelope(visit)
        if decision is not None and told.kind == "rate_limited":
            envelope = replace(envelope, limits=exhausted(envelope.limits, told))
        http = visit.dialect.refuse(told, visit.call, envelope)
        self.emit(visit.refused(refusal, http, decision))
        return http

    def _replied(self, visit: Visit, call: Call, settled: Settled) -> None:
        self.emit(visit.replied(call, settled, self.canaries.redact))
        self._spent_usd += settled.cost_usd
        if self._spent_usd > self._max_usd:
            self._end(f"cost: more than {self._max_usd:g} USD")

    def _struck(
        self, visit: Visit, decision: Decision, stage: Any, *, tell_plan: bool = True
    ) -> None:
        if tell_plan:
            self.plan.struck(decision)
        self.emit(visit.struck(decision, stage))

    def _with_ids(self, reply: Reply, dialect: Dialect) -> Reply:
        content = tuple(
            replace(part, id=dialect.call_id(self._ids))
            if isinstance(part, ToolCall) and not part.id
            else part
            for part in reply.content
        )
        return replace(reply, content=content)

    def _envelope(
        self, visit: Visit, *, limits: tuple[LimitState, ...] | None = None, latency: float = 0.0
    ) -> Envelope:
        key = visit.call.key if visit.call else ""
        if limits is None:
            limits = self.service.states(key, visit.now, visit.call)
        if self._scale != 1:
            limits = tuple(replace(one, reset=one.reset / self._scale) for one in limits)
        return _new_envelope(
            ids=self._ids,
            wall=self.clock.wall(),
            limits=limits,
            latency=latency,
            authenticated=visit.keyed,
            shelf=self.service.shelf(visit.dialect.provider, key) if key else None,
            lane=visit.lane,
        )

    def _end(self, reason: str) -> None:
        self.clock.stop(reason)
        raise RunStopped(reason)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes frames in the dialect of one exchange."""

    dialect: Dialect
    envelope: Envelope

    def error(self, refusal: Refusal) -> Frame:
        """Return the event by which the provider reports an error after HTTP 200."""
        return self.dialect.error_frame(refusal, self.envelope)


def _whole(visit: Visit, reply: HttpReply) -> tuple[Step, ...]:
    """Return the steps of an answer in one piece, on whatever way the request came."""
    if visit.lane is None:
        return plain(reply)
    message = _CONVERSING[visit.dialect.name].said(reply, visit.asked, visit.lane)
    return said(message, content=reply.status < 400)


def _calling(subject: Subject, called: tuple[str, ...]) -> Subject:
    return replace(subject, called=called) if called else subject


_STATEFUL = {dialect.name: dialect for dialect in DIALECTS if isinstance(dialect, Stateful)}
_CONVERSING = {dialect.name: dialect for dialect in DIALECTS if isinstance(dialect, Conversing)}
_SEQUENCED = {dialect.name: dialect for dialect in DIALECTS if isinstance(dialect, Sequenced)}
_KEYS = ("authorization", "x-api-key", "api-key")  # headers that may hold an API key
_NO_CALL = Call(dialect="", provider="")
_NO_REPLY = Reply(content=())
_ANYBODY = Subject()  # where no rule asks
