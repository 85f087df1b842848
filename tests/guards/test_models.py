"""The table of models against the data of genai-prices, which comes with the harness."""

import pytest
from genai_prices.data import providers

from chaoskit.provider.catalogue import Catalogue
from chaoskit_guards.models import _FACTS, facts_of

VENDORS = {"anthropic": "anthropic", "openai": "openai", "google": "google"}
ROUNDED = {1_000_000: (1_047_576, 1_048_576, 1_050_000)}
"""What genai-prices calls a million."""
DISPUTED = {"gpt-5-chat", "gpt-5.1-chat", "gpt-5.2-chat"}
"""genai-prices takes them for their larger siblings; 128,000 is what the vendor and litellm say."""


def theirs(name):
    for provider in providers:
        if provider.id == VENDORS[facts_of(name).vendor]:
            return provider.find_model(name)
    return None


@pytest.mark.parametrize("name", sorted(_FACTS))
def test_windows_agree_with_genai_prices(name):
    """Where both know the window."""
    found = theirs(name)
    if found is None or found.context_window is None or name in DISPUTED:
        return
    window = facts_of(name).context_window
    assert window == found.context_window or window in ROUNDED.get(found.context_window, ())


def test_most_of_the_table_is_covered_by_that():
    """So that the test above means something."""
    known = [name for name in _FACTS if (m := theirs(name)) and m.context_window is not None]
    assert len(known) > 0.8 * len(_FACTS)


SIMULATED = sorted(name for name in _FACTS if not name.startswith(("gemini", "gpt-6")))
"""The simulated catalogue gives gpt-6 its defaults and has no Gemini."""


@pytest.mark.parametrize("name", SIMULATED)
def test_limits_agree_with_the_simulated_provider(name):
    """The guard and its judge read the same documentation."""
    facts = facts_of(name)
    model = Catalogue().find(name, facts.vendor)
    if model is None or "chat" in name:
        return
    assert facts.context_window == model.window
    assert facts.max_output in (None, model.max_output)
    assert facts.cache_minimum in (None, model.cache_minimum)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("anthropic/claude-opus-4.5", "claude-opus-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("gpt-5.4-2026-03-05", "gpt-5.4"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("gpt-5-chat-latest", "gpt-5-chat"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
    ],
)
def test_names_find_their_model(name, same):
    """Dates, revisions, regions and aliases."""
    assert facts_of(name) == facts_of(same)
    assert facts_of(name).context_window is not None


@pytest.mark.parametrize(
    "name", ["gpt-5.9", "claude-opus-4-9", "claude-opus-6", "gemini-5-pro", "o5", "", "llama-4"]
)
def test_a_version_that_is_not_listed_is_not_guessed(name):
    """Unknown stays unknown, however much it looks like its neighbours."""
    assert facts_of(name).context_window is None
