use proptest::prelude::*;
use serde_json::json;

use super::*;

fn vars() -> Vars {
    Vars::new()
        .with("name", "Riake")
        .with("n", 7)
        .with("cost", 1_230_000)
        .with(
            "rows",
            json!([{"client": "A", "hours": 2}, {"client": "B", "hours": 4.5}]),
        )
        .with("words", json!(["beta", "alpha"]))
        .with("map", json!({"z": 1, "a": {"b": "<&'>"}}))
        .with("when", 1_736_937_001_000_i64)
        .with("nothing", json!(null))
}

fn text(source: &str) -> Result<String, String> {
    render(source, &vars(), &Limits::default()).map_err(|error| match error.position() {
        Some(at) => format!("{at}: {error}"),
        None => error.to_string(),
    })
}

#[test]
fn texts() {
    for (source, expected) in [
        ("plain {not a tag} text", "plain {not a tag} text"),
        ("Hello {{ name }}!", "Hello Riake!"),
        (
            "{{ n + 1 }} {{ 2 + n }} {{ n - 2 }} {{ add(n, n) }} {{ mul(n, 1.5) }}",
            "8 9 5 14 10.5",
        ),
        ("{{ concat(name, '-', n) }}", "Riake-7"),
        (
            "{{ cost|money }} {{ 50000|money }} {{ -125|money }}",
            "$1.23 $0.05 -$0.000125",
        ),
        (
            "{% for r in rows %}{{ loop.index }}:{{ r.client }}{% if not loop.last %}, {% endif \
             %}{% endfor %}",
            "1:A, 2:B",
        ),
        (
            "{% for r in rows if r.hours > 3 %}{{ r.client }}{% else %}none{% endfor %}",
            "B",
        ),
        ("{% for k, v in map|items %}{{ k }}{% endfor %}", "za"),
        (
            "{% for g in rows|groupby('client') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}",
            "A1B1",
        ),
        (
            "{{ rows|sum(attribute='hours') }} {{ rows|map(attribute='client')|join('+') }}",
            "6.5 A+B",
        ),
        ("{{ rows|join(', ', attribute='client') }}", "A, B"),
        (
            "{{ words|sort|join(' ') }} {{ words|length }} {{ words[0]|upper }} {{ words[1:]|\
             first }}",
            "alpha beta 2 BETA alpha",
        ),
        (
            "{{ map.a|tojson }} {{ map.a|json }}",
            "{\"b\":\"<&'>\"} {\"b\":\"<&'>\"}",
        ),
        (
            "{\"t\": \"{{ map.a|in_json }}\", \"n\": \"{{ rows|length|in_json }}\", \"w\": \"{{ \
             'a\\\\b \\\"c\\\"'|in_json }}\"}",
            "{\"t\": \"{\\\"b\\\":\\\"<&'>\\\"}\", \"n\": \"2\", \"w\": \"a\\\\b \\\"c\\\"\"}",
        ),
        (
            "{{ map.missing|default('?') }} {{ nothing|default('x', true) }}",
            "? x",
        ),
        (
            "{{ when|date }} {{ '2026-10-05T10:00:00Z'|date }}",
            "2025-01-15 2026-10-05",
        ),
        (
            "{{ '  a b '|trim|replace('a', 'c')|title }} {{ 'abcdef'|truncate(3) }}",
            "C B abc…",
        ),
        ("{{ 'a\nb'|indent(2) }}", "a\n  b"),
        (
            "{% set t = rows|length %}{{ t }}{% set l = [1, 2] %}{{ l|sum }}",
            "23",
        ),
        (
            "{% for i in range(3) %}{{ i }}{% endfor %}{{ range(2, 4)|list }}",
            "012[2,3]",
        ),
        (
            "{{ 'yes' if n > 3 else 'no' }} {{ name is string }}",
            "yes true",
        ),
        (
            "{% raw %}{{ x ~ y }}{% endraw %}{# {{ y }} #}",
            "{{ x ~ y }}",
        ),
        (
            "{{ nothing }} {{ [true, none, 'a'] }}",
            "null [true,null,\"a\"]",
        ),
        ("{{ '{{' }} {{ \"a\\\"}}\" }}", "{{ a\"}}"),
        ("{%- if n == 7 -%} seven {%- endif -%}", "seven"),
        ("{{ [name, n]|join(' ') }} {{ {'a': n}.a }}", "Riake 7 7"),
        ("{{ map.a.b }}", "<&'>"),
        (
            "{{ {'a': (map.no|default(none)), 'b': nothing, 'c': map.no is defined, 'd': map.a}\
             |tojson }}",
            "{\"a\":null,\"b\":null,\"c\":false,\"d\":{\"b\":\"<&'>\"}}",
        ),
    ] {
        assert_eq!(text(source), Ok(expected.to_owned()), "{source}");
    }
}

