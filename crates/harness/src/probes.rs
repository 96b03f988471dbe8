//! Lattices with probes: components that do what the path of a request says,
//! `a` behind a port of its own and `b` linked to it, and each to the other.

use std::ffi::OsStr;
use std::net::TcpListener;

use crate::lattice::program;
use crate::{Client, Lattice, root};

/// A lattice with probes.
pub struct Probes {
    /// The lattice.
    pub lattice: Lattice,
    address: String,
}

impl Probes {
    /// Probes of which so many calls run at once, on a host with these options.
    pub fn start(a: u32, b: u32, options: &[&str]) -> Self {
        let links = [("a", "b", a), ("b", "a", b)];
        let probes = links.map(|(name, target, instances)| probe(name, instances, Some(target)));
        Self::start_with(&probes.concat(), options)
    }

    /// One probe, `a`, that is linked to nothing.
    pub fn alone(options: &[&str]) -> Self {
        Self::start_with(&probe("a", 100, None), options)
    }

    /// One probe, on a host of another build of `stoa`.
    pub fn of(program: &OsStr) -> Self {
        Self::start_of(program, &probe("a", 500, None), &[])
    }

    fn start_with(probes: &str, options: &[&str]) -> Self {
        Self::start_of(&program(), probes, options)
    }

    fn start_of(program: &OsStr, probes: &str, options: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        let providers = "    # --- capability providers";
        let handler = "            interfaces: [incoming-handler]\n";
        let lattice = Lattice::start_of(
            program,
            &[
                (providers, &format!("{probes}{providers}")),
                (handler, &format!("{handler}{}", link_to_http(&address))),
            ],
            options,
        );
        Self { lattice, address }
    }

    /// A client of probe `a`.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address), None)
    }

    /// Where probe `a` is.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// The file of the probe.
pub fn probe_image() -> String {
    format!("file://{}/target/stoa/probe.wasm", root().display())
}

fn probe(name: &str, instances: u32, target: Option<&str>) -> String {
    let image = probe_image();
    let link = target.map(|target| {
        format!(
            "        - type: link
          properties:
            target: {{name: probe-{target}}}
            namespace: stoa
            package: probe
            interfaces: [steps]
"
        )
    });
    format!(
        "    - name: probe-{name}
      type: component
      properties:
        id: probe-{name}
        image: {image}
        config:
          - name: probe-{name}
            properties: {{name: {name}}}
      traits:
        - type: spreadscaler
          properties: {{instances: {instances}}}
{}",
        link.unwrap_or_default()
    )
}

fn link_to_http(address: &str) -> String {
    format!(
        "        - type: link
          properties:
            name: probe
            target: {{name: probe-a}}
            source:
              config:
                - name: probe-http
                  properties: {{address: {address}}}
            namespace: wasi
            package: http
            interfaces: [incoming-handler]
"
    )
}
