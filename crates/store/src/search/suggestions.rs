//! “Did you mean”: the known word that differs least from one that is not known.

use crate::query::on_connection;
use crate::{Result, Store};
use diesel::sql_types::{Array, Integer, Text};
use diesel_async::RunQueryDsl;

/// The most candidates that are compared for a word.
const MAX_CANDIDATES: i32 = 300;
/// The most words of a query that are looked up.
const MAX_WORDS: usize = 32;
/// A word is this much likelier if it is in ten times as many meetings, in typos.
const FREQUENCY_VALUE: f64 = 0.25;

/// A known word with a part in common.
#[derive(diesel::QueryableByName)]
struct Candidate {
    #[diesel(sql_type = Integer)]
    wanted: i32,
    /// The word that was looked up, without accents.
    #[diesel(sql_type = Text)]
    folded: String,
    #[diesel(sql_type = Text)]
    word: String,
    #[diesel(sql_type = Text)]
    known: String,
    #[diesel(sql_type = Integer)]
    meetings: i32,
}

/// $1 words, $2 how many candidates each. Words that are known, also in another inflection, have none.
const CANDIDATES: &str = "WITH RECURSIVE used AS (
        (SELECT stemmer FROM search_meetings ORDER BY stemmer LIMIT 1)
        UNION ALL
        SELECT (SELECT m.stemmer FROM search_meetings m WHERE m.stemmer > used.stemmer ORDER BY m.stemmer LIMIT 1)
        FROM used WHERE used.stemmer IS NOT NULL
    ),
    wanted AS MATERIALIZED (
        SELECT n::integer AS n, words[1] AS word, meetmemo_search_fold(words[1]) AS folded
        FROM unnest($1) WITH ORDINALITY w (text, n), LATERAL (SELECT meetmemo_search_words(text) AS words) cut
        WHERE cardinality(words) = 1 AND NOT meetmemo_search_is_run(words[1])
    ),
    unknown AS MATERIALIZED (
        SELECT * FROM wanted
        WHERE NOT EXISTS (SELECT FROM search_words k WHERE k.folded = wanted.folded)
            AND NOT EXISTS (
                SELECT FROM used, unnest(meetmemo_search_lexemes(('pg_catalog.' || stemmer)::regdictionary, wanted.word)) l
                WHERE stemmer IS NOT NULL AND l <> '' AND EXISTS (
                    SELECT FROM search_meetings m WHERE m.words @@ quote_literal(l)::tsquery))
    )
    SELECT unknown.n AS wanted, unknown.folded, near.word, near.folded AS known, near.meetings
    FROM unknown, LATERAL (
        SELECT word, folded, meetings FROM search_words k
        WHERE k.deletions && meetmemo_search_deletions(unknown.folded)
            AND abs(char_length(k.folded) - char_length(unknown.folded)) <= 2
        ORDER BY meetings DESC, word LIMIT $2
    ) near";

impl Store {
    /// For each word the known word that was probably meant; `None` for a word that is known, in whatever inflection, and
    /// where nothing is near.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn suggestions(&self, words: &[String]) -> Result<Vec<Option<String>>> {
        let asked: Vec<String> = words.iter().take(MAX_WORDS).map(|word| word.replace('\0', "")).collect();
        let candidates: Vec<Candidate> = on_connection!(self, connection => async {
            diesel::sql_query(CANDIDATES)
                .bind::<Array<Text>, _>(&asked)
                .bind::<Integer, _>(MAX_CANDIDATES)
                .load(connection)
                .await
        })?;
        let mut best: Vec<Option<(f64, String)>> = words.iter().map(|_| None).collect();
        for candidate in candidates {
            let Some(distance) = distance_of(&candidate) else { continue };
            let index = usize::try_from(candidate.wanted - 1).unwrap_or_default();
            let Some(best) = best.get_mut(index) else { continue };
            let cost = f64::from(distance) - FREQUENCY_VALUE * f64::from(candidate.meetings.max(1)).log10();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                *best = Some((cost, candidate.word));
            }
        }
        Ok(best.into_iter().map(|found| found.map(|(_, word)| word)).collect())
    }
}

/// In how many typos the words differ, if that is few for their length.
fn distance_of(candidate: &Candidate) -> Option<u32> {
    let (a, b): (Vec<char>, Vec<char>) =
        (candidate.folded.chars().collect(), candidate.known.chars().collect());
    let most = match a.len() {
        0..=2 => return None,
        3..=4 => 1,
        _ => 2,
    };
    let typos = typos(&a, &b);
    (typos <= most).then_some(typos)
}

/// How many letters must be added, left out, changed, or exchanged with the next one.
fn typos(a: &[char], b: &[char]) -> u32 {
    let (mut before, mut last): (Vec<u32>, Vec<u32>) = (Vec::new(), (0..).take(b.len() + 1).collect());
    for (i, letter) in a.iter().enumerate() {
        let mut row = vec![last[0] + 1];
        for (j, other) in b.iter().enumerate() {
            let mut least = (last[j] + u32::from(letter != other)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == *other {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_counted() {
        let count = |a: &str, b: &str| typos(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(count("budget", "budget"), 0);
        assert_eq!(count("bugdet", "budget"), 1);
        assert_eq!(count("recieve", "receive"), 1);
        assert_eq!(count("metting", "meeting"), 1);
        assert_eq!(count("meetin", "meetings"), 2);
        assert_eq!(count("", "ab"), 2);
    }
}
