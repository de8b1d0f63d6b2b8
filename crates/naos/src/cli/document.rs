//! `naos document put|show|history|diff|erase|search|list`

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use naos_kernel::recall::{self, RECALL_HITS, RECALL_HITS_MAX};
use naos_types::Code;
use naos_types::picture::{PICTURE_BYTES_MAX, media_type};
use serde_json::{Value, json};

use super::get::pages;
use super::{Context, Ended, STDIN, piped};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{api, part};
use crate::sync;
use crate::workspace::{listed, place, place_of};

/// The largest text, in bytes.
const TEXT_BYTES_MAX: u64 = 12 << 20;

/// Documents: texts and pictures that agents and people read.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos document put invoice.png bills/0031.png\n  \
    naos document put notes.md                  # as notes.md\n  \
    git log | naos document put - notes/log.md  # what standard input says\n  \
    naos document show bills/0031.png --out invoice.png\n  \
    naos document list bills/\n  \
    naos document search late payment --prefix clients/\n  \
    naos document history agents/jarvis/SOUL.md\n  \
    naos document diff agents/jarvis/SOUL.md --from 1\n  \
    naos document show agents/jarvis/SOUL.md --version 1\n  \
    naos document erase agents/jarvis/USER.md --before 2026-10-01\n  \
    naos task create \"Read the bill\" --to clerk --attach bills/0031.png\n\n\
    A picture is a PNG, JPEG, GIF or WebP of up to 5 MiB. An agent looks at one with the tool \
    context_read, where its model has the capability vision. Every version of a document is kept; \
    `naos delete document PATH` takes it away, and `naos document erase PATH` destroys what \
    earlier versions say."
)]
pub(crate) struct Document {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Writes a file as a document: a new one, or a new version of it.
    Put {
        /// The file, or - for standard input.
        file: PathBuf,
        /// The document's path; the file's name unless given. Standard input has none: name it.
        path: Option<String>,
        /// Only where this is its version now; 0 is a new one.
        #[arg(long, value_name = "N")]
        expected: Option<u64>,
    },
    /// Shows a text, or keeps a document as a file.
    #[command(disable_version_flag = true)]
    Show {
        /// The document's path.
        path: String,
        /// The file that it is written to.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// An earlier version of it.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        version: Option<u64>,
    },
    /// Lists its versions: when each was written, and by whom.
    #[command(visible_alias = "versions")]
    History {
        /// The document's path.
        path: String,
    },
    /// Shows how two of its versions differ, line by line.
    Diff {
        /// The document's path.
        path: String,
        /// The older one; the one before the newer unless given.
        #[arg(long, value_name = "N")]
        from: Option<u64>,
        /// The newer one; what there is now unless given.
        #[arg(long, value_name = "N")]
        to: Option<u64>,
    },
    /// Destroys what earlier versions say, for good. What it says now stays.
    Erase(super::erase::Erase),
    /// Looks for what fits: the passages that say it in these words, or in similar ones.
    Search {
        /// What is looked for, in a few words.
        #[arg(required = true)]
        query: Vec<String>,
        /// Only in documents whose path begins so.
        #[arg(
            long,
            default_value = "",
            value_name = "PATH",
            hide_default_value = true
        )]
        prefix: String,
        /// How many passages at most.
        #[arg(long, default_value_t = RECALL_HITS as u64, value_name = "N",
              value_parser = clap::value_parser!(u64).range(1..=RECALL_HITS_MAX as u64))]
        limit: u64,
    },
    /// Lists documents.
    List {
        /// Only those whose path begins so.
        #[arg(default_value = "")]
        prefix: String,
    },
}

pub(crate) fn go(context: &Context, document: &Document) -> Ended {
    match &document.what {
        What::Put {
            file,
            path,
            expected,
        } => put(context, file, path.as_deref(), *expected),
        What::Show { path, out, version } => show(context, path, *version, out.as_deref()),
        What::History { path } => history(context, path),
        What::Diff { path, from, to } => diff(context, path, *from, *to),
        What::Erase(erase) => super::erase::go(context, erase),
        What::Search {
            query,
            prefix,
            limit,
        } => search(context, &query.join(" "), prefix, *limit),
        What::List { prefix } => list(context, prefix),
    }
}

/// How standard input is named.
const DASH: &str = "-";

