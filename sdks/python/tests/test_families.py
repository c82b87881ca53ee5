"""What a call of each family comes to; with whatever version of its library is installed."""

import importlib
import sys

import pytest

from families import FAMILIES
from tokentra_sdk import default, instrumenting
from tokentra_sdk.families import PACKAGES, family_of


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_call_used_is_told(sdk, models, sent, name):
    family = FAMILIES[name]
    family.call(sdk.wrap(family.make(models.url)))

    events = sent()
    assert [told(event) for event in events] == list(family.told)
    assert "secret" not in repr(events)


def told(event):
    return event["tokens"] if "tokens" in event else event["units"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_client_that_is_made_after_observe_reports_by_itself(tokentra, models, tmp_path, monkeypatch, name):
    import tokentra_sdk

    monkeypatch.setattr(default, "_default", None)
    monkeypatch.setattr(instrumenting, "_sdk", None)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    tokentra_sdk.observe(tokentra.url, "tt_test_generated", spool_directory=tmp_path)
    family = FAMILIES[name]
    client = family.make(models.url)
    family.call(client)
    assert tokentra_sdk.flush(5)

    events = sorted(tokentra.events.values(), key=lambda event: event["id"])
    assert [told(event) for event in events] == list(family.told)


def test_every_client_that_is_wrapped_as_it_is_made_is_there_and_belongs_to_a_family(sdk, monkeypatch):
    """Of modules that this version of a library does not have, another version has them."""
    monkeypatch.setattr(instrumenting, "_sdk", None)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    instrumenting.begin(lambda: sdk)
    missing, families_here = [], set()
    for module, kinds in instrumenting.CLIENTS.items():
        assert family_of(module) in PACKAGES.values(), module
        try:
            found = importlib.import_module(module)
        except Exception:  # some that are there need what is not installed, and say so in their own ways
            continue
        families_here.add(family_of(module))
        missing += [
            f"{module}.{kind}" for kind in kinds if not hasattr(getattr(found, kind).__init__, instrumenting.MARK)
        ]

    assert missing == []
    assert families_here == set(PACKAGES.values())
