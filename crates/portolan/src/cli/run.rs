//! From the arguments to the exit code.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

use super::admin::Admin;
use super::args::{self, Cli, Command, Format, Global};
use super::exit::{CliError, ExitCode};
use super::host::{Host, Start};
use super::output::Output;
use super::{catalog, config, explain, keys, logs, verify};
use crate::config::{Config, Environment, Flags, load};

/// Runs one command.
pub(crate) fn main(host: &impl Host, env: Environment, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = Cli::command().mut_subcommand("sim", |sim| sim.after_long_help(host.sim_help()));
    let cli = match command.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print(); // help goes to standard output, mistakes to standard error; if neither takes it, nobody reads
            return if error.exit_code() == 0 { ExitCode::Ok } else { ExitCode::Usage };
        }
    };
    let json = cli.global.json || cli.global.output == Format::Json;
    let run = Run { host, output: Output::new(json, &env), flags: flags(&cli), env };
    match run.command(cli.command.unwrap_or(Command::Serve(args::Serve::default()))) {
        Ok(code) => code,
        Err(error) => {
            run.output.error(&error);
            error.code
        }
    }
}

fn flags(cli: &Cli) -> Flags {
    let Global { config, data_dir, .. } = cli.global.clone();
    let listen = match &cli.command {
        Some(Command::Serve(serve)) => serve.listen,
        _ => None,
    };
    Flags { config, data_dir, listen }
}

struct Run<'h, H> {
    host: &'h H,
    output: Output,
    flags: Flags,
    env: Environment,
}

impl<H: Host> Run<'_, H> {
    fn command(&self, command: Command) -> Result<ExitCode, CliError> {
        match command {
            Command::Config(args::Config::Check) => config::check(config::checked(self.load(), self.host), self.output),
            Command::Config(args::Config::Show { origin }) => config::show(&self.load()?, origin, self.output),
            Command::Serve(_) => self.many_threads()?.block_on(self.serve()),
            Command::Sim(sim) => self.many_threads()?.block_on(self.host.sim(sim.listen)).map(|()| ExitCode::Ok),
            Command::Keys(command) => self.with_admin(async |admin| keys::run(command, &admin, self.output).await),
            Command::Explain(args) => self.with_admin(async |admin| explain::run(&args, &admin, self.output).await),
            Command::Logs(args::Logs::Show { id }) => self.with_admin(async |admin| logs::show(&id, &admin, self.output).await),
            Command::Catalog(command) => self.with_admin(async |admin| catalog::run(command, &admin, self.output).await),
            Command::Verify(args) => self.with_admin(async |admin| verify::run(&args.sim, &admin, self.output).await),
        }
    }

    fn load(&self) -> Result<Config, crate::config::ConfigError> {
        load(&self.flags, &self.env, &self.host.builtins())
    }

    async fn serve(&self) -> Result<ExitCode, CliError> {
        let config = self.load()?;
        config.warnings.iter().for_each(|warning| self.output.warning(warning));
        let start = Start { config, flags: self.flags.clone(), env: self.env.clone(), json: self.output.json };
        self.host.serve(start).await.map(|()| ExitCode::Ok)
    }

    /// Runs a command against the running server, or against the store where there is none.
    fn with_admin(&self, run: impl AsyncFnOnce(Admin) -> Result<ExitCode, CliError>) -> Result<ExitCode, CliError> {
        let config = self.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(no_runtime)?.block_on(async { run(Admin::open(self.host, &config).await?).await })
    }

    fn many_threads(&self) -> Result<tokio::runtime::Runtime, CliError> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)
    }
}

fn no_runtime(error: std::io::Error) -> CliError {
    CliError::new(ExitCode::Failure, format!("the runtime cannot start: {error}"))
}
