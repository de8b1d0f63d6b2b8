//! The entities of HTML as the letters that they stand for: `&eacute;`, `&#233;`, `&#xE9;`.
//! Start at [`decoded`].

use std::borrow::Cow;

use mail_parser::decoders::html::add_html_token;

use crate::charsets;

/// The longest name of HTML has so many bytes (`CounterClockwiseContourIntegral`).
const NAME_BYTES_MAX: usize = 32;

/// The text with every entity decoded once: `&amp;eacute;` says `&eacute;`.
#[must_use]
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut readable = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        readable.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = push(&mut readable, rest);
        rest = &rest[length..];
    }
    readable.push_str(rest);
    Cow::Owned(readable)
}

/// Adds what the entity says that this text begins with, or its `&`: how many bytes it takes.
fn push(readable: &mut String, text: &str) -> usize {
    let is_name = |it: &u8| it.is_ascii_alphanumeric() || *it == b'#';
    let name = text.bytes().skip(1).take(NAME_BYTES_MAX);
    let end = 1 + name.take_while(is_name).count();
    let entity = &text[1..end];
    if entity.is_empty() || text.as_bytes().get(end) != Some(&b';') {
        readable.push('&');
        return 1;
    }
    if let Some(code) = entity.strip_prefix('#') {
        let Some(letter) = numbered(code) else {
            readable.push('&');
            return 1;
        };
        readable.push_str(&letter);
    } else {
        let mut letters = String::new();
        add_html_token(&mut letters, &text.as_bytes()[..=end], false);
        readable.push_str(&letters.replace('\u{a0}', " "));
    }
    end + 1
}

/// `233`, `xE9`; none where it is no number.
fn numbered(code: &str) -> Option<Cow<'static, str>> {
    let hex = code.strip_prefix(['x', 'X']);
    let (digits, radix) = hex.map_or((code, 10), |hex| (hex, 16));
    if digits.is_empty() || !digits.chars().all(|it| it.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    Some(match number {
        // Many programs name the letters of Windows by their bytes, and browsers read them so.
        0x80..=0x9f => charsets::decoded(vec![number as u8], "windows-1252").into(),
        // A line of the original stays one line, and hard blanks are blanks.
        1..=0x1f | 0x7f | 0xa0 => " ".into(),
        0 => "\u{fffd}".into(),
        _ => {
            let letter = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
            letter.to_string().into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of HTML 4, in the order of its letters from U+00A0 on.
    const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy \
        reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 \
        frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml \
        Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave \
        Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
        egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde \
        ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

    #[test]
    fn every_name_of_html_4_is_known() {
        for (letter, name) in ('\u{a0}'..).zip(LATIN.split_whitespace()) {
            let expected = if letter == '\u{a0}' { ' ' } else { letter };
            assert_eq!(decoded(&format!("&{name};")), expected.to_string());
        }
        let others = "quot amp lt gt OElig oelig Scaron scaron Yuml circ tilde ensp emsp thinsp \
            zwnj zwj lrm rlm ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo dagger Dagger permil \
            lsaquo rsaquo euro fnof Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa \
            Lambda Mu Nu Xi Omicron Pi Rho Sigma Tau Upsilon Phi Chi Psi Omega alpha beta gamma \
            delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma \
            tau upsilon phi chi psi omega thetasym upsih piv bull hellip prime Prime oline frasl \
            weierp image real trade alefsym larr uarr rarr darr harr crarr lArr uArr rArr dArr \
            hArr forall part exist empty nabla isin notin ni prod sum minus lowast radic prop \
            infin ang and or cap cup int there4 sim cong asymp ne equiv le ge sub sup nsub sube \
            supe oplus otimes perp sdot lceil rceil lfloor rfloor lang rang loz spades clubs \
            hearts diams";
        for name in others.split_whitespace() {
            let letter = decoded(&format!("&{name};")).into_owned();
            assert_eq!(letter.chars().count(), 1, "{name}: {letter}");
        }
    }

    #[test]
    fn entities_are_decoded_once_and_what_is_none_stays() {
        for (text, expected) in [
            ("d&eacute;cid&#233; &#xE9;&#XE9;", "décidé éé"),
            (
                "5&nbsp;&euro;&#160;&#x20AC; l&rsquo;&oelig;uvre&hellip;",
                "5 € € l’œuvre…",
            ),
            ("&laquo;&Agrave;&raquo; &ndash; &copy; &#8217;", "«À» – © ’"),
            ("&amp;eacute; &amp;amp; &#38;lt;", "&eacute; &amp; &lt;"),
            ("&#146;&#x80;", "’€"),
            (
                "a&#10;b&#0;&#xD800;&#99999999999;",
                "a b\u{fffd}\u{fffd}\u{fffd}",
            ),
            (
                "R&D; AT&T &; &#; &#x; &#1g; &é; &nothing; & &",
                "R&D; AT&T &; &#; &#x; &#1g; &é; &nothing; & &",
            ),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