#[test]
fn mistakes() {
    for (source, expected) in [
        (
            "{{ nmae }}",
            "1:4: unknown name `nmae`; did you mean `name`?",
        ),
        (
            "{{ name | default(null) }}",
            "1:19: unknown name `null`; did you mean `none`?",
        ),
        (
            "a\n  {{ name|uper }}",
            "2:11: unknown filter `uper`; did you mean `upper`?",
        ),
        (
            "{{ foo(1) }}",
            "1:4: unknown function `foo`; known here: add, concat, mul, range",
        ),
        (
            "{{ n is evn }}",
            "1:9: unknown test `evn`; did you mean `even`?",
        ),
        (
            "{{ name.upper() }}",
            "1:9: unknown method `upper`; known here: cycle, changed",
        ),
        (
            "{% include 'x' %}",
            "1:4: unknown statement `include`; known here: if, elif, else, endif, for, endfor, set",
        ),
        (
            "{% macro f() %}{% endmacro %}",
            "1:4: unknown statement `macro`; known here: if, elif, else, endif, for, endfor, set",
        ),
        (
            "{{ name ~ n }}",
            "1:9: `~` can't stand here: write the texts side by side, or `concat(a, b)`",
        ),
        (
            "{{ name * 9 }}",
            "1:9: `*` can't stand here: write `mul(a, b)`",
        ),
        (
            "{{ n + n }}",
            "1:6: `+` stands only beside a number: write `add(a, b)`, or `concat(a, b)`",
        ),
        (
            "{{ words.1 + n }}",
            "1:12: `+` stands only beside a number: write `add(a, b)`, or `concat(a, b)`",
        ),
        (
            "{% set b = [name, name] %}",
            "1:13: a list or map written out in `set` or `for` holds constants only",
        ),
        (
            "{% set b = name, name %}",
            "1:16: a list or map written out in `set` or `for` holds constants only",
        ),
        (
            "{% for b in [[words]] %}{% endfor %}",
            "1:15: a list or map written out in `set` or `for` holds constants only",
        ),
        (
            "{% set b %}x{% endset %}",
            "1:4: `set` is written `{% set NAME = … %}`",
        ),
        (
            "{% for x in words recursive %}{{ loop(x) }}{% endfor %}",
            "1:19: loops can't be recursive here",
        ),
        (
            "{% set g = rows|groupby('client') %}",
            "1:17: `groupby` stands in `for`, not in `set`",
        ),
        ("{{ name", "1:1: the tag that begins here has no end"),
        ("{# name", "1:1: the comment that begins here has no end"),
        (
            "{% raw %}x",
            "1:1: the `raw` that begins here has no `endraw`",
        ),
        ("{{ 'a }}", "1:4: the text that begins here has no end"),
        (
            "a\n{% if n %}",
            "2:1: unexpected end of input, expected end of block",
        ),
        // with these values
        (
            "{{ map.missing }}",
            "1:1: `map.missing` isn't there; `|default(…)` gives another value",
        ),
        (
            "{{ {'a': (map.missing)}|tojson }}",
            "1:1: `map.missing` isn't there; `|default(…)` gives another value",
        ),
        (
            "{{ {'a': 1, 'b': [n, {'c': map.missing}]}|json(indent=true) }}",
            "1:1: `map.missing` isn't there; `|default(…)` gives another value",
        ),
        (
            "{{ [n, map.missing] }}",
            "1:1: `map.missing` isn't there; `|default(…)` gives another value",
        ),
        (
            "{% set it = (map.missing) %}{{ it|tojson }}",
            "1:1: `map.missing` isn't there; `|default(…)` gives another value",
        ),
        (
            "{% for x in [1] %}\n{{ map.missing.deeper }}{% endfor %}",
            "2:1: `map.missing` isn't there, nor any `map.missing.deeper`; \
             `(map.missing|default({})).deeper|default(…)` gives another value",
        ),
        (
            "{{ map.missing.deeper | default('dd') }}",
            "1:1: `map.missing` isn't there, nor any `map.missing.deeper`; \
             `(map.missing|default({})).deeper|default(…)` gives another value",
        ),
        (
            "{% for row in rows %}{{ row.nobody }}{% endfor %}",
            "1:1: `row.nobody` isn't there; `|default(…)` gives another value",
        ),
        (
            "{{ add(name, 1) }}",
            "1:1: two numbers are needed, not string and number",
        ),
        (
            "{{ name|money }}",
            "1:1: `money` takes a whole number of millionths, not string",
        ),
        (
            "{{ name|date }}",
            "1:1: \"Riake\" doesn't begin with a date such as 2026-10-05",
        ),
        (
            "{{ words|sum }}",
            "1:1: two numbers are needed, not number and string",
        ),
    ] {
        assert_eq!(text(source), Err(expected.to_owned()), "{source}");
    }
}

