//! scratch
#![allow(clippy::print_stdout, clippy::unwrap_used)]
use media::*;
fn main() {
    for path in std::env::args().skip(1) {
        let p = std::path::Path::new(&path);
        let tools = if std::env::var("NOFF").is_ok() { Tools::none() } else { Tools::find() };
        println!("== {}", path);
        match probe(p, &tools) {
            Ok(x) => println!(
                "   {} {} {}Hz {}ch {:?} {:?} {:?}",
                x.container, x.codec, x.sample_rate, x.channels, x.duration_ms, x.recorded_at, x.title
            ),
            Err(e) => {
                use std::error::Error;
                println!("   ERR {e} [{e:?}] {:?}", e.source().map(|s| s.to_string()));
            }
        }
        let t = std::time::Instant::now();
        match Reader::open(p, &tools) {
            Ok(mut r) => {
                let mut all = Vec::new();
                loop {
                    match r.read() {
                        Ok(Some(s)) => all.extend_from_slice(s),
                        Ok(None) => break,
                        Err(e) => {
                            println!("   read: {e}");
                            break;
                        }
                    }
                }
                println!(
                    "   {:.4}s {:?} took {:?}",
                    all.len() as f64 / 16000.0,
                    r.shortfall().map(|s| s.to_string()),
                    t.elapsed()
                );
                if let Ok(o) = std::env::var("OUT") {
                    std::fs::write(o, all.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
                }
            }
            Err(e) => println!("   open: {e}"),
        }
    }
}
