//! The data that the program carries, read into rows.

use serde::de::DeserializeOwned;

use crate::CatalogError;
use crate::place;
use crate::resolve::Via;
use crate::rows::{AliasFile, AliasRow, EndpointRow, ModelFile, ModelRow, ProviderRow, Rows};

mod files {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

const ROUTERS: &str = include_str!("../data/routers.toml");
const ALIASES: &str = include_str!("../data/aliases.toml");

/// The rows, read anew each time: nothing keeps them beside the catalog that is made of them. Providers are read one by
/// one when they are asked for, so that only one's rows are in memory.
pub(crate) fn rows() -> Result<Rows<impl Iterator<Item = Result<ProviderRow, CatalogError>>>, CatalogError> {
    let mut all = routers()?;
    for (name, text) in files::MODELS {
        all.extend(models(name, text)?);
    }
    all.sort_by(|a, b| a.slug.cmp(&b.slug));
    let providers = files::PROVIDERS.iter().map(|(name, text)| provider(name, text));
    Ok(Rows { providers, models: all, aliases: aliases(ALIASES)? })
}

/// A file `data/providers/<name>.toml`.
pub(crate) fn provider(name: &str, text: &str) -> Result<ProviderRow, CatalogError> {
    let path = place::provider_file(name);
    let (head, tables) = place::split(text, "[[endpoints]]");
    let mut row: ProviderRow = read(&path, 1, head)?;
    if row.slug.as_str() != name {
        let problem = format!("is `{}`, which is not the name of the file", row.slug);
        return Err(CatalogError::invalid(format!("{path}:1"), "slug", problem));
    }
    row.endpoints = tables.map(|(line, text)| Ok(EndpointRow { line, ..read(&path, line, text)? })).collect::<Result<_, _>>()?;
    Ok(row)
}

/// A file `data/models/<name>.toml`.
pub(crate) fn models(name: &str, text: &str) -> Result<Vec<ModelRow>, CatalogError> {
    let path = place::model_file(name);
    let rows = model_file(&path, text)?;
    match rows.iter().find(|row| row.slug.author() != name) {
        None => Ok(rows),
        Some(row) => {
            let problem = format!("is `{}`, which does not begin with the name of the file", row.slug);
            Err(CatalogError::invalid(row.place(), "slug", problem))
        }
    }
}

/// The file `data/routers.toml`.
pub(crate) fn routers() -> Result<Vec<ModelRow>, CatalogError> {
    let rows = model_file(place::ROUTERS, ROUTERS)?;
    Ok(rows.into_iter().map(|row| ModelRow { router: true, ..row }).collect())
}

fn model_file(path: &str, text: &str) -> Result<Vec<ModelRow>, CatalogError> {
    let (head, tables) = place::split(text, "[[models]]");
    let file: ModelFile = read(path, 1, head)?;
    tables.map(|(line, text)| Ok(ModelRow { author: file.author.clone(), line, ..read(path, line, text)? })).collect()
}

/// The file `data/aliases.toml`.
pub(crate) fn aliases(text: &str) -> Result<Vec<AliasRow>, CatalogError> {
    let file: AliasFile = read(place::ALIASES, 1, text)?;
    let rows = |names: Vec<(_, toml::Spanned<_>)>, via: Via| {
        names.into_iter().map(move |(name, target)| {
            let line = place::line(text, target.span().start);
            AliasRow { name, target: target.into_inner(), via, line }
        })
    };
    let (aliases, redirects) = (file.aliases.into_iter().collect(), file.redirects.into_iter().collect());
    Ok(rows(aliases, Via::Alias).chain(rows(redirects, Via::Redirect)).collect())
}

/// Reads one table of a file, which begins in this line. Tables are read one by one, for the reader needs many times the
/// memory of the text.
fn read<T: DeserializeOwned>(path: &str, first_line: u32, text: &str) -> Result<T, CatalogError> {
    toml::from_str(text).map_err(|error| {
        let line = first_line - 1 + place::line(text, error.span().map_or(0, |span| span.start));
        CatalogError::Syntax { place: format!("{path}:{line}"), message: error.message().replace('\n', ", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, assemble};

    const MODELS: &str =
        "author = \"A\"\n[[models]]\nslug = \"a/b\"\nname = \"B\"\ninput_modalities = [\"text\"]\noutput_modalities = [\"text\"]\n";
    const PROVIDER: &str =
        "slug = \"p\"\nname = \"P\"\nbase_url = \"https://p/v1\"\ndialect = \"openai_chat\"\nauth = \"bearer\"\non_hangup = \"drain\"\n";
    const ENDPOINT: &str = "\n[[endpoints]]\nmodel = \"a/b\"\n";
    const PRICED: &str = "context_length = 9\npricing = { prompt = \"1\", completion = \"2\" }\n";

    fn load(model_file: &str, provider_file: &str, alias_file: &str) -> Result<Catalog, CatalogError> {
        let rows =
            Rows { providers: [provider("p", provider_file)].into_iter(), models: models("a", model_file)?, aliases: aliases(alias_file)? };
        assemble::assemble(rows, None, &[])
    }

    #[test]
    fn a_broken_row_is_told_with_file_and_line() {
        let with = |endpoints: &str| load(MODELS, &format!("{PROVIDER}{endpoints}"), "");
        assert!(with(&format!("{ENDPOINT}{PRICED}")).is_ok());
        let twice = format!("{ENDPOINT}{PRICED}{ENDPOINT}{PRICED}");
        // the catalog, what the message begins with, what else it holds
        let cases: Vec<(Result<Catalog, CatalogError>, &str, &str)> = vec![
            (with("\n[[endpoints]]\nmodel = \"a/c\"\ncontext_length = 9\n"), "data/providers/p.toml:8, model a/c:", "`model` is no model"),
            (with(&twice), "data/providers/p.toml:13, model a/b:", "`tag` `p` stands twice"),
            (with(&format!("{ENDPOINT}tag = \"q/x\"\n{PRICED}")), "data/providers/p.toml:8, model a/b:", "does not begin with"),
            (with(&format!("{ENDPOINT}context_length = 0\n")), "data/providers/p.toml:8, model a/b:", "`context_length` is zero"),
            (with(ENDPOINT), "data/providers/p.toml:8, model a/b:", "`context_length` is missing"),
            (
                with(&format!("{ENDPOINT}context_length = 9\npricing = {{ prompt = \"0\", completion = \"0\" }}\n")),
                "data/providers/p.toml:8, model a/b:",
                "not marked free",
            ),
            (with(&format!("{ENDPOINT}contxt = 9\n")), "data/providers/p.toml:10:", "unknown field `contxt`"),
            (with(&format!("{ENDPOINT}context_length = 9\nquantization = \"fp3\"\n")), "data/providers/p.toml:11:", "fp3"),
            (with(&format!("{ENDPOINT}context_length = 9\npricing = {{ prompt = \"-1\" }}\n")), "data/providers/p.toml:11:", "negative"),
            (
                load(&format!("{MODELS}capabilities = {{ durations = [\"long\"] }}\n"), PROVIDER, ""),
                "data/models/a.toml:7:",
                "expected u32",
            ),
            (
                load(&format!("{MODELS}capabilities = {{ duration = [5] }}\n"), PROVIDER, ""),
                "data/models/a.toml:7:",
                "unknown field `duration`",
            ),
            (
                with(&format!("{ENDPOINT}media = [{{ sku = \"x\", unit = \"mile\", price = \"1\" }}]\n")),
                "data/providers/p.toml:10:",
                "mile",
            ),
            (with(&format!("{ENDPOINT}model = \"a/b\"\n")), "data/providers/p.toml:10:", "duplicate"),
            (load(MODELS, "slug = \"q\"\n", ""), "data/providers/p.toml:1:", "missing field"),
            (load(MODELS, &PROVIDER.replace("\"p\"", "\"q\""), ""), "data/providers/p.toml:1:", "not the name of the file"),
            (load(&MODELS.replace("a/b", "c/b"), PROVIDER, ""), "data/models/c.toml:2:", "does not begin with the name of the file"),
            (load(&format!("{MODELS}{}", &MODELS[13..]), PROVIDER, ""), "data/models/a.toml:7:", "`a/b` stands twice"),
            (load(&format!("{MODELS}wildcard = true\n"), PROVIDER, ""), "data/models/a.toml:2:", "simulator's models only"),
            (load(MODELS, PROVIDER, "[aliases]\n\"~a/latest\" = \"a/c\"\n"), "data/aliases.toml:2:", "`a/c` is no model"),
            (load(MODELS, PROVIDER, "[redirects]\n\n\"a/b\" = \"a/b\"\n"), "data/aliases.toml:3:", "a model's own name"),
        ];
        for (i, (result, beginning, part)) in cases.into_iter().enumerate() {
            let message = result.err().map_or_else(|| format!("case {i} is no error"), |e| e.to_string());
            assert!(message.starts_with(beginning) && message.contains(part), "{message}\nis not {beginning} ... {part}");
        }
    }
}
