//! Sealing: AES-256-GCM with the owner in the associated data, names of bodies, random bytes.

use std::cell::RefCell;

use aes_gcm::aead::{Aead, AeadInOut, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use naos_types::{BodyRef, Digest, Sealed, StagedBody, SubjectId, TenantId};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::traits::ReadError;

/// Length of a nonce and of a tag.
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

/// One key, expanded once; wiped when dropped.
pub(crate) struct Key {
    raw: Zeroizing<[u8; 32]>,
    cipher: Aes256Gcm,
}

impl Key {
    pub(crate) fn new(raw: Zeroizing<[u8; 32]>) -> Self {
        let cipher = Aes256Gcm::new((&*raw).into());
        Self { raw, cipher }
    }

    /// A key for another purpose: HMAC-SHA-256 of the purpose under this one.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hmac(&self.raw, &[purpose]))
    }

    /// Ciphertext and tag.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(plain.len() + TAG_BYTES);
        bytes.extend_from_slice(plain);
        self.cipher
            .encrypt_in_place(&Nonce::from(*nonce), aad, &mut bytes)
            .expect("AES-GCM takes up to 64 GiB, every text here has a limit far below");
        bytes
    }

    /// The plain bytes; none if anything was changed, or another key or owner sealed it.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        self.cipher
            .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad })
            .ok()
    }

    /// Nonce, ciphertext and tag in one piece.
    pub(crate) fn seal_joined(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        plain: &[u8],
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let tag = self
            .cipher
            .encrypt_inout_detached(&Nonce::from(nonce), aad, (&mut bytes[NONCE_BYTES..]).into())
            .expect("AES-GCM takes up to 64 GiB, every text here has a limit far below");
        bytes.extend_from_slice(&tag);
        bytes
    }

    /// Opens what [`Self::seal_joined`] made.
    pub(crate) fn open_joined(&self, aad: &[u8], joined: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = joined.split_first_chunk::<NONCE_BYTES>()?;
        self.open(nonce, aad, sealed)
    }
}

/// HMAC-SHA-256 (RFC 2104) over several pieces.
pub(crate) fn hmac(key: &[u8; 32], pieces: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any length will do");
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().into()
}

/// What a tenant's own key is used for besides texts.
pub(crate) struct TenantKeys {
    /// The tenant's data key.
    pub(crate) own: std::sync::Arc<Key>,
    body: Key,
    digest: Zeroizing<[u8; 32]>,
}

impl TenantKeys {
    pub(crate) fn new(own: std::sync::Arc<Key>) -> Self {
        let body = Key::new(own.derive(b"naos body v1"));
        let digest = own.derive(b"naos body digest v1");
        Self { own, body, digest }
    }

    pub(crate) fn name_body(&self, plain: &[u8]) -> BodyRef {
        let digest = Digest(hmac(&self.digest, &[plain]));
        BodyRef {
            digest,
            len: plain.len() as u64,
        }
    }

    pub(crate) fn seal_body(
        &self,
        tenant: TenantId,
        nonce: [u8; NONCE_BYTES],
        plain: &[u8],
    ) -> StagedBody {
        let name = self.name_body(plain);
        let sealed = self
            .body
            .seal_joined(nonce, &body_aad(tenant, &name), plain);
        StagedBody { name, sealed }
    }

    /// The content, which is what its name says or an error.
    pub(crate) fn open_body(
        &self,
        tenant: TenantId,
        name: &BodyRef,
        sealed: &[u8],
    ) -> Result<Vec<u8>, ReadError> {
        self.body
            .open_joined(&body_aad(tenant, name), sealed)
            .filter(|plain| self.name_body(plain) == *name)
            .ok_or_else(|| ReadError::Damaged {
                what: format!("body {} of {tenant}", name.digest),
            })
    }
}

fn body_aad(tenant: TenantId, name: &BodyRef) -> Vec<u8> {
    let mut aad = Vec::with_capacity(4 + 16 + 40);
    aad.extend_from_slice(b"body");
    aad.extend_from_slice(&tenant.0.to_be_bytes());
    aad.extend_from_slice(&name.digest.0);
    aad.extend_from_slice(&name.len.to_be_bytes());
    aad
}

fn text_aad(tenant: TenantId, subject: SubjectId) -> [u8; 28] {
    let mut aad = *b"text........................";
    aad[4..20].copy_from_slice(&tenant.0.to_be_bytes());
    aad[20..].copy_from_slice(&subject.0.to_be_bytes());
    aad
}

