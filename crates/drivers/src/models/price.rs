//! What a call may cost at most, and what it did cost. Pure, whole numbers, always rounded up.

use naos_types::Micros;

use super::answer::Usage;
use super::request::Request;
use super::tokens;

/// What a provider takes, for a million tokens each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// For what is read.
    pub input: Micros,
    /// For what is read and was kept; none is the price of any other input.
    pub cached_input: Option<Micros>,
    /// For what is read and is kept from now on; none is the price of any other input.
    pub cache_write: Option<Micros>,
    /// For what is written, reasoning included.
    pub output: Micros,
    /// The most tokens that a picture is read as; none is the most of any model that naos knows
    /// of ([`tokens::IMAGE_TOKENS_MAX`]).
    pub image_tokens: Option<u64>,
}

/// The most that a call can cost: all that it may read at the dearest price for reading, and all
/// that it may write.
#[must_use]
pub fn worst_case(request: &Request, prices: &Prices) -> Micros {
    let image_tokens = prices.image_tokens.unwrap_or(tokens::IMAGE_TOKENS_MAX);
    let read = tokens::of_request(request, image_tokens);
    let others = [prices.cached_input, prices.cache_write];
    let dearest = others.into_iter().flatten().fold(prices.input, Micros::max);
    let input = Micros::per_million(dearest, read);
    let output = Micros::per_million(prices.output, u64::from(request.max_output_tokens));
    input.plus(output)
}

/// What a call did cost, by its provider's own figures.
#[must_use]
pub fn settle(usage: &Usage, prices: &Prices) -> Micros {
    let fresh = usage
        .input
        .saturating_sub(usage.cached_input)
        .saturating_sub(usage.cache_write);
    // Rounded up once: four pieces rounded each would be up to three millionths more.
    let pieces = [
        (prices.input, fresh),
        (
            prices.cached_input.unwrap_or(prices.input),
            usage.cached_input,
        ),
        (
            prices.cache_write.unwrap_or(prices.input),
            usage.cache_write,
        ),
        (prices.output, usage.output),
    ];
    let exact = pieces.iter().fold(0_u128, |sum, (price, tokens)| {
        sum.saturating_add(u128::from(price.0) * u128::from(*tokens))
    });
    Micros(u64::try_from(exact.div_ceil(1_000_000)).unwrap_or(u64::MAX))
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
        image_tokens: None,
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
            prop_assert!(settle(&usage, &PRICES) <= worst_case(&request, &PRICES));
        }
    }

    #[test]
    fn a_picture_counts_for_what_pictures_cost() {
        let plain = worst_case(&asked("look", 10), &PRICES);
        let mut request = asked("look", 10);
        let image = super::super::request::Image {
            media_type: "image/png".into(),
            bytes: vec![0; 10],
        };
        request.messages[0]
            .parts
            .push(super::super::request::Part::Image(image));
        let more = worst_case(&request, &PRICES).minus(plain);
        assert_eq!(more, Micros::per_million(Micros(3_750_000), 50_000));
        let prices = Prices {
            image_tokens: Some(1_600),
            ..PRICES
        };
        let more = worst_case(&request, &prices).minus(plain);
        assert_eq!(more, Micros::per_million(Micros(3_750_000), 1_600));
    }
}
