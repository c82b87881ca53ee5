"""What staff may read of connections; sealed credentials are not among it."""

from django.contrib import admin

from accounts.staff import StaffReadAdmin
from providers.models import Connection, EndpointState, ReadWindow, SyncRun


@admin.register(Connection)
class ConnectionAdmin(StaffReadAdmin):
    list_display = ("name", "organization", "provider", "status", "blocked", "last_sync_at", "next_sync_at")
    list_filter = ("provider", "status")
    search_fields = ("name", "account_id", "account_name")
    people = ("created_by",)
    ordering = ("-created_at",)


@admin.register(EndpointState)
class EndpointStateAdmin(StaffReadAdmin):
    list_display = ("endpoint", "organization", "outcome", "failures", "failing_since", "retry_at")
    list_filter = ("outcome",)
    ordering = ("-last_tried_at",)


@admin.register(ReadWindow)
class ReadWindowAdmin(StaffReadAdmin):
    list_display = ("endpoint", "organization", "start", "end", "read_at", "due_at", "rows", "tries", "problem")
    list_filter = ("endpoint",)
    ordering = ("-start",)


@admin.register(SyncRun)
class SyncRunAdmin(StaffReadAdmin):
    list_display = ("started_at", "organization", "outcome", "windows", "rows", "problem")
    list_filter = ("outcome",)
    ordering = ("-started_at",)
