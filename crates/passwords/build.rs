//! Makes the filter of common passwords: of each line of `common.txt` the
//! fingerprint, sorted, one after the other.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

#[path = "src/fingerprint.rs"]
mod fingerprint;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=common.txt");
    println!("cargo::rerun-if-changed=src/fingerprint.rs");
    let list = std::fs::read_to_string("common.txt")?;
    let prints: BTreeSet<_> = list.lines().map(fingerprint::of).collect();
    let filter: Vec<u8> = prints.into_iter().flatten().collect();
    let folder = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    std::fs::write(Path::new(&folder).join("common.bin"), filter)?;
    Ok(())
}
