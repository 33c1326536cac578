//! Signatures of reasoning: anyone who replays it must send text and signature back unchanged.
//!
//! They follow from the text alone, so that a simulator started anew accepts what an earlier one signed. They stand in for
//! what real providers issue, and protect nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::random::fnv1a;

const SIGN: &[u8] = b"portolan-sim/thinking/1";
const REDACT: &[u8] = b"portolan-sim/redacted/1";

/// The signature of a reasoning text.
pub(crate) fn sign(text: &str) -> String {
    let mut bytes = SIGN.to_vec();
    for lane in 0..3 {
        bytes.extend(fnv1a(fnv1a(lane, SIGN), text.as_bytes()).to_le_bytes());
    }
    STANDARD.encode(bytes)
}

/// Whether the signature is the text's.
pub(crate) fn is_signed(text: &str, signature: &str) -> bool {
    sign(text) == signature
}

/// Opaque data in place of a withheld reasoning.
pub(crate) fn redacted(nonce: u64) -> String {
    let mut bytes = REDACT.to_vec();
    bytes.extend(nonce.to_le_bytes());
    bytes.extend(fnv1a(nonce, REDACT).to_le_bytes());
    STANDARD.encode(bytes)
}

/// Whether the data was issued by a simulator.
pub(crate) fn is_redacted(data: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(data) else { return false };
    let nonce = bytes.strip_prefix(REDACT).and_then(|rest| rest.first_chunk::<8>()).map(|nonce| u64::from_le_bytes(*nonce));
    nonce.is_some_and(|nonce| redacted(nonce) == data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_text_or_signature_is_found() {
        let signature = sign("first, the tide");
        assert!(is_signed("first, the tide", &signature));
        assert!(!is_signed("first, the tide ", &signature));
        assert!(!is_signed("first, the tide", &signature[1..]));
        assert!(is_redacted(&redacted(7)));
        assert!(!is_redacted(&redacted(7).replace('A', "B")));
        assert!(!is_redacted("c29tZXRoaW5n"));
    }
}
