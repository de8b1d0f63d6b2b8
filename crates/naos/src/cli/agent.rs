//! `naos agent build|wake|import|export`

mod export;
mod import;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use naos_types::{Code, Name};
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::session::{Session, api, part};
use crate::sync::{self, Document, How};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds agents, takes them from folders and writes them there, and lets them look at what waits
/// for them.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos agent build agents/reader\n  \
    naos agent build module.wasm --out agents/mine.wasm\n  \
    naos agent wake jarvis\n  \
    naos agent import ~/.openclaw/workspace --name jarvis --dry-run\n  \
    naos agent export jarvis ./jarvis")]
pub(crate) struct Agent {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Builds Rust into a component, or wraps a core module into one.
    Build(Build),
    /// Lets an agent look at what waits for it, without its heartbeat.
    Wake {
        /// Its name.
        name: String,
    },
    /// Makes an agent of a workspace of OpenClaw, or brings it up to date. Earlier versions stay.
    Import(import::Import),
    /// Writes an agent's workspace into a folder that OpenClaw opens.
    Export(export::Export),
}

#[derive(clap::Args)]
struct Build {
    /// A folder with a Cargo.toml, or a WebAssembly module.
    dir: PathBuf,
    /// Where the component goes; agent.wasm in the folder unless named.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn go(context: &Context, agent: &Agent) -> Ended {
    let build = match &agent.what {
        What::Build(build) => build,
        What::Wake { name } => return wake(context, name),
        What::Import(asked) => return import::go(context, asked),
        What::Export(asked) => return export::go(context, asked),
    };
    let made = component(&build.dir)?;
    let to = match &build.out {
        Some(out) => out.clone(),
        None if build.dir.is_dir() => build.dir.join("agent.wasm"),
        None => build.dir.with_extension("component.wasm"),
    };
    fs::write(&to, &made).map_err(|e| Fail::io(format!("write {}", to.display()), &e))?;
    let digest = naos_types::Digest::of(&made).to_string();
    if context.out.json {
        context
            .out
            .json(&json!({"file": to, "bytes": made.len(), "component": digest}));
    }
    context
        .out
        .say(format!("Built {} ({} bytes).", to.display(), made.len()));
    Ok(0)
}

fn wake(context: &Context, name: &str) -> Ended {
    let mut session = context.session()?;
    let path = api(&format!("/agents/{}/wake", part(name)));
    let answer = session.post(path, &json!({}))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context.out.say(match answer["changed"].as_bool() {
        Some(false) => format!("Nothing waits for {name}."),
        _ => format!("{name} looks at what waits."),
    });
    Ok(0)
}

/// The component of a folder or a file.
pub(crate) fn component(path: &Path) -> Result<Vec<u8>, Fail> {
    if path.is_file() {
        return sync::component(path);
    }
    if path.join("Cargo.toml").is_file() {
        return sync::component(&cargo(path)?);
    }
    let what = format!("there is nothing to build at {}", path.display());
    Err(Fail::new(Code::NOT_FOUND, what).help("name a folder with a Cargo.toml, or a .wasm file"))
}

/// Gives an agent another component and leaves the rest of it as it is; makes it where there is
/// none.
pub(crate) fn replace(session: &mut Session, name: &Name, built: &Path) -> Result<Value, Fail> {
    let agent = match session.get(api(&format!("/agents/{name}"))) {
        Ok(agent) => agent,
        Err(fail) if fail.code == Some(Code::NO_AGENT) => {
            let component = session.bring(sync::component(built)?)?;
            let body = json!({"name": name, "component": component});
            return session.post(api("/agents"), &body);
        }
        Err(fail) => return Err(fail),
    };
    let file = built.file_name().unwrap_or_default().to_string_lossy();
    let limits = &agent["limits"];
    let text = json!({
        "type": "agent",
        "name": name,
        "source": format!("./{file}"),
        "description": agent["description"],
        "patterns": agent["patterns"],
        "grants": agent["grants"],
        "limits": {
            "fuel": limits["fuel_max"],
            "memory": limits["memory_bytes_max"],
            "timeout": format!("{}ms", limits["wall_max"]),
            "output": limits["output_bytes_max"],
        },
    });
    let dir = built.parent().unwrap_or(Path::new("")).to_owned();
    let document = Document {
        label: format!("{name}.json"),
        text: text.to_string(),
        dir,
    };
    sync::apply(session, &[document], How::default())
}

