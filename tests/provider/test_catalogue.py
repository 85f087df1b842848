"""Facts on models."""

import pytest

from chaoskit.provider.catalogue import Catalogue
from chaoskit.provider.settings import ModelSettings, ProviderSettings, VendorSettings


@pytest.mark.parametrize(
    ("name", "provider", "window", "most", "minimum"),
    [
        ("claude-sonnet-4-6", "anthropic", 1_000_000, 128_000, 1_024),
        ("claude-haiku-4-5", "anthropic", 200_000, 64_000, 4_096),
        ("claude-opus-4-5", "anthropic", 200_000, 64_000, 4_096),
        ("claude-opus-4-6", "anthropic", 1_000_000, 128_000, 4_096),
        ("claude-opus-4-7", "anthropic", 1_000_000, 128_000, 2_048),
        ("claude-opus-4-8", "anthropic", 1_000_000, 128_000, 1_024),
        ("claude-opus-5", "anthropic", 1_000_000, 128_000, 512),
        ("claude-sonnet-5", "anthropic", 1_000_000, 128_000, 1_024),
        ("claude-sonnet-5-5", "anthropic", 1_000_000, 128_000, 512),
        ("claude-fable-5-1", "anthropic", 1_000_000, 128_000, 512),
        ("claude-mythos-preview", "anthropic", 1_000_000, 128_000, 2_048),
        ("claude-3-5-haiku-latest", "anthropic", 200_000, 8_192, 2_048),
        ("gpt-5.4", "openai", 1_050_000, 128_000, 1_024),
        ("gpt-5.4-mini", "openai", 400_000, 128_000, 1_024),
        ("gpt-4o", "openai", 128_000, 16_384, 1_024),
        ("gpt-4.1-mini", "openai", 1_047_576, 32_768, 1_024),
        ("gpt-4-turbo", "openai", 128_000, 4_096, 0),
        ("o3", "openai", 200_000, 100_000, 1_024),
    ],
)
def test_known_models(name, provider, window, most, minimum):
    """Window, largest output and smallest cached prefix, as documented."""
    facts = Catalogue().find(name, provider)
    assert (window, most, minimum) == (facts.window, facts.max_output, facts.cache_minimum)


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("claude-haiku-4-5", {"prefill", "sampling", "thinking_enabled"}, {"thinking_adaptive"}),
        ("claude-sonnet-4-6", {"thinking_adaptive", "thinking_enabled"}, {"prefill"}),
        ("claude-opus-4-7", {"thinking_adaptive", "forced_tool_choice"}, {"thinking_enabled"}),
        ("claude-opus-5-5", {"thinking_adaptive"}, {"forced_tool_choice", "thinking_disabled"}),
        ("claude-fable-5-1", {"overflow_stops"}, {"forced_tool_choice", "thinking_disabled"}),
        ("claude-3-5-sonnet-20241022", {"prefill"}, {"overflow_stops", "thinking_adaptive"}),
        ("gpt-5.4", {"reasoning", "structured_output"}, {"sampling"}),
        ("gpt-4o", {"sampling", "structured_output"}, {"reasoning"}),
    ],
)
def test_features(name, has, lacks):
    """What dialects ask for."""
    catalogue = Catalogue()
    facts = catalogue.find(name, "anthropic") or catalogue.find(name, "openai")
    assert has <= facts.features
    assert not lacks & facts.features


def test_alias_leads_to_the_dated_name():
    """As the vendors answer with the snapshot that served the request."""
    catalogue = Catalogue()
    assert catalogue.find("claude-haiku-4-5", "anthropic").name == "claude-haiku-4-5-20251001"
    assert catalogue.find("gpt-4o", "openai").name == "gpt-4o-2024-08-06"


@pytest.mark.parametrize(
    ("name", "provider"), [("claude-opus-9", "anthropic"), ("gpt-9", "openai"), ("o9", "openai")]
)
def test_name_of_a_known_family_is_a_model(name, provider):
    """Models appear faster than releases of this package."""
    assert Catalogue().find(name, provider).name == name


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("mistral-large", "anthropic"),
        ("gpt-4o", "anthropic"),
        ("claude-opus-5", "openai"),
        ("x", "?"),
    ],
)
def test_other_names_are_unknown(name, provider):
    """Production answers 404."""
    assert Catalogue().find(name, provider) is None


def test_names_that_nobody_has_are_not_remembered():
    """There is no end of them; and what is too long is no name, whatever it begins with."""
    catalogue = Catalogue()
    assert catalogue.find("mistral-large", "openai") is None
    assert catalogue.find("claude-opus-4-6" + "x" * 200, "anthropic") is None
    assert not catalogue._found


def test_every_listed_model_is_found_under_its_name():
    """What the list tells can be asked for."""
    catalogue = Catalogue()
    for provider in ("anthropic", "openai"):
        listed = catalogue.all(provider)
        assert len({facts.name for facts in listed}) == len(listed)
        for facts in listed:
            assert catalogue.find(facts.name, provider).window == facts.window
            assert facts.created > 1_700_000_000
            assert facts.provider == provider
            assert facts.display_name


def test_openai_lists_aliases_too():
    """A program that looks for its model among the listed ones finds it."""
    catalogue = Catalogue()
    assert "gpt-4o" in {facts.name for facts in catalogue.all("openai")}
    assert "claude-haiku-4-5" not in {facts.name for facts in catalogue.all("anthropic")}


def test_unknown_provider_lists_nothing():
    """No vendor, no models."""
    assert Catalogue().all("?") == ()


def test_scenario_overrides_facts_for_all_models_a_vendor_or_one():
    """The most specific word wins."""
    settings = ProviderSettings(
        window=50_000,
        max_output=1_000,
        openai=VendorSettings(window=40_000),
        per_model={"gpt-4o": ModelSettings(window=9_000), "claude-opus-5": {"cache_minimum": 10}},
    )
    catalogue = Catalogue(settings)
    assert catalogue.find("claude-sonnet-4-6", "anthropic").window == 50_000
    assert catalogue.find("gpt-5.4", "openai").window == 40_000
    assert catalogue.find("gpt-4o-2024-08-06", "openai").window == 40_000
    assert catalogue.find("gpt-4o", "openai").window == 9_000
    opus = catalogue.find("claude-opus-5", "anthropic")
    assert (opus.window, opus.max_output, opus.cache_minimum) == (50_000, 1_000, 10)


def test_only_allowed_models_exist():
    """Dated or not."""
    catalogue = Catalogue(ProviderSettings(models=("claude-haiku-4-5", "gpt-4o", "my-model")))
    assert catalogue.find("claude-haiku-4-5-20251001", "anthropic") is not None
    assert catalogue.find("claude-opus-5", "anthropic") is None
    assert [facts.name for facts in catalogue.all("anthropic")] == ["claude-haiku-4-5-20251001"]
    assert [facts.name for facts in catalogue.all("openai")] == ["gpt-4o-2024-08-06", "my-model"]


def test_model_of_nobody_speaks_the_common_protocol():
    """A scenario can name a model of its own; it is served as OpenAI's are."""
    catalogue = Catalogue(ProviderSettings(per_model={"my-model": ModelSettings(window=8_000)}))
    assert catalogue.find("my-model", "openai").window == 8_000
    assert catalogue.find("my-model", "anthropic") is None
