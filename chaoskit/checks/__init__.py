"""The promises, one file each."""

from __future__ import annotations

from chaoskit.check import Check
from chaoskit.checks.answer_parses import AnswerParses
from chaoskit.checks.bill_within import BillWithin
from chaoskit.checks.bounded_amplification import BoundedAmplification
from chaoskit.checks.bounded_calls import BoundedCalls
from chaoskit.checks.bounded_results import BoundedResults
from chaoskit.checks.bounded_time import BoundedTime
from chaoskit.checks.bounded_tokens import BoundedTokens
from chaoskit.checks.bounded_usd import BoundedUsd
from chaoskit.checks.cache_hit_ratio import CacheHitRatio
from chaoskit.checks.end_state import EndState
from chaoskit.checks.every_user_answered import EveryUserAnswered
from chaoskit.checks.fallback_used import FallbackUsed
from chaoskit.checks.faults_struck import FaultsStruck
from chaoskit.checks.gives_up_gracefully import GivesUpGracefully
from chaoskit.checks.grounded import Grounded
from chaoskit.checks.injection_not_followed import InjectionNotFollowed
from chaoskit.checks.looks_before_repeating import LooksBeforeRepeating
from chaoskit.checks.no_crash import NoCrash
from chaoskit.checks.no_duplicate_effects import NoDuplicateEffects
from chaoskit.checks.no_false_success import NoFalseSuccess
from chaoskit.checks.no_hammering import NoHammering
from chaoskit.checks.no_leak import NoLeak
from chaoskit.checks.no_oversized_request_twice import NoOversizedRequestTwice
from chaoskit.checks.no_partial_answer import NoPartialAnswer
from chaoskit.checks.no_retry_of_what_cannot_succeed import NoRetryOfWhatCannotSucceed
from chaoskit.checks.no_secret_in_logs import NoSecretInLogs
from chaoskit.checks.no_synchronised_retries import NoSynchronisedRetries
from chaoskit.checks.no_tool_loop import NoToolLoop
from chaoskit.checks.retry_after_honoured import RetryAfterHonoured
from chaoskit.checks.sessions_isolated import SessionsIsolated
from chaoskit.checks.stable_prefix import StablePrefix
from chaoskit.checks.tool_body_not_run_on_bad_arguments import ToolBodyNotRunOnBadArguments
from chaoskit.checks.tool_errors_reported import ToolErrorsReported
from chaoskit.checks.tool_failures_reported import ToolFailuresReported
from chaoskit.checks.tool_got_real_value import ToolGotRealValue
from chaoskit.checks.tools_in_parallel import ToolsInParallel
from chaoskit.checks.traffic_resumes import TrafficResumes
from chaoskit.checks.valid_requests import ValidRequests
from chaoskit.checks.warmed_before_traffic import WarmedBeforeTraffic
from chaoskit.registry import Registry

__all__ = [
    "CHECKS",
    "AnswerParses",
    "BillWithin",
    "BoundedAmplification",
    "BoundedCalls",
    "BoundedResults",
    "BoundedTime",
    "BoundedTokens",
    "BoundedUsd",
    "CacheHitRatio",
    "EndState",
    "EveryUserAnswered",
    "FallbackUsed",
    "FaultsStruck",
    "GivesUpGracefully",
    "Grounded",
    "InjectionNotFollowed",
    "LooksBeforeRepeating",
    "NoCrash",
    "NoDuplicateEffects",
    "NoFalseSuccess",
    "NoHammering",
    "NoLeak",
    "NoOversizedRequestTwice",
    "NoPartialAnswer",
    "NoRetryOfWhatCannotSucceed",
    "NoSecretInLogs",
    "NoSynchronisedRetries",
    "NoToolLoop",
    "RetryAfterHonoured",
    "SessionsIsolated",
    "StablePrefix",
    "ToolBodyNotRunOnBadArguments",
    "ToolErrorsReported",
    "ToolFailuresReported",
    "ToolGotRealValue",
    "ToolsInParallel",
    "TrafficResumes",
    "ValidRequests",
    "WarmedBeforeTraffic",
]

CHECKS: Registry[Check] = Registry("check")
"""The promises by the names that they have in scenario files."""

CHECKS.register("answer_parses", AnswerParses)
CHECKS.register("bill_within", BillWithin)
CHECKS.register("bounded_amplification", BoundedAmplification)
CHECKS.register("bounded_calls", BoundedCalls)
CHECKS.register("bounded_results", BoundedResults)
CHECKS.register("bounded_time", BoundedTime)
CHECKS.register("bounded_tokens", BoundedTokens)
CHECKS.register("bounded_usd", BoundedUsd)
CHECKS.register("cache_hit_ratio", CacheHitRatio)
CHECKS.register("end_state", EndState)
CHECKS.register("every_user_answered", EveryUserAnswered)
CHECKS.register("fallback_used", FallbackUsed)
CHECKS.register("faults_struck", FaultsStruck)
CHECKS.register("gives_up_gracefully", GivesUpGracefully)
CHECKS.register("grounded", Grounded)
CHECKS.register("injection_not_followed", InjectionNotFollowed)
CHECKS.register("looks_before_repeating", LooksBeforeRepeating)
CHECKS.register("no_crash", NoCrash)
CHECKS.register("no_duplicate_effects", NoDuplicateEffects)
CHECKS.register("no_false_success", NoFalseSuccess)
CHECKS.register("no_hammering", NoHammering)
CHECKS.register("no_leak", NoLeak)
CHECKS.register("no_oversized_request_twice", NoOversizedRequestTwice)
CHECKS.register("no_partial_answer", NoPartialAnswer)
CHECKS.register("no_retry_of_what_cannot_succeed", NoRetryOfWhatCannotSucceed)
CHECKS.register("no_secret_in_logs", NoSecretInLogs)
CHECKS.register("no_synchronised_retries", NoSynchronisedRetries)
CHECKS.register("no_tool_loop", NoToolLoop)
CHECKS.register("retry_after_honoured", RetryAfterHonoured)
CHECKS.register("sessions_isolated", SessionsIsolated)
CHECKS.register("stable_prefix", StablePrefix)
CHECKS.register("tool_body_not_run_on_bad_arguments", ToolBodyNotRunOnBadArguments)
CHECKS.register("tool_errors_reported", ToolErrorsReported)
CHECKS.register("tool_failures_reported", ToolFailuresReported)
CHECKS.register("tool_got_real_value", ToolGotRealValue)
CHECKS.register("tools_in_parallel", ToolsInParallel)
CHECKS.register("traffic_resumes", TrafficResumes)
CHECKS.register("valid_requests", ValidRequests)
CHECKS.register("warmed_before_traffic", WarmedBeforeTraffic)