/// What is put, and the path under which it is: `put - PATH`, and as well `put PATH -`.
fn source<'a>(file: &'a Path, path: Option<&'a str>) -> Result<(Option<&'a Path>, &'a str), Fail> {
    let named = || file.file_name().and_then(|name| name.to_str());
    match (file.to_str(), path) {
        (Some(DASH), None | Some(DASH)) => {
            let what = "standard input has no name: say which document it is";
            Err(Fail::usage(what).help("naos document put - notes.md"))
        }
        (Some(DASH), Some(path)) | (Some(path), Some(DASH)) => Ok((None, path)),
        (_, path) => Ok((Some(file), path.or_else(named).unwrap_or_default())),
    }
}

/// All bytes of a file, or of standard input. Nothing larger is read to be refused after that.
fn read(file: Option<&Path>) -> Result<(String, Vec<u8>), Fail> {
    let shown = file.map_or_else(|| STDIN.to_owned(), |file| file.display().to_string());
    let bytes = match file {
        None => piped(TEXT_BYTES_MAX)?,
        Some(file) => {
            let failed = |e: &std::io::Error| Fail::io(format!("read {shown}"), e);
            let size = std::fs::metadata(file).map_err(|e| failed(&e))?.len();
            if size > TEXT_BYTES_MAX {
                return Err(too_long(&shown));
            }
            std::fs::read(file).map_err(|e| failed(&e))?
        }
    };
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        return Err(too_long(&shown));
    }
    Ok((shown, bytes))
}

fn too_long(shown: &str) -> Fail {
    let what = format!("{shown} has more than {TEXT_BYTES_MAX} bytes");
    Fail::new(Code::TOO_LARGE, what)
}

fn put(context: &Context, file: &Path, path: Option<&str>, expected: Option<u64>) -> Ended {
    let (file, path) = source(file, path)?;
    let address = place(path)?;
    let path = path.trim_start_matches('/');
    let (shown, bytes) = read(file)?;
    let mut body = if media_type(&bytes).is_some() {
        if bytes.len() as u64 > PICTURE_BYTES_MAX {
            let what = format!("{shown}: a picture has at most {PICTURE_BYTES_MAX} bytes");
            return Err(Fail::new(Code::TOO_LARGE, what));
        }
        json!({"base64": STANDARD.encode(&bytes)})
    } else {
        json!({"text": sync::text(&shown, bytes)?})
    };
    body["expected"] = json!(expected);
    let answer = context.session()?.put(address, &body)?;
    if context.out.json {
        context.out.json(&answer);
    }
    let version = cell(&answer["version"]);
    context.out.say(format!("{path} has version {version} now"));
    Ok(0)
}

fn search(context: &Context, query: &str, prefix: &str, limit: u64) -> Ended {
    let query = recall::query(query).map_err(|what| Fail::new(Code::BAD_REQUEST, what))?;
    let (query, prefix) = (part(query), part(prefix));
    let asked = format!("/document-search?query={query}&prefix={prefix}&limit={limit}");
    let found = context.session()?.get(api(&asked))?;
    if context.out.json {
        context.out.json(&found);
        return Ok(0);
    }
    let left_out = found["left_out"].as_u64().unwrap_or_default();
    if left_out > 0 {
        context.out.note(format!(
            "{left_out} documents weren't looked through, the longest and those written longest \
             ago: there was no room. Say where to look with --prefix."
        ));
    }
    if let Some(what) = found["without_meaning"].as_str() {
        context.out.note(what);
    }
    if found["cut"] == true {
        let what = "not all documents were looked at: say where to look with --prefix";
        context.out.note(what);
    }
    let rows: Vec<Vec<String>> = items(&found).iter().map(hit).collect();
    if rows.is_empty() {
        let (passages, documents) = (cell(&found["passages"]), cell(&found["documents"]));
        context.out.say(format!(
            "Nothing fits: {passages} passages of {documents} documents were looked through."
        ));
        return Ok(0);
    }
    context
        .out
        .table(&["what", "heading", "when", "where"], &rows);
    Ok(0)
}

