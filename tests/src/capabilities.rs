//! What components can reach is what they import: the table in
//! `docs/capabilities.md` is read off the built ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use stoa_harness::root;
use wit_component::DecodedWasm;

/// What Rust's standard library imports into each: no capability of ours is
/// behind it, and the host shows an empty environment and no input.
const STANDARD: [&str; 2] = ["wasi:cli/", "wasi:io/"];

/// The interfaces with functions that a component imports, without versions.
fn imports(file: &Path) -> BTreeSet<String> {
    let wasm = fs::read(file).expect("the component is built");
    let decoded = wit_component::decode(&wasm).expect("a component");
    let DecodedWasm::Component(resolve, world) = decoded else {
        panic!("{} is no component", file.display());
    };
    let of_types_only: BTreeSet<_> = resolve
        .interfaces
        .iter()
        .filter(|(_, interface)| interface.functions.is_empty())
        .filter_map(|(id, _)| resolve.id_of(id))
        .collect();
    let imports = resolve.worlds[world].imports.keys();
    let interfaces = imports
        .map(|key| resolve.name_world_key(key))
        .filter(|name| !of_types_only.contains(name));
    let unversioned = interfaces.map(|name| match name.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => name,
    });
    unversioned
        .filter(|name| !STANDARD.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}

/// The row of a component in the table.
pub(crate) fn row(component: &str, file: &Path) -> String {
    row_of(component, &imports(file))
}

fn row_of(component: &str, imports: &BTreeSet<String>) -> String {
    let names: Vec<_> = imports.iter().map(|name| format!("`{name}`")).collect();
    format!("| `{component}` | {} |\n", names.join(", "))
}

/// The components: every folder with a crate is one.
pub(crate) fn components() -> BTreeSet<String> {
    let folders = fs::read_dir(root().join("components")).expect("components");
    let crates = folders
        .map(|folder| folder.expect("a folder"))
        .filter(|folder| folder.path().join("Cargo.toml").exists());
    crates
        .map(|folder| folder.file_name().into_string().expect("text"))
        .collect()
}

pub(crate) fn components_import_what_the_table_says_and_nothing_else() {
    let document = fs::read_to_string(root().join("docs/capabilities.md")).expect("the table");
    let mut components: Vec<_> = components().into_iter().collect();
    // In the order of the document; what is missing there comes last.
    components.sort_by_key(|name| {
        let row = document.find(&format!("\n| `{name}` |"));
        row.unwrap_or(usize::MAX)
    });
    let mut table = "| component | imports |\n|---|---|\n".to_owned();
    let mut imported = Vec::new();
    for component in components {
        let imports = imports(&root().join(format!("target/stoa/{component}.wasm")));
        table.push_str(&row_of(&component, &imports));
        imported.push((component, imports));
    }
    // An empty line ends it.
    let is_there = document.contains(&format!("{table}\n"));
    assert!(is_there, "the table would be:\n{table}");

    let who_imports = |interface: &str| -> Vec<_> {
        let who = imported
            .iter()
            .filter(|(_, imports)| imports.iter().any(|name| name.starts_with(interface)));
        who.map(|(component, _)| component.as_str()).collect()
    };
    assert_eq!(
        who_imports("wasi:http/outgoing-handler"),
        ["gateway", "processor-stripe"]
    );
    assert_eq!(who_imports("wasi:sockets"), [""; 0]);
    assert_eq!(who_imports("wasi:filesystem"), [""; 0]);
    let manifest = fs::read_to_string(root().join("wadm.yaml")).expect("the manifest");
    for component in who_imports("stoa:sql/client") {
        let its_own = format!("database: {component}\n");
        assert_eq!(manifest.matches(&its_own).count(), 1, "{component}");
    }
}
