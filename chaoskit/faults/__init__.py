"""The catalogue of faults: names as they stand in scenario files, and their classes."""

from __future__ import annotations

from chaoskit.fault import Fault
from chaoskit.faults.broken_compression import BrokenCompression
from chaoskit.faults.broken_event import BrokenEvent
from chaoskit.faults.closed_input import ClosedInput
from chaoskit.faults.connect_error import ConnectError
from chaoskit.faults.crash import Crash
from chaoskit.faults.cut_stream import CutStream
from chaoskit.faults.dribble import Dribble
from chaoskit.faults.duplicate_delivery import DuplicateDelivery
from chaoskit.faults.duplicated_event import DuplicatedEvent
from chaoskit.faults.empty_completion import EmptyCompletion
from chaoskit.faults.empty_content import EmptyContent
from chaoskit.faults.empty_result import EmptyResult
from chaoskit.faults.endless_listing import EndlessListing
from chaoskit.faults.error_mid_stream import ErrorMidStream
from chaoskit.faults.error_result import ErrorResult
from chaoskit.faults.hang import Hang
from chaoskit.faults.ignored_cancel import IgnoredCancel
from chaoskit.faults.illegal_chunk import IllegalChunk
from chaoskit.faults.injected_instructions import InjectedInstructions
from chaoskit.faults.json_rpc_error import JsonRpcError
from chaoskit.faults.leaked_secret import LeakedSecret
from chaoskit.faults.list_changed_storm import ListChangedStorm
from chaoskit.faults.log_noise import LogNoise
from chaoskit.faults.malformed_arguments import MalformedArguments
from chaoskit.faults.out_of_credit import OutOfCredit
from chaoskit.faults.outage import Outage
from chaoskit.faults.overloaded import Overloaded
from chaoskit.faults.oversized_result import OversizedResult
from chaoskit.faults.partial_write import PartialWrite
from chaoskit.faults.progress import Progress
from chaoskit.faults.rate_limited import RateLimited
from chaoskit.faults.retired_model import RetiredModel
from chaoskit.faults.schema_drift import SchemaDrift
from chaoskit.faults.secret_in_arguments import SecretInArguments
from chaoskit.faults.server_error import ServerError
from chaoskit.faults.session_expired import SessionExpired
from chaoskit.faults.slow import Slow
from chaoskit.faults.slow_result import SlowResult
from chaoskit.faults.stale_read import StaleRead
from chaoskit.faults.stall import Stall
from chaoskit.faults.timeout_after_effect import TimeoutAfterEffect
from chaoskit.faults.tool_input_bursts import ToolInputBursts
from chaoskit.faults.tool_vanished import ToolVanished
from chaoskit.faults.truncated_at_max_tokens import TruncatedAtMaxTokens
from chaoskit.faults.truncated_result import TruncatedResult
from chaoskit.faults.unauthorised import Unauthorised
from chaoskit.faults.unfinished_stream import UnfinishedStream
from chaoskit.faults.unknown_content import UnknownContent
from chaoskit.faults.unknown_tool import UnknownTool
from chaoskit.faults.unparsable_output import UnparsableOutput
from chaoskit.faults.version_refused import VersionRefused
from chaoskit.faults.wrong_id import WrongId
from chaoskit.faults.wrong_length import WrongLength
from chaoskit.faults.wrong_media_type import WrongMediaType
from chaoskit.faults.wrong_type_result import WrongTypeResult
from chaoskit.registry import Registry

