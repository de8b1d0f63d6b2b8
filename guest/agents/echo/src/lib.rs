//! I give back what I am given, byte for byte, and ask for nothing.
//! I never read, log or change a word. Start at [`handle`].

naos_agent::export!(handle);

/// Answers with the input itself.
///
/// # Errors
/// Refuses an input above the limit of every agent.
pub fn handle(input: &str) -> Result<String, String> {
    naos_agent::limits::input(input)?;
    Ok(input.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for input in ["", "hello", "\u{feff}a\r\n\0é\n\n"] {
            assert_eq!(handle(input).as_deref(), Ok(input));
        }
        let large = "x".repeat(naos_agent::limits::INPUT_BYTES_MAX + 1);
        assert!(handle(&large).expect_err("too large").contains("at most"));
    }
}
