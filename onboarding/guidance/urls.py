"""Where guidance is asked for."""

from django.urls import path

from onboarding.guidance import views

app_name = "guidance"

urlpatterns = [
    path("help/", views.help_page, name="help"),
    path("help/tours/<slug:tour>/", views.tour_again, name="tour_again"),
    path("help/checklist/", views.checklist_again, name="checklist_again"),
    path("help/tips/", views.tips_again, name="tips_again"),
    path("onboarding/guide/", views.corner, name="corner"),
    path("onboarding/features/<slug:feature>/", views.open_early, name="open_early"),
]
