//! No SQL is built from strings, and none stands outside the crate `store`.
//!
//! The test reads the sources of all crates. In `store`, text that becomes SQL must be a literal or a constant, with values
//! in bind parameters; the exceptions are listed with their reasons.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Places that build SQL all the same: the beginning of the file's path, what its code contains at the place, and why it
/// must. Names of tables, columns and databases cannot be bind parameters.
const EXCEPTIONS: [(&str, &str, &str); 10] = [
    ("crates/app/src/database.rs", "VACUUM FULL writes", "a sentence for the user, no SQL"),
    (
        "crates/store/src/backup/",
        "",
        "names of tables and columns come from the catalogue and are quoted by `tables::quoted`; values are parameters or data of COPY",
    ),
    ("crates/store/src/lease.rs", "LEASE_SECONDS", "a number that is a constant of the program"),
    ("crates/store/src/retention/clock.rs", "sql_query(update)", "a loop over three literals"),
    (
        "crates/store/src/retention/rules.rs",
        "sql_query($sql)",
        "a macro; its users pass constants that `with_due!` joins from literals",
    ),
    (
        "crates/store/src/server/maintenance.rs",
        "batch_execute(statement)",
        "the server itself made the statement, with format('%I')",
    ),
    ("crates/store/src/server/maintenance.rs", "index.statement", "as before"),
    ("crates/store/src/store.rs", "migrate::LOCK", "a number that is a constant of the program"),
    (
        "crates/store/src/store.rs",
        "draft",
        "the name of the private server's database is a constant of the program",
    ),
    ("crates/store/src/testing", "", "for tests only: names of databases that this file makes up"),
];

/// Functions whose first argument is SQL.
const SQL_FUNCTIONS: [&str; 8] =
    ["sql_query", "batch_execute", "simple_query", "copy_in", "copy_out", "query_raw", "query_typed", "sql"];

/// Macros that build strings.
const BUILDING_MACROS: [&str; 4] = ["format", "write", "writeln", "format_args"];

/// How statements begin.
const STATEMENTS: [&str; 34] = [
    "SELECT",
    "INSERT INTO",
    "UPDATE",
    "DELETE FROM",
    "CREATE",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "COPY",
    "GRANT",
    "REVOKE",
    "SET",
    "RESET",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "CLUSTER",
    "LISTEN",
    "NOTIFY",
    "LOCK TABLE",
    "WITH",
    "DO $$",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "COMMENT ON",
    "CALL",
    "EXPLAIN",
    "MERGE INTO",
    "DECLARE",
    "REFRESH",
    "REASSIGN",
    "SAVEPOINT",
    "TABLE",
];

/// A piece of Rust source.
#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Sign(char),
}

/// Cuts source into tokens, with the line of each. Comments, white space and character literals are left out.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let letters: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&letter) = letters.get(at) {
        let begin = at;
        let rest = &letters[at..];
        if rest.starts_with(&['/', '/']) {
            at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
        } else if rest.starts_with(&['/', '*']) {
            at +=
                rest.windows(2).skip(2).position(|pair| pair == ['*', '/']).map_or(rest.len(), |end| end + 4);
        } else if let Some((text, length)) = raw_text(rest) {
            found.push((line, Token::Text(text)));
            at += length;
        } else if letter == '"' {
            let mut end = at + 1;
            while letters.get(end).is_some_and(|c| *c != '"') {
                end += if letters[end] == '\\' { 2 } else { 1 };
            }
            found.push((line, Token::Text(letters[at + 1..end.min(letters.len())].iter().collect())));
            at = end + 1;
        } else if letter == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            let end = rest.iter().skip(2).position(|c| *c == '\'').map_or(rest.len(), |end| end + 3);
            // `'\''` ends one later.
            at += if rest.starts_with(&['\'', '\\', '\'']) { 4 } else { end };
        } else if letter.is_alphanumeric() || letter == '_' {
            let length = rest.iter().position(|c| !(c.is_alphanumeric() || *c == '_')).unwrap_or(rest.len());
            found.push((line, Token::Name(rest[..length].iter().collect())));
            at += length;
        } else {
            if !letter.is_whitespace() {
                found.push((line, Token::Sign(letter)));
            }
            at += 1;
        }
        line += letters[begin..at.min(letters.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// A raw string at the beginning of `rest`, and its length in the source.
fn raw_text(rest: &[char]) -> Option<(String, usize)> {
    let prefix = if rest.starts_with(&['b', 'r']) { 2 } else { 1 };
    if rest.get(prefix - 1) != Some(&'r') {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let begin = prefix + hashes;
    if rest.get(begin) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let length = rest[begin + 1..].windows(end.len()).position(|part| part == end)?;
    Some((rest[begin + 1..begin + 1 + length].iter().collect(), begin + 1 + length + end.len()))
}

fn looks_like_sql(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || "\\n({".contains(c));
    STATEMENTS.iter().any(|statement| {
        text.strip_prefix(statement)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ';'))
    }) || [" FROM ", " WHERE ", " VALUES "].iter().any(|clause| text.contains(clause))
}

