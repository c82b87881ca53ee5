"""Pages of measured spend; what senders name stands in their addresses."""

from django.urls import path, register_converter

from usage.spenders import doors, tags
from usage.spenders.ids import DimensionConverter, NameConverter

register_converter(NameConverter, "name")
register_converter(DimensionConverter, "dimension")

urlpatterns = [
    path("customers/", doors.customers, name="customers"),
    path("customers.csv", doors.customers_file, name="customers_file"),
    path("customers/<name:customer>/", doors.customer, name="customer"),
    path("agents/", doors.agents, name="agents"),
    path("agents.csv", doors.agents_file, name="agents_file"),
    path("agents/<name:agent>/", doors.agent, name="agent"),
    path("runs/", doors.runs, name="runs"),
    path("runs.csv", doors.runs_file, name="runs_file"),
    path("runs/<name:run>/", doors.run, name="run"),
    path("dashboard/measured/", doors.overview, name="overview"),
    path("usage/measured/", doors.explorer, name="explorer_of_measured"),
    path("usage/measured.csv", doors.explorer_file, name="explorer_of_measured_file"),
    path("attribution/measured/<dimension:dimension>/", doors.measured, name="measured"),
    path("attribution/measured/<dimension:dimension>.csv", doors.measured_file, name="measured_file"),
    path("attribution/measured/<dimension:dimension>/<name:value>/", doors.measured_value, name="measured_value"),
    path("attribution/tags/", tags.summed_tags, name="summed_tags"),
    path("attribution/tags/add/", tags.add, name="add_summed_tag"),
    path("attribution/tags/<uuid:pk>/leave-off/", tags.leave_off, name="leave_off_summed_tag"),
    path("calls/<str:day>/<uuid:call>/", doors.call, name="call"),
]
