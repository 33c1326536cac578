//! All SQL: one text for SQLite and PostgreSQL (`$1`, `ON CONFLICT`, `RETURNING`; integers, texts, blobs).
//!
//! To SQLite `$2` is a name, numbered by its first appearance. So parameters must appear in the order of
//! their numbers, or the two engines would bind different values; a test reads the statements.

mod accounts;
mod connection;
mod fold;
mod generations;
mod keys;
mod meta;
mod migrate;
mod tenants;

pub(crate) use accounts::{spend, spends};
pub(crate) use connection::{open_reader, open_writer};
pub(crate) use fold::{Cursor, cursor, fold_rows};
pub(crate) use generations::{generation, generations};
pub(crate) use keys::{first_key, insert_key, key, key_page, keys, put_key, save_key, workspace_of};
pub(crate) use meta::{meta, set_meta};
pub(crate) use migrate::{is_current, migrate};
pub(crate) use tenants::ensure_tenants;

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_appear_in_the_order_of_their_numbers() {
        let sources = [
            include_str!("accounts.rs"),
            include_str!("fold.rs"),
            include_str!("generations.rs"),
            include_str!("keys.rs"),
            include_str!("meta.rs"),
            include_str!("migrate.rs"),
            include_str!("tenants.rs"),
        ];
        let mut statements = 0;
        for literal in sources.iter().flat_map(|source| source.split('"')) {
            let mut last = None;
            for number in
                literal.split('$').skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok())
            {
                assert!(last.is_none_or(|last| number <= last + 1), "${number} too early in: {literal}");
                statements += u32::from(last.is_none());
                last = last.max(Some(number));
            }
        }
        assert!(statements > 15, "only {statements} statements were found");
    }
}
