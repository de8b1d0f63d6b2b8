//! The picture of what a workflow costs when its tenant has finished many, drawn from
//! `evidence/plans.json`; never by hand.

use std::fmt::Write as _;

use serde_json::Value;

/// Where it stands.
pub const FILE: &str = "docs/cost-per-workflow.svg";

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
/// Room for the words at the left, at the bottom and around.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 48.0;
const AROUND: f64 = 24.0;
/// The axis of what is finished has a mark at each of these.
const FINISHED: [f64; 4] = [1e3, 1e4, 1e5, 1e6];
/// How many parts the axis of the cost has.
const PARTS: usize = 4;

/// The points of a figure: how many were finished, and what the next cost in microseconds.
pub fn points(extra: &Value) -> Vec<(f64, f64)> {
    let all = extra["cost_by_finished"].as_array().into_iter().flatten();
    let pair = |point: &Value| Some((point[0].as_f64()?, point[1].as_f64()?));
    all.filter_map(pair).collect()
}

/// The picture; the cost begins at nothing, so that what grows is seen to grow.
pub fn svg(points: &[(f64, f64)]) -> String {
    let most = points.iter().map(|(_, cost)| *cost).fold(1.0, f64::max);
    let step = nice(most / PARTS as f64);
    let top = step * (most / step).ceil();
    let (first, last) = (FINISHED[0].log10(), FINISHED[FINISHED.len() - 1].log10());
    let x = |finished: f64| {
        let share = (finished.max(FINISHED[0]).log10() - first) / (last - first);
        LEFT + share * (WIDTH - LEFT - AROUND)
    };
    let y = |cost: f64| HEIGHT - BOTTOM - cost / top * (HEIGHT - BOTTOM - AROUND);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>What a workflow of three steps costs by how many its tenant has finished</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    let mut cost = 0.0;
    while cost <= top + step / 2.0 {
        let at = y(cost);
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\" fill=\"#444\">{cost} µs</text>",
            WIDTH - AROUND,
            LEFT - 6.0,
            at + 4.0
        );
        cost += step;
    }
    for finished in FINISHED {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444\">{}</text>",
            x(finished),
            HEIGHT - BOTTOM + 18.0,
            grouped(finished as u64)
        );
    }
    let line: Vec<String> = points
        .iter()
        .map(|(finished, cost)| format!("{:.1},{:.1}", x(*finished), y(*cost)))
        .collect();
    let _ = writeln!(
        out,
        "<polyline fill=\"none\" stroke=\"#1a6\" stroke-width=\"1.5\" points=\"{}\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444\">workflows that the \
         tenant has finished</text>\n</svg>",
        line.join(" "),
        (LEFT + WIDTH - AROUND) / 2.0,
        HEIGHT - 8.0
    );
    out
}

/// The next of 1, 2 and 5 times a power of ten.
fn nice(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(least)
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_stands_on_its_axes() {
        let extra = serde_json::json!({"cost_by_finished": [[1_000, 80.0], [1_000_000, 100.0]]});
        let drawn = svg(&points(&extra));
        assert!(drawn.contains("points=\"64.0,73.6 696.0,24.0\""), "{drawn}");
        for said in ["1,000,000", "100 µs", "0 µs"] {
            assert!(drawn.contains(said), "{said}: {drawn}");
        }
        assert_eq!(points(&Value::Null), []);
    }

    #[test]
    fn steps_are_easy_to_read() {
        for (least, step) in [(0.7, 1.0), (21.0, 50.0), (25.0, 50.0), (130.0, 200.0)] {
            assert!(
                (nice(least) - step).abs() < 1e-9,
                "{least}: {}",
                nice(least)
            );
        }
    }
}