fn is_constant(name: &str) -> bool {
    name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase)
}

/// A place that builds SQL, or has some where none belongs.
#[derive(Debug, PartialEq)]
struct Finding {
    line: usize,
    what: String,
}

/// The places of a source that build SQL from strings. With `may_have_sql`, a literal or constant is allowed.
fn findings(source: &str, may_have_sql: bool) -> Vec<Finding> {
    let tokens = tokens(source);
    let name = |at: usize| match tokens.get(at) {
        Some((_, Token::Name(name))) => name.as_str(),
        _ => "",
    };
    let sign = |at: usize, wanted: char| matches!(tokens.get(at), Some((_, Token::Sign(c))) if *c == wanted);
    let sql = |at: usize| match tokens.get(at) {
        Some((_, Token::Text(text))) if looks_like_sql(text) => Some(text.as_str()),
        _ => None,
    };
    let mut found = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        let mut add = |what: String| found.push(Finding { line: *line, what });
        match token {
            Token::Name(function)
                if may_have_sql
                    && SQL_FUNCTIONS.contains(&function.as_str())
                    && name(at.wrapping_sub(1)) != "fn" =>
            {
                // `sql::<Type>("…")`
                let open = (at + 1..tokens.len()).find(|next| sign(*next, '('));
                let is_call =
                    sign(at + 1, '(') || (sign(at + 1, ':') && sign(at + 2, ':') && sign(at + 3, '<'));
                if let Some(open) = open.filter(|_| is_call)
                    && !is_fixed_argument(&tokens, open + 1)
                    && !is_static_parameter(&tokens[..open], name(open + 1))
                {
                    add(format!("the argument of {function} is neither a literal nor a constant"));
                }
            }
            Token::Name(building) if BUILDING_MACROS.contains(&building.as_str()) && sign(at + 1, '!') => {
                // The first literals: `write!` has its target before the text.
                if let Some(text) = (at + 2..at + 12).find_map(sql) {
                    add(format!("{building}! builds “{}”", beginning(text)));
                }
            }
            Token::Name(function) if function == "push_str" && sign(at + 1, '(') => {
                if let Some(text) = (at + 2..at + 4).find_map(sql) {
                    add(format!("push_str adds “{}”", beginning(text)));
                }
            }
            Token::Sign('+') => {
                if let Some(text) = [at.wrapping_sub(1), at + 1, at + 2].into_iter().find_map(sql) {
                    add(format!("+ adds to “{}”", beginning(text)));
                }
            }
            Token::Text(text) if !may_have_sql && looks_like_sql(text) => {
                add(format!("SQL outside the crate store: “{}”", beginning(text)));
            }
            _ => {}
        }
    }
    found
}

/// Whether the parameter `parameter` of the function around the end of `before` is a `&'static str`.
fn is_static_parameter(before: &[(usize, Token)], parameter: &str) -> bool {
    let is_fn = |(_, token): &(usize, Token)| *token == Token::Name("fn".to_owned());
    let function = &before[before.iter().rposition(is_fn).unwrap_or(0)..];
    let declared = tokens(&format!("{parameter}: &'static str"));
    !parameter.is_empty()
        && function.windows(declared.len()).any(|part| part.iter().zip(&declared).all(|(a, b)| a.1 == b.1))
}

