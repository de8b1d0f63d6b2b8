//! Where the steps of a plan stand in its picture: in layers from left to right, each step after
//! what it waits for, lines led around what is in their way. Whole numbers and no chance: the same
//! plan is the same picture, so that it stands still while its steps move on.

/// The most steps that are drawn.
pub const STEPS_DRAWN_MAX: usize = 200;
/// The most places that lines may take in layers that they only cross.
const BENDS_MAX: usize = 2_000;
/// How often the order within layers is looked at, from either side.
const SWEEPS: usize = 8;

/// The width of a step.
pub const STEP_WIDTH: i64 = 168;
/// The height of a step.
pub const STEP_HEIGHT: i64 = 44;
const BEND_HEIGHT: i64 = 10;
const GAP_ACROSS: i64 = 44;
const GAP_DOWN: i64 = 14;
const MARGIN: i64 = 10;

/// A picture's places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The upper left corner of each step.
    pub steps: Vec<(i64, i64)>,
    /// The lines between them, with their arrows.
    pub lines: Vec<Line>,
    /// How wide all of it is.
    pub width: i64,
    /// How high all of it is.
    pub height: i64,
}

/// A line from one step to another that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The step that comes first.
    pub from: usize,
    /// The step that waits.
    pub to: usize,
    /// How it runs, as the data of a path.
    pub path: String,
}

/// A step, or the place where a line crosses a layer.
struct Node {
    layer: usize,
    is_step: bool,
    left: Vec<usize>,
    right: Vec<usize>,
}

/// Places steps, of which each waits for others; none where they are too many to be told apart or
/// wait for each other.
pub fn layout(after: &[Vec<usize>]) -> Option<Layout> {
    if after.len() > STEPS_DRAWN_MAX {
        return None;
    }
    let order = in_order(after)?;
    let direct = direct(after, &order);
    let mut layers = vec![0_usize; after.len()];
    for step in &order {
        let before = direct[*step].iter().map(|before| layers[*before] + 1);
        layers[*step] = before.max().unwrap_or_default();
    }
    let (nodes, chains) = chained(&layers, &direct)?;
    let rows = ordered(&nodes);
    let heights = settled(&nodes, &rows);
    Some(drawn(&nodes, &heights, &chains, after.len()))
}

/// The steps, each behind those that it waits for; none where some wait for each other.
fn in_order(after: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(after.len());
    let mut placed = vec![false; after.len()];
    while order.len() < after.len() {
        let known = order.len();
        for (step, before) in after.iter().enumerate() {
            if !placed[step] && before.iter().all(|b| placed.get(*b) == Some(&true)) {
                placed[step] = true;
                order.push(step);
            }
        }
        if order.len() == known {
            return None;
        }
    }
    Some(order)
}

/// What each step waits for, without what follows from the rest: a line says nothing that others
/// say together.
fn direct(after: &[Vec<usize>], order: &[usize]) -> Vec<Vec<usize>> {
    let mut before_all = vec![vec![false; after.len()]; after.len()];
    let mut out = vec![Vec::new(); after.len()];
    for step in order {
        let mut known = vec![false; after.len()];
        for before in &after[*step] {
            for (other, is_before) in before_all[*before].iter().enumerate() {
                known[other] |= *is_before;
            }
        }
        let mut own: Vec<usize> = after[*step]
            .iter()
            .copied()
            .filter(|b| !known[*b])
            .collect();
        own.sort_unstable();
        own.dedup();
        for before in &after[*step] {
            known[*before] = true;
        }
        out[*step] = own;
        before_all[*step] = known;
    }
    out
}

/// The steps and the bends between them, and each line as the nodes that it runs through.
fn chained(layers: &[usize], direct: &[Vec<usize>]) -> Option<(Vec<Node>, Vec<Vec<usize>>)> {
    let node = |layer: usize, is_step| Node {
        layer,
        is_step,
        left: Vec::new(),
        right: Vec::new(),
    };
    let mut nodes: Vec<Node> = layers.iter().map(|layer| node(*layer, true)).collect();
    let mut chains = Vec::new();
    for (to, before) in direct.iter().enumerate() {
        for from in before {
            let mut chain = vec![*from];
            for layer in layers[*from] + 1..layers[to] {
                chain.push(nodes.len());
                nodes.push(node(layer, false));
            }
            chain.push(to);
            if nodes.len() > layers.len() + BENDS_MAX || chains.len() > BENDS_MAX {
                return None;
            }
            for pair in chain.windows(2) {
                nodes[pair[0]].right.push(pair[1]);
                nodes[pair[1]].left.push(pair[0]);
            }
            chains.push(chain);
        }
    }
    Some((nodes, chains))
}

