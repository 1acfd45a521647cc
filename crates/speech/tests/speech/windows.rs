//! Cutting recordings into windows.

use crate::recordings::{RATE, librivox, quieter, silence, wav, windows};
use speech::{Cutting, Window, Windower, windows::Piece};
use testing::shared;

/// The clips one after another, with pauses in between.
fn reading() -> Vec<f32> {
    let mut samples = silence(1.0);
    for clip in librivox() {
        samples.extend(clip.samples);
        samples.extend(silence(0.8));
    }
    samples
}

fn seconds(windows: &[Window]) -> f64 {
    windows.iter().map(Window::seconds).sum()
}

#[test]
fn windows_do_not_depend_on_the_sizes_of_the_pushed_slices() {
    let samples = reading();
    let whole = windows(&samples);
    assert!(whole.len() >= 2, "{}", whole.len());
    for size in [1, 7, 255, 256, 257, 4096, 48_000] {
        let mut windower = Windower::new(Cutting::default());
        let mut pieces: Vec<Window> = samples.chunks(size).flat_map(|piece| windower.push(piece)).collect();
        pieces.extend(windower.finish());
        assert!(pieces == whole, "slices of {size} samples give different windows");
    }
}

#[test]
fn windows_are_numbered_in_order_without_overlap_and_hold_the_samples_of_their_pieces() {
    let samples = reading();
    let mut end = 0;
    for (number, window) in windows(&samples).iter().enumerate() {
        assert_eq!(window.index as usize, number);
        assert!(window.end() <= samples.len() as u64);
        let mut held = Vec::new();
        for piece in &window.source.pieces {
            assert!(piece.start >= end);
            end = piece.start + piece.length;
            held.extend_from_slice(&samples[piece.start as usize..end as usize]);
        }
        assert!(window.samples == held);
    }
}

#[test]
fn speech_at_the_end_is_kept_up_to_the_last_sample() {
    let clip = &librivox()[0].samples;
    // The end is in the middle of a word and of a frame.
    let samples = &clip[..RATE * 3 + 77];
    let mut windower = Windower::new(Cutting::default());
    let mut all = windower.push(samples);
    all.extend(windower.finish());
    assert_eq!(all.last().unwrap().end(), samples.len() as u64);
    assert_eq!(windower.counts().samples, samples.len() as u64);
    assert_eq!(windower.counts().speech, all.iter().map(|w| w.source.to - w.source.from).sum::<u64>());
}

#[test]
fn speech_without_a_pause_is_cut_and_no_sample_is_lost() {
    let clip = &librivox()[0].samples;
    // The loudest second, repeated for a minute.
    let second = clip.chunks_exact(RATE).max_by(|a, b| energy(a).total_cmp(&energy(b))).unwrap();
    let samples = second.repeat(60);
    let windows = windows(&samples);
    assert!(windows.len() >= 3);
    assert!(
        windows.iter().all(|w| w.seconds() <= 15.0),
        "{:?}",
        windows.iter().map(Window::seconds).collect::<Vec<_>>()
    );
    // The first window is about half as long as the others.
    assert!(windows[0].seconds() >= 3.9, "{}", windows[0].seconds());
    assert!(windows[1..windows.len() - 1].iter().all(|w| w.seconds() >= 7.4));
    for pair in windows.windows(2) {
        assert_eq!(pair[0].source.to, pair[1].source.from, "each sample belongs to one window");
        assert!(pair[0].end() >= pair[1].start() + RATE as u64, "both windows hold the samples around a cut");
    }
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum()
}

#[test]
fn quiet_speech_is_kept() {
    let samples = reading();
    let usual = seconds(&windows(&samples));
    for decibels in [20.0, 40.0] {
        let quiet = seconds(&windows(&quieter(&samples, decibels)));
        assert!(quiet >= 0.95 * usual, "{quiet} s of {usual} s at -{decibels} dB");
    }
}

#[test]
fn samples_that_are_nan_infinite_or_too_large_are_harmless() {
    let mut samples = reading();
    for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30].into_iter().enumerate() {
        samples[RATE * (2 + i)] = bad;
    }
    let windows = windows(&samples);
    assert!(seconds(&windows) > 15.0);
    assert!(windows.iter().flat_map(|w| &w.samples).all(|s| (-1.0..=1.0).contains(s)));
}

#[test]
fn the_first_window_is_shorter_so_that_words_appear_early() {
    let windows = windows(&reading().repeat(2));
    assert!(windows[0].seconds() <= 8.0, "{}", windows[0].seconds());
    assert!(windows[1].seconds() > 8.0, "{}", windows[1].seconds());
}

#[test]
fn silence_gives_no_windows() {
    for length in [0, 1, 160, 255, 256, 257, RATE] {
        assert_eq!(windows(&vec![0.0; length]), []);
    }
}

/// The share of the reference speech that is in no window, in steps of 10 ms.
fn missed(recording: &str) -> Option<f64> {
    let path = shared(&format!("audio/meeting/{recording}.wav"))?;
    let spoken: Vec<(f64, f64)> = std::fs::read_to_string(path.with_extension("rttm"))
        .unwrap()
        .lines()
        .map(|line| {
            // SPEAKER file channel start duration …
            let fields: Vec<&str> = line.split_whitespace().collect();
            let start: f64 = fields[3].parse().unwrap();
            (start, start + fields[4].parse::<f64>().unwrap())
        })
        .collect();
    let windows = windows(&wav(&path));
    let (mut speech, mut lost) = (0, 0);
    for step in 0..12_000 {
        let at = f64::from(step) / 100.0;
        if spoken.iter().any(|(start, end)| (*start..*end).contains(&at)) {
            speech += 1;
            let sample = (at * RATE as f64) as u64;
            let held = |piece: &Piece| (piece.start..piece.start + piece.length).contains(&sample);
            lost += i32::from(!windows.iter().any(|window| window.source.pieces.iter().any(held)));
        }
    }
    let missed = f64::from(lost) / f64::from(speech);
    eprintln!("{recording}: {:.1} % of the speech is in no window", missed * 100.0);
    Some(missed)
}

#[test]
fn little_speech_is_missed_in_meetings_with_near_and_far_microphones() {
    for (recording, most) in [
        ("panel-5-speakers", 0.02),
        ("ami-dev01", 0.08),
        ("ami-trn03", 0.08),
        ("ami-trn04", 0.08),
        ("ami-trn05", 0.08),
    ] {
        let Some(missed) = missed(recording) else { return };
        assert!(missed <= most, "{recording}: {missed:.3}");
    }
}
