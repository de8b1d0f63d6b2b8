//! What every built-in agent accepts and answers at most: one clear sentence, never a trap.

/// Largest input an agent reads.
pub const INPUT_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Largest answer an agent gives.
pub const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// Refuses an input that is larger than [`INPUT_BYTES_MAX`].
///
/// # Errors
/// A sentence with both sizes and what to do.
pub fn input(text: &str) -> Result<(), String> {
    if text.len() <= INPUT_BYTES_MAX {
        return Ok(());
    }
    Err(format!(
        "the input has {} bytes and an agent reads at most {INPUT_BYTES_MAX}: hand over fewer \
         files at once",
        text.len()
    ))
}

/// Passes an answer on unless it is larger than [`OUTPUT_BYTES_MAX`].
///
/// # Errors
/// A sentence with both sizes and what to do.
pub fn output(text: String) -> Result<String, String> {
    if text.len() <= OUTPUT_BYTES_MAX {
        return Ok(text);
    }
    Err(format!(
        "the answer would have {} bytes and an agent gives at most {OUTPUT_BYTES_MAX}: hand over \
         fewer files at once",
        text.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_input_passes_and_one_byte_more_does_not() {
        let largest = "x".repeat(INPUT_BYTES_MAX);
        assert_eq!(input(&largest), Ok(()));
        let refusal = input(&format!("{largest}x")).expect_err("one byte too many");
        assert!(
            refusal.contains("12582913") && refusal.contains("12582912"),
            "{refusal}"
        );
    }

    #[test]
    fn the_largest_answer_passes_and_one_byte_more_does_not() {
        assert!(output("x".repeat(OUTPUT_BYTES_MAX)).is_ok());
        let refusal = output("x".repeat(OUTPUT_BYTES_MAX + 1)).expect_err("one byte too many");
        assert!(refusal.contains("1048577"), "{refusal}");
    }
}
