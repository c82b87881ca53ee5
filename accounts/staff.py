"""The staff's view across organizations: through a read-only role, with a line for every look."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.db.models import Field, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts.models import Organization, StaffAccess, User

STAFF = "staff"
SOUGHT = {User: ("email", "full_name"), Organization: ("name", "slug")}
MOST_FOUND = 500
NOT_OF_PEOPLE = [f.name for f in User._meta.fields if f.name not in {"id", "email", "full_name"}]


class StaffReadAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Reads through the database's staff role, which can change nothing, and writes down who looked at what.

    A change to a tenant is made by a workflow inside that organization's scope, not here.
    """

    across_organizations = True
    people: tuple[str, ...] = ()  # foreign keys to users: the role reads their names, never their hashes
    found_by: tuple[str, ...] = ()  # foreign keys to people and organizations, whose names the search looks for
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        rows: QuerySet[Model] = super().get_queryset(request)
        if not self.across_organizations:
            return rows
        hidden = [f"{person}__{column}" for person in self.people for column in NOT_OF_PEOPLE]
        related = [*self.people, *(["organization"] if self.is_owned else [])]
        return (rows.select_related(*related) if related else rows).defer(*hidden).using(STAFF)

    @property
    def is_owned(self) -> bool:
        return any(field.name == "organization" for field in self.model._meta.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        shown: list[str] = list(self.fields or [f.name for f in self.model._meta.fields if isinstance(f, Field)])
        return shown

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.search_fields, *self.found_by)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Whom a name belongs to first, then their rows by key: no search goes through a long table."""
        if not self.found_by or not search_term:
            found: tuple[QuerySet[Model], bool] = super().get_search_results(request, queryset, search_term)
            return found
        wanted = Q()
        for name in self.found_by:
            model = self.model._meta.get_field(name).related_model
            like = Q(*((f"{column}__icontains", search_term) for column in SOUGHT[model]), _connector=Q.OR)
            wanted |= Q(
                (f"{name}__in", list(model.objects.using(STAFF).filter(like).values_list("pk", flat=True)[:MOST_FOUND]))
            )
        return queryset.filter(wanted), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        self.note(request)
        response: HttpResponseBase = super().changelist_view(request, extra_context)
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.note(request)
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        return response

    def note(self, request: HttpRequest) -> None:
        if isinstance(request.user, User) and self.has_view_permission(request):
            StaffAccess.objects.create(user=request.user, model=self.model._meta.label, path=request.path[:300])

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_staff(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def only_staff(request: HttpRequest) -> bool:
    """Whether the admin opens: strangers are sent to log in, people who are not staff find nothing there."""
    if request.user.is_authenticated and not is_staff(request):
        raise Http404
    return is_staff(request)


def our_login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    if request.user.is_authenticated and not is_staff(request):
        raise Http404
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"), reverse("account_login"))


def guard(site: AdminSite) -> None:
    """Put our own doors before the admin."""
    # the site is unfold's own instance: its hooks are replaced, because no setting names another class
    site.has_permission = only_staff  # type: ignore[method-assign]  # as above
    site.login = our_login  # type: ignore[method-assign]  # as above
