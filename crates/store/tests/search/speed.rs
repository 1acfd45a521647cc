use crate::world::query;
use std::time::Instant;
use store::{Database, PoolSize, Store};

#[tokio::test(flavor = "multi_thread")]
async fn speed() {
    let Ok(url) = std::env::var("A_SPEED") else { return };
    let text = std::fs::read_to_string("/tmp/w/a_pg/queries.txt").unwrap();
    let url = url.parse().unwrap();
    let store =
        Store::open(Database::External(url), PoolSize { min_size: 1, max_size: 2 }, &|_| ()).await.unwrap();
    for round in 0..2 {
        let mut times: Vec<(f64, String, u32, usize)> = Vec::new();
        for line in text.lines() {
            let asked = store::MeetingQuery { limit: 20, ..query(line) };
            let begin = Instant::now();
            let found = store.search(&asked).await.unwrap();
            times.push((
                begin.elapsed().as_secs_f64() * 1000.0,
                line.to_owned(),
                found.total,
                found.meetings.len(),
            ));
        }
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |p: usize| times[(times.len() - 1) * p / 100].0;
        println!(
            "round {round}: n {} p50 {:.1} p90 {:.1} p95 {:.1} p99 {:.1} max {:.1}",
            times.len(),
            at(50),
            at(90),
            at(95),
            at(99),
            at(100)
        );
        for (ms, line, total, shown) in times.iter().rev().take(25) {
            println!("   {ms:.1} {line} total {total} shown {shown}");
        }
        for text in ["budgt", "jagi", "jdde"] {
            let begin = Instant::now();
            let found = store.suggestions(&[text.to_owned()]).await.unwrap();
            println!("suggest {text} {found:?} {:?}", begin.elapsed());
        }
    }
}
