//! The order in which chunks are encoded. Pure.

/// Numbers of `count` chunks, each once: the first, the last, the middle, then the middles of what is left, evenly
/// over the film. So the chunks that are finished are at any time a fair sample of the whole.
#[must_use]
pub fn order(count: u32) -> Vec<u32> {
    let mut order = Vec::with_capacity(count as usize);
    if count > 0 {
        order.push(0);
    }
    if count > 1 {
        order.push(count - 1);
    }
    // Both ends of each stretch are in the order already.
    let mut stretches = vec![(0, count.saturating_sub(1))];
    while !stretches.is_empty() {
        let mut halves = Vec::with_capacity(stretches.len() * 2);
        for (from, to) in stretches.drain(..).filter(|(from, to)| to - from > 1) {
            let middle = from + (to - from) / 2;
            order.push(middle);
            halves.extend([(from, middle), (middle, to)]);
        }
        // All left halves before all right ones: else the film's beginning would be ahead within each level.
        stretches.extend(halves.iter().step_by(2));
        stretches.extend(halves.iter().skip(1).step_by(2));
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn first_last_middle_then_bisecting() {
        for (count, expected) in [
            (0, vec![]),
            (1, vec![0]),
            (2, vec![0, 1]),
            (3, vec![0, 2, 1]),
            (4, vec![0, 3, 1, 2]),
            (9, vec![0, 8, 4, 2, 6, 1, 5, 3, 7]),
            (17, vec![0, 16, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]),
        ] {
            assert_eq!(order(count), expected, "{count}");
        }
    }

    proptest! {
        #[test]
        fn every_chunk_comes_once(count in 0_u32..2000) {
            let mut numbers = order(count);
            numbers.sort_unstable();
            prop_assert!(numbers.into_iter().eq(0..count));
        }

        /// The widest stretch without a finished chunk is never much wider than an even spread would leave.
        #[test]
        fn any_beginning_of_the_order_is_spread_over_the_film(count in 3_u32..1000, share in 0.0_f64..1.0) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test")]
            let taken = 3 + (f64::from(count - 3) * share) as usize;
            let mut done = order(count);
            done.truncate(taken);
            done.sort_unstable();
            let widest = done.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            let even = f64::from(count - 1) / f64::from(u32::try_from(taken - 1).unwrap());
            prop_assert!(f64::from(widest) <= 2.0 * even + 1.0, "{widest} where {even} is even");
        }
    }
}
