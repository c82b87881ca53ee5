"""Where spend is shown, and the way into sample data."""

from django.urls import include, path

from usage import allocation_door, own_prices_door, sample_door, views
from usage.measuring.otlp import door as otlp_door
from usage.routing import door as routing_door

app_name = "usage"

urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("dashboard/summary/", views.summary, name="summary"),
    path("dashboard/data-ready/", views.data_ready, name="data_ready"),
    path("dashboard/insight/", views.insight, name="insight"),
    path("usage/", views.explorer, name="explorer"),
    path("usage/not-kept/", views.discards, name="discards"),
    path("attribution/", allocation_door.attribution, name="attribution"),
    path("attribution/statement/", allocation_door.statement, name="statement"),
    path("attribution/rules/", allocation_door.add_rule, name="add_rule"),
    path("attribution/rules/<uuid:pk>/remove/", allocation_door.remove_rule, name="remove_rule"),
    path("clients/", views.clients, name="clients"),
    path("optimization/", views.optimization, name="optimization"),
    path("routing/", routing_door.routing, name="routing"),
    path("routing/rules/", routing_door.add_rule, name="add_routing_rule"),
    path("routing/rules/<uuid:pk>/enable/", routing_door.enable_rule, name="enable_routing_rule"),
    path("routing/rules/<uuid:pk>/disable/", routing_door.disable_rule, name="disable_routing_rule"),
    path("routing/rules/<uuid:pk>/remove/", routing_door.remove_rule, name="remove_routing_rule"),
    path("settings/prices/", own_prices_door.own_prices, name="own_prices"),
    path("settings/prices/new/", own_prices_door.new, name="new_own_price"),
    path("settings/prices/<uuid:price_id>/end/", own_prices_door.end, name="end_own_price"),
    path("settings/prices/<uuid:price_id>/remove/", own_prices_door.remove, name="remove_own_price"),
    path("sample/picture/", views.picture, name="picture"),
    path("sample/enter/", sample_door.enter, name="sample_enter"),
    path("sample/leave/", sample_door.leave, name="sample_leave"),
    path("sample/remove/", sample_door.remove, name="sample_remove"),
    path("v1/traces", otlp_door.traces, name="traces"),
    path("", include("usage.spenders.urls")),
]
