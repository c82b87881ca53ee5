"""Settings of people: how they sign up, log in and show that it is they."""

from datetime import timedelta

from tokentra.loaded import config

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.own_words.OwnWords"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
MAIL_IS_CONFIGURED = config.mail_is_configured
SIGNUP_IS_OPEN = config.signup == "open"
VERIFICATION_IS_MANDATORY = config.verification_is_mandatory
# allauth has codes in this mode only; our adapter leaves the step out where it is optional
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = False  # offered to new addresses only, which would tell them apart
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_RATE_LIMITS = {
    "invitation": "60/m/ip",
    "key_request": "30/m/ip",
    "onboarding_event": "120/m/user",
    "sign_on": "20/m/ip",
    "directory": "1500/m/key",  # 25 a second are asked of a SCIM service by those that call it
    "directory_refused": "60/m/ip",
}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.reset_tokens.ResetTokens"  # noqa: S105  # a name
PASSWORD_RESET_TIMEOUT = 3600
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ALLAUTH_TRUSTED_PROXY_COUNT = config.trusted_proxies
USERSESSIONS_TRACK_ACTIVITY = True
MFA_ADAPTER = "accounts.factor_keeping.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "TokenTra"
MFA_TRUST_ENABLED = True
MFA_TRUST_COOKIE_AGE = timedelta(days=14)
MFA_TRUST_COOKIE_NAME = "__Host-remembered" if config.is_https else "remembered"
MFA_TRUST_COOKIE_HTTPONLY = True
MFA_TRUST_COOKIE_SECURE = config.is_https
HEADLESS_ONLY = False
DNS_SERVER = config.dns_server
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIAL_PROVIDERS = {
    "google": (config.google_client_id, config.google_client_secret, ["openid", "email", "profile"]),
    "github": (config.github_client_id, config.github_client_secret, ["user:email"]),
    "microsoft": (config.microsoft_client_id, config.microsoft_client_secret, ["User.Read"]),
}
SOCIALACCOUNT_PROVIDERS = {
    name: {
        "APPS": [{"client_id": client, "secret": secret.get_secret_value()}] if client else [],
        "SCOPE": scope,
        "OAUTH_PKCE_ENABLED": True,
    }
    for name, (client, secret, scope) in SOCIAL_PROVIDERS.items()
} | {"openid_connect": {"APPS": [], "OAUTH_PKCE_ENABLED": True}}
