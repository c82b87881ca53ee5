"""What staff read of onboarding: answers, journeys and guidance, the funnel, the sales list, what is forwarded."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path

from accounts.staff import StaffReadAdmin
from onboarding import funnel_pages, sales
from onboarding.models import CompanyAnswers, Forward, Funnel, Journey, Nudge, SalesLead, Seen, Unlock
from onboarding.questions import USER_ROLE


@admin.register(Funnel)
class FunnelAdmin(StaffReadAdmin):
    """Not a list of rows: the report, with the people behind each of its numbers."""

    def get_urls(self) -> list[URLPattern]:
        doors = (("", self.changelist_view, "changelist"), ("people/", self.people_view, "people"))
        return [
            path(route, self.admin_site.admin_view(view), name=f"onboarding_funnel_{name}")
            for route, view, name in doors
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        self.note(request)
        return funnel_pages.report(request, self)

    def people_view(self, request: HttpRequest) -> HttpResponseBase:
        self.note(request)
        return funnel_pages.people(request, self)


class IsConnected(admin.SimpleListFilter):
    title, parameter_name = "provider", "connected"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Connected"), ("no", "Not connected")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_connected=self.value() == "yes") if self.value() in ("yes", "no") else queryset


@admin.register(SalesLead)
class SalesListAdmin(StaffReadAdmin):
    """One line for each organization whose answers lead to a talk."""

    list_display = ("name", "spend", "segment", "size", "contact", "role", "signed_up", "is_connected")
    list_filter = (IsConnected, "segment", "spend_tier", "started_at")
    people = ("user",)
    found_by = ("user", "organization")
    ordering = ("-started_at",)
    list_before_template = "admin/onboarding/_sales_file.html"

    def get_urls(self) -> list[URLPattern]:
        door = path("file/", self.admin_site.admin_view(self.file_view), name="onboarding_saleslead_file")
        return [door, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        return sales.leads(found)

    def file_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered and searched."""
        self.note(request)
        return funnel_pages.file("sales-list", sales.lines(self.get_changelist_instance(request).queryset))

    @admin.display(description="Organization", ordering="organization__name")
    def name(self, lead: SalesLead) -> str:
        return lead.organization.name

    @admin.display(description="AI spend a month")
    def spend(self, lead: SalesLead) -> str:
        return sales.spend_of(lead)

    @admin.display(description="Company size")
    def size(self, lead: SalesLead) -> str:
        return sales.size_of(lead)

    @admin.display(description="Contact")
    def contact(self, lead: SalesLead) -> str:
        return f"{lead.user.full_name} <{lead.user.email}>" if lead.user.full_name else lead.user.email

    @admin.display(description="Role")
    def role(self, lead: SalesLead) -> str:
        return USER_ROLE.label_of(lead.user_role)

    @admin.display(description="Signed up", ordering="organization__created_at")
    def signed_up(self, lead: SalesLead) -> datetime:
        return lead.organization.created_at

    @admin.display(description="Connected", boolean=True)
    def is_connected(self, lead: SalesLead) -> bool:
        return lead.is_connected


@admin.register(Journey)
class JourneyAdmin(StaffReadAdmin):
    list_display = (
        "user",
        "organization",
        "came",
        "step",
        "segment",
        "path",
        "spend_tier",
        "started_at",
        "finished_at",
    )
    list_filter = ("came", "path", "segment", "spend_tier")
    people = ("user",)
    found_by = ("user", "organization")
    ordering = ("-started_at",)


@admin.register(CompanyAnswers)
class CompanyAnswersAdmin(StaffReadAdmin):
    list_display = ("organization", "company_size", "monthly_ai_spend", "ai_providers", "use_cases", "updated_at")
    list_filter = ("company_size", "monthly_ai_spend")
    found_by = ("organization",)
    ordering = ("-updated_at",)


@admin.register(Unlock)
class UnlockAdmin(StaffReadAdmin):
    list_display = ("feature", "organization", "trigger", "at")
    list_filter = ("feature",)
    found_by = ("organization",)
    ordering = ("-at",)


@admin.register(Seen)
class SeenAdmin(StaffReadAdmin):
    list_display = ("kind", "key", "state", "user", "organization", "steps_viewed", "steps_total", "at")
    list_filter = ("kind", "state", "key")
    people = ("user",)
    found_by = ("user", "organization")
    ordering = ("-at",)


@admin.register(Nudge)
class NudgeAdmin(StaffReadAdmin):
    list_display = ("kind", "user", "organization", "at")
    list_filter = ("kind",)
    people = ("user",)
    found_by = ("user", "organization")
    ordering = ("-at",)


@admin.register(Forward)
class ForwardAdmin(StaffReadAdmin):
    """Batches of journal lines on their way to the operator's own tool; empty while forwarding is off."""

    across_organizations = False
    list_display = ("created_at", "line_count", "tries", "problem", "next_try_at", "stopped_at", "delivered_at")
    ordering = ("-created_at",)
