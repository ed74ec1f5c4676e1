"""A device that keeps one passkey, as a browser would answer with it."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ID = b"a passkey of the tests"
PRESENT = AuthenticatorData.FLAG.UP
VERIFIED = PRESENT | AuthenticatorData.FLAG.UV


class Device:
    def __init__(self, origin="http://localhost:8000"):
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.handle = ""

    def _client_data(self, kind, challenge):
        return CollectedClientData.create(kind, websafe_decode(challenge), self.origin)

    def make(self, options, flags=VERIFIED):
        """The answer to the server's options for a new passkey."""
        options = options["publicKey"]
        self.handle = options["user"]["id"]
        made = AttestedCredentialData.create(
            b"\0" * 16, ID, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(
            sha256(options["rp"]["id"].encode()), flags | AuthenticatorData.FLAG.AT, 0, made
        )
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options["challenge"]),
            attestationObject=AttestationObject.create("none", data, {}),
        )

    def use(self, options, flags=VERIFIED):
        """The answer to the server's options for a sign-in."""
        options = options["publicKey"]
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = AuthenticatorData.create(sha256(options["rpId"].encode()), flags, 1)
        signed = self.key.sign(data + client_data.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client_data, authenticatorData=data, signature=signed)

    def _answer(self, **response):
        encoded = {name: websafe_encode(value) for name, value in response.items()}
        if self.handle:
            encoded["userHandle"] = self.handle
        name = websafe_encode(ID)
        return {"id": name, "rawId": name, "type": "public-key", "response": encoded}
