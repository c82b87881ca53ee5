"""What the tests of single sign-on share: an organization with a proved domain and a provider, and ways through it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from accounts.sign_on import domains, setting_up
from accounts.sign_on.kept import SignOnDomain
from tests.accounts.identity_provider import CLIENT, SECRET, IdentityProvider
from tokentra.lib.tenancy import organization_scope

DANA = "dana@acme.example"


def proved(of: Organization, name: str = "acme.example", *, by: User) -> SignOnDomain:
    domain = domains.claim(of, name, by=by)
    with organization_scope(of.pk):
        SignOnDomain.objects.filter(pk=domain.pk).update(proved_at=timezone.now())
    return domain


def with_openid(of: Organization, provider: IdentityProvider, *, by: User, required: bool = False) -> None:
    proved(of, by=by)
    values = {"kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT, "default_role": "member"}
    setting_up.save(of, values, secret=SECRET, by=by)
    turn_on(of, by=by, required=required)


def turn_on(of: Organization, *, by: User, required: bool = False) -> None:
    setting_up.switch(of, is_on=True, is_required=False, by=by)
    if required:
        with organization_scope(of.pk):
            Organization.objects.filter(pk=of.pk).update(sign_on_required=True)


def through(provider: IdentityProvider, address: str = DANA, *, client: Client | None = None, sub: str = "42", **more):
    """From the door to the provider and back, as that person."""
    browser = client or Client()
    provider.person = {"sub": sub, "email": address, "name": "Dana Day", **more}
    sent = browser.post("/sso/", {"email": address if address.endswith("@acme.example") else DANA})
    assert sent.status_code == 302, sent.content.decode()[-1500:]
    back = provider.agree(sent["Location"])
    return browser, browser.get(back.replace("http://testserver", ""))


def certificate() -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.acme.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=300))
        .sign(key, hashes.SHA256())
    )
    return key, made.public_bytes(serialization.Encoding.PEM).decode()


def asked(sent_to: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(sent_to).query).items()}
