//! How often a name, and an address, may try to log in.
//!
//! Promises: an attempt counts when it begins, so many at once are no way around; after some failures each further one
//! doubles the wait; what is kept is bounded, and forgotten after a quiet hour. Pure: time is an argument.
//! Never in here: whether a password is right.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use jiff::Timestamp;

/// Failures after which waiting begins, and the longest wait. Whoever knows a name can make its owner wait at a login,
/// so that wait stays short; an address waits for itself.
const OF_NAMES: Rule = Rule {
    free: 5,
    longest: Duration::from_secs(60),
};
const OF_ADDRESSES: Rule = Rule {
    free: 10,
    longest: Duration::from_secs(15 * 60),
};
const FIRST_WAIT: Duration = Duration::from_secs(1);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);
/// Of each table; then the ones that were quiet longest go.
const MOST_ENTRIES: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Rule {
    free: u32,
    longest: Duration,
}

impl Rule {
    /// After this many failures in a row.
    fn wait(self, failures: u32) -> Duration {
        match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(beyond) => FIRST_WAIT
                .saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX))
                .min(self.longest),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

#[derive(Debug)]
struct Table<K> {
    rule: Rule,
    entries: HashMap<K, Failures>,
}

impl<K: Eq + Hash + Clone> Table<K> {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            entries: HashMap::new(),
        }
    }

    /// How long until the next attempt is let through.
    fn wait(&self, key: &K, now: Timestamp) -> Duration {
        let Some(failures) = self.entries.get(key) else {
            return Duration::ZERO;
        };
        self.rule
            .wait(failures.count)
            .saturating_sub(passed(failures.last, now))
    }

    fn count(&mut self, key: K, now: Timestamp) {
        if self.entries.len() >= MOST_ENTRIES && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        let failures = self
            .entries
            .entry(key)
            .or_insert(Failures { count: 0, last: now });
        let count = if passed(failures.last, now) > FORGOTTEN_AFTER {
            0
        } else {
            failures.count
        };
        *failures = Failures {
            count: count.saturating_add(1),
            last: now,
        };
    }

    fn make_room(&mut self, now: Timestamp) {
        self.entries
            .retain(|_, failures| passed(failures.last, now) <= FORGOTTEN_AFTER);
        let mut times: Vec<_> = self.entries.values().map(|failures| failures.last).collect();
        if times.len() >= MOST_ENTRIES {
            let (_, median, _) = times.select_nth_unstable(MOST_ENTRIES / 2);
            let median = *median;
            self.entries.retain(|_, failures| failures.last > median);
        }
    }

    /// Takes back the count of an attempt that was none.
    fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.entries.get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

/// Zero when the clock was set back.
fn passed(since: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(since).try_into().unwrap_or_default()
}

/// The failures of the last hour.
#[derive(Debug)]
pub struct Throttle {
    names: Table<String>,
    addresses: Table<IpAddr>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            names: Table::new(OF_NAMES),
            addresses: Table::new(OF_ADDRESSES),
        }
    }
}

impl Throttle {
    /// Counts an attempt before it is looked at. One that must wait counts no further.
    ///
    /// # Errors
    /// How long to wait until the next.
    pub fn begin(&mut self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let address = network_of(address);
        let name = name.to_ascii_lowercase();
        let wait = self
            .names
            .wait(&name, now)
            .max(self.addresses.wait(&address, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.names.count(name, now);
        self.addresses.count(address, now);
        Ok(())
    }

    /// The attempt was right. The name's failures are forgotten; of the address only this attempt, or else whoever has
    /// one account could go on guessing at others for ever.
    pub fn succeeded(&mut self, name: &str, address: IpAddr) {
        self.names.entries.remove(&name.to_ascii_lowercase());
        self.addresses.take_back(&network_of(address));
    }
}

/// A household has a /64 of IPv6 addresses at least.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn waits_double_up_to_their_longest() {
        for (rule, failures, seconds) in [
            (OF_NAMES, 0, 0),
            (OF_NAMES, 4, 0),
            (OF_NAMES, 5, 1),
            (OF_NAMES, 6, 2),
            (OF_NAMES, 10, 32),
            (OF_NAMES, 11, 60),
            (OF_NAMES, u32::MAX, 60),
            (OF_ADDRESSES, 9, 0),
            (OF_ADDRESSES, 10, 1),
            (OF_ADDRESSES, 19, 512),
            (OF_ADDRESSES, 20, 900),
            (OF_ADDRESSES, 60, 900),
        ] {
            assert_eq!(
                rule.wait(failures).as_secs(),
                seconds,
                "{rule:?} after {failures}"
            );
        }
    }

    #[test]
    fn a_name_waits_whatever_the_address_and_an_address_whatever_the_name() {
        let mut throttle = Throttle::default();
        for number in 0..5 {
            throttle.begin("Ann", address(number), at(0)).unwrap();
        }
        assert_eq!(
            throttle.begin("ann", address(99), at(0)),
            Err(Duration::from_secs(1))
        );
        throttle.begin("ben", address(99), at(0)).unwrap();
        throttle.begin("ann", address(99), at(1)).unwrap();
        assert_eq!(
            throttle.begin("ann", address(99), at(2)),
            Err(Duration::from_secs(1)),
            "the sixth failure waits two seconds"
        );

        let mut throttle = Throttle::default();
        for number in 0..10 {
            throttle
                .begin(&format!("name{number}"), address(1), at(0))
                .unwrap();
        }
        assert!(throttle.begin("another", address(1), at(0)).is_err());
        assert!(throttle.begin("another", address(2), at(0)).is_ok());
    }

    #[test]
    fn attempts_that_wait_count_no_further_and_a_quiet_hour_forgets() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            throttle.begin("ann", address(1), at(0)).unwrap();
        }
        for _ in 0..100 {
            throttle.begin("ann", address(1), at(0)).unwrap_err();
        }
        throttle.begin("ann", address(1), at(1)).unwrap();
        for second in 3_700..3_705 {
            throttle.begin("ann", address(1), at(second)).unwrap();
        }
    }

    #[test]
    fn success_forgets_the_name_but_not_what_else_the_address_tried() {
        let mut throttle = Throttle::default();
        for number in 0..9 {
            throttle
                .begin(&format!("name{number}"), address(1), at(0))
                .unwrap();
        }
        throttle.begin("own", address(1), at(0)).unwrap();
        throttle.succeeded("own", address(1));
        throttle.begin("name9", address(1), at(0)).unwrap();
        assert!(throttle.begin("own", address(1), at(0)).is_err());
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address() {
        let mut throttle = Throttle::default();
        for number in 0..10 {
            let address = format!("2001:db8::{number}").parse().unwrap();
            throttle.begin(&format!("name{number}"), address, at(0)).unwrap();
        }
        let same: IpAddr = "2001:db8::ffff:1".parse().unwrap();
        assert!(throttle.begin("x", same, at(0)).is_err());
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert!(throttle.begin("x", other, at(0)).is_ok());
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network_of(mapped), address(1));
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest_stay() {
        let mut table = Table::new(OF_NAMES);
        let most = i64::try_from(MOST_ENTRIES).unwrap();
        for number in 0..2 * most {
            table.count(number, at(number / 100));
        }
        assert!(table.entries.len() <= MOST_ENTRIES);
        assert!(table.entries.contains_key(&(2 * most - 1)));
        assert!(!table.entries.contains_key(&0));
        // Also when all of them came at once.
        let mut table = Table::new(OF_NAMES);
        for number in 0..2 * most {
            table.count(number, at(0));
        }
        assert!(table.entries.len() <= MOST_ENTRIES);
    }
}
