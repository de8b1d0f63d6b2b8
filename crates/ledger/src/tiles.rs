//! Where the hashes of a tree are published: the names of tiles (C2SP tlog-tiles). A tile holds up
//! to 256 neighbouring hashes of one level; levels are 8 levels of the tree apart.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The hashes of a full tile.
pub const TILE_HASHES_MAX: u16 = 256;

/// The levels that a tree of fewer than 2^64 leaves can have tiles on.
const LEVELS_COUNT: u8 = 8;
/// The highest level that may be written.
const LEVEL_MAX: u8 = 63;
/// No path of a tile is longer: 7 groups of digits, level and width.
const PATH_BYTES_MAX: usize = 64;

/// A tile: `width` hashes, the first of which is the hash `index * 256` of the level `level * 8`
/// of the tree. It is written as its path, `tile/<level>/<index>[.p/<width>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Why there is no such tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The level is higher than the specification knows.
    #[error("tiles have levels 0 to {LEVEL_MAX}, this is {level}")]
    Level {
        /// The level asked for.
        level: u8,
    },
    /// A tile holds no hash, or too many.
    #[error("a tile holds 1 to {TILE_HASHES_MAX} hashes, this {width}")]
    Width {
        /// The width asked for.
        width: u16,
    },
    /// It would hold hashes over leaves beyond number 2^64 - 1.
    #[error(
        "no tree of fewer than 2^64 leaves has a tile {index} of width {width} on level {level}"
    )]
    Beyond {
        /// The level asked for.
        level: u8,
        /// The index asked for.
        index: u64,
        /// The width asked for.
        width: u16,
    },
}

impl Tile {
    /// The tile `index` of a level, of `width` hashes ([`TILE_HASHES_MAX`] when it is full).
    pub fn new(level: u8, index: u64, width: u16) -> Result<Tile, TileError> {
        if level > LEVEL_MAX {
            return Err(TileError::Level { level });
        }
        if width == 0 || width > TILE_HASHES_MAX {
            return Err(TileError::Width { width });
        }
        let hashes_end = u128::from(index) * 256 + u128::from(width);
        if level >= LEVELS_COUNT || hashes_end << (8 * level) > u128::from(u64::MAX) {
            return Err(TileError::Beyond {
                level,
                index,
                width,
            });
        }
        Ok(Tile {
            level,
            index,
            width,
        })
    }

    /// The tile in which a tree of `size` leaves keeps the hash `index` of the tree's level
    /// `8 * level`; none when the tree has no such hash.
    pub fn holding(level: u8, index: u64, size: u64) -> Option<Tile> {
        let hashes = hashes_on(level, size);
        if index >= hashes {
            return None;
        }
        let width = (hashes - index / 256 * 256).min(256) as u16;
        Some(Tile {
            level,
            index: index / 256,
            width,
        })
    }

    /// The level, counted in tiles: its hashes are roots over `256^level` leaves each.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The place within the level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it holds, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never change.
    pub fn is_full(&self) -> bool {
        self.width == TILE_HASHES_MAX
    }

    /// Which hashes it holds, in order: the tree's level, and the places within it. Each is a
    /// [`Leaves::subtree`](crate::Leaves::subtree).
    pub fn subtrees(&self) -> (u32, Range<u64>) {
        let first = self.index * 256;
        (
            u32::from(self.level) * 8,
            first..first + u64::from(self.width),
        )
    }

    /// The leaves its hashes are over.
    pub fn leaves(&self) -> Range<u64> {
        let (level, places) = self.subtrees();
        places.start << level..places.end << level
    }
}

/// How many hashes a tree has on the level `8 * level`.
fn hashes_on(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * 8).unwrap_or(0)
}

