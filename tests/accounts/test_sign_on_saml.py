"""An organization's own SAML provider, played with real signatures: what it signs lets in, whatever else does not."""

import base64
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from django.test import Client
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from accounts.sign_on import setting_up
from tests.accounts.sign_on import DANA, asked, certificate, proved, turn_on
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

HOST = "app.example.com"
ENTITY, SSO = "https://idp.acme.example/metadata", "https://idp.acme.example/sso"
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
 ID="R{id}" Version="2.0" IssueInstant="{now}" Destination="{acs}"{in_response_to}><saml:Issuer>{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion ID="A{id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject>
<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{email}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{later}" Recipient="{acs}"{in_response_to}/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{before}" NotOnOrAfter="{later}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>
</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="S{id}"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>
</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>{email}</saml:AttributeValue>
</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"""


class Provider:
    """Signs assertions with its key; what it says can be changed one by one."""

    def __init__(self, of: Organization) -> None:
        self.key, self.certificate = certificate()
        self.base = f"https://{HOST}/saml/{of.pk.hex}"

    def response(self, request_id: str, *, signed: bool = True, key=None, **changes: str) -> str:
        def at(minutes: int) -> str:
            return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

        told = {"id": uuid7().hex, "now": at(0), "before": at(-1), "later": at(5), "acs": f"{self.base}/acs/"}
        told |= {"issuer": ENTITY, "audience": f"{self.base}/metadata/", "email": DANA}
        told |= {"in_response_to": f' InResponseTo="{request_id}"' if request_id else ""} | changes
        xml = RESPONSE.format(**told)
        if signed:
            xml = self.sign(xml, key or self.key)
        return base64.b64encode(xml.encode()).decode()

    def sign(self, xml: str, key) -> str:
        """The assertion alone, as most providers do."""
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        root = etree.fromstring(xml)
        [assertion] = root.findall("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
        made = OneLogin_Saml2_Utils.add_sign(
            etree.tostring(assertion).decode(),
            pem,
            self.certificate,
            sign_algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest_algorithm="http://www.w3.org/2001/04/xmlenc#sha256",
        )
        root.replace(assertion, etree.fromstring(made))
        return etree.tostring(root).decode()


@pytest.fixture
def provider(acme, alice, settings) -> Provider:
    settings.ALLOWED_HOSTS = [HOST]
    made = Provider(acme)
    proved(acme, by=alice)
    values = {"kind": "saml", "entity_id": ENTITY, "sso_url": SSO, "certificate": made.certificate}
    setting_up.save(acme, values | {"default_role": "finance"}, secret="", by=alice)
    turn_on(acme, by=alice)
    return made


def browser() -> Client:
    return Client(HTTP_HOST=HOST, headers={"host": HOST})


def begun(here: Client) -> str:
    """To the provider: the id of the request that its answer has to name."""
    sent = here.post("/sso/", {"email": DANA}, secure=True)["Location"]
    assert sent.startswith(f"{SSO}?")
    xml = zlib.decompress(base64.b64decode(asked(sent)["SAMLRequest"]), -15).decode()
    return etree.fromstring(xml.encode()).get("ID")


def answered(here: Client, provider: Provider, response: str):
    back = here.post(f"{provider.base}/acs/".replace(f"https://{HOST}", ""), {"SAMLResponse": response}, secure=True)
    return here.get(back["Location"], secure=True)


def is_in(here: Client) -> bool:
    return here.get("/settings/team/", secure=True).status_code == 200


def test_a_signed_response_lets_somebody_in_with_the_default_role(mandatory, provider, acme):
    here = browser()
    answer = answered(here, provider, provider.response(begun(here)))

    assert answer["Location"] == "/"
    assert is_in(here)
    with organization_scope(acme.pk):
        assert Membership.objects.get(organization=acme, user__email=DANA).role == Role.FINANCE


def refused(here: Client, provider: Provider, response: str) -> bool:
    answer = answered(here, provider, response)
    return (
        answer.status_code in {400, 403} and "_auth_user_id" not in here.session and not User.objects.filter(email=DANA)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"signed": False},
        {"audience": "https://another.example/metadata/"},
        {"acs": "https://another.example/acs/"},
        {"issuer": "https://evil.example/metadata"},
        {"later": "2020-01-01T00:00:00Z"},
        {"before": "2099-01-01T00:00:00Z"},
        {"in_response_to": ""},
        {"in_response_to": ' InResponseTo="ONELOGIN_of_another_browser"'},
    ],
    ids=["unsigned", "audience", "recipient", "issuer", "expired", "not yet", "unsolicited", "of another browser"],
)
def test_a_response_that_is_not_for_us_opens_nothing(provider, changes):
    here = browser()

    assert refused(here, provider, provider.response(begun(here), **changes))


def test_a_response_signed_by_somebody_else_opens_nothing(provider):
    here, (stranger, _) = browser(), certificate()

    assert refused(here, provider, provider.response(begun(here), key=stranger))


def test_a_response_that_was_changed_after_signing_opens_nothing(provider):
    here = browser()
    signed = base64.b64decode(provider.response(begun(here), email="eve@acme.example")).decode()
    forged = base64.b64encode(signed.replace("eve@acme.example", DANA).encode()).decode()

    assert refused(here, provider, forged)


def test_a_response_works_once_and_in_one_browser(provider):
    here = browser()
    response = provider.response(begun(here))
    assert answered(here, provider, response)["Location"] == "/"

    for again in (here, browser()):
        again.logout()
        assert answered(again, provider, response).status_code == 400
        assert not is_in(again)


def test_a_provider_speaks_for_its_proved_domains_alone(provider):
    here = browser()
    answer = answered(here, provider, provider.response(begun(here), email="eve@evil.example"))

    assert (answer.status_code, "_auth_user_id" in here.session) == (403, False)


@pytest.mark.parametrize("text", ["", "!", "AAAA", base64.b64encode(b"<x/>").decode()])
def test_what_is_no_response_opens_nothing(provider, text: str):
    here = browser()
    begun(here)

    assert answered(here, provider, text).status_code == 400


def test_a_response_reads_no_file_and_no_entity(provider, tmp_path):
    (tmp_path / "address").write_text(DANA)
    here = browser()
    signed = base64.b64decode(provider.response(begun(here))).decode()
    for entity in (f'SYSTEM "file://{tmp_path}/address"', f'"{DANA}"'):
        asking = f"<!DOCTYPE r [<!ENTITY who {entity}>]>{signed.replace(DANA, '&who;')}"

        assert answered(here, provider, base64.b64encode(asking.encode()).decode()).status_code == 400
        assert not is_in(here)


def test_our_side_of_it_can_be_read(provider, acme):
    answer = browser().get(f"/saml/{acme.pk.hex}/metadata/", secure=True)

    assert answer.status_code == 200
    assert f"/saml/{acme.pk.hex}/acs/" in answer.content.decode()
    assert browser().get(f"/saml/{uuid7().hex}/metadata/", secure=True).status_code == 404
