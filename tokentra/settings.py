"""All settings, from the environment, closed by default."""

import base64
import logging
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url

from tokentra.lib.log_levels import BusyIsNoError
from tokentra.lib.masking import MaskSecrets
from tokentra.loaded import config
from tokentra.machine import places
from tokentra.machine.roles import role_password
from tokentra.settings_people import *  # noqa: F403  # Django reads one module

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

SECRET_KEY = config.secret_key.get_secret_value()
ENCRYPTION_KEYS = [base64.b64decode(key.get_secret_value()) for key in config.encryption_keys]
DEBUG = config.debug
TESTING = bool(os.environ.get("TOKENTRA_TESTING"))
SITE_URL = config.site_url.rstrip("/")
ALLOWED_HOSTS = [*config.allowed_hosts, config.site_host, "localhost", "127.0.0.1"]
TRUSTED_PROXIES = config.trusted_proxies
PLANS_ENFORCED, SWITCHES = config.plans_enforced, config.switches
TERMS_URL, PRIVACY_URL, SUPPORT_URL = config.terms_url, config.privacy_url, config.support_url
SALES_CONTACT_URL, SALES_NOTIFY_EMAIL = config.sales_contact_url, config.sales_notify_email
SALES_SPEND_FROM = config.sales_spend_from
JOURNAL_WEBHOOK_URL = config.journal_webhook_url.get_secret_value()
JOURNAL_WEBHOOK_SECRETS = [secret.get_secret_value() for secret in config.journal_webhook_secret]
JOURNAL_WEBHOOK_PERSONAL = config.journal_webhook_personal
DISPOSABLE_DOMAINS, ALLOWED_EMAIL_DOMAINS = config.disposable_domains, config.allowed_email_domains
LEASE = timedelta(seconds=config.lease_seconds)
OLDEST_EVENT = timedelta(days=config.oldest_event_days)
INGEST_REQUESTS, INGEST_EVENTS = config.ingest_requests, config.ingest_events
DEMO_TOKEN = os.environ.get("TOKENTRA_DEMO_TOKEN", "")
PROVIDER_BASE_URLS = {"openai": config.openai_base_url, "anthropic": config.anthropic_base_url}
PAGERDUTY_URL = config.pagerduty_url
ALERT_HOSTS = frozenset(config.alert_hosts)

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.microsoft",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "django_htmx",
    "template_partials",
    "ninja",
    "tokentra",
    "accounts",
    "usage",
    "providers",
    "sdk_keys",
    "budgets",
    "onboarding",
]

MIDDLEWARE = [
    "tokentra.middleware.RequestId",
    "tokentra.middleware.HeadLikeGet",
    "tokentra.middleware.MethodTold",
    "tokentra.middleware.ToldOfHttps",
    "django.middleware.security.SecurityMiddleware",
    "sdk_keys.middleware.ApiKeys",
    "tokentra.middleware.ProgramDoor",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tokentra.middleware.PagesFirst",
    "csp.middleware.CSPMiddleware",
    "tokentra.middleware.AdminPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.BearerSession",
    "accounts.middleware.NeverKept",
    "accounts.middleware.SessionAge",
    "accounts.middleware.SessionInUse",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.ToldOfEnd",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.VouchedFor",
    "accounts.middleware.FirstTouch",
    "accounts.middleware.CurrentOrganization",
    "onboarding.guidance.doors.FeatureDoor",
]

ROOT_URLCONF = "tokentra.urls"
WSGI_APPLICATION = "tokentra.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tokentra.context.page",
                "accounts.context.person",
            ],
            "builtins": ["template_partials.templatetags.partials", "tokentra.templatetags.ui"],
        },
    },
]

# Database: every process acts as the role that it needs and no other


def database(role: str) -> dict[str, Any]:
    url = config.database_url.get_secret_value()
    parsed: dict[str, Any] = dict(dj_database_url.parse(url or places.embedded_database_url(role)))
    if url:
        parsed |= {"USER": role, "PASSWORD": role_password(role)}
        # where the operator's login may not give roles defaults, absence of an organization is an error all the same
        parsed["OPTIONS"] = parsed.get("OPTIONS", {}) | {"options": "-c app.org_id= -c app.user_id="}
    return parsed | {"CONN_MAX_AGE": 0 if TESTING else 60, "CONN_HEALTH_CHECKS": True}


