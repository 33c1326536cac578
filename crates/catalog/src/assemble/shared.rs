//! Lists and price cards that repeat, kept once.

use std::collections::HashMap;
use std::sync::Arc;

use portolan_core::PriceCard;

/// What was seen so far. It lives as long as the assembling does.
#[derive(Default)]
pub(super) struct Shared {
    lists: HashMap<Vec<String>, Arc<[String]>>,
    cards: HashMap<u64, Arc<PriceCard>>,
}

impl Shared {
    pub(super) fn list(&mut self, list: &[String]) -> Arc<[String]> {
        if let Some(known) = self.lists.get(list) {
            return known.clone();
        }
        let new: Arc<[String]> = list.into();
        self.lists.insert(list.to_vec(), new.clone());
        new
    }

    /// Cards with the same version and the same content are one.
    pub(super) fn card(&mut self, card: PriceCard) -> Arc<PriceCard> {
        match self.cards.get(&card.version) {
            Some(known) if **known == card => known.clone(),
            _ => {
                let new = Arc::new(card);
                self.cards.insert(new.version, new.clone());
                new
            }
        }
    }
}
