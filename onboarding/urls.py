"""Pages on the way in."""

from django.urls import path

from onboarding import views, wizard

app_name = "onboarding"

urlpatterns = [
    path("", views.resume, name="resume"),
    path("company/", views.screen, {"key": "company"}, name="company"),
    path("ai-usage/", views.screen, {"key": "ai_usage"}, name="ai_usage"),
    path("goals/", views.screen, {"key": "goals"}, name="goals"),
    path("team/", views.screen, {"key": "team"}, name="team"),
    path("providers/", views.connect, name="connect"),
    path("connected/", views.connected, name="connected"),
    path("sdk/", wizard.sdk, name="sdk"),
    path("sdk/done/", wizard.done, name="sdk_done"),
    path("contact/", views.contact, name="contact"),
    path("waiting/", views.waiting, name="waiting"),
    path("skip/<str:step>/", views.skip, name="skip"),
    path("leave/", views.leave, name="leave"),
]
