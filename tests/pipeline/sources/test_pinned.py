"""TLS over a pinned address: the name decides what is sent and checked, the address only where it goes."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.sources.fetch import HttpFetcher
from pipeline.sources.port import Refused
from tests.pipeline.sources.loopback import Loopback, loopback

Secure = tuple[Loopback, Path, list[str | None]]


def certificate(name: str, folder: Path) -> Path:
    """A self-signed certificate with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / f"{name}.pem"
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    path = certificate("secure.example", tmp_path)
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.sni_callback = lambda connection, name, inner: names.append(name)
    with loopback(context) as running:
        running.says("/a", b"sealed")
        yield running, path, names


def reader(site: Loopback, host: str, bundle: str = "") -> HttpFetcher:
    return HttpFetcher(frozenset({f"{host}:{site.port}"}), resolver=lambda *_: ["127.0.0.1"], ca_bundle=bundle)


def test_sni_host_and_certificate_are_those_of_the_name(secure: Secure) -> None:
    site, bundle, names = secure
    answer = reader(site, "secure.example", str(bundle)).fetch(f"https://secure.example:{site.port}/a")
    assert (answer.content, names) == (b"sealed", ["secure.example"])
    assert site.seen[0][1]["Host"] == f"secure.example:{site.port}"


def test_a_certificate_for_another_name_is_refused(secure: Secure) -> None:
    site, bundle, _ = secure
    with pytest.raises(Refused, match=r"certificate or encryption failed \(.*mismatch"):
        reader(site, "other.example", str(bundle)).fetch(f"https://other.example:{site.port}/a")


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: Secure) -> None:
    site, _, _ = secure
    with pytest.raises(Refused, match="certificate or encryption failed"):
        reader(site, "secure.example").fetch(f"https://secure.example:{site.port}/a")
