"""Pages on the way in."""

from django.urls import path
from django.views.generic import RedirectView

from onboarding import views

app_name = "onboarding"

urlpatterns = [
    path("", views.resume, name="resume"),
    path("company/", views.screen, {"key": "company"}, name="company"),
    path("ai-usage/", views.screen, {"key": "ai_usage"}, name="ai_usage"),
    path("goals/", views.screen, {"key": "goals"}, name="goals"),
    path("team/", views.screen, {"key": "team"}, name="team"),
    path("providers/", views.connect, name="connect"),
    path("connected/", views.connected, name="connected"),
    # the SDK's wizard is not there yet: its step leads on to connecting
    path("sdk/", RedirectView.as_view(pattern_name="onboarding:connect"), name="sdk"),
    path("contact/", views.contact, name="contact"),
    path("waiting/", views.waiting, name="waiting"),
    path("skip/<str:step>/", views.skip, name="skip"),
    path("leave/", views.leave, name="leave"),
]
