//! Builds of a component that differ in a few words, so that one can tell
//! which of them answers.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Client, Lattice, root};

/// A component of which there is another build.
pub struct Build {
    /// Its id, and its file's name.
    pub component: &'static str,
    /// A path whose answer has the words, where there is one.
    path: &'static str,
    words: &'static str,
    other: &'static str,
}

/// The catalogue.
pub const PRODUCT: Build = Build {
    component: "product",
    path: "/products/01900000-0000-7000-8000-000000000000",
    words: "There is no product with this id.",
    other: "THERE IS NO product with this id.",
};

/// The gateway.
pub const GATEWAY: Build = Build {
    component: "gateway",
    path: "/nowhere",
    words: "Nothing is served at /",
    other: "NOTHING IS served at /",
};

/// The processor that moves no money. It says its words of a card without
/// cover.
pub const SANDBOX: Build = Build {
    component: "processor-sandbox",
    path: "",
    words: "There is not enough money.",
    other: "THERE IS NOT enough money.",
};

impl Build {
    /// The file that was built.
    pub fn built(&self) -> PathBuf {
        let file = root().join(format!("target/stoa/{}.wasm", self.component));
        file.canonicalize().expect("the component is built")
    }

    /// The other build, in the lattice's folder.
    pub fn altered(&self, lattice: &Lattice) -> PathBuf {
        self.altered_in(lattice.folder())
    }

    /// The other build, in this folder.
    pub fn altered_in(&self, folder: &Path) -> PathBuf {
        assert_eq!(self.words.len(), self.other.len());
        let mut wasm = fs::read(self.built()).expect("the component");
        let words = self.words.as_bytes();
        let at = wasm.windows(words.len()).position(|found| found == words);
        let at = at.expect("the words are in it");
        wasm[at..at + words.len()].copy_from_slice(self.other.as_bytes());
        let file = folder.join(format!("{}-other.wasm", self.component));
        fs::write(&file, wasm).expect("a file");
        file
    }

    /// Whether the other build answers.
    pub fn is_other(&self, client: &Client) -> bool {
        let answer = client.get(self.path).send().expect(404);
        let detail = answer.body["detail"].as_str().expect("a detail");
        self.is_other_that_says(detail)
    }

    /// Whether what was said is said by the other build.
    pub fn is_other_that_says(&self, text: &str) -> bool {
        text.starts_with(self.other)
    }
}