#[test]
fn fields_that_are_known_are_checked() {
    let names = Names::new().with("inputs", Type::Object(vec![("client".into(), Type::Text)]));
    assert!(check("{{ inputs.client }}", &names).is_ok());
    let error = check("Dear\n{{ inputs.cleint }}", &names).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown field `cleint`; did you mean `client`?"
    );
    assert_eq!(
        error.position().map(|at| at.to_string()).as_deref(),
        Some("2:4")
    );
}

#[test]
fn every_limit_stops() {
    let big = json!("x".repeat(200_000));
    let many = json!((0..5_000).collect::<Vec<_>>());
    let vars = Vars::new().with("big", big).with("many", many).with("n", 1);
    let chain: String = (0..60).fold("{% set b = concat(big, big) %}".into(), |chain, _| {
        chain + "{% set b = concat(b, b) %}"
    });
    let blocks = "{% if n %}".repeat(30) + &"{% endif %}".repeat(30);
    let nots = format!("{{{{ {} n }}}}", "not ".repeat(200));
    let loops = "{% for a in many %}{% for b in many %}{{ n }}{% endfor %}{% endfor %}";
    let upper = "{% for a in many %}{% for b in many %}{% if big|upper|length == 1 %}x{% endif %}\
                 {% endfor %}{% endfor %}";
    for (source, expected) in [
        (loops, "too much work"),
        (upper, "too much work"),
        (
            "{% for a in many %}{{ big }}{% endfor %}",
            "the text is longer than",
        ),
        (&chain, "the text is too long"),
        ("{{ big|replace('x', big) }}", "the text is too long"),
        ("{{ range(100000) }}", "a range has at most 10000 numbers"),
        (&blocks, "more than 24 blocks within each other"),
        (&nots, "this tag is too long"),
        ("{{ ((((((((((((((n)))))))))))))) }}", "too many brackets"),
        ("{{ n|round(2000000000) }}", ""),
        ("{{ big|indent(999999999) }}", ""),
        (
            &"x".repeat(TEMPLATE_BYTES_MAX + 1),
            "a template has at most",
        ),
    ] {
        let found = render(source, &vars, &Limits::default());
        let text = match &found {
            Ok(text) => format!("{} bytes", text.len()),
            Err(error) => error.to_string(),
        };
        let short: String = source.chars().take(80).collect();
        assert!(text.contains(expected), "{short}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_panics(source in ".{0,200}") {
        let _ = text(&source);
    }

    #[test]
    fn nothing_that_looks_like_a_template_panics(
        source in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}| if | for | in | set | endif | endfor | \
         else | not | is | raw | endraw |name|rows|map|n|=|\\||upper|join|\\(|\\)|\\[|\\]|\\{|\\}|\
         'a'|1|,|:|-|\\.|[a-z]{1,3}| ){0,30}"
    ) {
        let _ = text(&source);
    }

    #[test]
    fn expressions_don_t_panic(
        inner in "( if | in | not | is | and | or |name|rows|map|n|words|\\||upper|join|first|\
         sort|tojson|items|sum|map|\\(|\\)|\\[|\\]|'a'|1|0|,|:|-|/|%|<|==|\\.|client| ){1,12}"
    ) {
        let _ = text(&format!("{{{{ {inner} }}}}"));
        let _ = text(&format!("{{% for x in {inner} %}}{{{{ x }}}}{{% endfor %}}"));
    }
}
