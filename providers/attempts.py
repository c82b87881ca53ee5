"""One try to connect with what somebody typed, whichever page they typed it on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from django import forms

from accounts.models import Organization, User
from providers import connecting, credentials, pausing, rotating
from providers.connectors.base import Connector
from providers.forms import OptionalNameForm
from providers.models import Connection, Status


@dataclass(frozen=True, slots=True)
class Attempt:
    """The forms to draw again, and how it went: a connection, a refusal, or an account that is connected already."""

    connector: Connector
    form: forms.Form
    name_form: OptionalNameForm
    connection: Connection | None = None
    refusal: connecting.NotConnected | None = None
    existing: Connection | None = None


def fresh(connector: Connector) -> Attempt:
    return Attempt(connector, connector.form(), OptionalNameForm())


def attempt(
    organization: Organization,
    connector: Connector,
    sent: Mapping[str, str],
    *,
    by: User | None,
    via: str = "",
    admit: Callable[[], None] | None = None,
) -> Attempt:
    """Call it outside any transaction: the provider is asked."""
    form, name_form = connector.form(sent), OptionalNameForm(sent)
    if not form.is_valid() or not name_form.is_valid():
        return Attempt(connector, form, name_form)
    name = name_form.cleaned_data["name"]
    try:
        done = connecting.connect(organization, connector, credentials.of(form), name=name, by=by, via=via, admit=admit)
    except connecting.NotConnected as reason:
        return Attempt(connector, form, name_form, refusal=reason)
    except connecting.AlreadyConnected as reason:
        return Attempt(connector, form, name_form, existing=reason.connection)
    return Attempt(connector, form, name_form, connection=done.connection)


def repaired(attempt: Attempt, organization: Organization, *, by: User | None) -> Attempt:
    """A key for an account whose connection needs a new one goes into that connection."""
    existing = attempt.existing
    if existing is None or existing.status != Status.BROKEN:
        return attempt
    try:
        held, _ = rotating.replace_credentials(organization, existing, credentials.of(attempt.form), by=by)
    except connecting.NotConnected as reason:
        return replace(attempt, existing=None, refusal=reason)
    except (connecting.AlreadyConnected, rotating.OtherAccount, pausing.CannotResume):
        return attempt  # it changed in this very moment: what is there now is shown
    return replace(attempt, existing=None, connection=held)