fn hit(item: &Value) -> Vec<String> {
    let words = |key: &str| {
        let text = item[key].as_str().unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let line = cell(&item["line"]);
    vec![
        words("text"),
        words("heading"),
        words("date"),
        format!("{}:{line}", words("document")),
    ]
}

/// Where something about a document is asked for.
fn about(what: &str, path: &str, query: &[(&str, Option<u64>)]) -> Result<String, Fail> {
    let said = |(key, value): &(&str, Option<u64>)| value.map(|value| format!("{key}={value}"));
    let query: Vec<String> = query.iter().filter_map(said).collect();
    Ok(format!("{}?{}", place_of(what, path)?, query.join("&")))
}

fn history(context: &Context, path: &str) -> Ended {
    let mut session = context.session()?;
    let place = about("document-versions", path, &[])?;
    let page = |more: &[String]| session.get(format!("{place}{}", more.join("&")));
    let answer = pages(Some(u32::MAX), None, page)?;
    drop(session);
    let all = items(&answer);
    if all.is_empty() {
        let path = path.trim_start_matches('/');
        return Err(
            Fail::new(Code::NOT_FOUND, format!("there is no document {path}"))
                .help("`naos document list` shows those there are"),
        );
    }
    if context.out.json {
        context.out.json(&json!({"items": all}));
        return Ok(0);
    }
    let row = |item: &Value| {
        let erased = item["erased"].as_array().into_iter().flatten();
        let erased: Vec<String> = erased.map(cell).collect();
        let version = match &item["version"] {
            Value::Null if !erased.is_empty() => format!("erased: {}", erased.join(", ")),
            Value::Null => "taken away".to_owned(),
            version if item["gone"] == true => format!("{} (erased)", cell(version)),
            version => cell(version),
        };
        let rest = ["bytes", "time", "by", "run"].map(|key| match &item[key] {
            Value::Null => String::new(),
            value => cell(value),
        });
        [vec![version], rest.to_vec()].concat()
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    context
        .out
        .table(&["version", "bytes", "time", "by", "run"], &rows);
    Ok(0)
}

fn diff(context: &Context, path: &str, from: Option<u64>, to: Option<u64>) -> Ended {
    let query = [("from", from), ("to", to)];
    let address = about("document-diff", path, &query)?;
    let answer = context.session()?.get(address)?;
    let out = &context.out;
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    let (from, to) = (cell(&answer["from"]), cell(&answer["to"]));
    out.line(format!(
        "{} from version {from} to {to}",
        path.trim_start_matches('/')
    ));
    differs(out, &answer);
    Ok(0)
}

/// The lines of a difference.
pub(super) fn differs(out: &Out, found: &Value) {
    let lines = found["diff"].as_array().map_or(&[][..], Vec::as_slice);
    if lines.is_empty() {
        out.line("Nothing differs.");
    }
    for line in lines {
        let line = format!("{} {}", cell(&line["sign"]), cell(&line["text"]));
        out.line(line.trim_end());
    }
    if found["cut"] == true {
        out.note("more differs than is shown");
    }
}

fn show(context: &Context, path: &str, version: Option<u64>, to: Option<&Path>) -> Ended {
    let asked = about("documents", path, &[("version", version)])?;
    let path = path.trim_start_matches('/');
    let answer = context.session()?.get(asked)?;
    let picture = answer["base64"].as_str();
    let Some(to) = to else {
        if context.out.json {
            context.out.json(&answer);
        } else if picture.is_some() {
            let (kind, bytes) = (cell(&answer["media_type"]), cell(&answer["bytes"]));
            let what = format!("a picture ({kind}, {bytes} bytes): --out FILE keeps it as a file");
            context.out.line(what);
        } else {
            context
                .out
                .line(answer["text"].as_str().unwrap_or_default());
        }
        return Ok(0);
    };
    let bytes = match picture {
        Some(text) => STANDARD.decode(text).map_err(|error| {
            Fail::new(Code::DAMAGED, format!("{path} came as no base64: {error}"))
        })?,
        None => answer["text"].as_str().unwrap_or_default().into(),
    };
    let name = to.display();
    std::fs::write(to, &bytes).map_err(|e| Fail::io(format!("write {name}"), &e))?;
    if context.out.json {
        context
            .out
            .json(&json!({"path": path, "file": name.to_string(), "bytes": bytes.len()}));
    }
    context.out.say(format!("{name}: {} bytes", bytes.len()));
    Ok(0)
}

fn list(context: &Context, prefix: &str) -> Ended {
    let prefix = match prefix.trim_start_matches('/') {
        "" => String::new(),
        rest => format!("/{rest}"),
    };
    let all = listed(&mut context.session()?, &prefix)?;
    if context.out.json {
        context.out.json(&json!({"items": all}));
        return Ok(0);
    }
    if all.is_empty() {
        context.out.say("No document: naos document put FILE");
        return Ok(0);
    }
    let row = |item: &Value| {
        let path = cell(&item["path"]);
        let mut row = vec![path.trim_start_matches('/').to_owned()];
        row.extend(["version", "bytes", "time", "by"].map(|key| cell(&item[key])));
        row
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    context
        .out
        .table(&["path", "version", "bytes", "time", "by"], &rows);
    Ok(0)
}