/// The tiles that a tree of `new` leaves has and one of `old` leaves has not, level by level: what
/// is to be written after a checkpoint. From 0, all tiles of the tree. None when `old >= new`.
pub fn tiles_of(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0..LEVELS_COUNT).flat_map(move |level| {
        let (old, new) = (hashes_on(level, old), hashes_on(level, new));
        let full = (old / 256..new / 256).map(move |index| Tile {
            level,
            index,
            width: TILE_HASHES_MAX,
        });
        let width = (new % 256) as u16;
        let rest = Tile {
            level,
            index: new / 256,
            width,
        };
        full.chain((old < new && width > 0).then_some(rest))
    })
}

/// The path, relative to the log's prefix.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        let mut unit = 1_u64;
        while let Some(next) = unit.checked_mul(1_000)
            && self.index / next > 0
        {
            unit = next;
        }
        while unit > 1 {
            write!(f, "x{:03}/", self.index / unit % 1_000)?;
            unit /= 1_000;
        }
        write!(f, "{:03}", self.index % 1_000)?;
        if self.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

/// Why a text is no tile's path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTileError {
    /// No path is as long.
    #[error("a tile's path has at most {PATH_BYTES_MAX} bytes, this has {found}")]
    Long {
        /// The bytes of the text.
        found: usize,
    },
    /// It does not begin with `tile/`, a level and a slash.
    #[error("a tile's path has the form tile/<level>/<index>[.p/<width>]")]
    Form,
    /// The level is no number of its form.
    #[error("a tile's level is a number from 0 to {LEVEL_MAX} without leading zeros")]
    Level,
    /// The index is not in its groups of three digits.
    #[error("a tile's index is written in groups of three digits, as in x001/x234/067")]
    Index,
    /// The width is no number of its form.
    #[error("a partial tile's width is a number from 1 to 255 without leading zeros")]
    Width,
    /// The form is right, but there can be no such tile.
    #[error("the path has the right form, but no tile has it")]
    Tile(#[from] TileError),
}

impl FromStr for Tile {
    type Err = ParseTileError;

    /// Reads what `Display` writes and nothing else, so that a tile has one path.
    fn from_str(path: &str) -> Result<Tile, ParseTileError> {
        if path.len() > PATH_BYTES_MAX {
            return Err(ParseTileError::Long { found: path.len() });
        }
        let rest = path.strip_prefix("tile/").ok_or(ParseTileError::Form)?;
        let (level, rest) = rest.split_once('/').ok_or(ParseTileError::Form)?;
        let level = parse_number(level).filter(|&level| level <= u16::from(LEVEL_MAX));
        let level = level.ok_or(ParseTileError::Level)? as u8;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                let width = parse_number(width).filter(|width| (1..256).contains(width));
                (index, width.ok_or(ParseTileError::Width)?)
            }
            None => (rest, TILE_HASHES_MAX),
        };
        let index = parse_index(index).ok_or(ParseTileError::Index)?;
        Ok(Tile::new(level, index, width)?)
    }
}

/// A decimal number without sign and leading zeros.
fn parse_number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// Groups of three digits; all but the last begin with an `x`, the first of several is not zero.
fn parse_index(text: &str) -> Option<u64> {
    if text.starts_with("x000") {
        return None;
    }
    let (above, last) = match text.rsplit_once('/') {
        Some((above, last)) => (Some(above), last),
        None => (None, text),
    };
    let mut index = 0_u64;
    for group in above.iter().flat_map(|above| above.split('/')) {
        let group = parse_group(group.strip_prefix('x')?)?;
        index = index.checked_mul(1_000)?.checked_add(group)?;
    }
    index.checked_mul(1_000)?.checked_add(parse_group(last)?)
}

