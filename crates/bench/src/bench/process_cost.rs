//! Measures a command: wall-clock time, CPU time, memory, and whether it leaves processes behind.
//!
//! The app's database server stops a moment after the last command and is an orphan by then. This process becomes its
//! parent ([`adopt_orphans`]), so that the server's CPU time is counted too.

use super::median;
use super::process_memory::{self, Peak};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::shown;

/// Interval of memory samples, long enough not to slow down the measured command.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);
/// Interval of checks whether a process has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long processes may use the data folder after the command has ended.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Time of a command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// From the start of the command to its end, in seconds.
    pub(super) wall_s: f64,
    /// CPU time (user and system) of the command and all processes that it started, in seconds.
    pub(super) cpu_s: f64,
}

impl Cost {
    /// The median of each field.
    pub(super) fn median(all: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(&all.iter().map(part).collect::<Vec<_>>());
        Self { wall_s: of(|cost| cost.wall_s), cpu_s: of(|cost| cost.cpu_s) }
    }

    /// The difference to `other`.
    pub(super) fn without(self, other: Self) -> Self {
        Self { wall_s: self.wall_s - other.wall_s, cpu_s: self.cpu_s - other.cpu_s }
    }
}

/// The measurement of a command that has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurement {
    pub(super) cost: Cost,
    pub(super) peak: Peak,
    pub(super) success: bool,
}

/// Makes this process the parent of orphaned descendants (or no longer). Such a process stays a zombie after its end
/// until [`wait_for_processes`] is called.
pub(super) fn adopt_orphans(adopt: bool) -> Result<()> {
    // `bench` refuses other systems.
    #[cfg(not(target_os = "linux"))]
    let _ = adopt;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpid, set_child_subreaper};
        set_child_subreaper(adopt.then(getpid)).context("could not choose the parent of orphans")?;
    }
    Ok(())
}

/// Runs and measures `command`; `data` is its data folder, if it has one. A failure of the command is an error.
pub(super) fn run_measured(command: &mut Command, data: Option<&Path>) -> Result<Measurement> {
    let measured = measure(command, data, &mut |_| ())?;
    if !measured.success {
        bail!("`{}` failed", shown(command));
    }
    Ok(measured)
}

/// Runs and measures `command`; `data` is its data folder, if it has one. `meanwhile` is called repeatedly until the
/// command ends, with the time of its start; processes that it starts count for the command.
///
/// # Errors
/// Also if processes still use `data` twenty seconds after the command has ended.
pub(super) fn measure(
    command: &mut Command,
    data: Option<&Path>,
    meanwhile: &mut dyn FnMut(Instant),
) -> Result<Measurement> {
    wait_for_processes(data)?;
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
            next_sample = Instant::now() + SAMPLE_INTERVAL;
        }
        meanwhile(started);
        thread::sleep(POLL_INTERVAL);
    };
    let wall_s = started.elapsed().as_secs_f64();
    wait_for_processes(data).with_context(|| format!("`{}` left processes behind", shown(command)))?;
    let cpu_s = cpu_of_children_s()? - before_s;
    Ok(Measurement { cost: Cost { wall_s, cpu_s }, peak, success: status.success() })
}

/// Waits until no process uses `data`, and reaps adopted processes, which adds their CPU time to ours.
pub(super) fn wait_for_processes(data: Option<&Path>) -> Result<()> {
    let deadline = Instant::now() + EXIT_TIMEOUT;
    let mut left = BTreeSet::new();
    loop {
        left.extend(data.into_iter().flat_map(process_memory::using));
        left.retain(|process| process_memory::is_alive(*process));
        if left.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            bail!("these processes still use the data folder after {} s: {left:?}", EXIT_TIMEOUT.as_secs());
        }
        thread::sleep(POLL_INTERVAL);
    }
    for process in process_memory::ended_orphans() {
        // Without a process, `waitpid` would wait for any child.
        let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) else { continue };
        // It has ended, so this does not block. An error means that it was reaped already.
        let _ = waitpid(Some(process), WaitOptions::NOHANG);
    }
    Ok(())
}

/// CPU time of all reaped children and their descendants.
fn cpu_of_children_s() -> Result<f64> {
    let ticks =
        process_memory::ticks_of_children().context("/proc does not give the CPU time of child processes")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell loop that takes some tenths of a second of CPU time.
    const WORK: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";

    #[test]
    fn the_median_is_taken_of_each_field() {
        let cost = |wall_s, cpu_s| Cost { wall_s, cpu_s };
        let median = Cost::median(&[cost(1.0, 9.0), cost(3.0, 5.0), cost(2.0, 7.0)]);
        assert_eq!(median, cost(2.0, 7.0));
        assert_eq!(median.without(cost(0.5, 3.0)), cost(1.5, 4.0));
    }

    #[test]
    fn the_cpu_time_of_a_command_includes_its_children() {
        let idle = run_measured(Command::new("sleep").arg("0.3"), None).unwrap();
        assert!(idle.cost.wall_s >= 0.3, "{idle:?}");
        let busy =
            run_measured(Command::new("sh").args(["-c", &format!("sh -c '{WORK}'; true")]), None).unwrap();
        assert!(busy.cost.cpu_s > 0.05, "{busy:?}");
        assert!(run_measured(&mut Command::new("false"), None).is_err());
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
        let measured = run_measured(&mut command, Some(data.path())).unwrap();
        assert!(process_memory::using(data.path()).is_empty());
        assert!(process_memory::ended_orphans().is_empty());
        assert!(measured.cost.cpu_s > 0.05, "{measured:?}");
    }
}
