//! Runs a command to its end: how long it takes, how long processors work for it, how much memory it uses, and
//! whether it leaves processes behind.
//!
//! The app's database server stops a moment after the last command, and has no parent by then. This process becomes its
//! parent (see [`adopt_orphans`]), so that the server's time is counted as well.

use super::median;
use super::memory::{self, Peak};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::shown;

/// Between two samples of memory. Samples must not slow down what is measured.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(250);
/// How soon the end of a process is noticed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// For how long processes may work on the data folder after the command has ended.
const LONGEST_STAY: Duration = Duration::from_secs(20);

/// What a command costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// From the start of the command to its end, in seconds.
    pub(super) wall_s: f64,
    /// Time of processors, of the user and of the system, for the command and all processes that it started, in seconds.
    pub(super) cpu_s: f64,
}

impl Cost {
    /// The median of each.
    pub(super) fn median(all: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(&all.iter().map(part).collect::<Vec<_>>());
        Self { wall_s: of(|cost| cost.wall_s), cpu_s: of(|cost| cost.cpu_s) }
    }

    /// This cost without the part `other`.
    pub(super) fn without(self, other: Self) -> Self {
        Self { wall_s: self.wall_s - other.wall_s, cpu_s: self.cpu_s - other.cpu_s }
    }
}

/// What is known of a command that was watched to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) cost: Cost,
    pub(super) peak: Peak,
    pub(super) success: bool,
}

/// Makes this process the parent of processes whose own parent has ended, or no longer. The system keeps
/// listing such a process after its end until [`settle`] is called; do not adopt without calling it.
pub(super) fn adopt_orphans(adopt: bool) -> Result<()> {
    // Other systems are turned away before this.
    #[cfg(not(target_os = "linux"))]
    let _ = adopt;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpid, set_child_subreaper};
        set_child_subreaper(adopt.then(getpid)).context("could not choose the parent of orphans")?;
    }
    Ok(())
}

/// Runs `command` on the data folder `data`, if it works on one. A failure of the command is an error.
pub(super) fn watch_well(command: &mut Command, data: Option<&Path>) -> Result<Watched> {
    let watched = watch(command, data, &mut |_| ())?;
    if !watched.success {
        bail!("`{}` failed", shown(command));
    }
    Ok(watched)
}

/// Runs `command` on the data folder `data`, if it works on one. `meanwhile` is called again and again until the command
/// ends, with the moment at which the command was started; what it starts is counted as the command's time.
///
/// It is an error if processes still work on `data` twenty seconds after the command has ended.
pub(super) fn watch(
    command: &mut Command,
    data: Option<&Path>,
    meanwhile: &mut dyn FnMut(Instant),
) -> Result<Watched> {
    settle(data)?;
    let before_s = cpu_of_children_s()?;
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("could not start `{}`", shown(command)))?;
    let mut peak = Peak::default();
    let mut next_sample = started;
    let status = loop {
        if let Some(status) =
            child.try_wait().with_context(|| format!("could not wait for `{}`", shown(command)))?
        {
            break status;
        }
        if Instant::now() >= next_sample {
            peak.sample(child.id(), data);
            next_sample = Instant::now() + BETWEEN_SAMPLES;
        }
        meanwhile(started);
        thread::sleep(BETWEEN_LOOKS);
    };
    let wall_s = started.elapsed().as_secs_f64();
    settle(data).with_context(|| format!("`{}` left processes behind", shown(command)))?;
    let cpu_s = cpu_of_children_s()? - before_s;
    Ok(Watched { cost: Cost { wall_s, cpu_s }, peak, success: status.success() })
}

/// Waits until no process works on `data`, and takes the time of those that were adopted.
pub(super) fn settle(data: Option<&Path>) -> Result<()> {
    let deadline = Instant::now() + LONGEST_STAY;
    let mut left = BTreeSet::new();
    loop {
        left.extend(data.into_iter().flat_map(memory::using));
        left.retain(|process| memory::is_alive(*process));
        if left.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            bail!("these processes still use the data folder after {} s: {left:?}", LONGEST_STAY.as_secs());
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    for process in memory::ended_orphans() {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        // It has ended, so nothing is waited for; if somebody else was faster, there is nothing to do.
        let _ = waitpid(process, WaitOptions::NOHANG);
    }
    Ok(())
}

/// Time of processors for all children that have ended and were waited for, and for theirs.
fn cpu_of_children_s() -> Result<f64> {
    let ticks = memory::ticks_of_children().context("/proc does not tell the time of child processes")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shell counts, which takes some tenths of a second.
    const WORK: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";

    #[test]
    fn the_median_is_that_of_each_part() {
        let cost = |wall_s, cpu_s| Cost { wall_s, cpu_s };
        let median = Cost::median(&[cost(1.0, 9.0), cost(3.0, 5.0), cost(2.0, 7.0)]);
        assert_eq!(median, cost(2.0, 7.0));
        assert_eq!(median.without(cost(0.5, 3.0)), cost(1.5, 4.0));
    }

    #[test]
    fn the_time_of_a_command_and_of_its_children_is_counted() {
        let idle = watch_well(Command::new("sleep").arg("0.3"), None).unwrap();
        assert!(idle.cost.wall_s >= 0.3, "{idle:?}");
        let busy =
            watch_well(Command::new("sh").args(["-c", &format!("sh -c '{WORK}'; true")]), None).unwrap();
        assert!(busy.cost.cpu_s > 0.05, "{busy:?}");
        assert!(watch_well(&mut Command::new("false"), None).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_outlives_its_command_is_waited_for_and_counted() {
        adopt_orphans(true).unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("setsid sh -c 'sleep 0.2; {WORK}' & sleep 0.1")])
            .env("MEETMEMO_DATA_DIR", data.path());
        let watched = watch_well(&mut command, Some(data.path())).unwrap();
        assert!(memory::using(data.path()).is_empty());
        assert!(memory::ended_orphans().is_empty());
        assert!(watched.cost.cpu_s > 0.05, "{watched:?}");
    }
}
