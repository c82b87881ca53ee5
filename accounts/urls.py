"""Pages of accounts that are ours. They come before allauth's of the same path, so its names lead here."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from accounts import entry, joining, people, security, stop_door, views

app_name = "accounts"

urlpatterns = [
    path("signup/", entry.SignupView.as_view(), name="signup"),
    path("signup/restart/", entry.restart_signup, name="restart_signup"),
    path("3rdparty/signup/", entry.SocialSignupView.as_view(), name="social_signup"),
    path("login/", entry.LoginView.as_view(), name="login"),
    path("confirm-email/", entry.verification, name="verify"),
    path("password/reset/", entry.PasswordResetView.as_view(), name="password_reset"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        entry.PasswordResetFromKeyView.as_view(),
        name="password_reset_from_key",
    ),
    path("reauthenticate/", entry.ReauthenticateView.as_view(), name="reauthenticate"),
    path("email/", security.EmailView.as_view(), name="email"),
    path("email/code/", security.send_code, name="send_code"),
    path("password/change/", RedirectView.as_view(pattern_name="accounts:security")),
    path("password/set/", security.PasswordSetView.as_view(), name="password_set"),
    path("sessions/", RedirectView.as_view(pattern_name="accounts:security")),
    path("settings/", views.settings_door, name="settings"),
    path("settings/profile/", views.profile, name="profile"),
    path("settings/profile/letters/", stop_door.own_letters, name="own_letters"),
    path("settings/security/", security.SecurityView.as_view(), name="security"),
    path("settings/security/sessions/<int:pk>/end/", security.end_session, name="end_session"),
    path("settings/security/sessions/end/", security.end_other_sessions, name="end_other_sessions"),
    path("settings/organization/", views.organization, name="settings_organization"),
    path("settings/team/", people.members, name="team"),
    path("settings/team/leave/", people.leave, name="team_leave"),
    path("settings/team/invitations/", people.invite, name="team_invite"),
    path("settings/team/invitations/<uuid:invitation_id>/send/", people.send_again, name="team_send_again"),
    path("settings/team/invitations/<uuid:invitation_id>/revoke/", people.revoke, name="team_revoke"),
    path("settings/team/<uuid:member_id>/", people.member, name="team_member"),
    path("settings/team/<uuid:member_id>/remove/", people.remove_member, name="team_remove"),
    path("settings/team/<uuid:member_id>/hand-over/", people.hand_over, name="team_hand_over"),
    path("organizations/", views.organizations, name="organizations"),
    path("organizations/new/", views.new_organization, name="new_organization"),
    path("organizations/none/", views.no_organization, name="no_organization"),
    path("organizations/<uuid:pk>/enter/", views.enter_organization, name="enter_organization"),
    path("invitations/", joining.held_invitation, name="held_invitation"),
    path("invitations/<uuid:invitation_id>/accept/", joining.accept_invitation, name="accept_invitation"),
    path("invitations/switch/", joining.switch_person, name="switch_person"),
    path("invitations/forget/", joining.forget_invitation, name="forget_invitation"),
    path("invitations/<str:token>/", joining.invitation, name="invitation"),
    path("letters/<str:token>/", stop_door.letters, name="letters"),
    path("letters/<str:token>/again/", stop_door.letters_again, name="letters_again"),
    path("demo/<str:token>/", views.demo_door, name="demo_door"),
]
