//! Tokens as text: `naos_<26 characters of the tenant>_<52 characters of the secret>`.

use naos_types::{Digest, TenantId};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The longest text that is looked at.
pub(crate) const TOKEN_BYTES_MAX: usize = 128;

/// Bytes in Crockford's base 32, lower case, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(ALPHABET[(bits >> held) as usize & 31]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        out.push(char::from(ALPHABET[(bits << (5 - held)) as usize & 31]));
    }
    out
}

/// The text of a token of a tenant; only [`hash`] of it is ever kept.
#[must_use]
pub fn text(tenant: TenantId, secret: &[u8; 32]) -> String {
    let tenant = tenant.to_string();
    let bare = tenant.rsplit('_').next().unwrap_or_default();
    format!("naos_{bare}_{}", base32(secret))
}

/// A new token of a tenant and what is kept of it.
#[must_use]
pub fn new_token(tenant: TenantId) -> (String, Digest) {
    let text = text(tenant, &naos_engine::chance::secret());
    let hash = hash(&text);
    (text, hash)
}

/// What is kept of a token.
#[must_use]
pub fn hash(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Whose token this says it is; none for a text that is no token.
#[must_use]
pub fn tenant_of(text: &str) -> Option<TenantId> {
    if text.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (tenant, secret) = text.strip_prefix("naos_")?.split_once('_')?;
    if secret.len() != 52 || !secret.bytes().all(|b| ALPHABET.contains(&b)) {
        return None;
    }
    TenantId::parse(&format!("{}_{tenant}", TenantId::PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_name_their_tenant_and_nothing_else_does() {
        let tenant = TenantId(0x0192_f00d << 96);
        let (token, hash_of) = new_token(tenant);
        assert_eq!(token.len(), "naos_".len() + 26 + 1 + 52);
        assert_eq!(tenant_of(&token), Some(tenant));
        assert_eq!(hash(&token), hash_of);
        assert_ne!(new_token(tenant).0, token);
        for bad in [
            "",
            "naos_",
            &token[1..],
            &token[..token.len() - 1],
            &token.to_uppercase(),
            &token.replace("naos_", "noas_"),
            &format!("{token}0"),
            &"naos_".repeat(100),
        ] {
            assert_eq!(tenant_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn base32_keeps_every_bit() {
        assert_eq!(base32(&[]), "");
        assert_eq!(base32(&[0xff; 5]), "zzzzzzzz");
        assert_eq!(base32(&[0x00]), "00");
        assert_eq!(base32(&[0x01]), "04");
        assert_eq!(base32(&[7; 32]).len(), 52);
    }
}
