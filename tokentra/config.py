"""What the environment says, checked before anything starts."""

import base64
import binascii
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Words = Annotated[list[str], NoDecode]
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LOCAL_HOSTS = LOOPBACK | {"[::1]", ".localhost"}
SHORTEST_SECRET = 32


class Config(BaseSettings):
    """Every variable that TokenTra reads. Each is described in `.env.example` and docs/operations.md."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True)

    secret_key: SecretStr = SecretStr("")
    encryption_keys: Annotated[list[SecretStr], NoDecode] = Field([], alias="TOKENTRA_ENCRYPTION_KEYS")
    secrets_are_generated: bool = False

    database_url: SecretStr = SecretStr("")
    database_role: Literal["app", "worker", "owner"] = Field("app", alias="TOKENTRA_DB_ROLE")
    redis_url: SecretStr = SecretStr("")

    site_url: str = Field("http://127.0.0.1:8000", alias="TOKENTRA_SITE_URL")
    allowed_hosts: Words = Field([], alias="TOKENTRA_ALLOWED_HOSTS")
    trusted_proxies: int = Field(0, ge=0, alias="TOKENTRA_TRUSTED_PROXIES")
    allow_http: bool = Field(False, alias="TOKENTRA_ALLOW_HTTP")
    debug: bool = Field(False, alias="TOKENTRA_DEBUG")

    email_url: SecretStr = SecretStr("")
    email_from: str = Field("", alias="TOKENTRA_EMAIL_FROM")
    email_verification: Literal["auto", "mandatory", "optional"] = Field("auto", alias="TOKENTRA_EMAIL_VERIFICATION")
    disposable_domains: Words = Field([], alias="TOKENTRA_DISPOSABLE_DOMAINS")
    allowed_email_domains: Words = Field([], alias="TOKENTRA_ALLOWED_EMAIL_DOMAINS")

    signup: Literal["open", "invited"] = Field("open", alias="TOKENTRA_SIGNUP")

    dns_server: str = Field("", pattern=r"^([^:\s]+:\d+)?$", alias="TOKENTRA_DNS_SERVER")

    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    github_client_id: str = ""
    github_client_secret: SecretStr = SecretStr("")
    microsoft_client_id: str = ""
    microsoft_client_secret: SecretStr = SecretStr("")

    terms_url: str = ""
    privacy_url: str = ""
    support_url: str = ""
    sales_contact_url: str = ""
    sales_notify_email: str = ""
    sales_spend_from: int = Field(50_000, ge=0, alias="SALES_SPEND_FROM")
    journal_webhook_url: SecretStr = SecretStr("")
    journal_webhook_secret: Annotated[list[SecretStr], NoDecode] = []
    journal_webhook_personal: bool = False
    plans_enforced: bool = False
    token_tracking_enabled: bool = True
    team_analytics_enabled: bool = True
    cost_optimization_enabled: bool = True
    scheduled_reports_enabled: bool = True
    sentry_dsn: SecretStr = SecretStr("")

    lease_seconds: int = Field(90, ge=25, alias="TOKENTRA_LEASE_SECONDS")

    oldest_event_days: int = Field(30, ge=1, le=400, alias="TOKENTRA_OLDEST_EVENT_DAYS")
    ingest_requests: int = Field(2_000, ge=0, alias="TOKENTRA_INGEST_REQUESTS")
    ingest_events: int = Field(50_000, ge=0, alias="TOKENTRA_INGEST_EVENTS")

    openai_base_url: str = Field("", alias="TOKENTRA_OPENAI_BASE_URL")
    anthropic_base_url: str = Field("", alias="TOKENTRA_ANTHROPIC_BASE_URL")
    pagerduty_url: str = Field("", alias="TOKENTRA_PAGERDUTY_URL")
    alert_hosts: Words = Field([], alias="TOKENTRA_ALERT_HOSTS")

    @field_validator(
        "allowed_hosts",
        "disposable_domains",
        "allowed_email_domains",
        "encryption_keys",
        "journal_webhook_secret",
        "alert_hosts",
        mode="before",
    )
    @classmethod
    def split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("encryption_keys")
    @classmethod
    def each_is_32_bytes(cls, keys: list[SecretStr]) -> list[SecretStr]:
        for key in keys:
            try:
                raw = base64.b64decode(key.get_secret_value(), validate=True)
            except binascii.Error:
                raise ValueError("write each key in base64") from None
            if len(raw) != 32:
                raise ValueError("each key must be 32 random bytes in base64")
        return keys

    @field_validator("journal_webhook_url")
    @classmethod
    def is_an_address_to_post_to(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if url.get_secret_value() and not (is_safe and parts.hostname and "@" not in parts.netloc):
            raise ValueError("write an https address without a password; http is for this machine only")
        return url

    @model_validator(mode="after")
    def is_signed(self) -> Self:
        secrets = [secret.get_secret_value() for secret in self.journal_webhook_secret]
        if self.journal_webhook_url.get_secret_value() and (not secrets or min(map(len, secrets)) < SHORTEST_SECRET):
            raise ValueError(
                f"JOURNAL_WEBHOOK_URL needs a JOURNAL_WEBHOOK_SECRET of at least {SHORTEST_SECRET} random characters"
            )
        return self

    @model_validator(mode="after")
    def is_safe_to_start(self) -> Self:
        site = urlsplit(self.site_url)
        public = site.hostname not in LOOPBACK
        if site.scheme not in {"http", "https"} or not site.hostname:
            raise ValueError("TOKENTRA_SITE_URL must be an address such as https://tokentra.example.com")
        if not self.secret_key.get_secret_value():
            raise ValueError("set SECRET_KEY to a long random text")
        if not self.encryption_keys:
            raise ValueError("set TOKENTRA_ENCRYPTION_KEYS to keys of 32 random bytes in base64, the newest first")
        if public and self.secrets_are_generated:
            raise ValueError("a public TOKENTRA_SITE_URL needs a SECRET_KEY and TOKENTRA_ENCRYPTION_KEYS of your own")
        if public and len(self.secret_key.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"SECRET_KEY must have at least {SHORTEST_SECRET} random characters on a public site")
        if self.debug and (public or not LOCAL_HOSTS.issuperset(self.allowed_hosts)):
            raise ValueError("TOKENTRA_DEBUG is for this machine only; unset it for a public address")
        if public and site.scheme == "http" and not self.allow_http:
            raise ValueError("a public TOKENTRA_SITE_URL must be https; set TOKENTRA_ALLOW_HTTP=1 to run without it")
        if site.scheme == "https" and not self.trusted_proxies:
            raise ValueError(
                "an https TOKENTRA_SITE_URL needs a proxy in front that speaks https, or each page leads to itself; "
                "set TOKENTRA_TRUSTED_PROXIES to how many proxies of yours stand there, 1 for most"
            )
        if self.email_verification == "mandatory" and not self.email_url.get_secret_value():
            raise ValueError("TOKENTRA_EMAIL_VERIFICATION=mandatory needs EMAIL_URL, or nobody can receive a code")
        return self

    @property
    def is_https(self) -> bool:
        return urlsplit(self.site_url).scheme == "https"

    @property
    def switches(self) -> dict[str, bool]:
        """By `accounts.plans.Switch`."""
        names = ("token_tracking", "team_analytics", "cost_optimization", "scheduled_reports")
        return {name: getattr(self, f"{name}_enabled") for name in names}

    @property
    def site_host(self) -> str:
        return urlsplit(self.site_url).hostname or ""

    @property
    def mail_is_configured(self) -> bool:
        return bool(self.email_url.get_secret_value())

    @property
    def verification_is_mandatory(self) -> bool:
        return self.email_verification == "mandatory" or (self.email_verification == "auto" and self.mail_is_configured)
