//! Configured servers: where passwords come from, and the connection test. And the server that `docker-compose.yml`
//! describes.

use crate::common::{MeetMemo, Said};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use store::managed::KeeperCommand;
use store::testing::TestDatabase;
use store::{ExternalParts, Tls};

/// A database with a password on a server that is not the data folder's own.
pub(crate) struct Configured {
    _database: TestDatabase,
    /// Without the password.
    pub(crate) address: String,
    pub(crate) password: String,
}

impl Configured {
    pub(crate) fn new() -> Self {
        let keeper = KeeperCommand {
            program: env!("CARGO_BIN_EXE_meetmemo").into(),
            arguments: vec!["database-server".to_owned()],
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (database, environment) = runtime.block_on(async {
            let database = TestDatabase::new(keeper).await.unwrap();
            let environment = database.store().await.unwrap().tool_environment().unwrap();
            (database, environment)
        });
        let of = |name: &str| environment.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        let parts = ExternalParts {
            host: of("PGHOST"),
            port: of("PGPORT").parse().unwrap(),
            database: of("PGDATABASE"),
            user: of("PGUSER"),
            tls: Tls::Off,
            root_certificate: None,
        };
        Self { _database: database, address: parts.address().unwrap(), password: of("PGPASSWORD") }
    }

    /// Writes the address into the settings of the data folder.
    pub(crate) fn write_settings(&self, app: &MeetMemo) {
        fs::write(app.data().join("settings.toml"), format!("database_url = \"{}\"\n", self.address))
            .unwrap();
    }

    /// A command that knows the database from its settings only, and neither files nor key store of this user.
    pub(crate) fn command(&self, app: &MeetMemo, arguments: &[&str]) -> Command {
        let mut command = app.command(arguments);
        command.env_remove("MEETMEMO_DATABASE_URL").env("HOME", app.data()).env_remove("PGPASSFILE");
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        command
    }
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The step of a connection test, from its JSON.
fn step<'a>(steps: &'a Value, name: &str) -> &'a Value {
    let found = steps.as_array().unwrap().iter().find(|step| step["step"] == name);
    found.unwrap_or_else(|| panic!("no step {name} in {steps}"))
}

#[test]
fn the_password_is_found_in_each_place_and_the_settings_need_none() {
    let server = Configured::new();
    let app = MeetMemo::new();
    server.write_settings(&app);
    let run = |arguments: &[&str], variables: &[(&str, &Path)]| -> Said {
        server.command(&app, arguments).envs(variables.iter().copied()).output().unwrap().into()
    };
    let tested = |variables: &[(&str, &Path)]| {
        let said = run(&["--json", "database", "test"], variables);
        (said.code, said.json())
    };

    let said = run(&["list"], &[]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("the server asks for a password, and none is known."), "{}", said.err);
    let (code, steps) = tested(&[]);
    assert_eq!((code, &step(&steps, "password")["state"]), (1, &Value::from("failed")), "{steps}");
    assert_eq!(step(&steps, "rights")["state"], "skipped");

    let file = app.data().join("file with the password");
    let file_variable = [("MEETMEMO_DATABASE_PASSWORD_FILE", file.as_path())];
    write(&file, &format!("{}\n", server.password), 0o600);
    let said = run(&["list"], &file_variable);
    assert_eq!(said.code, 0, "{}", said.err);
    let (code, steps) = tested(&file_variable);
    assert_eq!(code, 0, "{steps}");
    assert!(step(&steps, "password")["message"].as_str().unwrap().contains("came from"), "{steps}");
    write(&file, &server.password, 0o644);
    let said = run(&["list"], &file_variable);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("was not read: other users can read it; take the permission away with chmod 600."),
        "{}",
        said.err
    );
    let (code, steps) = tested(&file_variable);
    assert_eq!((code, &step(&steps, "password")["state"]), (1, &Value::from("failed")), "{steps}");

    let pgpass = app.data().join(".pgpass");
    write(&pgpass, &format!("# mine\n*:*:*:*:{}\n", server.password), 0o600);
    assert_eq!(run(&["list"], &[]).code, 0, "~/.pgpass is read");
    write(&pgpass, &format!("*:*:*:*:{}\n", server.password), 0o640);
    let (code, steps) = tested(&[]);
    let message = step(&steps, "password")["message"].as_str().unwrap().to_owned();
    assert_eq!(code, 1);
    assert!(message.contains(".pgpass is ignored: other users can read it"), "{message}");
    let elsewhere = app.data().join("my passwords");
    write(&elsewhere, &format!("*:*:*:*:{}\n", server.password), 0o600);
    assert_eq!(run(&["list"], &[("PGPASSFILE", &elsewhere)]).code, 0, "PGPASSFILE is read");
    fs::remove_file(pgpass).unwrap();

    // Where there is no key store, the application keeps the password here.
    let kept = app.data().join("database-password");
    let url: store::ExternalUrl = server.address.parse().unwrap();
    write(&kept, &url.pgpass_line(&server.password.as_str().into()), 0o600);
    assert_eq!(run(&["list"], &[]).code, 0, "database-password is read");
    let checks = run(&["--json", "doctor"], &[]).json();
    let secrets = checks.as_array().unwrap().iter().find(|check| check["check"] == "secrets").unwrap();
    assert_eq!(secrets["state"], "ok", "{secrets}");
    assert!(secrets["message"].as_str().unwrap().contains("database-password"), "{secrets}");
}

