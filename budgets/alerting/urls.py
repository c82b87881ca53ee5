"""The pages of alerts: what was found, what is watched for, where it is sent."""

from django.urls import path

from budgets.alerting import door, rules_door, wishes_door
from budgets.channels import door as channels_door

app_name = "alerts"

urlpatterns = [
    path("", door.alerts, name="list"),
    path("bell/", door.bell, name="bell"),
    path("acknowledge/", door.acknowledge_many, name="acknowledge_many"),
    path("<uuid:alert_id>/", door.alert, name="alert"),
    path("<uuid:alert_id>/acknowledge/", door.acknowledge, name="acknowledge"),
    path("<uuid:alert_id>/snooze/", door.snooze, name="snooze"),
    path("<uuid:alert_id>/resolve/", door.resolve, name="resolve"),
    path("<uuid:alert_id>/reopen/", door.reopen, name="reopen"),
    path("wishes/", wishes_door.wishes, name="wishes"),
    path("rules/", rules_door.rules, name="rules"),
    path("rules/new/", rules_door.new_rule, name="new_rule"),
    path("rules/<uuid:alert_rule_id>/", rules_door.rule, name="rule"),
    path("rules/<uuid:alert_rule_id>/switch/", rules_door.switch, name="switch_rule"),
    path("rules/<uuid:alert_rule_id>/remove/", rules_door.remove, name="remove_rule"),
    path("channels/", channels_door.channels, name="channels"),
    path("channels/new/", channels_door.new_channel, name="new_channel"),
    path("channels/<uuid:channel_id>/", channels_door.channel, name="channel"),
    path("channels/<uuid:channel_id>/test/", channels_door.test, name="test_channel"),
    path("channels/<uuid:channel_id>/enable/", channels_door.enable, name="enable_channel"),
    path("channels/<uuid:channel_id>/secret/", channels_door.new_secret, name="new_channel_secret"),
    path("channels/<uuid:channel_id>/remove/", channels_door.remove, name="remove_channel"),
]
