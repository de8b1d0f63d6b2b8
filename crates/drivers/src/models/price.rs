//! What a call may cost at most, and what it did cost. Pure, whole numbers, always rounded up.

use naos_types::Micros;
use naos_types::spec::IMAGE_TOKENS_MAX;
pub use naos_types::spec::ModelPrices as Prices;

use super::answer::Usage;
use super::request::Request;
use super::tokens;

/// The most that a call can cost: all that it may read at the dearest price for reading, and all
/// that it may write. `image_tokens` is the most that a picture is read as; none is the most of
/// any model that naos knows of ([`IMAGE_TOKENS_MAX`]).
#[must_use]
pub fn worst_case(request: &Request, prices: &Prices, image_tokens: Option<u32>) -> Micros {
    let image_tokens = image_tokens.map_or(IMAGE_TOKENS_MAX, u64::from);
    let read = tokens::of_request(request, image_tokens);
    prices.most(read, u64::from(request.max_output_tokens))
}

/// What a call did cost, by its provider's own figures.
#[must_use]
pub fn settle(usage: &Usage, prices: &Prices) -> Micros {
    prices.cost(usage)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::request::Message;
    use super::*;

    /// $3 and $15 for a million, $0.30 for what was kept, $3.75 for what is kept now.
    const PRICES: Prices = Prices {
        input: Micros(3_000_000),
        cached_input: Some(Micros(300_000)),
        cache_write: Some(Micros(3_750_000)),
        output: Micros(15_000_000),
    };

    fn asked(text: &str, max_output_tokens: u32) -> Request {
        Request {
            model: "m".into(),
            messages: vec![Message::user(text)],
            max_output_tokens,
            ..Request::default()
        }
    }

    #[test]
    fn a_call_costs_what_its_tokens_cost() {
        let usage = Usage {
            input: 1_000,
            cached_input: 600,
            cache_write: 300,
            output: 200,
            reasoning: 150,
        };
        // 100 × 3 + 600 × 0.3 + 300 × 3.75 + 200 × 15 = 4,605 millionths
        assert_eq!(settle(&usage, &PRICES), Micros(4_605));
        let one = Usage {
            input: 1,
            cached_input: 1,
            ..Usage::default()
        };
        assert_eq!(settle(&one, &PRICES), Micros(1), "0.3 is rounded up");
        assert_eq!(settle(&Usage::default(), &PRICES), Micros(0));
        let most = Usage {
            output: u64::MAX,
            ..Usage::default()
        };
        assert_eq!(settle(&most, &PRICES), Micros(u64::MAX), "never wraps");
    }

    #[test]
    fn without_a_price_of_its_own_what_is_kept_costs_what_input_costs() {
        let prices = Prices {
            cached_input: None,
            cache_write: None,
            ..PRICES
        };
        let usage = Usage {
            input: 1_000,
            cached_input: 500,
            cache_write: 500,
            ..Usage::default()
        };
        assert_eq!(settle(&usage, &prices), Micros(3_000));
    }

    proptest! {
        /// Whatever a model that reads at most a token for each byte, and writes at most what it
        /// may, says that it used: it costs no more than was reckoned before.
        #[test]
        fn no_call_costs_more_than_its_worst_case(
            text in ".{0,300}", max in 1_u32..5_000, output in 0_u32..5_000,
            kept in 0_u64..400, written in 0_u64..400,
        ) {
            let request = asked(&text, max);
            let input = text.len() as u64;
            let cached_input = kept.min(input);
            let usage = Usage {
                input,
                cached_input,
                cache_write: written.min(input - cached_input),
                output: u64::from(output.min(max)),
                reasoning: 0,
            };
            prop_assert!(settle(&usage, &PRICES) <= worst_case(&request, &PRICES, None));
        }
    }

    #[test]
    fn a_picture_counts_for_what_pictures_cost() {
        let plain = worst_case(&asked("look", 10), &PRICES, None);
        let mut request = asked("look", 10);
        let image = super::super::request::Image {
            media_type: "image/png".into(),
            bytes: vec![0; 10],
        };
        request.messages[0]
            .parts
            .push(super::super::request::Part::Image(image));
        let more = worst_case(&request, &PRICES, None).minus(plain);
        assert_eq!(more, Micros::per_million(Micros(3_750_000), 50_000));
        let more = worst_case(&request, &PRICES, Some(1_600)).minus(plain);
        assert_eq!(more, Micros::per_million(Micros(3_750_000), 1_600));
    }
}
