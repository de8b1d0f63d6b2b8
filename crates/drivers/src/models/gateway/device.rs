//! Who naos is to a gateway: a key pair of its own, which the gateway's owner lets in once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a device's secret.
pub const DEVICE_BYTES: usize = 32;

/// A device, as gateways call whoever signs in. Its secret is wiped when dropped, never shown.
#[derive(Clone)]
pub struct Device(SigningKey);

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device")
    }
}

/// What a device signs: who it is, what it wants, and the gateway's own question.
pub(super) struct Claim<'a> {
    pub client: &'a str,
    pub mode: &'a str,
    pub role: &'a str,
    pub scopes: &'a [&'a str],
    pub signed_at: u64,
    pub token: &'a str,
    pub nonce: &'a str,
}

impl Device {
    /// The device of a secret.
    #[must_use]
    pub fn new(secret: &[u8; DEVICE_BYTES]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// What a gateway knows it by: SHA-256 of its public key, in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.0.verifying_key().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes())
    }

    /// The signature of the second layout, which gateways of protocols 3 and 4 both take (the
    /// third, of protocol 4 alone, adds what kind of machine it is).
    pub(super) fn sign(&self, claim: &Claim<'_>) -> String {
        let (id, scopes) = (self.id(), claim.scopes.join(","));
        let signed_at = claim.signed_at.to_string();
        let fields = [
            "v2",
            &id,
            claim.client,
            claim.mode,
            claim.role,
            &scopes,
            &signed_at,
            claim.token,
            claim.nonce,
        ];
        let text = Zeroizing::new(fields.join("|"));
        URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes()).to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_signs_what_a_gateway_checks() {
        let device = Device::new(&[7; DEVICE_BYTES]);
        // SHA-256 of the public key that RFC 8032 makes of this secret.
        assert_eq!(device.id().len(), 64);
        assert_eq!(device.public_key().len(), 43, "32 bytes without padding");
        let claim = |nonce| Claim {
            client: "gateway-client",
            mode: "backend",
            role: "operator",
            scopes: &["operator.read", "operator.write"],
            signed_at: 1_737_264_000_000,
            token: "t",
            nonce,
        };
        let signed = URL_SAFE_NO_PAD.decode(device.sign(&claim("n"))).unwrap();
        let text = format!(
            "v2|{}|gateway-client|backend|operator|operator.read,operator.write|1737264000000|t|n",
            device.id()
        );
        let signature = ed25519_dalek::Signature::from_slice(&signed).unwrap();
        let key = device.0.verifying_key();
        assert!(key.verify_strict(text.as_bytes(), &signature).is_ok());
        assert_ne!(device.sign(&claim("n")), device.sign(&claim("m")));
        assert_eq!(format!("{device:?}"), "Device");
    }
}
