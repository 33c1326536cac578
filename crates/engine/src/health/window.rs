//! A rolling window: a ring of slots of time, of which the current one and those before it count.

use portolan_core::UnixMillis;

/// What happened in the last `N` slots of `slot_ms` each, the current one included: it covers at most `N` slots, and at
/// least one less. A slot that is too old is emptied when its place is needed again.
#[derive(Debug)]
pub(super) struct Window<T, const N: usize> {
    slots: [(i64, T); N],
    slot_ms: i64,
}

impl<T: Default, const N: usize> Window<T, N> {
    /// An empty window.
    pub(super) fn new(slot_ms: i64) -> Self {
        Self { slots: std::array::from_fn(|_| (i64::MIN, T::default())), slot_ms }
    }

    /// The slot of this moment.
    pub(super) fn at(&mut self, now: UnixMillis) -> &mut T {
        let number = self.number(now);
        let place = usize::try_from(number.rem_euclid(i64::try_from(N).unwrap_or(1))).unwrap_or(0);
        let slot = &mut self.slots[place];
        if slot.0 != number {
            *slot = (number, T::default());
        }
        &mut slot.1
    }

    /// The slots that count at this moment.
    pub(super) fn recent(&self, now: UnixMillis) -> impl Iterator<Item = &T> {
        let current = self.number(now);
        let oldest = current.saturating_sub(i64::try_from(N).unwrap_or(0));
        self.slots.iter().filter(move |(number, _)| *number > oldest && *number <= current).map(|(_, value)| value)
    }

    fn number(&self, now: UnixMillis) -> i64 {
        now.0.div_euclid(self.slot_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_over_its_slots() {
        let mut window = Window::<u32, 10>::new(30_000);
        let sum = |window: &Window<u32, 10>, ms| window.recent(UnixMillis(ms)).sum::<u32>();
        *window.at(UnixMillis(0)) += 1;
        *window.at(UnixMillis(29_999)) += 1;
        *window.at(UnixMillis(30_000)) += 5;
        let cases = [(0, 2), (30_000, 7), (299_999, 7), (300_000, 5), (329_999, 5), (330_000, 0), (-1, 0)];
        for (ms, expected) in cases {
            assert_eq!(sum(&window, ms), expected, "{ms}");
        }
        *window.at(UnixMillis(300_000)) += 3;
        assert_eq!(sum(&window, 300_000), 8, "the place of the first slot was emptied for the eleventh");
    }

    #[test]
    fn times_before_1970_and_a_clock_that_is_set_back_do_no_harm() {
        let mut window = Window::<u32, 3>::new(10);
        for ms in [-35, 1_000, -65, i64::MAX, i64::MIN, 0] {
            *window.at(UnixMillis(ms)) += 1;
            assert_eq!(window.recent(UnixMillis(ms)).sum::<u32>(), 1, "{ms}");
        }
    }
}
