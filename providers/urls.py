"""Pages of connections."""

from django.urls import path

from providers import views

app_name = "providers"

urlpatterns = [
    path("", views.connections, name="list"),
    path("corner/", views.sync_corner, name="sync_corner"),
    path("connect/<slug:provider>/", views.connect, name="connect"),
    path("<uuid:pk>/", views.connection, name="connection"),
    path("<uuid:pk>/pause/", views.pause, name="pause"),
    path("<uuid:pk>/resume/", views.resume, name="resume"),
    path("<uuid:pk>/sync/", views.sync, name="sync"),
    path("<uuid:pk>/name/", views.rename, name="name"),
    path("<uuid:pk>/key/", views.replace_key, name="key"),
    path("<uuid:pk>/disconnect/", views.disconnect, name="disconnect"),
]
