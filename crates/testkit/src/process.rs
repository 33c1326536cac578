//! A child process whose output goes to files, and which never outlives its owner.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at something that will change by itself.
pub(crate) const TICK: Duration = Duration::from_millis(5);

pub(crate) struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts the binary in a folder, with no environment but `env`.
    pub(crate) fn start(binary: &Path, args: &[&str], dir: &Path, name: &str, env: &[(String, String)]) -> Self {
        let (stdout, stderr) = (dir.join(format!("{name}.out")), dir.join(format!("{name}.err")));
        let file = |path: &Path| Stdio::from(std::fs::File::create(path).expect("the folder is ours"));
        let child = Command::new(binary)
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("HOME", dir)
            .envs(env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file(&stdout))
            .stderr(file(&stderr))
            .spawn()
            .expect("the binary starts");
        Self { child, stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has written so far.
    pub(crate) fn said(&self) -> (String, String) {
        let text = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("the file is ours")).into_owned();
        (text(&self.stdout), text(&self.stderr))
    }

    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Sends a signal by name: `TERM`, `HUP`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} could not be sent");
    }

    /// Its exit status, if it ends in time.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            match self.has_ended() {
                Some(status) => return Some(status),
                None if Instant::now() > until => return None,
                None => std::thread::sleep(TICK),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
