//! Test vectors of C2SP Wycheproof: what has broken other implementations.
//!
//! They are read from the folder that `STOA_VECTORS` names, else from
//! `../shared/vectors` beside the repository. Where neither is there, the
//! tests are reported as ignored, with the reason in their names: a checkout
//! without them is whole, for `src/attacks.rs` and `src/keys.rs` have a case
//! of their own for each kind. Where `STOA_VECTORS` is set, they must be there.

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use stoa_kit::{Id, Role, Timestamp};
use stoa_tokens::{Claims, KeyId, KeyRecord, Realm, SigningKey, Unverified, VerifyingKey};

const MISSING: &str = "get C2SP Wycheproof and name its testvectors_v1 in STOA_VECTORS";

type Test = fn(&Path) -> Result<(), Failed>;

const TESTS: &[(&str, Test)] = &[
    ("ed25519_signatures_are_judged_as_wycheproof_does", ed25519),
    ("no_foreign_token_is_accepted", foreign_tokens),
    ("our_own_token_in_a_bad_shape_is_refused", bad_shapes),
    (
        "a_foreign_header_is_refused_over_a_right_signature",
        foreign_headers,
    ),
    ("no_key_of_another_kind_is_read", foreign_keys),
];

fn main() -> std::process::ExitCode {
    let arguments = Arguments::from_args();
    let folder = folder();
    let trials = TESTS.iter().map(|&(name, test)| match folder.clone() {
        Some(folder) => Trial::test(name, move || test(&folder)),
        None => Trial::test(format!("{name} (skipped: {MISSING})"), || {
            Err(Failed::from(MISSING))
        })
        .with_ignored_flag(true),
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Where the vectors are. A folder that was named is taken at its word.
fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("STOA_VECTORS") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    beside.is_dir().then_some(beside)
}

/// The groups of a file, each with at least one test.
fn groups(folder: &Path, file: &str) -> Result<Vec<Value>, Failed> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{}: {error}: {MISSING}", path.display()))?;
    let mut file: Value = serde_json::from_str(&text)?;
    let groups: Vec<Value> = serde_json::from_value(file["testGroups"].take())?;
    if groups.is_empty() || groups.iter().any(|group| tests(group).is_empty()) {
        return Err(format!("{} has no tests", path.display()).into());
    }
    Ok(groups)
}

fn tests(group: &Value) -> &[Value] {
    group["tests"].as_array().map_or(&[], Vec::as_slice)
}

fn unhex(value: &Value) -> Result<Vec<u8>, Failed> {
    let text = value.as_str().ok_or("no text")?;
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?))
        .collect()
}

fn require(holds: bool, what: impl std::fmt::Display) -> Result<(), Failed> {
    if holds {
        Ok(())
    } else {
        Err(what.to_string().into())
    }
}

fn ed25519(folder: &Path) -> Result<(), Failed> {
    let (mut good, mut bad) = (0, 0);
    for group in groups(folder, "ed25519_test.json")? {
        let bytes = unhex(&group["publicKey"]["pk"])?;
        let key = VerifyingKey::from_bytes(&bytes.try_into().map_err(|_| "not 32 bytes")?)?;
        for test in tests(&group) {
            let verified = key.verifies(&unhex(&test["msg"])?, &unhex(&test["sig"])?);
            let valid = test["result"] == "valid";
            require(verified == valid, test)?;
            *(if valid { &mut good } else { &mut bad }) += 1;
        }
    }
    require(good > 50 && bad > 50, format!("{good} good, {bad} bad"))
}

const NOW: Timestamp = Timestamp(1_772_366_400_000);

fn realm() -> Realm {
    Realm {
        issuer: "https://shop.example".to_owned(),
        audience: "stoa".to_owned(),
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[42; 32])
}

fn token() -> String {
    let claims = Claims::new(&realm(), Id::new(), Id::new(), vec![Role::Customer], NOW);
    key().sign(&claims)
}

/// Whether the gateway would take it, if every key id led to our key.
fn is_accepted(token: &str) -> bool {
    let record = KeyRecord::new(key().verifying_key().clone(), NOW);
    Unverified::parse(token)
        .and_then(|token| token.verify(Some(&record), &realm(), NOW))
        .is_ok()
}

const TOKENS: [&str; 3] = [
    "json_web_signature_test.json",
    "json_web_crypto_test.json",
    "json_web_key_test.json",
];

