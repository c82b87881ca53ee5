"""The pages of API keys, under Settings."""

from django.urls import path

from sdk_keys import following, views, watching

app_name = "sdk_keys"

urlpatterns = [
    path("", views.keys, name="list"),
    path("arriving/", watching.arriving, name="arriving"),
    path("following/", following.following, name="following"),
    path("troubleshooting/", watching.troubleshooting, name="troubleshooting"),
    path("new/", views.new, name="new"),
    path("<uuid:key_id>/replace/", views.replace, name="replace"),
    path("<uuid:key_id>/revoke/", views.revoke, name="revoke"),
]
