"""What staff may read of API keys; digests are not among it."""

from django.contrib import admin

from accounts.staff import StaffReadAdmin
from sdk_keys.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(StaffReadAdmin):
    list_display = ("name", "organization", "prefix", "last_four", "scopes", "created_at", "last_used_at", "revoked_at")
    list_filter = ("environment",)
    search_fields = ("prefix", "last_four")
    people = ("created_by",)
    ordering = ("-created_at",)
