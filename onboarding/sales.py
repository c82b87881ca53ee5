"""Organizations whose answers lead to a talk: the list for sales, and the one letter that tells of each."""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from accounts import letters
from accounts.journal import Event
from accounts.models import Milestone, Organization, User
from onboarding.models import CompanyAnswers, Journey, Nudge, SalesLead
from onboarding.questions import COMPANY_SIZE, MONTHLY_AI_SPEND, USER_ROLE
from onboarding.segments import Path
from tokentra.lib.csv_cells import line, safe

NOTICE = "sales_notice"
HEADER = (
    *("organization", "website", "monthly_ai_spend", "segment", "company_size", "contact", "email", "role"),
    *("signed_up", "connected"),
)


def leads(journeys: QuerySet[SalesLead]) -> QuerySet[SalesLead]:
    """One line for each organization: the journey that led there first, with what sales wants to know."""
    here = {"organization": OuterRef("organization")}
    first = Journey.objects.filter(path=Path.SALES_ASSISTED, user__is_staff=False, **here).order_by("started_at", "id")
    answers = CompanyAnswers.objects.filter(**here)
    connected = Milestone.objects.filter(event=Event.PROVIDER_CONNECTION_COMPLETED.value, user=None, **here)
    return journeys.filter(
        pk=Subquery(first.values("pk")[:1]), organization__is_sample=False
    ).annotate(  # type: ignore[no-redef]  # the model declares them for those who read them
        spend=Subquery(answers.values("monthly_ai_spend")[:1]),
        size=Subquery(answers.values("company_size")[:1]),
        is_connected=Exists(connected),
    )


def lines(found: Iterable[SalesLead]) -> Iterator[str]:
    yield line(HEADER)
    for lead in found:
        organization, contact = lead.organization, lead.user
        told = (organization.name, organization.website, spend_of(lead), lead.segment, size_of(lead))
        person = (contact.full_name, contact.email, USER_ROLE.label_of(lead.user_role))
        signed_up, connected = organization.created_at.isoformat(), "yes" if lead.is_connected else "no"
        yield line([*(safe(text) for text in (*told, *person)), signed_up, connected])


def spend_of(lead: SalesLead) -> str:
    return MONTHLY_AI_SPEND.label_of(lead.spend or "")


def size_of(lead: SalesLead) -> str:
    return COMPANY_SIZE.label_of(lead.size or "")


def led_here(journey: Journey, company: CompanyAnswers, organization: Organization, user: User) -> bool:
    """Somebody's answers lead to the contact page: tell sales, once for each organization. True when a letter went.

    Inside the organization's scope. The mark is a `Nudge`; the lock keeps two people at once from two letters.
    """
    to = settings.SALES_NOTIFY_EMAIL
    if not to or organization.is_sample or user.is_staff:
        return False
    organization.lock()
    if Nudge.objects.owned_by(organization).filter(kind=NOTICE).exists():
        return False
    Nudge.objects.create(organization=organization, user=user, kind=NOTICE, at=timezone.now())
    told = {
        "organization": organization,
        "user": user,
        "role": USER_ROLE.label_of(journey.user_role),
        "spend": MONTHLY_AI_SPEND.label_of(company.monthly_ai_spend),
        "size": COMPANY_SIZE.label_of(company.company_size),
        "segment": journey.segment.replace("_", " "),
        "list_url": settings.SITE_URL + reverse("admin:onboarding_saleslead_changelist"),
    }
    letters.write(NOTICE, to, told)
    return True
