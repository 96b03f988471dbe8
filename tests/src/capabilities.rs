//! What components can reach is what they import: the table in
//! `docs/capabilities.md` is read off the built ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use stoa_harness::root;
use wit_component::DecodedWasm;

/// In the order of the table.
const COMPONENTS: [&str; 10] = [
    "gateway",
    "registry",
    "product",
    "account",
    "auth",
    "hasher",
    "payment",
    "processor-sandbox",
    "processor-stripe",
    "email",
];

/// What Rust's standard library imports into each: no capability of ours is
/// behind it, and the host shows an empty environment and no input.
const STANDARD: [&str; 2] = ["wasi:cli/", "wasi:io/"];

/// The interfaces with functions that a component imports, without versions.
fn imports(component: &str) -> BTreeSet<String> {
    let file = root().join(format!("target/stoa/{component}.wasm"));
    let wasm = fs::read(file).expect("the component is built");
    let decoded = wit_component::decode(&wasm).expect("a component");
    let DecodedWasm::Component(resolve, world) = decoded else {
        panic!("{component} is no component");
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

pub(crate) fn components_import_what_the_table_says_and_nothing_else() {
    let mut table = "| component | imports |\n|---|---|\n".to_owned();
    let mut imported = Vec::new();
    for component in COMPONENTS {
        let imports = imports(component);
        let names: Vec<_> = imports.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(table, "| `{component}` | {} |", names.join(", "));
        imported.push((component, imports));
    }
    let document = fs::read_to_string(root().join("docs/capabilities.md")).expect("the table");
    assert!(document.contains(&table), "the table would be:\n{table}");
    let who_imports = |interface: &str| -> Vec<_> {
        let who = imported
            .iter()
            .filter(|(_, imports)| imports.iter().any(|name| name.starts_with(interface)));
        who.map(|(component, _)| *component).collect()
    };
    assert_eq!(
        who_imports("wasi:http/outgoing-handler"),
        ["gateway", "processor-stripe"]
    );
    assert_eq!(who_imports("wasi:sockets"), [""; 0]);
    assert_eq!(who_imports("wasi:filesystem"), [""; 0]);
    assert_eq!(
        who_imports("stoa:sql/client"),
        [
            "product",
            "account",
            "auth",
            "payment",
            "processor-sandbox",
            "email"
        ]
    );
    // The table has every component that is built.
    let built = fs::read_dir(root().join("target/stoa")).expect("components");
    for entry in built {
        let name = entry.expect("a file").file_name();
        let name = name.to_string_lossy().into_owned();
        let name = name.strip_suffix(".wasm").filter(|name| !is_a_build(name));
        let known = |name| COMPONENTS.contains(&name) || name == "probe";
        assert!(name.is_none_or(known), "{name:?} is not in the table");
    }
}

/// A component is linked from the file of a build, whose name has its digest.
fn is_a_build(name: &str) -> bool {
    let digest = name.rsplit('-').next().unwrap_or_default();
    digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}