/// A Rust compiler, and what it needs to build for the sandbox.
struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// Its standard library is built from source, because it brings none for the target.
    from_source: bool,
}

/// The first compiler that can build for the sandbox.
fn toolchain() -> Result<Toolchain, Fail> {
    let set =
        |name: &str, usual: &str| env::var_os(name).map_or_else(|| usual.into(), PathBuf::from);
    let candidates = [
        (set("CARGO", "cargo"), set("RUSTC", "rustc")),
        ("/usr/bin/cargo".into(), "/usr/bin/rustc".into()),
    ];
    for (cargo, rustc) in candidates {
        let Some(root) = sysroot(&rustc) else {
            continue;
        };
        let lib = root.join("lib/rustlib");
        if lib.join(TARGET).join("lib").is_dir() {
            return Ok(Toolchain {
                cargo,
                rustc,
                from_source: false,
            });
        }
        if lib.join("src/rust/library/std").is_dir() {
            return Ok(Toolchain {
                cargo,
                rustc,
                from_source: true,
            });
        }
    }
    let what = format!("there is no Rust compiler for {TARGET}");
    Err(Fail {
        exit: 1,
        code: None,
        ..Fail::new(Code::NOT_FOUND, what)
    }
    .help(format!(
        "rustup target add {TARGET}; on Debian: apt-get install rustc-web cargo-web \
         libstd-rust-web-dev rust-web-src rust-web-llvm lld-22"
    )))
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let said = Command::new(rustc)
        .args(["--print", "sysroot"])
        .stderr(Stdio::null())
        .output();
    let said = said.ok().filter(|said| said.status.success())?;
    Some(PathBuf::from(String::from_utf8(said.stdout).ok()?.trim()))
}

/// A linker for WebAssembly by the name that distributions give it; the compiler's own else.
fn linker() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?)
        .filter_map(|dir| fs::read_dir(dir).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name == "wasm-ld" || name.starts_with("wasm-ld-")
        })
        .collect();
    found.sort();
    found.pop()
}

/// Builds a folder, and says where the module is.
fn cargo(dir: &Path) -> Result<PathBuf, Fail> {
    let tools = toolchain()?;
    let mut command = Command::new(&tools.cargo);
    command
        .current_dir(dir)
        .env("RUSTC", &tools.rustc)
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if tools.from_source {
        command.env("RUSTC_BOOTSTRAP", "1").args([
            "-Zbuild-std=std,panic_abort",
            "-Zbuild-std-features=optimize_for_size",
        ]);
        if let Some(linker) = linker() {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }
    let doing = || format!("run {}", tools.cargo.display());
    let said = command.output().map_err(|e| Fail::io(doing(), &e))?;
    if !said.status.success() {
        let what = format!("{} does not build", dir.display());
        let fail = Fail {
            exit: 1,
            code: None,
            ..Fail::new(Code::BAD_COMPONENT, what)
        };
        return Err(fail.help("cargo's messages stand above"));
    }
    modules(&said.stdout).pop().ok_or_else(|| {
        let what = format!("{} builds no module", dir.display());
        Fail::new(Code::BAD_COMPONENT, what)
            .help("the library needs crate-type = [\"cdylib\"] in Cargo.toml")
    })
}

/// The modules that cargo says it made, in its order.
fn modules(said: &[u8]) -> Vec<PathBuf> {
    let lines = said.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let made = messages.filter(|message| message["reason"] == "compiler-artifact");
    let files =
        made.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    files
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_made_is_found_in_what_it_says() {
        let said = br#"{"reason":"compiler-artifact","filenames":["/t/libx.rlib"]}
not json
{"reason":"compiler-artifact","filenames":["/t/a.wasm","/t/a.d"]}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(modules(said), [PathBuf::from("/t/a.wasm")]);
        assert!(modules(b"").is_empty());
    }
}
