//! `stoa-pack NAME PROGRAM ARCHIVE`: packs a provider's program into the
//! archive that wasmCloud hosts take. The keys that sign it are made on the
//! spot: nothing here relies on who signed.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use nkeys::KeyPair;
use provider_archive::ProviderArchive;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().context("stoa-pack NAME PROGRAM ARCHIVE");
    let name = next()?.to_string_lossy().into_owned();
    let program = PathBuf::from(next()?);
    let archive = PathBuf::from(next()?);

    let bytes = std::fs::read(&program)
        .with_context(|| format!("cannot read the program {}", program.display()))?;
    let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut packed = ProviderArchive::new(&name, "stoa", None, Some(version));
    let fault = |error| anyhow!("cannot pack the provider {name}: {error}");
    packed.add_library(&platform, &bytes).map_err(fault)?;
    let (issuer, subject) = (KeyPair::new_account(), KeyPair::new_service());
    let written = packed.write(&archive, &issuer, &subject, true).await;
    written.map_err(fault)
}
