"""Hierarchies of CAs with the shapes of today's public ones: who signs whom with which keys, by which extensions, and
how large each certificate is. Names and sizes are theirs, keys are made here, once, in build/chain_keys. It must
not know boards or servers."""
import dataclasses
import datetime
import functools
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from lab import ROOT

KEYS = os.path.join(ROOT, "build", "chain_keys")
RSA2048, RSA4096, P256, P384 = "rsa2048", "rsa4096", "p256", "p384"
TODAY = datetime.datetime.utcnow().replace(microsecond=0)
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
DOMAIN_VALIDATED = x509.PolicyInformation(ObjectIdentifier("2.23.140.1.2.1"), None)


def years(count):
    return datetime.timedelta(days=365 * count)


@functools.lru_cache(maxsize=None)
def key(name, kind):
    """Of an authority. RSA keys take seconds, so they are kept between runs."""
    path = os.path.join(KEYS, f"{name.replace(' ', '_')}.{kind}.pem")
    try:
        with open(path, "rb") as f:
            return serialization.load_pem_private_key(f.read(), None)
    except FileNotFoundError:
        made = make_key(kind)
    os.makedirs(KEYS, exist_ok=True)
    mine = f"{path}.{os.getpid()}"
    with open(mine, "wb") as f:
        f.write(made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption()))
    os.replace(mine, path)
    return key(name, kind)


def make_key(kind):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({P256: ec.SECP256R1(), P384: ec.SECP384R1()}[kind])


@dataclasses.dataclass(frozen=True)
class Authority:
    """A name with a key; certificates of it are made by sign() and root(). sha384: what it signs with."""
    common_name: str
    kind: str
    rest: tuple = ()               # of its name, before the common name
    sha384: bool = False

    @property
    def key(self):
        return key(self.common_name, self.kind)

    @property
    def name(self):
        oids = {"C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
                "ST": NameOID.STATE_OR_PROVINCE_NAME, "L": NameOID.LOCALITY_NAME}
        parts = [x509.NameAttribute(oids[k], v) for k, v in self.rest]
        return x509.Name(parts + [x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])

    @property
    def hash(self):
        return hashes.SHA384() if self.sha384 else hashes.SHA256()

    @property
    def key_id(self):
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())


def start(subject, issuer, public, begin, end):
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.name).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end))


def key_usage(**on):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: on.get(name, False) for name in names})


def fitted(build, size):
    """A certificate of about the size: what stands in its addresses, at a public CA, is as long as it takes."""
    made = build(0)
    missing = size - len(der(made))
    return build(missing) if missing > 0 else made


def links(builder, length):
    """Where an issuer's certificate and its revocation list are; length more characters than the least."""
    issuer = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS,
                                    x509.UniformResourceIdentifier("http://i.ca.test/"))
    crl = x509.UniformResourceIdentifier("http://c.ca.test/" + "c" * length + ".crl")
    return (builder.add_extension(x509.AuthorityInformationAccess([issuer]), False)
            .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]), False))


@functools.lru_cache(maxsize=None)
def root(authority, size=0, begin=10, end=15):
    """Self-signed. Roots say no more than they must; what is missing in size goes into their name's certificate."""
    def build(_missing):
        return (start(authority.name, authority, authority.key.public_key(), TODAY - years(begin), TODAY + years(end))
                .add_extension(x509.BasicConstraints(True, None), True)
                .add_extension(key_usage(key_cert_sign=True, crl_sign=True), True)
                .add_extension(authority.key_id, False).sign(authority.key, authority.hash))
    return fitted(build, size)


@functools.lru_cache(maxsize=None)
def sign(authority, by, size=0, constraints=(), path_length=None):
    """An intermediate, or a root's cross-sign."""
    def build(missing):
        b = start(authority.name, by, authority.key.public_key(), TODAY - years(2), TODAY + years(3))
        b = (b.add_extension(key_usage(digital_signature=True, key_cert_sign=True, crl_sign=True), True)
             .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
             .add_extension(x509.BasicConstraints(True, path_length), True)
             .add_extension(authority.key_id, False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(by.key_id), False)
             .add_extension(x509.CertificatePolicies([DOMAIN_VALIDATED]), False))
        if constraints:
            b = b.add_extension(x509.NameConstraints(list(constraints), None), True)
        return links(b, missing).sign(by.key, by.hash)
    return fitted(build, size)


def leaf(by, public, names, addresses=(), size=0):
    """With two signed timestamps, as browsers demand."""
    sans = [x509.DNSName(n) for n in names] + [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
    sct = b"\0" + os.urandom(32) + TODAY.timestamp().__trunc__().to_bytes(8, "big") + b"\0\0\4\3\0\x48" + os.urandom(72)
    scts = b"".join(len(s).to_bytes(2, "big") + s for s in (sct, sct))
    scts = len(scts).to_bytes(2, "big") + scts

    def build(missing):
        b = start(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), by, public,
                  TODAY - datetime.timedelta(hours=1), TODAY + datetime.timedelta(days=90))
        b = (b.add_extension(key_usage(digital_signature=True), True)
             .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
             .add_extension(x509.BasicConstraints(False, None), True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(by.key_id), False)
             .add_extension(x509.SubjectAlternativeName(sans), False)
             .add_extension(x509.CertificatePolicies([DOMAIN_VALIDATED]), False)
             .add_extension(x509.UnrecognizedExtension(SCT_LIST, b"\4" + der_length(len(scts)) + scts), False))
        return links(b, missing).sign(by.key, by.hash)
    return fitted(build, size)