DATABASES = {"default": database(f"tt_{config.database_role}"), "staff": database("tt_staff")}


def act_as(role: str) -> None:
    """For a process that was forked when the settings were loaded already, before it connects."""
    DATABASES["default"].update(database(f"tt_{role}"))


if TESTING:
    for mirror in ("default", "staff"):
        DATABASES[mirror]["TEST"] = {"MIRROR": "owner"}  # a dictionary each: pytest-xdist writes into them
    DATABASES["owner"] = database("tt_owner")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: a doorbell and a cache; nothing is kept in it alone

REDIS_URL = config.redis_url.get_secret_value() or places.redis_url()
_redis = urlsplit(REDIS_URL)
CELERY_BROKER_URL = f"redis+socket://{_redis.path}?virtual_host=0" if _redis.scheme == "unix" else REDIS_URL
_cache = f"{REDIS_URL.split('?')[0]}?db=1"
CACHES = {
    "default": {
        "BACKEND": "tokentra.lib.cache.ForgivingRedisCache",
        "LOCATION": _cache,
        "OPTIONS": {"socket_timeout": 0.5},
    },
    "process": {"BACKEND": "tokentra.lib.cache.Here", "OPTIONS": {"MAX_ENTRIES": 10_000}},
    "keys": {  # what API keys were found to be, so that a revoked one is refused within five seconds everywhere
        "BACKEND": "tokentra.lib.cache.Here",
        "LOCATION": "keys",
        "TIMEOUT": 3,
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

# People: tokentra.settings_people

SESSION_COOKIE_AGE = 14 * 24 * 3600  # idle; accounts.middleware.SessionAge ends each after thirty days
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = config.is_https
SESSION_COOKIE_NAME = "__Host-sessionid" if config.is_https else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if config.is_https else "csrftoken"
CSRF_FAILURE_VIEW = "tokentra.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES and config.is_https else None
SECURE_SSL_REDIRECT = config.is_https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if config.is_https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'", "https:"],
    }
}

# Mail: written to the outbox first, sent from there

EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
_mail = urlsplit(config.email_url.get_secret_value())
SMTP = {
    "host": _mail.hostname or "",
    "port": _mail.port or (465 if _mail.scheme == "smtps" else 25),
    "username": unquote(_mail.username or ""),
    "password": unquote(_mail.password or ""),
    "use_ssl": _mail.scheme == "smtps",
    "use_tls": _mail.scheme == "smtp+tls",
}
DEFAULT_FROM_EMAIL = config.email_from or f"TokenTra <no-reply@{config.site_host}>"

# Work: marks in Postgres; a message only says "look"

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 1,
    # a doorbell that nobody answers is given up within half a second: the sweep looks anyway
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BEAT_SCHEDULE_FILENAME = str(places.VAR / "celerybeat-schedule")
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "build" / "static"
STATICFILES_DIRS = [path for path in (ROOT / "build" / "dist", ROOT / "static") if path.exists()]
_static = "whitenoise.storage.CompressedManifestStaticFilesStorage"
if DEBUG or TESTING:
    _static = "django.contrib.staticfiles.storage.StaticFilesStorage"
SDK_PACKAGES = ROOT / "build" / "sdk"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static},
}
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+[.-]([0-9a-f]{12}|[0-9A-Z]{8})\..+$"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": MaskSecrets}, "busy": {"()": BusyIsNoError}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["mask"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "django.request": {"level": "ERROR", "filters": ["busy"]},
    },
}

UNFOLD = {"SITE_TITLE": "TokenTra staff", "SITE_HEADER": "TokenTra", "SITE_URL": "/dashboard/"}

if config.sentry_dsn.get_secret_value():
    try:
        import sentry_sdk
    except ImportError:
        sys.exit("TokenTra does not start: SENTRY_DSN is set, but the package sentry-sdk is not installed.")
    logging.getLogger(__name__).info("errors are reported to Sentry, without locals and bodies")
    sentry_sdk.init(
        dsn=config.sentry_dsn.get_secret_value(),
        include_local_variables=False,
        send_default_pii=False,
        max_request_body_size="never",
    )