/// Whether the argument that begins at `at` is a literal or a path to a constant, and nothing follows it.
fn is_fixed_argument(tokens: &[(usize, Token)], mut at: usize) -> bool {
    let end = |at: usize| matches!(tokens.get(at), Some((_, Token::Sign(')' | ','))));
    match tokens.get(at) {
        Some((_, Token::Text(_))) => end(at + 1),
        Some((_, Token::Name(_))) => {
            while let [(_, Token::Sign(':')), (_, Token::Sign(':')), (_, Token::Name(_)), ..] =
                &tokens[(at + 1).min(tokens.len())..]
            {
                at += 3;
            }
            end(at + 1) && matches!(&tokens[at].1, Token::Name(last) if is_constant(last))
        }
        _ => false,
    }
}

fn beginning(text: &str) -> String {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\\').chars().take(40).collect()
}

/// All Rust files below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_sql_is_built_from_strings_and_none_stands_outside_the_store() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut folders: Vec<PathBuf> = fs::read_dir(checkout.join("crates"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join("src"))
        .collect();
    folders.push(checkout.join("src-tauri/src"));
    let mut report = String::new();
    let mut used = Vec::new();
    let mut seen = 0;
    for path in folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| sources(folder)) {
        let file = path.strip_prefix(&checkout).unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        seen += 1;
        for Finding { line, what } in findings(&source, file.starts_with("crates/store/")) {
            // An exception may stand on one of the lines that follow, where rustfmt broke them.
            let lines: Vec<&str> = source.lines().skip(line - 1).take(4).collect();
            let place = lines.join("\n");
            match EXCEPTIONS.iter().position(|(name, code, _)| file.starts_with(name) && place.contains(code))
            {
                Some(exception) => used.push(exception),
                None => writeln!(report, "{file}:{line}: {what}").unwrap(),
            }
        }
    }
    assert!(seen > 200, "the sources were read");
    for (index, (file, code, reason)) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&index) {
            writeln!(report, "{file}: the exception “{code}” is not needed any more ({reason})").unwrap();
        }
    }
    assert!(report.is_empty(), "use bind parameters, and constants for the text:\n{report}");
}

#[test]
fn sql_that_is_built_is_found_and_fixed_sql_is_not() {
    for built in [
        r#"diesel::sql_query(format!("SELECT {column} FROM jobs"))"#,
        r#"connection.batch_execute(&sql)"#,
        r#"connection.batch_execute(&format!("DROP DATABASE {name}"))"#,
        r#"client.simple_query(statement).await"#,
        r#"let sql = format!("  UPDATE jobs SET title = '{title}'");"#,
        r#"sql.push_str(" SELECT 1");"#,
        r#"sql.push_str(" AND title = 'x' WHERE id = 1");"#,
        r#"let sql = "SELECT * FROM " + table;"#,
        "let sql = format!(\n    r#\"DELETE FROM {table}\"#\n);",
        r#"write!(sql, "INSERT INTO {table} VALUES (1)")"#,
        r#"sql::<Bool>(&text)"#,
        r#"fn ask(sql: &str) { client.simple_query(sql) }"#,
        r#"fn ask(sql: &'static str) {} fn other(sql: String) { sql_query(sql) }"#,
    ] {
        assert!(!findings(built, true).is_empty(), "{built}");
    }
    for fixed in [
        r#"diesel::sql_query("SELECT $1").bind::<Text, _>(name)"#,
        r#"connection.batch_execute(statements::CREATE_ALL).await"#,
        r#"const SQL: &str = "SELECT 1";"#,
        r#"// format!("SELECT {x}")"#,
        r#"/* format!("SELECT {x}") */ format!("Select a file")"#,
        r#"format!("the table {name} cannot be selected")"#,
        r#"let quote = '"'; let other = '\''; format!("{quote}")"#,
        r#"fn simple_query(sql: &'static str) {}"#,
        r#"sql::<Bool>("deleted IS NULL")"#,
        r#"async fn ask(client: &Client, sql: &'static str) { client.simple_query(sql).await }"#,
        r#"concat!("SELECT ", "1")"#,
    ] {
        assert_eq!(findings(fixed, true), [], "{fixed}");
    }
    assert_eq!(findings(r#"let sql = "SELECT 1";"#, false).len(), 1, "SQL outside the store");
    assert_eq!(findings("\n\n/* a\nb */ sql_query(text)", true)[0].line, 4);
}