def der_length(n):
    return bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(*certificates):
    return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in certificates)


# ---- the authorities ----

def of(country, organization):
    return (("C", country), ("O", organization))


ISRG, LE = of("US", "Internet Security Research Group"), of("US", "Let's Encrypt")
X1, X2 = Authority("ISRG Root X1", RSA4096, ISRG), Authority("ISRG Root X2", P384, ISRG, True)
E7, R12 = Authority("E7", P384, LE, True), Authority("R12", RSA2048, LE)
ROOT_YE, ROOT_YR = Authority("Root YE", P384, of("US", "ISRG"), True), Authority("Root YR", RSA4096, of("US", "ISRG"))
YE1, YR1 = Authority("YE1", P384, LE, True), Authority("YR1", RSA2048, LE)

GTS = of("US", "Google Trust Services LLC")
GTS_R1, GTS_R4 = Authority("GTS Root R1", RSA4096, GTS, True), Authority("GTS Root R4", P384, GTS, True)
GLOBALSIGN = Authority("GlobalSign Root CA", RSA2048, of("BE", "GlobalSign nv-sa") + (("OU", "Root CA"),))
WR2 = Authority("WR2", RSA2048, of("US", "Google Trust Services"))
WE2 = Authority("WE2", P256, of("US", "Google Trust Services"))

USERTRUST = (("C", "US"), ("ST", "New Jersey"), ("L", "Jersey City"), ("O", "The USERTRUST Network"))
USERTRUST_RSA = Authority("USERTrust RSA Certification Authority", RSA4096, USERTRUST, True)
USERTRUST_ECC = Authority("USERTrust ECC Certification Authority", P384, USERTRUST, True)
AAA = Authority("AAA Certificate Services", RSA2048, (("C", "GB"), ("ST", "Greater Manchester"), ("L", "Salford"),
                                                      ("O", "Comodo CA Limited")), True)
ZERO_RSA = Authority("ZeroSSL RSA Domain Secure Site CA", RSA4096, of("AT", "ZeroSSL"), True)
ZERO_ECC = Authority("ZeroSSL ECC Domain Secure Site CA", P256, of("AT", "ZeroSSL"))

SSLCOM = (("C", "US"), ("ST", "Texas"), ("L", "Houston"), ("O", "SSL Corporation"))
SSLCOM_RSA = Authority("SSL.com Root Certification Authority RSA", RSA4096, SSLCOM)
SSLCOM_ECC = Authority("SSL.com Root Certification Authority ECC", P384, SSLCOM, True)
SSLCOM_RSA_SUB = Authority("SSL.com RSA SSL subCA", RSA4096, SSLCOM)
SSLCOM_ECC_SUB = Authority("SSL.com SSL Intermediate CA ECC R2", P384, SSLCOM, True)

ACTALIS = Authority("Actalis Authentication Root CA", RSA4096, (("C", "IT"), ("L", "Milan"),
                                                                ("O", "Actalis S.p.A./03358520967")))
ACTALIS_SUB = Authority("Actalis Domain Validation Server CA G3", RSA4096,
                        (("C", "IT"), ("ST", "Bergamo"), ("L", "Ponte San Pietro"), ("O", "Actalis S.p.A.")))

DIGICERT = of("US", "DigiCert Inc")
DIGICERT_G2 = Authority("DigiCert Global Root G2", RSA2048, DIGICERT + (("OU", "www.digicert.com"),))
DIGICERT_G3 = Authority("DigiCert Global Root G3", P384, DIGICERT + (("OU", "www.digicert.com"),), True)
DIGICERT_RSA = Authority("DigiCert Global G2 TLS RSA SHA256 2020 CA1", RSA2048, DIGICERT)
DIGICERT_ECC = Authority("DigiCert Global G3 TLS ECC SHA384 2020 CA1", P384, DIGICERT, True)

