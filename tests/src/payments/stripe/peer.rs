//! Stripe's side: `localstripe`, a Stripe in memory, and the signer of Stripe's
//! own Python package. pip installs both below the target folder.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use stoa_harness::{Answer, Client, Packages};

const PACKAGES: Packages = Packages {
    name: "stripe-16.1.0",
    wheels: "\
        aiohappyeyeballs==2.7.1 --hash=sha256:9243213661e29250eb41368e5daa826fc017156c3b8a11440826b2e3ed376472\n\
        aiosignal==1.4.0 --hash=sha256:053243f8b92b990551949e63930a839ff0cf0b0ebbe0597b0f3fb19e1a0fe82e\n\
        attrs==26.1.0 --hash=sha256:c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309\n\
        frozenlist==1.8.0 --hash=sha256:0c18a16eab41e82c295618a77502e17b195883241c563b00f0aa5106fc4eaa0d\n\
        idna==3.20 --hash=sha256:ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c\n\
        multidict==7.2.1 --hash=sha256:08ea94663d9e7c25d14d78222f7aee906c472d4837766bec62477c38f6e419dc\n\
        propcache==0.5.4 --hash=sha256:62c60aec739ed00124573cce1178138fd690c7676352d67a37328c1cf51d7468\n\
        python-dateutil==4.0.0 --hash=sha256:a5e246f79eb80475e691bf93862cead98decd8a498cf53ba0516fcdc0f50dc1c\n\
        setuptools==80.9.0 --hash=sha256:062d34222ad13e0cc312a4c02d73f059e86a4acbfbdea8f8f76b28c99f306922\n\
        stripe==16.1.0 --hash=sha256:3798e07a0603c8923710414cd1942ae847ed43cebbf34c3258417c189711ea70\n\
        typing-extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8\n\
        yarl==1.25.1 --hash=sha256:681c758b0490f9e96b78e5fa8e8dc6e648e9185bb6eaebe73183c33ea0c445f3\n",
    sources: "\
        aiohttp==3.14.5 --hash=sha256:5558a7f5a05af9ecf744af91e5baefc436f93c9333e656c27ec253f9a6bbe178\n\
        localstripe==1.15.10 --hash=sha256:e055538b786cee59f80c86d4ab7f7b31fb2cf32c3cbd28320cb463fc62dac220\n",
};

/// Our key with it.
pub(super) const API_KEY: &str = "sk_test_of_the_tests";

/// What its webhooks are signed with.
pub(super) const SECRET: &str = "whsec_of_the_tests";

/// A Stripe that runs. It ends when this is dropped.
pub(super) struct Peer {
    child: Child,
    requests: Arc<Mutex<Vec<Value>>>,
    client: Client,
    pub(super) url: String,
}

impl Peer {
    pub(super) fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/payments/stripe/peer.py");
        let mut child = python()
            .arg(script)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python runs");
        let printed = BufReader::new(child.stdout.take().expect("its output"));
        let mut printed = printed.lines().map_while(Result::ok);
        let port = printed.next().expect("its port");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for line in printed {
                let request = serde_json::from_str(&line).expect("JSON");
                seen.lock().expect("nobody failed here").push(request);
            }
        });
        let url = format!("http://127.0.0.1:{port}");
        Self {
            child,
            requests,
            client: Client::new(&url, Some(API_KEY.to_owned())),
            url,
        }
    }

    /// Every request to a path so far.
    pub(super) fn requests(&self, path: &str) -> Vec<Value> {
        let requests = self.requests.lock().expect("nobody failed here");
        let to_path = requests.iter().filter(|request| request["path"] == path);
        to_path.cloned().collect()
    }

    /// Posts a form, as the shop's page in the customer's browser would.
    pub(super) fn post(&self, path: &str, form: &str) -> Value {
        let ask = self.client.request("POST", path);
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        ask.body(form).send().expect(200).body
    }

    pub(super) fn get(&self, path: &str) -> Value {
        self.client.get(path).send().expect(200).body
    }

    /// What stands for a card with this number.
    pub(super) fn card(&self, number: &str) -> String {
        let form = format!(
            "type=card&card[number]={number}&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123"
        );
        let method = self.post("/v1/payment_methods", &form);
        method["id"].as_str().expect("an id").to_owned()
    }

    /// What stands for an account at a bank.
    pub(super) fn bank(&self, iban: &str) -> String {
        let form = format!("type=sepa_debit&sepa_debit[iban]={iban}");
        let method = self.post("/v1/payment_methods", &form);
        method["id"].as_str().expect("an id").to_owned()
    }

    /// The intent that was made for a payment of ours.
    pub(super) fn intent(&self, payment: &Value) -> Value {
        let intents = self.get("/v1/payment_intents?limit=100")["data"].take();
        let intents = intents.as_array().expect("a list");
        let mut ours = intents
            .iter()
            .filter(|intent| intent["metadata"]["payment"] == payment["id"]);
        let intent = ours.next().expect("an intent").clone();
        assert_eq!(ours.next(), None, "one intent for a payment");
        intent
    }

    /// Lets it send its webhooks to a shop.
    pub(super) fn tell(&self, shop: &str) {
        let form = format!("url={shop}/webhooks/payments/stripe&secret={SECRET}");
        let ask = self.client.request("POST", "/_config/webhooks/shop");
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        let told: Answer = ask.body(form).send();
        told.expect(200);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The signature header that Stripe's own package makes for a body, so many
/// seconds ago.
pub(super) fn sign(body: &str, secret: &str, age: i64) -> String {
    let script = "import sys, time, stripe\n\
        body, secret, age = sys.argv[1:]\n\
        at = int(time.time()) - int(age)\n\
        print(stripe.WebhookSignature.generate_signature_header(body, secret, at))";
    let output = python()
        .args(["-c", script, body, secret, &age.to_string()])
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().to_owned()
}

fn python() -> Command {
    let mut python = Command::new("python3");
    let packages = PACKAGES.folder();
    let packages: &Path = &packages;
    python.env("PYTHONPATH", packages);
    python
}