/// The nodes of each layer from top to bottom, in the order with the fewest crossings that was
/// found.
fn ordered(nodes: &[Node]) -> Vec<Vec<usize>> {
    let count = nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, node) in nodes.iter().enumerate() {
        rows[node.layer].push(at);
    }
    let mut best = rows.clone();
    let mut fewest = crossings(nodes, &rows);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let rightwards = sweep % 2 == 0;
        for step in 1..count {
            let layer = if rightwards { step } else { count - 1 - step };
            let beside = if rightwards { layer - 1 } else { layer + 1 };
            let places = places(nodes.len(), &rows[beside]);
            let here = self::places(nodes.len(), &rows[layer]);
            rows[layer].sort_by_key(|at| {
                let node = &nodes[*at];
                let near = if rightwards { &node.left } else { &node.right };
                middle(near, &places).unwrap_or(here[*at] * SCALE)
            });
        }
        let now = crossings(nodes, &rows);
        if now < fewest {
            fewest = now;
            best.clone_from(&rows);
        }
    }
    best
}

/// What places are multiplied by where the middle between some of them is compared.
const SCALE: i64 = 1_000;

fn places(count: usize, row: &[usize]) -> Vec<i64> {
    let mut out = vec![0; count];
    for (place, at) in (0_i64..).zip(row) {
        out[*at] = place;
    }
    out
}

fn middle(near: &[usize], places: &[i64]) -> Option<i64> {
    let sum: i64 = near.iter().map(|at| places[*at]).sum();
    let count = i64::try_from(near.len()).ok()?;
    (count > 0).then(|| sum * SCALE / count)
}

/// How many lines cross between neighbouring layers.
fn crossings(nodes: &[Node], rows: &[Vec<usize>]) -> usize {
    let mut count = 0;
    for pair in rows.windows(2) {
        let places = places(nodes.len(), &pair[1]);
        let mut seen: Vec<i64> = Vec::new();
        for from in &pair[0] {
            let mut ends: Vec<i64> = nodes[*from].right.iter().map(|to| places[*to]).collect();
            ends.sort_unstable();
            count += ends
                .iter()
                .map(|end| seen.len() - seen.partition_point(|other| other <= end))
                .sum::<usize>();
            seen.extend(ends);
            seen.sort_unstable();
        }
    }
    count
}

/// How high the middle of each node is: near those beside it, and clear of those in its layer.
fn settled(nodes: &[Node], rows: &[Vec<usize>]) -> Vec<i64> {
    let mut heights = vec![0; nodes.len()];
    for row in rows {
        settle(nodes, row, &mut heights);
    }
    for sweep in 0..SWEEPS {
        let rightwards = sweep % 2 == 1;
        let forth: Box<dyn Iterator<Item = &Vec<usize>>> = if rightwards {
            Box::new(rows.iter())
        } else {
            Box::new(rows.iter().rev())
        };
        for row in forth {
            for at in row {
                let node = &nodes[*at];
                let near = if rightwards { &node.left } else { &node.right };
                if let Some(wanted) = middle(near, &heights) {
                    heights[*at] = wanted / SCALE;
                }
            }
            settle(nodes, row, &mut heights);
        }
    }
    heights
}

/// Parts the nodes of a layer that are too near, up and down alike.
fn settle(nodes: &[Node], row: &[usize], heights: &mut [i64]) {
    let half = |at: usize| {
        if nodes[at].is_step {
            STEP_HEIGHT / 2
        } else {
            BEND_HEIGHT / 2
        }
    };
    let apart = |above: usize, below: usize| half(above) + GAP_DOWN + half(below);
    let mut down: Vec<i64> = row.iter().map(|at| heights[*at]).collect();
    let mut up = down.clone();
    for at in 1..row.len() {
        down[at] = down[at].max(down[at - 1] + apart(row[at - 1], row[at]));
    }
    for at in (1..row.len()).rev() {
        up[at - 1] = up[at - 1].min(up[at] - apart(row[at - 1], row[at]));
    }
    for (at, (down, up)) in row.iter().zip(down.into_iter().zip(up)) {
        heights[*at] = (down + up).div_euclid(2);
    }
}