PRIVATE = Authority("Works Root", P384, of("DE", "The Works"), True)
PRIVATE_SUB = Authority("Works Devices 1", P384, of("DE", "The Works"), True)
BENCH = Authority("Bench Root", P256)
WITHIN = (x509.DNSName("example.org"), x509.DNSName("localhost"),
          x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")))


# ---- the chains ----

@dataclasses.dataclass(frozen=True)
class Row:
    """server: the kind of key that the CA's own HTTPS has, and the size of its certificate. sent: the intermediates,
    made when they are asked for. anchor: likewise, of whoever verifies."""
    server: str
    size: int
    issuer: Authority
    sent: tuple
    anchor: tuple
    note: str = ""

    def intermediates(self):
        return [sign(*spec) for spec in self.sent]

    def root(self):
        return root(*self.anchor)

    def leaf(self, public, names, addresses=()):
        return leaf(self.issuer, public, names, addresses, self.size)


LE_X_E1 = ((E7, X1, 1100),)
LE_Y_E = ((YE1, ROOT_YE, 655), (ROOT_YE, X2, 682), (X2, X1, 1140))
LE_Y_R = ((YR1, ROOT_YR, 1247), (ROOT_YR, X1, 1528))
GTS_R = ((WR2, GTS_R1, 1290), (GTS_R1, GLOBALSIGN, 1382))
GTS_E = ((WE2, GTS_R4, 670), (GTS_R4, GLOBALSIGN, 1000))
SECTIGO_R = ((ZERO_RSA, USERTRUST_RSA, 1750), (USERTRUST_RSA, AAA, 1410))
SECTIGO_E = ((ZERO_ECC, USERTRUST_ECC, 900), (USERTRUST_ECC, AAA, 985))
ANCHOR_X1, ANCHOR_X2, ANCHOR_YE = (X1, 1391), (X2, 543), (ROOT_YE, 477)

ROWS = {
    "le-x-e1": Row(P256, 1020, E7, LE_X_E1, ANCHOR_X1),
    "le-x-e2": Row(P256, 1020, E7, ((E7, X2, 700),), ANCHOR_X2),
    "le-x-r": Row(RSA2048, 1290, R12, ((R12, X1, 1290),), ANCHOR_X1),
    "le-y-e": Row(P256, 1020, YE1, LE_Y_E, ANCHOR_X1, "the default of generation Y"),
    "le-y-e-x2": Row(P256, 1020, YE1, LE_Y_E, ANCHOR_X2, "the same, X2 trusted"),
    "le-y-e-ye": Row(P256, 1020, YE1, LE_Y_E, ANCHOR_YE, "the same, Root YE trusted"),
    "le-y-e-short": Row(P256, 960, YE1, LE_Y_E[:1], ANCHOR_YE, "its alternate"),
    "le-y-r": Row(RSA2048, 1320, YR1, LE_Y_R, ANCHOR_X1, "the default of generation Y"),
    "le-y-r-yr": Row(RSA2048, 1320, YR1, LE_Y_R, (ROOT_YR, 1325), "the same, Root YR trusted"),
    "gts-r": Row(RSA2048, 1330, WR2, GTS_R, (GTS_R1, 1371)),
    "gts-r-gs": Row(RSA2048, 1330, WR2, GTS_R, (GLOBALSIGN, 889), "the same, GlobalSign trusted"),
    "gts-e": Row(P256, 1080, WE2, GTS_E, (GTS_R4, 525)),
    "gts-e-gs": Row(P256, 1080, WE2, GTS_E, (GLOBALSIGN, 889), "the same, GlobalSign trusted"),
    "sectigo-r": Row(RSA2048, 1540, ZERO_RSA, SECTIGO_R, (USERTRUST_RSA, 1506), "ZeroSSL"),
    "sectigo-r-aaa": Row(RSA2048, 1540, ZERO_RSA, SECTIGO_R, (AAA, 1078), "the same, AAA trusted"),
    "sectigo-e": Row(P256, 1110, ZERO_ECC, SECTIGO_E, (USERTRUST_ECC, 659), "ZeroSSL"),
    "sectigo-e-aaa": Row(P256, 1110, ZERO_ECC, SECTIGO_E, (AAA, 1078), "the same, AAA trusted"),
    "sslcom-r": Row(RSA2048, 1700, SSLCOM_RSA_SUB, ((SSLCOM_RSA_SUB, SSLCOM_RSA, 1740),), (SSLCOM_RSA, 1505)),
    "sslcom-e": Row(P256, 1150, SSLCOM_ECC_SUB, ((SSLCOM_ECC_SUB, SSLCOM_ECC, 930),), (SSLCOM_ECC, 657)),
    "actalis": Row(RSA2048, 1700, ACTALIS_SUB, ((ACTALIS_SUB, ACTALIS, 1690),), (ACTALIS, 1471)),
    "digicert-r": Row(RSA2048, 1650, DIGICERT_RSA, ((DIGICERT_RSA, DIGICERT_G2, 1230),), (DIGICERT_G2, 914)),
    "digicert-e": Row(P256, 1200, DIGICERT_ECC, ((DIGICERT_ECC, DIGICERT_G3, 850),), (DIGICERT_G3, 579)),
    "private": Row(P384, 800, PRIVATE_SUB, ((PRIVATE_SUB, PRIVATE, 700, WITHIN),), (PRIVATE, 0, 1, 20),
                   "critical nameConstraints"),
    "bench": Row(P256, 0, BENCH, (), (BENCH, 0)),
}


if __name__ == "__main__":
    for row_name, row in ROWS.items():
        server = row.leaf(make_key(row.server).public_key(), ["ca.example.org", "localhost"], ["127.0.0.1", "10.0.2.2"])
        sizes = [len(der(c)) for c in [server, *row.intermediates()]]
        print(f"{row_name:14} anchor {len(der(row.root())):5}  sent {sum(sizes):5}  {sizes}")
