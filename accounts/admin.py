"""What staff may read of accounts."""

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.paginator import InfinitePaginator

from accounts.invited import Invitation
from accounts.journal import Event
from accounts.mailed import MailState, OutboxMail
from accounts.models import (
    AuditLine,
    JournalEntry,
    Membership,
    Milestone,
    Organization,
    StaffAccess,
    User,
    Visit,
)
from accounts.staff import StaffReadAdmin, guard
from accounts.staff_plan import plan_of

guard(admin.site)


@admin.register(User)
class UserAdmin(StaffReadAdmin):
    across_organizations = False
    list_display = ("email", "full_name", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "full_name")
    ordering = ("-created_at",)
    fields = ("id", "email", "full_name", "is_active", "is_staff", "created_at", "last_login")


@admin.register(Organization)
class OrganizationAdmin(StaffReadAdmin):
    list_display = ("name", "slug", "plan_to_change", "is_sample", "trial_ends_at", "created_at")
    list_filter = ("plan", "is_sample")
    search_fields = ("name", "slug")
    ordering = ("-created_at",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.plan_view)
        return [path("<uuid:organization_id>/plan/", view, name="accounts_organization_plan"), *super().get_urls()]

    def plan_view(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        self.note(request)
        return plan_of(request, organization_id, self)

    @admin.display(description="plan", ordering="plan")
    def plan_to_change(self, organization: Organization) -> str:
        href = reverse("admin:accounts_organization_plan", args=[organization.pk])
        return format_html(
            '<a href="{}" aria-label="Change the plan of {}">{}</a>', href, organization, organization.plan
        )


@admin.register(Membership)
class MembershipAdmin(StaffReadAdmin):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    people = ("user",)
    ordering = ("-created_at",)


@admin.register(Invitation)
class InvitationAdmin(StaffReadAdmin):
    list_display = ("email", "organization", "role", "invited_by", "created_at", "accepted_at", "revoked_at")
    people = ("invited_by",)
    ordering = ("-created_at",)
    fields = (
        "organization", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at",
    )  # fmt: skip


class ByEvent(admin.SimpleListFilter):
    """Every event there is, without looking which ones the table holds."""

    title = parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(event.value, event.value) for event in Event]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(JournalEntry)
class JournalEntryAdmin(StaffReadAdmin):
    list_display = ("event", "organization", "user", "data", "at")
    list_filter = (ByEvent, "at")
    people = ("user",)
    found_by = ("user", "organization")
    ordering = ("-at",)
    paginator = InfinitePaginator  # nobody counts a million lines to see the latest fifty


@admin.register(Milestone)
class MilestoneAdmin(StaffReadAdmin):
    """First occurrences; a line without a person is the organization's first."""

    list_display = ("event", "organization", "user", "at")
    list_filter = (ByEvent, "at")
    people = ("user",)
    found_by = ("user", "organization")
    ordering = ("-at",)
    paginator = InfinitePaginator


@admin.register(AuditLine)
class AuditLineAdmin(StaffReadAdmin):
    list_display = ("action", "organization", "actor", "object_type", "at", "ip")
    list_filter = ("action",)
    people = ("actor",)
    ordering = ("-at",)


@admin.register(Visit)
class VisitAdmin(StaffReadAdmin):
    across_organizations = False
    list_display = (
        "first_seen_at",
        "landing_path",
        "referrer",
        "utm_source",
        "utm_campaign",
        "method",
        "user",
    )
    list_select_related = ("user",)
    ordering = ("-first_seen_at",)


class HowItStands(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in MailState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMail]) -> QuerySet[OutboxMail]:
        wanted = self.value()
        return queryset & OutboxMail.objects.in_state(MailState(wanted)) if wanted in MailState.values else queryset


@admin.register(OutboxMail)
class OutboxMailAdmin(StaffReadAdmin):
    """Every letter, and how its sending went. Codes and links are shown on purpose: without a mail server this is
    where they are found."""

    across_organizations = False
    list_display = ("subject", "kind", "to", "how_it_stands", "tries", "problem", "created_at", "delivered_at")
    list_filter = (HowItStands, "kind")
    search_fields = ("to", "subject")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    fields = (
        "kind", "to", "asked_by", "subject", "how_it_stands", "tries", "problem", "created_at", "next_try_at",
        "delivered_at", "good_until", "withdrawn_at", "as_written", "as_drawn",
    )  # fmt: skip

    @admin.display(description="state")
    def how_it_stands(self, mail: OutboxMail) -> str:
        return mail.state.label

    @admin.display(description="text")
    def as_written(self, mail: OutboxMail) -> str:
        """To be read and copied: a link is not there to be followed as somebody else."""
        return format_html('<div style="white-space:pre-wrap">{}</div>', mail.text)

    @admin.display(description="as HTML")
    def as_drawn(self, mail: OutboxMail) -> str:
        """In a frame that runs nothing, sends nothing and leads nowhere."""
        if not mail.html:
            return "This letter is text only."
        frame = '<iframe sandbox title="The letter as HTML" srcdoc="{}" style="{}"></iframe>'
        return format_html(frame, mail.html, "inline-size:100%;block-size:36rem;border:1px solid #dfe2ea")


@admin.register(StaffAccess)
class StaffAccessAdmin(StaffReadAdmin):
    across_organizations = False
    list_display = ("user", "model", "path", "at")
    list_select_related = ("user",)
    ordering = ("-at",)


# permissions here are roles, not groups; allauth's pages would show keys of sessions and change whose address is whose
for unused in (Group, EmailAddress, SocialApp, SocialToken, SocialAccount, UserSession, Authenticator):
    try:
        admin.site.unregister(unused)
    except NotRegistered:
        continue
