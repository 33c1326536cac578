//! Settings of the store.

/// What an acknowledged journal entry survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the process: the entry is with the operating system.
    #[default]
    Process,
    /// A power loss: the entry is on the disk.
    Disk,
}

/// Settings of the store.
#[derive(Debug, Clone)]
pub struct Options {
    /// What an acknowledged journal entry survives.
    pub durability: Durability,
    /// A journal file is not continued beyond this size.
    pub segment_bytes_max: u64,
    /// Entries that wait for a write; when they are more, appending waits.
    pub pending_bytes_max: usize,
    /// The name of the organization that the first run makes.
    pub organization: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Process,
            // A restart reads one or two of them: under a second.
            segment_bytes_max: 64 << 20,
            // Some 60,000 records: more than a stalled disk should make the memory hold.
            pending_bytes_max: 64 << 20,
            organization: "default".to_owned(),
        }
    }
}