/// Every token of every file, good ones of other algorithms among them.
fn all_tokens(folder: &Path) -> Result<Vec<String>, Failed> {
    let mut all = Vec::new();
    for file in TOKENS {
        for group in groups(folder, file)? {
            for test in tests(&group) {
                let token = test.get("jws").or(test.get("jwe"));
                all.extend(token.map(|token| match token {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                }));
            }
        }
    }
    require(all.len() > 400, format!("only {} tokens", all.len()))?;
    Ok(all)
}

fn foreign_tokens(folder: &Path) -> Result<(), Failed> {
    for token in all_tokens(folder)? {
        require(!is_accepted(&token), token)?;
    }
    Ok(())
}

/// What a case does to a good token of its group (parts missing, doubled,
/// padded, with spaces, ...), done to a good token of ours.
fn bad_shapes(folder: &Path) -> Result<(), Failed> {
    let ours = token();
    require(is_accepted(&ours), "our own token is refused")?;
    let mut shapes = 0;
    for group in groups(folder, "json_web_signature_test.json")? {
        let good = tests(&group).iter().find(|test| test["result"] == "valid");
        let Some(good) = good.and_then(|test| test["jws"].as_str()) else {
            continue;
        };
        for test in tests(&group) {
            let Some(case) = test["jws"].as_str() else {
                continue;
            };
            let theirs = good.split('.').zip(ours.split('.'));
            let ours_in_their_shape = theirs
                .filter(|(theirs, _)| !theirs.is_empty())
                .fold(case.to_owned(), |case, (theirs, ours)| {
                    case.replace(theirs, ours)
                });
            if ours_in_their_shape == ours {
                continue;
            }
            require(!is_accepted(&ours_in_their_shape), test)?;
            shapes += usize::from(ours_in_their_shape != case);
        }
    }
    require(shapes > 100, format!("only {shapes} shapes"))
}

/// The signature covers the header, so it is made anew: with our key.
fn foreign_headers(folder: &Path) -> Result<(), Failed> {
    let ours = token();
    let payload = ours.split('.').nth(1).ok_or("no payload")?;
    let sign = |signed: &str| resign(&key(), signed);
    let header = ours.split('.').next().ok_or("no header")?;
    let again = sign(&format!("{header}.{payload}"))?;
    require(is_accepted(&again), "signing anew makes another token")?;
    for token in all_tokens(folder)? {
        let header = token.split('.').next().unwrap_or_default();
        let forged = sign(&format!("{header}.{payload}"))?;
        require(!is_accepted(&forged), token)?;
    }
    Ok(())
}

/// Signs any text, which the crate itself does not offer.
fn resign(key: &SigningKey, signed: &str) -> Result<String, Failed> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::Signer as _;
    let seed: [u8; 32] = URL_SAFE_NO_PAD
        .decode(key.to_text().as_bytes())?
        .try_into()
        .map_err(|_| "not 32 bytes")?;
    let signature = ed25519_dalek::SigningKey::from_bytes(&seed).sign(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    Ok(format!("{signed}.{signature}"))
}

/// Each key as it is, and as if it had our members and an id of the right form.
fn foreign_keys(folder: &Path) -> Result<(), Failed> {
    let thumbprint = key().verifying_key().kid().to_string();
    require(KeyId::parse(&thumbprint).is_some(), "no thumbprint")?;
    let mut keys = 0;
    for file in TOKENS {
        for group in groups(folder, file)? {
            for side in ["public", "private"] {
                let jwk = &group[side];
                let set = jwk["keys"]
                    .as_array()
                    .map_or(std::slice::from_ref(jwk), Vec::as_slice);
                for jwk in set.iter().filter(|jwk| jwk.is_object()) {
                    let read = |jwk: &Value| serde_json::from_value::<VerifyingKey>(jwk.clone());
                    require(read(jwk).is_err(), jwk)?;
                    let mut dressed = jwk.clone();
                    for (name, value) in [("use", "sig"), ("alg", "EdDSA"), ("kid", &*thumbprint)] {
                        dressed[name] = value.into();
                    }
                    require(read(&dressed).is_err(), dressed)?;
                    keys += 1;
                }
            }
        }
    }
    require(keys > 50, format!("only {keys} keys"))
}
