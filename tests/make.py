"""One plain function for each thing that a test needs to be there."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from budgets import making
from budgets.models import Budget
from providers.models import Connection, Status
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope
from usage import demo, ingest
from usage.rows import Ledger, UsageRow

PASSWORD = "correct horse battery"


def user(email: str, *, full_name: str = "", staff: bool = False) -> User:
    """A person whose address is verified."""
    from allauth.account.models import EmailAddress

    person = User.objects.create_user(email, PASSWORD, full_name=full_name, is_staff=staff, is_superuser=staff)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person


def organization(name: str, *, owner: User, **fields: object) -> Organization:
    pk = uuid7()
    with organization_scope(pk):
        made = Organization.objects.create(id=pk, name=name, slug=f"{name.lower()}-{pk.hex[-6:]}", **fields)
        Membership.objects.create(organization=made, user=owner, role=Role.OWNER)
    return made


def member(of: Organization, email: str, role: Role) -> User:
    person = user(email)
    with organization_scope(of.pk):
        Membership.objects.create(organization=of, user=person, role=role, is_invitee=True)
    return person


def connection(of: Organization, *, name: str = "Acme", provider: str = "openai", by: User | None = None) -> Connection:
    """A connection that has read everything; its key is not there, so nothing can be read with it."""
    with organization_scope(of.pk):
        return Connection.objects.create(
            organization=of,
            provider=provider,
            name=name,
            status=Status.HEALTHY,
            account_id=f"org-{uuid7().hex}",
            account_name=name,
            key_kind="admin key",
            key_last4="0001",
            key_fingerprint=uuid7().hex,
            created_by=by,
            key_set_at=timezone.now(),
            history_from=timezone.now().date() - timedelta(days=90),
        )


def spend(of: Organization, through: Connection, amount: str, *, model: str = "gpt-5-mini", days_ago: int = 3) -> None:
    """One bill line of a day that is over, read just now, as `usage.ingest` writes it."""
    now = timezone.now()
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    row = UsageRow(
        Ledger.BILLED, "costs", start, 86_400, through.provider, model,
        project="proj_1", line_item=f"{model}, input", amount=Decimal(amount),
    )  # fmt: skip
    window = ingest.Window(through.pk, through.provider, Ledger.BILLED, "costs", start, start + timedelta(days=1))
    with organization_scope(of.pk):
        ingest.record(of.pk, [row], window=window, now=now)


def story(of: Organization, now: datetime) -> int:
    """The ninety days of the sample workspace, in any organization; answers how many rows they have."""
    today = now.date()
    with organization_scope(of.pk):
        whole = demo.Stretch(today - timedelta(days=demo.DAYS - 1), today + timedelta(days=1), now, last_day=today)
        return demo.write(of.pk, whole)


def budget(of: Organization, amount: str = "100", *, name: str = "Monthly budget", **wanted: object) -> Budget:
    """Made some days ago, unless `at` says when."""
    at = wanted.pop("at", None) or timezone.now() - timedelta(days=20)
    with organization_scope(of.pk):
        asked = making.Wanted(name=name, amount=Decimal(amount), **wanted)
        return making.make(of, asked, by=None, now=at, anyway=True)
