//! Wraps a core module into a component of the world `agent`, and says what a component imports.
//! I never run a module and never add an adapter: what the module imports is what it gets.
//!
//! ```text
//! wrap [--wit DIR] IN.wasm OUT.wasm     core module in, component out
//! wrap --imports COMPONENT.wasm         one imported interface per line
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The section in which bindings generators describe the world a module was written for.
const WORLD_SECTION: &str = "component-type";
/// The only world there is.
const WORLD: &str = "agent";
/// Largest module that is wrapped.
const MODULE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const USAGE: &str = "usage: wrap [--wit DIR] IN.wasm OUT.wasm | wrap --imports COMPONENT.wasm";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["--imports", component] => print_imports(Path::new(component)),
        ["--wit", wit, module, component] => {
            wrap(Path::new(wit), Path::new(module), Path::new(component))
        }
        [module, component] => wrap(&own_wit(), Path::new(module), Path::new(component)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("wrap: {why}");
            ExitCode::FAILURE
        }
    }
}

fn own_wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let could_not = |why| format!("could not read {}: {why}", path.display());
    let size = fs::metadata(path).map_err(could_not)?.len();
    if size > MODULE_BYTES_MAX {
        return Err(format!(
            "{} is larger than {MODULE_BYTES_MAX} bytes",
            path.display()
        ));
    }
    fs::read(path).map_err(could_not)
}

fn wrap(wit: &Path, module: &Path, component: &Path) -> Result<(), String> {
    let mut core = read(module)?;
    if !describes_its_world(&core)? {
        let mut resolve = Resolve::default();
        let (package, _) = resolve
            .push_dir(wit)
            .map_err(|why| format!("could not read the WIT in {}: {why:#}", wit.display()))?;
        let world = resolve
            .select_world(&[package], Some(WORLD))
            .map_err(|why| format!("the WIT in {} has no world: {why:#}", wit.display()))?;
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
            .map_err(|why| format!("could not describe the world in the module: {why:#}"))?;
    }
    let encoded = ComponentEncoder::default()
        .module(&core)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|why| format!("{} is no agent: {why:#}", module.display()))?;
    fs::write(component, encoded)
        .map_err(|why| format!("could not write {}: {why}", component.display()))
}

fn describes_its_world(core: &[u8]) -> Result<bool, String> {
    for payload in wasmparser::Parser::new(0).parse_all(core) {
        let payload = payload.map_err(|why| format!("this is no WebAssembly: {why}"))?;
        if let wasmparser::Payload::CustomSection(section) = payload
            && section.name().starts_with(WORLD_SECTION)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn print_imports(component: &Path) -> Result<(), String> {
    let bytes = read(component)?;
    for name in imports(&bytes)? {
        println!("{name}");
    }
    Ok(())
}

/// What the outermost component imports, in the order in which it does.
fn imports(component: &[u8]) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload.map_err(|why| format!("this is no component: {why}"))? {
            wasmparser::Payload::ModuleSection { .. }
            | wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth = depth.saturating_sub(1),
            wasmparser::Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|why| format!("this is no component: {why}"))?;
                    names.push(import.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused_with_a_sentence() {
        for (bytes, expected) in [
            (&b"hello"[..], "no WebAssembly"),
            (&b""[..], "no WebAssembly"),
            (&b"\0asm\x01\0\0\0\xff"[..], "no WebAssembly"),
        ] {
            let refusal = describes_its_world(bytes).expect_err("not a module");
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn an_empty_module_lacks_a_world_and_a_missing_file_is_named() {
        assert_eq!(describes_its_world(b"\0asm\x01\0\0\0"), Ok(false));
        let refusal = read(Path::new("no/such.wasm")).expect_err("no such file");
        assert!(refusal.contains("no/such.wasm"), "{refusal}");
    }

    #[test]
    fn a_module_that_exports_no_handle_is_no_agent() {
        let folder = std::env::temp_dir().join(format!("naos-wrap-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let module = folder.join("empty.wasm");
        fs::write(&module, b"\0asm\x01\0\0\0").expect("a module");
        let refusal = wrap(&own_wit(), &module, &folder.join("out.wasm")).expect_err("no agent");
        assert!(refusal.contains("empty.wasm"), "{refusal}");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
