//! How many decoders this computer has room for.

/// No more decoders than this: reading and committing keep up with so many, and each has its share of the cache.
const MOST: usize = 8;

/// How many decoders to run: one per core, at most eight, as many as fit into the memory that is free, at least one.
///
/// `available_memory` is in bytes, `None` if unknown ([`available_memory`]), without what decoders share
/// ([`crate::Capabilities::shared_bytes`]); `memory_per_decoder` is [`crate::Capabilities::memory_bytes`].
pub fn decoder_count(cores: usize, available_memory: Option<u64>, memory_per_decoder: u64) -> usize {
    let fit = match available_memory {
        Some(free) => usize::try_from(free / memory_per_decoder.max(1)).unwrap_or(MOST),
        None => MOST,
    };
    cores.min(MOST).min(fit).max(1)
}

/// The cores this process may use, with regard to affinity and container limits; one if that cannot be found out.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory that can be had without swapping, in bytes: what the system says is available, or less if a container
/// limits us. `None` where nobody tells.
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| field(&text, "MemAvailable:")).map(|kib| kib * 1024);
    let group = limit_of_group(
        read("/sys/fs/cgroup/memory.max"),
        read("/sys/fs/cgroup/memory.current"),
        read("/sys/fs/cgroup/memory.stat"),
    );
    system.into_iter().chain(group).min()
}

/// All memory of this computer in bytes, or less if a container limits us. `None` where nobody tells.
pub fn total_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| field(&text, "MemTotal:")).map(|kib| kib * 1024);
    let group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    system.into_iter().chain(group).min()
}

/// What is left of a control group's memory limit (cgroup v2); the page cache it can drop counts as left.
fn limit_of_group(max: Option<String>, current: Option<String>, stat: Option<String>) -> Option<u64> {
    let number = |text: Option<String>| text?.trim().parse::<u64>().ok();
    let cache = stat.and_then(|text| field(&text, "inactive_file")).unwrap_or(0);
    Some(number(max)?.saturating_sub(number(current)?.saturating_sub(cache)))
}

/// The number behind `name` in lines of names and numbers.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_fit_cores_and_memory_and_there_is_always_one() {
        const MB: u64 = 1 << 20;
        for (cores, free, each, count) in [
            (2, Some(8000 * MB), 140 * MB, 2),
            (16, Some(8000 * MB), 140 * MB, 8),
            (4, Some(300 * MB), 140 * MB, 2),
            (4, Some(0), 140 * MB, 1),
            (4, None, 140 * MB, 4),
            (0, None, 0, 1),
        ] {
            assert_eq!(decoder_count(cores, free, each), count, "{cores} {free:?} {each}");
        }
    }

    #[test]
    fn a_container_limit_counts_without_the_cache() {
        let text = |s: &str| Some(s.to_owned());
        let stat = "anon 5\ninactive_file 300\nactive_file 7\n";
        assert_eq!(limit_of_group(text("1000\n"), text("500\n"), text(stat)), Some(800));
        assert_eq!(limit_of_group(text("max\n"), text("500\n"), text(stat)), None);
        assert_eq!(limit_of_group(None, None, None), None);
    }

    #[test]
    fn this_computer_has_a_core_and_on_linux_memory() {
        assert!(cores() >= 1);
        assert_eq!(available_memory().is_some(), cfg!(target_os = "linux"));
    }
}
