//! Where the configuration file and the data directory are looked for.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::load::Flags;
use super::problem::{Origin, Problem};

/// The file that was asked for, else the first of the customary places that exists.
///
/// # Errors
/// When a file was asked for and there is none.
pub(super) fn config_file(flags: &Flags, env: &Environment) -> Result<Option<PathBuf>, Problem> {
    let asked = match (&flags.config, env.get("PORTOLAN_CONFIG")) {
        (Some(path), _) => Some((path.clone(), Origin::Flag("--config"))),
        (None, Some(path)) => Some((PathBuf::from(path), Origin::Env("PORTOLAN_CONFIG".into()))),
        (None, None) => None,
    };
    match asked {
        Some((path, _)) if path.is_file() => Ok(Some(path)),
        Some((path, origin)) => Err(Problem::new(origin, "", format!("there is no configuration file {}", path.display()))),
        None => Ok(customary(env).into_iter().find(|path| path.is_file())),
    }
}

/// The places that are tried when no file is named, first to last.
fn customary(env: &Environment) -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("portolan.toml")];
    places.extend(home(env, "XDG_CONFIG_HOME", ".config").map(|dir| dir.join("portolan/portolan.toml")));
    places.push(PathBuf::from("/etc/portolan/portolan.toml"));
    places
}

/// The data directory, and who named it.
///
/// # Errors
/// When nothing says where it could be.
pub(super) fn data_dir(flags: &Flags, env: &Environment) -> Result<(PathBuf, Origin), Problem> {
    if let Some(dir) = &flags.data_dir {
        return Ok((dir.clone(), Origin::Flag("--data-dir")));
    }
    if let Some(dir) = env.get("PORTOLAN_DATA_DIR") {
        return Ok((dir.into(), Origin::Env("PORTOLAN_DATA_DIR".into())));
    }
    home(env, "XDG_DATA_HOME", ".local/share")
        .map(|dir| (dir.join("portolan"), Origin::Default))
        .ok_or_else(|| Problem::new(Origin::Default, "data_dir", "no data directory: set --data-dir, PORTOLAN_DATA_DIR or HOME"))
}

/// A base directory of the XDG specification, which wants relative paths ignored.
fn home(env: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |text: &str| Path::new(text).is_absolute().then(|| PathBuf::from(text));
    env.get(variable).and_then(absolute).or_else(|| env.get("HOME").map(|home| Path::new(home).join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_home_directory() {
        let flags = Flags { data_dir: Some("/flag".into()), ..Flags::default() };
        let all = env(&[("PORTOLAN_DATA_DIR", "/env"), ("XDG_DATA_HOME", "/xdg"), ("HOME", "/home/me")]);
        assert_eq!(data_dir(&flags, &all).unwrap().0, Path::new("/flag"));
        assert_eq!(data_dir(&Flags::default(), &all).unwrap().0, Path::new("/env"));
        let dir = |pairs| data_dir(&Flags::default(), &env(pairs)).map(|(dir, _)| dir);
        assert_eq!(dir(&[("XDG_DATA_HOME", "/xdg"), ("HOME", "/home/me")]).unwrap(), Path::new("/xdg/portolan"));
        assert_eq!(dir(&[("XDG_DATA_HOME", "relative"), ("HOME", "/home/me")]).unwrap(), Path::new("/home/me/.local/share/portolan"));
        assert!(dir(&[]).unwrap_err().to_string().contains("--data-dir"));
    }

    #[test]
    fn the_customary_places_are_tried_in_order_and_a_named_file_must_exist() {
        let places = customary(&env(&[("HOME", "/home/me")]));
        let shown: Vec<_> = places.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        assert_eq!(shown, ["portolan.toml", "/home/me/.config/portolan/portolan.toml", "/etc/portolan/portolan.toml"]);
        let named = env(&[("PORTOLAN_CONFIG", "/nowhere/portolan.toml")]);
        let error = config_file(&Flags::default(), &named).unwrap_err().to_string();
        assert_eq!(error, "env PORTOLAN_CONFIG: there is no configuration file /nowhere/portolan.toml");
    }
}
