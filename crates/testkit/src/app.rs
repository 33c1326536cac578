//! A gateway as a child process, with a data directory of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::blocking::{Target, exchange};
use crate::client::{Answer, Request};
use crate::config::Config;
use crate::process::{Process, TICK};

/// A start takes some hundred milliseconds; on a machine at work, some seconds.
const START_MAX: Duration = Duration::from_secs(30);
/// How long what is held may take to be settled once a test is over.
const SETTLE_MAX: Duration = Duration::from_secs(20);
/// Another process may take a port between its choice and the start.
const STARTS_MAX: usize = 3;
/// The command line of a gateway.
const SERVE: [&str; 5] = ["serve", "--config", "portolan.toml", "--data-dir", "data"];

/// A running gateway.
pub struct TestApp {
    process: Process,
    dir: TempDir,
    /// The main listener.
    pub address: SocketAddr,
    /// The listener of the metrics.
    pub admin: SocketAddr,
    /// An inference key without limits.
    pub key: String,
    env: Vec<(String, String)>,
    has_stopped: bool,
}

impl TestApp {
    /// Starts a gateway and waits until it is ready.
    #[must_use]
    pub fn start(binary: &Path, config: &Config) -> Self {
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            let mut app = Self::launch(binary, config);
            if app.becomes_ready() {
                return app;
            }
            app.has_stopped = true;
            said = app.output();
        }
        panic!("the gateway did not start: {said}");
    }

    fn launch(binary: &Path, config: &Config) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let key = format!("sk-or-v1-{}", "5a".repeat(32));
        let [address, admin] = free_ports();
        // A gateway whose provider is itself has to know its own address.
        let text = config.toml(address.port(), admin.port()).replace("{self}", &address.to_string());
        std::fs::write(dir.path().join("portolan.toml"), text).expect("the folder is ours");
        let mut env = config.env.clone();
        env.push(("PORTOLAN_INIT_API_KEY".to_owned(), key.clone()));
        let process = Process::start(binary, &SERVE, dir.path(), "serve", &env);
        Self { process, dir, address, admin, key, env, has_stopped: false }
    }

    /// Stops the gateway as an administrator would, and starts it again on the same data directory and configuration.
    pub fn restart(&mut self, binary: &Path) {
        self.signal("TERM");
        assert!(self.process.wait(START_MAX).is_some_and(|status| status.success()), "it did not stop: {}", self.output());
        self.process = Process::start(binary, &SERVE, self.dir.path(), "serve-again", &self.env);
        assert!(self.becomes_ready(), "it did not start again: {}", self.output());
    }

    fn becomes_ready(&mut self) -> bool {
        let until = Instant::now() + START_MAX;
        while Instant::now() < until && self.process.has_ended().is_none() {
            if matches!(exchange(Target::Tcp(self.address), "GET", "/readyz", None), Ok((200, _))) {
                return true;
            }
            std::thread::sleep(TICK);
        }
        false
    }

    /// The folder of the configuration; the data directory is `data` in it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The administrators' socket.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.dir.path().join("data/admin.sock")
    }

    /// Everything that the process has written so far, to both streams.
    #[must_use]
    pub fn output(&self) -> String {
        let (out, err) = self.process.said();
        out + &err
    }

    /// A request with the key.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, path).bearer(&self.key)
    }

    /// A chat request with the key.
    #[must_use]
    pub fn chat(&self, body: &Value) -> Request {
        self.request("POST", "/api/v1/chat/completions").json(body)
    }

    /// `GET` with the key: the status and the JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Result<(u16, Value)> {
        let answer: Answer = self.request("GET", path).send().await?;
        Ok((answer.status, answer.json()))
    }

    /// Asks the administrators' socket.
    #[must_use]
    pub fn administrate(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, text) = exchange(Target::Unix(&self.admin_socket()), method, path, body).expect("the admin socket answers");
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")) })
    }

    /// Makes a key; answers its secret and its hash.
    #[must_use]
    pub fn create_key(&self, new: &Value) -> (String, String) {
        let (status, made) = self.administrate("POST", "/keys", Some(new));
        assert_eq!(status, 201, "{made}");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&made["key"]), text(&made["data"]["hash"]))
    }

    /// The whole record of a generation, once it is there.
    ///
    /// # Errors
    /// What the administrators' socket answers instead.
    pub fn record(&self, id: &str) -> Result<Value, String> {
        let until = Instant::now() + SETTLE_MAX;
        loop {
            match self.administrate("GET", &format!("/generations/{id}"), None) {
                (200, mut found) => return Ok(found["data"].take()),
                (404, _) if Instant::now() < until => std::thread::sleep(TICK),
                (status, other) => return Err(format!("no record of {id}: {status} {other}")),
            }
        }
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> String {
        exchange(Target::Tcp(self.admin), "GET", "/metrics", None).expect("the admin listener answers").1
    }

    /// What keys hold that hold anything.
    ///
    /// # Errors
    /// When the process does not answer.
    pub fn held(&self) -> std::io::Result<Vec<String>> {
        let socket = self.admin_socket();
        let ask = |method: &str, path: &str, body: Option<&Value>| -> std::io::Result<Value> {
            let (_, text) = exchange(Target::Unix(&socket), method, path, body)?;
            serde_json::from_str(&text).map_err(std::io::Error::other)
        };
        // Any known model will do: the answer tells how the accounts stand.
        let body = json!({ "model": "openai/gpt-4o-mini", "messages": [{ "role": "user", "content": "?" }] });
        let mut holding = Vec::new();
        for key in ask("GET", "/keys?include_disabled=true", None)?["data"].as_array().into_iter().flatten() {
            let hash = key["hash"].as_str().unwrap_or_default();
            let explained = ask("POST", &format!("/explain?key={hash}"), Some(&body))?;
            let budgets = explained["data"]["budgets"].as_array().filter(|b| !b.is_empty());
            let budgets = budgets.ok_or_else(|| std::io::Error::other(format!("no budgets: {explained}")))?;
            holding.extend(budgets.iter().filter(|b| b["held"] != "0").map(|b| format!("{}: {b}", key["name"])));
        }
        Ok(holding)
    }

    /// Waits until nothing is held; panics if that does not come.
    pub fn settles(&self) {
        let until = Instant::now() + SETTLE_MAX;
        loop {
            let holding = self.held().expect("the gateway answers its administrators");
            if holding.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "money is held for nothing: {holding:?}\n{}", self.output());
            std::thread::sleep(TICK);
        }
    }

    /// Changes the text of the configuration file. It is read at SIGHUP.
    pub fn edit_config(&self, edit: impl FnOnce(String) -> String) {
        let path = self.dir.path().join("portolan.toml");
        let text = std::fs::read_to_string(&path).expect("it was written at the start");
        std::fs::write(path, edit(text)).expect("the folder is ours");
    }

    /// Waits until the process has written this; panics if it does not.
    pub fn says(&self, text: &str) {
        let until = Instant::now() + SETTLE_MAX;
        while !self.output().contains(text) {
            assert!(Instant::now() < until, "it never said {text:?}:\n{}", self.output());
            std::thread::sleep(TICK);
        }
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for the end of the process; answers its exit code. From here on nothing is asserted at the drop.
    #[must_use]
    pub fn exit_code(&mut self, patience: Duration) -> Option<i32> {
        let status = self.process.wait(patience)?;
        self.has_stopped = true;
        status.code()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What the process said is what one wants to read now.
            let said = self.output();
            let loud: Vec<_> = said.lines().filter(|line| ["WARN", "ERROR", "panicked"].iter().any(|word| line.contains(word))).collect();
            println!("--- the gateway's warnings and errors ---\n{}", loud.join("\n"));
            return;
        }
        assert!(!self.output().contains("panicked"), "the gateway panicked:\n{}", self.output());
        if !self.has_stopped {
            assert!(self.process.has_ended().is_none(), "the gateway ended by itself:\n{}", self.output());
            self.settles();
        }
    }
}

/// Two ports that were free a moment ago.
fn free_ports() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("loopback has free ports"));
    listeners.map(|l| l.local_addr().expect("it is bound"))
}
