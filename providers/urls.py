"""Pages of connections."""

from django.urls import path

from providers import request_door, views

app_name = "providers"

urlpatterns = [
    path("", views.connections, name="list"),
    path("corner/", views.sync_corner, name="sync_corner"),
    path("connect/<slug:provider>/", views.connect, name="connect"),
    path("connect/<slug:provider>/ask/", request_door.ask, name="ask"),
    path("requests/<uuid:pk>/revoke/", request_door.revoke, name="revoke_request"),
    path("requests/<str:token>/", request_door.key_request, name="key_request"),
    path("<uuid:pk>/", views.connection, name="connection"),
    path("<uuid:pk>/stages/", views.stages, name="stages"),
    path("<uuid:pk>/pause/", views.pause, name="pause"),
    path("<uuid:pk>/resume/", views.resume, name="resume"),
    path("<uuid:pk>/sync/", views.sync, name="sync"),
    path("<uuid:pk>/name/", views.rename, name="name"),
    path("<uuid:pk>/key/", views.replace_key, name="key"),
    path("<uuid:pk>/disconnect/", views.disconnect, name="disconnect"),
]
