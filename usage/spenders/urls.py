"""Pages of measured spend; what senders name stands in their addresses."""

from django.urls import path, register_converter

from usage.spenders import doors
from usage.spenders.ids import NameConverter

register_converter(NameConverter, "name")

urlpatterns = [
    path("customers/", doors.customers, name="customers"),
    path("customers.csv", doors.customers_file, name="customers_file"),
    path("customers/<name:customer>/", doors.customer, name="customer"),
    path("agents/", doors.agents, name="agents"),
    path("agents.csv", doors.agents_file, name="agents_file"),
    path("agents/<name:agent>/", doors.agent, name="agent"),
    path("runs/", doors.runs, name="runs"),
    path("runs/<name:run>/", doors.run, name="run"),
    path("dashboard/measured/", doors.overview, name="overview"),
    path("attribution/measured/<str:dimension>/", doors.measured, name="measured"),
    path("attribution/measured/<str:dimension>/<name:value>/", doors.measured_value, name="measured_value"),
    path("calls/<str:day>/<uuid:call>/", doors.call, name="call"),
]
