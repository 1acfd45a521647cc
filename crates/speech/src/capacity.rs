//! How many decoders to run, by cores and free memory.

/// The most decoders: reading the recording and storing the words keep up with eight, and each has its share of the
/// cache.
const MAX_DECODERS: usize = 8;

/// The number of decoders to run: one per core, at most eight, at most as many as fit into free memory, at least one.
///
/// `available_memory` is in bytes ([`available_memory`]), `None` if unknown, less the memory that decoders share
/// ([`crate::Capabilities::shared_bytes`]). `memory_per_decoder` is [`crate::Capabilities::memory_bytes`].
pub fn decoder_count(cores: usize, available_memory: Option<u64>, memory_per_decoder: u64) -> usize {
    let fit = match available_memory {
        Some(free) => usize::try_from(free / memory_per_decoder.max(1)).unwrap_or(MAX_DECODERS),
        None => MAX_DECODERS,
    };
    cores.min(MAX_DECODERS).min(fit).max(1)
}

/// The number of cores this process may use, within affinity and container limits; one if unknown.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory in bytes that is available without swapping, within the limit of a container. `None` if unknown.
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| field(&text, "MemAvailable:")).map(|kib| kib * 1024);
    let group = left_in_group(
        read("/sys/fs/cgroup/memory.max"),
        read("/sys/fs/cgroup/memory.current"),
        read("/sys/fs/cgroup/memory.stat"),
    );
    system.into_iter().chain(group).min()
}

/// Total memory of this computer in bytes, or the limit of a container. `None` if unknown.
pub fn total_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| field(&text, "MemTotal:")).map(|kib| kib * 1024);
    let group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    system.into_iter().chain(group).min()
}

/// Memory left within the limit of a control group (cgroup v2). Page cache that can be dropped counts as free.
fn left_in_group(max: Option<String>, current: Option<String>, stat: Option<String>) -> Option<u64> {
    let number = |text: Option<String>| text?.trim().parse::<u64>().ok();
    let cache = stat.and_then(|text| field(&text, "inactive_file")).unwrap_or(0);
    Some(number(max)?.saturating_sub(number(current)?.saturating_sub(cache)))
}

/// The number after `name` in a text with one name and number per line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_decoders_is_limited_by_cores_and_memory_and_at_least_one() {
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
    fn page_cache_counts_as_free_within_a_container_limit() {
        let text = |s: &str| Some(s.to_owned());
        let stat = "anon 5\ninactive_file 300\nactive_file 7\n";
        assert_eq!(left_in_group(text("1000\n"), text("500\n"), text(stat)), Some(800));
        assert_eq!(left_in_group(text("max\n"), text("500\n"), text(stat)), None);
        assert_eq!(left_in_group(None, None, None), None);
    }

    #[test]
    fn cores_are_known_everywhere_and_memory_on_linux() {
        assert!(cores() >= 1);
        assert_eq!(available_memory().is_some(), cfg!(target_os = "linux"));
    }
}
