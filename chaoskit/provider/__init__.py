"""The simulated service behind the dialects."""

from __future__ import annotations

from chaoskit.provider.catalogue import Catalogue
from chaoskit.provider.service import Admission, Service, Settled
from chaoskit.provider.settings import ProviderSettings
from chaoskit.provider.tokens import TokenCounter, counter_at_hand

__all__ = [
    "Admission",
    "Catalogue",
    "ProviderSettings",
    "Service",
    "Settled",
    "TokenCounter",
    "counter_at_hand",
]
