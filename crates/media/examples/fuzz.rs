//! scratch
#![allow(warnings)]
use media::*;
use std::time::*;
/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    // Headers are where lies do most.
    let near = |random: &mut Random, n: usize| {
        if random.below(2) == 0 { random.below(n.min(600)) } else { random.below(n) }
    };
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            return;
        }
        let at = near(random, bytes.len());
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            3 => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes[at..end].fill(0);
            }
            4 => bytes.truncate(at.max(1)),
            5 => {
                let end = (at + random.below(2000)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + random.below(2000)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = near(random, bytes.len());
                bytes.splice(to..to, copy);
            }
        }
    }
}

/// Makes the checksums of Ogg pages right again: otherwise nothing behind the demuxer sees the damage.
fn seal(bytes: &mut [u8]) {
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"OggS")).collect();
    for at in starts {
        let page = &mut bytes[at..];
        let Some(segments) = page.get(26).map(|n| usize::from(*n)) else { continue };
        let Some(table) = page.get(27..27 + segments) else { continue };
        let len = 27 + segments + table.iter().map(|n| usize::from(*n)).sum::<usize>();
        let Some(page) = page.get_mut(..len) else { continue };
        page[22..26].fill(0);
        let crc = page.iter().fold(0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
                crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        });
        page[22..26].copy_from_slice(&crc.to_le_bytes());
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let seed: u64 = args.next().unwrap().parse().unwrap();
    let rounds: usize = args.next().unwrap().parse().unwrap();
    let mut random = Random(seed);
    std::panic::set_hook(Box::new(|i| {
        eprintln!("PANIC {}", i.location().map(|l| l.to_string()).unwrap_or_default());
    }));
    for p in args {
        let whole = std::fs::read(&p).unwrap();
        let name = std::path::Path::new(&p).file_name().unwrap().to_str().unwrap().to_owned();
        let path = std::env::temp_dir().join(format!("fz{seed}-{name}"));
        let (mut ok, mut worst, mut longest) = (0, Duration::ZERO, 0.0f64);
        for r in 0..rounds {
            let mut b = whole.clone();
            mutate(&mut b, &mut random);
            if r % 4 > 0 {
                seal(&mut b);
            }
            std::fs::write(&path, &b).unwrap();
            let t = Instant::now();
            let tools = Tools::none();
            if let Ok(mut rd) = Reader::open(&path, &tools) {
                ok += 1;
                while let Ok(Some(s)) = rd.read() {
                    assert!(s.iter().all(|x| x.is_finite()));
                }
                let l = rd.position() as f64 / 16000.0;
                if l > longest {
                    longest = l;
                }
                if l > 60.0 {
                    eprintln!("LONG {l} {name} {r} {:?}", rd.shortfall());
                    std::fs::copy(&path, format!("/tmp/long-{seed}-{r}-{name}")).unwrap();
                }
            }
            let e = t.elapsed();
            if e > worst {
                worst = e;
            }
            if e > Duration::from_millis(700) {
                eprintln!("SLOW {e:?} {name} {r}");
                std::fs::copy(&path, format!("/tmp/slow-{seed}-{r}-{name}")).unwrap();
            }
        }
        println!("{name}: ok {ok}/{rounds} worst {worst:?} longest {longest:.2}");
    }
}