#[test]
fn the_connection_test_lists_each_step_and_fails_if_one_fails() {
    let server = Configured::new();
    let app = MeetMemo::new();
    let pgpass = app.data().join(".pgpass");
    write(&pgpass, &format!("*:*:*:*:{}\n", server.password), 0o600);
    let run = |arguments: &[&str]| -> Said { server.command(&app, arguments).output().unwrap().into() };

    let said = run(&["--json", "database", "test", &server.address]);
    let steps = said.json();
    assert_eq!(said.code, 0, "{steps}");
    let names: Vec<&str> =
        steps.as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "name",
            "port",
            "tls",
            "certificate",
            "password",
            "rights",
            "version",
            "encoding",
            "extensions",
            "pooler",
            "content"
        ]
    );
    for step in steps.as_array().unwrap() {
        let keys: Vec<&String> = step.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 4, "{step}");
        assert!(step["message"].is_string() && (step["action"].is_string() || step["action"].is_null()));
    }
    let said = run(&["database", "test", &server.address]);
    assert_eq!(said.code, 0);
    let marks = ["ok     ", "skipped"];
    assert!(said.out.lines().all(|line| marks.iter().any(|mark| line.starts_with(mark))), "{}", said.out);
    assert_eq!(said.out.lines().count(), names.len());

    let missing = server.address.replace("meetmemo_test_", "not_there_");
    let said = run(&["database", "test", &missing]);
    assert_eq!(said.code, 1);
    let failed = said.out.lines().find(|line| line.starts_with("failed ")).unwrap();
    assert!(failed.contains("content") && failed.contains("has no database “not_there_"), "{failed}");

    let said = run(&["--json", "database", "test", "postgresql://secret"]);
    assert_eq!(said.code, 1);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("names no database"), "{}", said.out);
}

#[test]
fn the_connection_test_of_a_new_data_folder_tests_the_private_server() {
    if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        return testing::Prerequisite::PrivateServer.skip();
    }
    let app = MeetMemo::new();
    app.json(&["list"]);
    let steps = app.json(&["database", "test"]);
    assert_eq!(step(&steps, "port")["state"], "ok", "{steps}");
    assert_eq!(step(&steps, "version")["state"], "ok", "{steps}");
    assert_eq!(step(&steps, "certificate")["state"], "skipped", "{steps}");
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Lines of the block that `key` begins, which are indented deeper than it.
fn block<'a>(yaml: &'a str, key: &str) -> Vec<&'a str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = yaml.lines().skip_while(|line| line.trim_end() != key);
    let depth = indent(lines.next().unwrap_or_else(|| panic!("{key:?} is missing")));
    lines
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .take_while(|line| indent(line) > depth)
        .collect()
}

#[test]
fn the_compose_file_has_no_default_password_and_opens_no_port_to_others() {
    let yaml = fs::read_to_string(checkout().join("docker-compose.yml")).unwrap();
    let password = yaml.lines().find_map(|line| line.trim().strip_prefix("POSTGRES_PASSWORD: ")).unwrap();
    // `:?` refuses to start without a value; `:-` would be a default.
    assert!(password.starts_with("${MEETMEMO_DATABASE_PASSWORD:?"), "{password}");
    assert!(!yaml.contains("POSTGRES_HOST_AUTH_METHOD"), "everybody must sign in");
    let ports = block(&yaml, "    ports:");
    assert!(
        !ports.is_empty() && ports.iter().all(|port| port.trim().starts_with("- \"127.0.0.1:")),
        "{ports:?}"
    );
    let volumes = block(&yaml, "    volumes:");
    assert_eq!(volumes, ["      - database:/var/lib/postgresql/data"]);
    assert!(
        block(&yaml, "volumes:").contains(&"  database:"),
        "the volume is named, so that it outlives the container"
    );
    let health = block(&yaml, "    healthcheck:").join("\n");
    assert!(health.contains("pg_isready") && health.contains("interval:"), "{health}");
    let image = yaml.lines().find_map(|line| line.trim().strip_prefix("image: postgres:")).unwrap();
    let major: u32 = image.split(['.', '-']).next().unwrap().parse().unwrap();
    assert!(store::SUPPORTED_MAJORS.contains(&major), "{image}");

    let example = fs::read_to_string(checkout().join(".env.example")).unwrap();
    assert!(example.lines().any(|line| line == "MEETMEMO_DATABASE_PASSWORD="), "no password is suggested");
    let ignored = fs::read_to_string(checkout().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == ".env"), "the password is never checked in");
}