pub(crate) fn seal_text(
    key: &Key,
    tenant: TenantId,
    subject: SubjectId,
    nonce: [u8; NONCE_BYTES],
    plain: &[u8],
) -> Sealed {
    let bytes = key.seal(&nonce, &text_aad(tenant, subject), plain);
    Sealed::from_parts(subject, nonce, bytes)
}

pub(crate) fn open_text(
    key: &Key,
    tenant: TenantId,
    sealed: &Sealed,
) -> Result<Vec<u8>, ReadError> {
    key.open(
        &sealed.nonce,
        &text_aad(tenant, sealed.subject),
        &sealed.bytes,
    )
    .ok_or_else(|| ReadError::Damaged {
        what: format!("a sealed text of subject {:?}", sealed.subject),
    })
}

/// How many random bytes are asked of the system at once: a call costs more than the bytes.
const CHANCE_BYTES: usize = 1_536;

/// Random bytes that were drawn and not yet used, the next ones last.
struct Chance {
    bytes: Box<[u8; CHANCE_BYTES]>,
    left: usize,
}

thread_local! {
    static CHANCE: RefCell<Chance> =
        RefCell::new(Chance { bytes: Box::new([0; CHANCE_BYTES]), left: 0 });
}

/// A random nonce: 2^32 of them under one key are safe (NIST SP 800-38D, 8.3).
pub(crate) fn random_nonce() -> [u8; NONCE_BYTES] {
    CHANCE.with_borrow_mut(|chance| {
        if chance.left < NONCE_BYTES {
            getrandom::fill(&mut chance.bytes[..]).expect("the system has a random source");
            chance.left = CHANCE_BYTES;
        }
        let mut nonce = [0; NONCE_BYTES];
        let at = chance.left - NONCE_BYTES;
        nonce.copy_from_slice(&chance.bytes[at..chance.left]);
        chance.left = at;
        nonce
    })
}

/// A fresh random key, straight from the system.
pub(crate) fn random_key() -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut key[..]).expect("the system has a random source");
    key
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn key(byte: u8) -> Arc<Key> {
        Arc::new(Key::new(Zeroizing::new([byte; 32])))
    }

    #[test]
    fn the_cipher_is_aes_256_gcm() {
        // Test case 14 of the GCM specification (McGrew and Viega).
        let zero = Key::new(Zeroizing::new([0; 32]));
        let sealed = zero.seal(&[0; 12], b"", &[0; 16]);
        let hex: String = sealed.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        );
    }

    #[test]
    fn only_the_owner_opens() {
        let (ours, theirs) = (TenantId(1), TenantId(2));
        let (lova, soa) = (SubjectId(1), SubjectId(2));
        let sealed = seal_text(&key(1), ours, lova, random_nonce(), b"salama");
        assert_eq!(open_text(&key(1), ours, &sealed).unwrap(), b"salama");
        assert!(open_text(&key(2), ours, &sealed).is_err());
        assert!(open_text(&key(1), theirs, &sealed).is_err());
        let moved = Sealed::from_parts(soa, sealed.nonce, sealed.bytes);
        assert!(open_text(&key(1), ours, &moved).is_err());
    }

    #[test]
    fn a_body_is_its_name() {
        let keys = TenantKeys::new(key(1));
        let staged = keys.seal_body(TenantId(1), random_nonce(), b"a report");
        let open = |tenant, name: &BodyRef, sealed: &[u8]| keys.open_body(tenant, name, sealed);
        assert_eq!(
            open(TenantId(1), &staged.name, &staged.sealed).unwrap(),
            b"a report"
        );
        assert!(open(TenantId(2), &staged.name, &staged.sealed).is_err());
        let other = BodyRef {
            len: 9,
            ..staged.name
        };
        assert!(open(TenantId(1), &other, &staged.sealed).is_err());
        for at in 0..staged.sealed.len() {
            let mut bad = staged.sealed.clone();
            bad[at] ^= 1;
            assert!(open(TenantId(1), &staged.name, &bad).is_err(), "byte {at}");
        }
        let other_keys = TenantKeys::new(key(2));
        assert_ne!(
            other_keys.name_body(b"a report"),
            staged.name,
            "a name tells nothing"
        );
    }

    #[test]
    fn nonces_differ() {
        let drawn: std::collections::BTreeSet<_> = (0..1_000).map(|_| random_nonce()).collect();
        assert_eq!(drawn.len(), 1_000);
    }
}