fn parse_group(text: &str) -> Option<u64> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proof::Leaves;
    use crate::proof::reference::{naive_root, numbered};

    fn tile(level: u8, index: u64, width: u16) -> Tile {
        Tile::new(level, index, width).unwrap()
    }

    #[test]
    fn paths_are_written_and_read() {
        for (tile, path) in [
            (tile(0, 0, 256), "tile/0/000"),
            (tile(0, 0, 1), "tile/0/000.p/1"),
            (tile(1, 17, 255), "tile/1/017.p/255"),
            (tile(0, 999, 256), "tile/0/999"),
            (tile(0, 1_000, 256), "tile/0/x001/000"),
            (tile(2, 1_234_067, 256), "tile/2/x001/x234/067"),
            (tile(0, 1_234_067, 8), "tile/0/x001/x234/067.p/8"),
            (tile(7, 0, 255), "tile/7/000.p/255"),
            (
                tile(0, (1 << 56) - 1, 255),
                "tile/0/x072/x057/x594/x037/x927/935.p/255",
            ),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
    }

    #[test]
    fn bad_paths_say_why() {
        use ParseTileError::*;
        for (path, expected) in [
            ("", Form),
            ("tile", Form),
            ("tile/0", Form),
            ("/tile/0/000", Form),
            ("Tile/0/000", Form),
            ("tile//000", Level),
            ("tile/00/000", Level),
            ("tile/64/000", Level),
            ("tile/-1/000", Level),
            ("tile/99999/000", Level),
            ("tile/entries/000", Level),
            ("tile/0/", Index),
            ("tile/0/0", Index),
            ("tile/0/0000", Index),
            ("tile/0/x000", Index),
            ("tile/0/x000/001", Index),
            ("tile/0/001/002", Index),
            ("tile/0/x001", Index),
            ("tile/0/x001/", Index),
            ("tile/0/x001//002", Index),
            ("tile/0/x01/002", Index),
            ("tile/0/x001/x002", Index),
            ("tile/0/../000", Index),
            ("tile/0/+01", Index),
            ("tile/0/000 ", Index),
            ("tile/0/000/.p/1", Index),
            ("tile/0/x018/x446/x744/x073/x709/x551/616", Index),
            ("tile/0/000.p/", Width),
            ("tile/0/000.p/0", Width),
            ("tile/0/000.p/01", Width),
            ("tile/0/000.p/256", Width),
            ("tile/0/000.p/1/", Width),
            ("tile/0/000.p/1.p/1", Width),
            (
                "tile/8/000",
                Tile(TileError::Beyond {
                    level: 8,
                    index: 0,
                    width: 256,
                }),
            ),
            (
                "tile/7/000",
                Tile(TileError::Beyond {
                    level: 7,
                    index: 0,
                    width: 256,
                }),
            ),
        ] {
            assert_eq!(path.parse::<super::Tile>(), Err(expected), "{path}");
        }
        let long = "x".repeat(65);
        assert_eq!(long.parse::<super::Tile>(), Err(Long { found: 65 }));
    }

    #[test]
    fn impossible_tiles_say_why() {
        let beyond = |level, index, width| {
            Err(TileError::Beyond {
                level,
                index,
                width,
            })
        };
        assert_eq!(Tile::new(64, 0, 1), Err(TileError::Level { level: 64 }));
        assert_eq!(Tile::new(0, 0, 0), Err(TileError::Width { width: 0 }));
        assert_eq!(Tile::new(0, 0, 257), Err(TileError::Width { width: 257 }));
        assert_eq!(Tile::new(63, 0, 1), beyond(63, 0, 1));
        assert_eq!(Tile::new(0, u64::MAX, 256), beyond(0, u64::MAX, 256));
        assert_eq!(Tile::new(7, 1, 1), beyond(7, 1, 1));
        assert_eq!(
            Tile::new(0, (1 << 56) - 1, 256),
            beyond(0, (1 << 56) - 1, 256)
        );
    }

    /// The example of the specification.
    #[test]
    fn a_tree_of_70_000_leaves_has_the_known_tiles() {
        let tiles: Vec<Tile> = tiles_of(0, 70_000).collect();
        let full = |index| tile(0, index, 256);
        let mut expected: Vec<Tile> = (0..273).map(full).collect();
        expected.extend([
            tile(0, 273, 112),
            tile(1, 0, 256),
            tile(1, 1, 17),
            tile(2, 0, 1),
        ]);
        assert_eq!(tiles, expected);
        let tiles: Vec<Tile> = tiles_of(0, 256).collect();
        assert_eq!(tiles, [tile(0, 0, 256), tile(1, 0, 1)]);
    }

    #[test]
    fn a_tile_knows_its_hashes_and_leaves() {
        let seventeen = tile(1, 1, 17);
        assert_eq!(seventeen.subtrees(), (8, 256..273));
        assert_eq!(seventeen.leaves(), 65_536..69_888);
        assert_eq!(
            (seventeen.level(), seventeen.index(), seventeen.width()),
            (1, 1, 17)
        );
        assert_eq!(Tile::holding(1, 272, 70_000), Some(seventeen));
        assert_eq!(Tile::holding(1, 273, 70_000), None);
        assert_eq!(Tile::holding(0, 69_999, 70_000), Some(tile(0, 273, 112)));
        assert_eq!(Tile::holding(0, 0, 70_000), Some(tile(0, 0, 256)));
        assert_eq!(Tile::holding(9, 0, u64::MAX), None);
        assert_eq!(tile(7, 0, 255).leaves(), 0..255 << 56);
    }

    /// Its hashes, read as the tile says, are the roots that the specification's formula names.
    #[test]
    fn subtrees_are_the_hashes_of_the_formula() {
        let leaves = numbered(600);
        for tile in tiles_of(0, 600) {
            let (level, places) = tile.subtrees();
            for place in places {
                let (first, end) = ((place << level) as usize, ((place + 1) << level) as usize);
                let root = leaves.as_slice().subtree(level, place).unwrap();
                assert_eq!(root, naive_root(&leaves[first..end]), "{tile}");
            }
        }
    }

    #[test]
    fn nothing_new_has_no_tiles() {
        for (old, new) in [
            (0, 0),
            (1, 0),
            (256, 256),
            (u64::MAX, 3),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(tiles_of(old, new).count(), 0, "{old} to {new}");
        }
    }

    proptest! {
        #[test]
        fn tiles_round_trip(
            level in 0_u8..8, index: u64, width in 1_u16..=256, shift in 0_u32..64,
        ) {
            if let Ok(tile) = Tile::new(level, index >> shift, width) {
                prop_assert!(tile.to_string().len() <= PATH_BYTES_MAX);
                prop_assert_eq!(tile.to_string().parse(), Ok(tile));
                prop_assert!(tile.leaves().end > tile.leaves().start);
            }
        }

        #[test]
        fn what_parses_is_written_alike(
            path in "tile/[0-9]{1,2}/(x[0-9]{3}/){0,3}[0-9]{3}(\\.p/[0-9]{1,3})?",
        ) {
            if let Ok(tile) = path.parse::<Tile>() {
                prop_assert_eq!(tile.to_string(), path);
            }
        }

        #[test]
        fn new_tiles_are_those_the_old_tree_lacks(old in 0_u64..200_000, more in 0_u64..2_000) {
            let before: std::collections::BTreeSet<Tile> = tiles_of(0, old).collect();
            let lacking = tiles_of(0, old + more).filter(|tile| !before.contains(tile));
            let lacking: Vec<Tile> = lacking.collect();
            prop_assert_eq!(tiles_of(old, old + more).collect::<Vec<_>>(), lacking);
        }

        #[test]
        fn nothing_panics(
            text: String, path in "tile/[0-9x/.p]{0,60}", size: u64, index: u64, level: u8,
        ) {
            let _ = text.parse::<Tile>();
            let _ = path.parse::<Tile>();
            let _ = Tile::holding(level, index, size);
            let tops: Vec<Tile> = tiles_of(size.saturating_sub(600), size).collect();
            for tile in tops {
                prop_assert_eq!(Tile::new(tile.level(), tile.index(), tile.width()), Ok(tile));
            }
        }
    }
}