__all__ = [
    "FAULTS",
    "BrokenCompression",
    "BrokenEvent",
    "ClosedInput",
    "ConnectError",
    "Crash",
    "CutStream",
    "Dribble",
    "DuplicateDelivery",
    "DuplicatedEvent",
    "EmptyCompletion",
    "EmptyContent",
    "EmptyResult",
    "EndlessListing",
    "ErrorMidStream",
    "ErrorResult",
    "Hang",
    "IgnoredCancel",
    "IllegalChunk",
    "InjectedInstructions",
    "JsonRpcError",
    "LeakedSecret",
    "ListChangedStorm",
    "LogNoise",
    "MalformedArguments",
    "OutOfCredit",
    "Outage",
    "Overloaded",
    "OversizedResult",
    "PartialWrite",
    "Progress",
    "RateLimited",
    "RetiredModel",
    "SchemaDrift",
    "SecretInArguments",
    "ServerError",
    "SessionExpired",
    "Slow",
    "SlowResult",
    "StaleRead",
    "Stall",
    "TimeoutAfterEffect",
    "ToolInputBursts",
    "ToolVanished",
    "TruncatedAtMaxTokens",
    "TruncatedResult",
    "Unauthorised",
    "UnfinishedStream",
    "UnknownContent",
    "UnknownTool",
    "UnparsableOutput",
    "VersionRefused",
    "WrongId",
    "WrongLength",
    "WrongMediaType",
    "WrongTypeResult",
]

FAULTS: Registry[Fault] = Registry("fault")

FAULTS.register("rate_limited", RateLimited)
FAULTS.register("overloaded", Overloaded)
FAULTS.register("server_error", ServerError)
FAULTS.register("unauthorised", Unauthorised)
FAULTS.register("out_of_credit", OutOfCredit)
FAULTS.register("retired_model", RetiredModel)
FAULTS.register("outage", Outage)
FAULTS.register("connect_error", ConnectError)
FAULTS.register("hang", Hang)
FAULTS.register("malformed_arguments", MalformedArguments)
FAULTS.register("unknown_tool", UnknownTool)
FAULTS.register("empty_completion", EmptyCompletion)
FAULTS.register("truncated_at_max_tokens", TruncatedAtMaxTokens)
FAULTS.register("unparsable_output", UnparsableOutput)
FAULTS.register("secret_in_arguments", SecretInArguments)
FAULTS.register("unfinished_stream", UnfinishedStream)
FAULTS.register("error_mid_stream", ErrorMidStream)
FAULTS.register("broken_event", BrokenEvent)
FAULTS.register("duplicated_event", DuplicatedEvent)
FAULTS.register("slow", Slow)
FAULTS.register("cut_stream", CutStream)
FAULTS.register("stall", Stall)
FAULTS.register("dribble", Dribble)
FAULTS.register("tool_input_bursts", ToolInputBursts)
FAULTS.register("wrong_length", WrongLength)
FAULTS.register("illegal_chunk", IllegalChunk)
FAULTS.register("broken_compression", BrokenCompression)
FAULTS.register("empty_result", EmptyResult)
FAULTS.register("error_result", ErrorResult)
FAULTS.register("leaked_secret", LeakedSecret)
FAULTS.register("oversized_result", OversizedResult)
FAULTS.register("wrong_media_type", WrongMediaType)
FAULTS.register("json_rpc_error", JsonRpcError)
FAULTS.register("session_expired", SessionExpired)
FAULTS.register("version_refused", VersionRefused)
FAULTS.register("ignored_cancel", IgnoredCancel)
FAULTS.register("progress", Progress)
FAULTS.register("empty_content", EmptyContent)
FAULTS.register("unknown_content", UnknownContent)
FAULTS.register("wrong_id", WrongId)
FAULTS.register("log_noise", LogNoise)
FAULTS.register("endless_listing", EndlessListing)
FAULTS.register("list_changed_storm", ListChangedStorm)
FAULTS.register("crash", Crash)
FAULTS.register("closed_input", ClosedInput)
FAULTS.register("timeout_after_effect", TimeoutAfterEffect)
FAULTS.register("duplicate_delivery", DuplicateDelivery)
FAULTS.register("partial_write", PartialWrite)
FAULTS.register("stale_read", StaleRead)
FAULTS.register("slow_result", SlowResult)
FAULTS.register("wrong_type_result", WrongTypeResult)
FAULTS.register("truncated_result", TruncatedResult)
FAULTS.register("injected_instructions", InjectedInstructions)
FAULTS.register("tool_vanished", ToolVanished)
FAULTS.register("schema_drift", SchemaDrift)