fn drawn(nodes: &[Node], heights: &[i64], chains: &[Vec<usize>], steps: usize) -> Layout {
    let top = heights.iter().min().copied().unwrap_or_default() - STEP_HEIGHT / 2 - MARGIN;
    let low = heights.iter().max().copied().unwrap_or_default() + STEP_HEIGHT / 2 + MARGIN;
    let layer = |at: usize| i64::try_from(nodes[at].layer).unwrap_or_default();
    let x = |at: usize| MARGIN + layer(at) * (STEP_WIDTH + GAP_ACROSS);
    let y = |at: usize| heights[at] - top;
    let lines = chains.iter().map(|chain| {
        let (from, to) = (chain[0], chain[chain.len() - 1]);
        let mut path = format!("M{} {}", x(from) + STEP_WIDTH, y(from));
        for pair in chain.windows(2) {
            let (left, right) = (x(pair[0]) + STEP_WIDTH, x(pair[1]));
            let (half, y0, y1) = ((left + right) / 2, y(pair[0]), y(pair[1]));
            path.push_str(&format!("C{half} {y0} {half} {y1} {right} {y1}"));
            if !nodes[pair[1]].is_step {
                path.push_str(&format!("H{}", right + STEP_WIDTH));
            }
        }
        path.push_str("m-6-4l6 4-6 4");
        Line { from, to, path }
    });
    let widest = (0..steps).map(x).max().unwrap_or_default();
    Layout {
        steps: (0..steps)
            .map(|at| (x(at), y(at) - STEP_HEIGHT / 2))
            .collect(),
        lines: lines.collect(),
        width: widest + STEP_WIDTH + MARGIN,
        height: low - top,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails where two steps overlap, or one stands before what it waits for.
    fn sound(after: &[Vec<usize>]) -> Layout {
        let found = layout(after).expect("it can be drawn");
        assert_eq!(found.steps.len(), after.len());
        for (at, (x, y)) in found.steps.iter().enumerate() {
            assert!(*x >= 0 && *y >= 0, "{at} is outside");
            assert!(x + STEP_WIDTH <= found.width && y + STEP_HEIGHT <= found.height);
            for (other, (ox, oy)) in found.steps.iter().enumerate().skip(at + 1) {
                let apart = (x - ox).abs() >= STEP_WIDTH || (y - oy).abs() >= STEP_HEIGHT;
                assert!(apart, "{at} and {other} overlap");
            }
            for before in &after[at] {
                assert!(found.steps[*before].0 < *x, "{at} waits for {before}");
            }
        }
        found
    }

    #[test]
    fn steps_in_a_row_stand_at_one_height() {
        let found = sound(&[vec![], vec![0], vec![1]]);
        assert!(found.steps.iter().all(|(_, y)| *y == found.steps[0].1));
        assert_eq!(found.lines.len(), 2);
    }

    #[test]
    fn what_follows_from_others_is_not_drawn() {
        let found = sound(&[vec![], vec![0], vec![0, 1], vec![2, 0, 1]]);
        let ends: Vec<_> = found
            .lines
            .iter()
            .map(|line| (line.from, line.to))
            .collect();
        assert_eq!(ends, [(0, 1), (1, 2), (2, 3)]);
    }

    #[test]
    fn lines_that_need_not_cross_do_not() {
        // In the order of the file each of the three crosses the others.
        let after = [vec![], vec![], vec![], vec![2], vec![1], vec![0]];
        let found = sound(&after);
        for line in &found.lines {
            assert_eq!(found.steps[line.from].1, found.steps[line.to].1, "{line:?}");
        }
    }

    #[test]
    fn any_steps_that_wait_for_earlier_ones_are_drawn_the_same_twice() {
        let mut dice = 41_u64;
        for count in 1..60 {
            let mut after: Vec<Vec<usize>> = vec![Vec::new(); count];
            for (step, before) in after.iter_mut().enumerate() {
                for other in 0..step {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if dice >> 61 == 0 {
                        before.push(other);
                    }
                }
            }
            assert_eq!(sound(&after), sound(&after));
        }
    }

    #[test]
    fn too_many_and_circles_are_not_drawn() {
        assert!(layout(&vec![Vec::new(); STEPS_DRAWN_MAX + 1]).is_none());
        assert!(layout(&[vec![1], vec![0]]).is_none());
        assert!(layout(&[vec![7]]).is_none(), "waits for nobody");
        assert_eq!(layout(&[]).map(|found| found.steps.len()), Some(0));
    }
}
