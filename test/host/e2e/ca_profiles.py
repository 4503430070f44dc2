"""How public CAs answer that cannot be in a test: for each what its answers have that others' do not.
Everything here was read in public documents and reports, which are named; nothing was asked of a CA. A
profile must not know the tests."""
import dataclasses

GOOGLE_TYPES = ("http-01", "tls-alpn-01", "dns-01", "dns-account-01", "dns-persist-01")


@dataclasses.dataclass(frozen=True)
class Profile:
    """What is not said is as in RFC 8555."""

    sources: tuple
    nonce: int = 43              # characters
    path: int = 0                # characters that every URL is longer by
    order_status: int = 201
    eab: str = ""                # whose words refuse a binding that was used: google, sectigo
    eab_told: bool = True        # the directory says that one is demanded
    contact: str = ""            # the problem for an account without one
    proven: bool = False         # names are proven outside of ACME: an order is ready at once
    bare: object = "kept"        # authorizations of an order that is ready or later: None, [], "absent"
    replaces: bool = False       # an order has "replaces": ""
    types: tuple = ("http-01", "dns-01", "tls-alpn-01")
    meta: tuple = ()
    members: tuple = ()          # more of the directory
    headers: tuple = ()
    names: int = 100             # in a certificate
    adds_www: bool = False
    ari_problem: bool = False    # renewalInfo is there, and answered 404


RANDOM_MEMBER = ("rT56pp0aM0Y", "https://community.letsencrypt.org/t/adding-random-entries-to-the-directory/33417")

PROFILES = {
    "lets-encrypt": Profile(
        sources=("https://letsencrypt.org/docs/acme-protocol-updates/",
                 "https://github.com/acmesh-official/acme.sh/issues/2784",
                 "https://github.com/acmesh-official/acme.sh/issues/3004"),
        nonce=47, members=(RANDOM_MEMBER,), path=20,
        meta=(("caaIdentities", ["letsencrypt.org"]), ("website", "https://letsencrypt.org"),
              ("profiles", {"classic": "https://letsencrypt.org/docs/profiles#classic",
                            "shortlived": "https://letsencrypt.org/docs/profiles#shortlived",
                            "tlsserver": "https://letsencrypt.org/docs/profiles#tlsserver"})),
        headers=(("Cache-Control", "public, max-age=0, no-cache"), ("X-Frame-Options", "DENY"),
                 ("Strict-Transport-Security", "max-age=604800"))),
    "google": Profile(
        sources=("https://cloud.google.com/certificate-manager/docs/public-ca-tutorial",
                 "https://github.com/certimate-go/certimate/issues/588",
                 "https://github.com/certd/certd/issues/198"),
        nonce=138, path=60, eab="google", contact="invalidContact", types=GOOGLE_TYPES,
        meta=(("caaIdentities", ["pki.goog"]), ("website", "https://pki.goog"),
              ("profiles", {"standard": "", "minimal": ""})),
        headers=(("Server", "ESF"), ("X-XSS-Protection", "0"), ("X-Content-Type-Options", "nosniff"),
                 ("Alt-Svc", 'h3=":443"; ma=2592000'))),
    "sectigo": Profile(
        sources=("https://github.com/cert-manager/cert-manager/issues/2882",
                 "https://github.com/acmesh-official/acme.sh/issues/3382",
                 "https://github.com/acmesh-official/acme.sh/issues/5007"),
        nonce=43, path=30, eab="sectigo", types=("http-01", "dns-01"),
        headers=(("Cache-Control", "max-age=0, no-cache, no-store"),
                 ("Access-Control-Allow-Origin", "*"))),
    "zerossl": Profile(
        sources=("https://github.com/ansible-collections/community.crypto/pull/100",
                 "https://github.com/fszlin/certes/issues/292",
                 "https://github.com/acmesh-official/acme.sh/issues/4683"),
        nonce=43, path=12, eab="sectigo", contact="externalAccountRequired", types=("http-01", "dns-01"),
        headers=(("Strict-Transport-Security", "max-age=15724800; includeSubDomains"),)),
    "digicert": Profile(
        sources=("https://github.com/PKISharp/ACMESharpCore/pull/43",
                 "https://github.com/win-acme/win-acme/issues/1568"),
        order_status=200, eab="google", path=50, nonce=64, proven=True, bare=[]),
    "harica": Profile(
        sources=("https://github.com/simple-acme/simple-acme/issues/547",
                 "https://github.com/win-acme/win-acme/issues/2814",
                 "https://guides.harica.gr/docs/Guides/Server-Certificate/ACME-Instructions/"),
        eab="google", path=37, proven=True, bare="absent", ari_problem=True),
    "telia": Profile(
        sources=("https://github.com/ansible-collections/community.crypto/issues/1075",
                 "https://github.com/acmesh-official/acme.sh/issues/4807"),
        eab="google", bare=None, replaces=True, path=43),
    "buypass": Profile(
        sources=("https://github.com/acmesh-official/acme.sh/wiki/BuyPass.com-CA",
                 "https://github.com/simple-acme/simple-acme/issues/314"),
        contact="invalidContact", names=5, types=("http-01", "dns-01")),
    "ssl.com": Profile(
        sources=("https://github.com/https-dev/docs/pull/5",
                 "https://github.com/unixcharles/acme-client/pull/210"),
        eab="google", eab_told=False),
    "actalis": Profile(
        sources=("https://github.com/fabriziosalmi/certmate/releases/tag/v2.11.4",
                 "https://github.com/webprofusion/acme-clients/issues/135",
                 "https://github.com/simple-acme/simple-acme/issues/314"),
        eab="google", names=1, adds_www=True),
}

# What a binding that was used, or is too old, is answered with: status, type, words.
USED_BINDING = {
    "google": (403, "unauthorized", "Unknown external account binding (EAB) key. This may be due to the "
               "EAB key expiring which occurs 7 days after creation."),
    "sectigo": (400, "malformed", "[External Account Binding] The account is not awaiting external "
                "account binding"),
}
