"""The map of the product on one screen."""

from django.contrib import admin
from django.urls import include, path

from tokentra import views
from tokentra.api import api

urlpatterns = [
    path("", views.front_door, name="front_door"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("settings/sdk/", include("sdk_keys.urls")),
    path("sdk/", include("sdk_keys.handing_out")),
    path("", include("accounts.urls")),
    path("", include("allauth.urls")),
    path("", include("usage.urls")),
    path("providers/", include("providers.urls")),
    path("budgets/", include("budgets.urls")),
    path("alerts/", include("budgets.alerting.urls")),
    path("onboarding/", include("onboarding.urls")),
    path("docs/", include("tokentra.guide.urls")),
    path("", include("onboarding.guidance.urls")),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]

handler400 = "tokentra.views.bad_request"
handler403 = "tokentra.views.forbidden"
handler404 = "tokentra.views.not_found"
handler500 = "tokentra.views.broken"
