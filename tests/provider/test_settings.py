"""What a scenario file may say of the service."""

import pytest
from pydantic import TypeAdapter, ValidationError

from chaoskit.provider.latency import Latency
from chaoskit.provider.settings import Limits, ProviderSettings

FILE = TypeAdapter(ProviderSettings)


def test_defaults_are_generous():
    """Those of the vendors' first paid tier."""
    settings = ProviderSettings()
    assert (settings.limits.of("anthropic")) == (
        ("requests", 1_000),
        ("input_tokens", 2_000_000),
        ("output_tokens", 400_000),
    )
    assert settings.limits.of("openai") == (("requests", 1_000), ("tokens", 2_000_000))
    assert settings.cache


def test_table_of_a_scenario_file_is_read():
    """Durations may have units, limits may be set one by one."""
    settings = FILE.validate_python(
        {
            "limits": {"requests_per_minute": 50, "input_tokens_per_minute": 40_000},
            "latency": {"first_token": "250ms"},
            "per_model": {"gpt-4o": {"window": 8_000}},
        }
    )
    assert (settings.limits.of("anthropic")) == (
        ("requests", 50),
        ("input_tokens", 40_000),
        ("output_tokens", 400_000),
    )
    assert settings.limits.of("openai") == (("requests", 50), ("tokens", 40_000))
    assert settings.latency == Latency(first_token=0.25, tokens_per_second=80)
    assert settings.per_model["gpt-4o"].window == 8_000


def test_one_vendor_may_be_different():
    """What its table leaves out is as for all, limit by limit."""
    settings = FILE.validate_python(
        {
            "window": 9_000,
            "limits": {"requests_per_minute": 50, "output_tokens_per_minute": 7},
            "anthropic": {"limits": {"requests_per_minute": 5}, "cache": False},
        }
    )
    anthropic = settings.of("anthropic")
    assert anthropic.limits == Limits(requests_per_minute=5, output_tokens_per_minute=7)
    assert (anthropic.cache, anthropic.window) == (False, 9_000)
    assert settings.of("openai") is settings
    assert settings.of("somebody") is settings


@pytest.mark.parametrize(
    "table",
    [
        {"limit": {}},
        {"limits": {"requests_per_minute": 0}},
        {"limits": {"requests_per_second": 1}},
        {"window": 0},
        {"latency": {"tokens_per_second": 0}},
        {"prices": {"input": -1, "output": 1}},
        {"openai": {"models": ["x"]}},
    ],
)
def test_nonsense_is_refused(table):
    """Unknown names and impossible numbers are errors."""
    with pytest.raises(ValidationError):
        FILE.validate_python(table)


def test_schema_describes_every_field():
    """Editors show what a key means."""
    schema = FILE.json_schema()
    for definition in (schema, *schema["$defs"].values()):
        if definition.get("type") == "object":
            for name, field in definition["properties"].items():
                assert field.get("description") or "$ref" in field, name


def test_latency_grows_with_the_answer():
    """The first token, then the rest at a pace."""
    assert Latency(first_token="2s", tokens_per_second=50).seconds(100) == 4.0
