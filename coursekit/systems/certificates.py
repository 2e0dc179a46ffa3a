"""Node certificates: a small certificate authority, and TLS with both sides certified (IHE ATNA, "Authenticate Node" ITI-19).

    authority = Authority(folder)
    registry = authority.issue("NMH_REGISTRY")          # (certificate file, key file, file of the authority)
    with Registry(certificates=registry):
        ...

Sources: IHE ITI TF-2 3.19.6.1 (certificate validation), 3.19.6.2.3 (TLS 1.2 floor); PS3.15 B.12; BCP 195; RFC 5280 4.2 (extensions).
"""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coursekit.systems.system import HOST

START = datetime(2025, 1, 1, tzinfo=UTC)                # before the course's clock,
DAYS = 20 * 365                                         # and beyond this machine's; real nodes get two years at most (3.19.6.1.3)
BITS = 2048

# OpenSSL's X509_V_ERR codes of a certificate that is refused here
REFUSED = {7: "comes from an authority that is not trusted here", 9: "is not valid yet", 10: "has expired",
           **dict.fromkeys((18, 19, 20, 21), "comes from an authority that is not trusted here")}
# What OpenSSL calls the other ends of a handshake: a part of its name, and what has happened
ENDS = {
    "CERTIFICATE_REQUIRED": "the other side wants a certificate, and got none",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other side has shown no certificate",
    "ALERT_CERTIFICATE_EXPIRED": "the other side refuses the certificate, which has expired",
    "ALERT_UNKNOWN_CA": "the other side refuses the certificate, which comes from an authority that it does not trust",
    "HTTP_REQUEST": "the other side speaks HTTP without TLS", "WRONG_VERSION_NUMBER": "the other side speaks no TLS",
    "RECORD_LAYER_FAILURE": "the other side speaks no TLS",
    "UNSUPPORTED_PROTOCOL": "the other side speaks older versions of TLS only",
    "ALERT_PROTOCOL_VERSION": "the other side speaks other versions of TLS only",
    "ALERT_HANDSHAKE_FAILURE": "the other side wants a certificate, and got none",
}


class Authority:
    """A certificate authority, whose certificates and keys lie in a folder as PEM files.

    name  : its common name
    start : when its certificates begin to be valid, if not said otherwise (a datetime with a time zone)
    """

    def __init__(self, folder, name="HV_CA", start=START):
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.folder, self.name, self.start = Path(folder), name, start
        self._key = rsa.generate_private_key(65537, BITS)
        self.certificate = self.folder / f"{name}.pem"
        self._write(name, self._certificate(name, self._key, self.start, DAYS, authority=True), self._key)

    def issue(self, name, days=DAYS, start=None):
        """A certificate for a node or an issuer of assertions: (certificate file, key file, file of this authority).

        days : how long it is valid, from `start` on
        """
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(65537, BITS)
        return (*self._write(name, self._certificate(name, key, start or self.start, days), key), self.certificate)

    def _certificate(self, name, key, start, days, authority=False):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        def named(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                               "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
        usage |= {"key_cert_sign": True, "crl_sign": True} if authority else {"digital_signature": True, "key_encipherment": True}
        made = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(self.name)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + timedelta(days=days))
                .add_extension(x509.BasicConstraints(authority, 0 if authority else None), critical=True)
                .add_extension(x509.KeyUsage(**usage), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False))
        if not authority:
            here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
            both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            made = (made.add_extension(x509.ExtendedKeyUsage(both), critical=False)
                    .add_extension(x509.SubjectAlternativeName(here), critical=False))
        return made.sign(self._key, hashes.SHA256())

    def _write(self, name, certificate, key):
        from cryptography.hazmat.primitives import serialization as form

        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(form.Encoding.PEM))
        files[1].touch(0o600)
        files[1].write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
        return files


def server_context(certificates):
    """How a server speaks TLS: 1.2 or newer, and with those alone whom the authority has certified. None without certificates.

    certificates : (certificate file, key file, file of the authority that its callers must be certified by)

    Raises OSError, of which ssl.SSLError is one, when a file is missing or is no certificate or key.
    """
    if not certificates:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, certificates)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def caller_context(certificates):
    """How a caller speaks TLS with a server whose certificate must come from the authority. Without certificates it trusts nobody.

    certificates : as of `server_context`; the first two may be None for a caller that has none to show

    A certificate's host name is not asked for: it adds nothing where the authority certifies known nodes alone (3.19.6.1.3).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if certificates:
        _load(context, certificates)
    return context


def _load(context, certificates):
    certificate, key, authority = certificates
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)


def told(connection, problem):
    """What the other side says of a connection that broke off with `problem`: the ssl.SSLError of its alert, or `problem` if it said nothing.

    In TLS 1.3 a server's refusal comes when the request is on its way already, and waits behind the failure to send the rest.
    """
    if isinstance(connection, ssl.SSLSocket):
        try:
            connection.settimeout(1)
            connection.recv(1)
        except ssl.SSLError as alert:
            return problem if isinstance(alert, ssl.SSLEOFError) else alert
        except OSError:
            pass
    return problem


def why(problem):
    """In half a sentence, why a handshake has failed (an ssl.SSLError)."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"the other side's certificate {REFUSED.get(problem.verify_code, f'is refused: {problem.verify_message}')}"
    reason = problem.reason or type(problem).__name__
    return next((said for part, said in ENDS.items() if part in reason), f"TLS ended with {reason}")
