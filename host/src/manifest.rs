//! Makes of `wadm.yaml` what is deployed on this machine.
//!
//! The manifest stays the one source of truth: only image paths are made
//! absolute, and only values of properties that it already names are set.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_yaml::Value;

use crate::engine::{Options, is_embedded};

/// A value to be set in the manifest.
pub struct Setting<'a> {
    /// Name of the config block.
    pub config: &'a str,
    /// The property in it.
    pub property: &'a str,
    /// The new value.
    pub value: String,
}

/// Reads the manifest `text` that lies in `folder` and applies the settings.
///
/// Errors: an image that does not exist and is not of a provider that is built
/// in, a setting the manifest has no place for.
pub fn render(
    text: &str,
    folder: &Path,
    settings: &[Setting],
    options: Options,
) -> anyhow::Result<String> {
    let mut manifest: Value = serde_yaml::from_str(text).context("the manifest is not YAML")?;
    let mut failure = None;
    visit(&mut manifest, &mut |key, value| {
        if key == "image"
            && let Some(image) = value.as_str()
            && let Some(path) = image.strip_prefix("file://")
        {
            match folder.join(path).canonicalize() {
                Ok(path) => *value = Value::from(format!("file://{}", path.display())),
                Err(_) if is_embedded(Path::new(path), options) => {
                    let path = std::path::absolute(folder.join(path)).unwrap_or_default();
                    *value = Value::from(format!("file://{}", path.display()));
                }
                Err(_) => {
                    failure.get_or_insert(format!(
                        "the manifest names {image}, which does not exist: build it with `cargo xtask build`"
                    ));
                }
            }
        }
    });
    if let Some(failure) = failure {
        bail!(failure);
    }
    for setting in settings {
        let mut places = 0;
        visit(&mut manifest, &mut |key, value| {
            if key == "config" {
                places += set(value, setting);
            }
        });
        if places == 0 {
            bail!(
                "the manifest has no config `{}` with a property `{}`",
                setting.config,
                setting.property
            );
        }
    }
    serde_yaml::to_string(&manifest).context("the manifest cannot be written")
}

/// The name the manifest gives its application.
pub fn name(text: &str) -> anyhow::Result<String> {
    let manifest: Value = serde_yaml::from_str(text).context("the manifest is not YAML")?;
    let name = manifest
        .get("metadata")
        .and_then(|m| m.get("name"))
        .and_then(Value::as_str);
    Ok(name
        .context("the manifest has no metadata.name")?
        .to_owned())
}

/// Sets a property in a list of config blocks; how many were set.
fn set(configs: &mut Value, setting: &Setting) -> usize {
    let mut places = 0;
    for config in configs.as_sequence_mut().into_iter().flatten() {
        if config.get("name").and_then(Value::as_str) == Some(setting.config)
            && let Some(value) = config
                .get_mut("properties")
                .and_then(|properties| properties.get_mut(setting.property))
        {
            *value = Value::from(setting.value.clone());
            places += 1;
        }
    }
    places
}

/// Calls `act` with every key and value of every mapping.
fn visit(value: &mut Value, act: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping.iter_mut() {
                if let Some(key) = key.as_str() {
                    act(key, value);
                }
                visit(value, act);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| visit(item, act)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::engine::{Calls, Providers};

    const ARCHIVES: Options = Options {
        providers: Providers::Archives,
        calls: Calls::Local,
    };

    const MANIFEST: &str = "
metadata: {name: shop}
spec:
  components:
    - name: a
      properties:
        image: file://./Cargo.toml
        config: [{name: a, properties: {address: old, other: kept}}]
    - name: b
      properties: {image: 'wasmcloud+builtin://http-server'}
";

    fn setting(property: &'static str) -> Setting<'static> {
        Setting {
            config: "a",
            property,
            value: "new".into(),
        }
    }

    fn here() -> PathBuf {
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap().into()
    }

    #[test]
    fn images_become_absolute_and_settings_take_their_place() {
        let here = here();
        let text = render(MANIFEST, &here, &[setting("address")], ARCHIVES).unwrap();
        let image = format!("file://{}", here.join("Cargo.toml").display());
        assert!(text.contains(&image) && text.contains("builtin://http-server"));
        assert!(text.contains("address: new") && text.contains("other: kept"));
        assert_eq!(name(&text).unwrap(), "shop");
    }

    #[test]
    fn a_missing_image_and_a_setting_without_place_are_refused() {
        let here = here();
        let error = render(MANIFEST, &here.join("src"), &[], ARCHIVES)
            .unwrap_err()
            .to_string();
        assert!(error.contains("cargo xtask build"), "{error}");
        let error = render(MANIFEST, &here, &[setting("nowhere")], ARCHIVES)
            .unwrap_err()
            .to_string();
        assert!(error.contains("nowhere"), "{error}");
    }

    #[test]
    fn the_real_manifest_has_a_place_for_every_setting() {
        let text = include_str!("../../wadm.yaml").replace("file://./", "stoa://");
        let settings = crate::up::settings("127.0.0.1:1", "nats://127.0.0.1:2", "/data", "/mail");
        let rendered = render(&text, Path::new("/"), &settings, ARCHIVES).unwrap();
        assert!(!rendered.contains("127.0.0.1:4222") && !rendered.contains("127.0.0.1:8080"));
    }
}
