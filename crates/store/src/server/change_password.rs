//! A new password for the private server's role.
//!
//! The order of the steps is in `managed::password`: the next password is on disk before the server takes it, and becomes
//! the present one afterwards. Connections that are open stay open.

use crate::connect::managed_config;
use crate::error::StoreError;
use crate::managed::Cluster;
use crate::query::on_connection;
use crate::{Result, Store};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio_postgres::error::SqlState;

impl Store {
    /// Makes a new random password for the private server and stores it. False, and nothing is changed, if the archive is
    /// on a configured server. If the process is killed meanwhile, the archive opens with the old or the new password.
    ///
    /// # Errors
    /// If the files cannot be written or the server refuses; the archive opens all the same.
    pub async fn change_password(&self) -> Result<bool> {
        let Some(cluster) = self.cluster() else { return Ok(false) };
        let _lock = tokio::task::block_in_place(|| cluster.lock_password())?;
        self.settle_interrupted_change(cluster).await?;
        let password = cluster.write_next_password()?;
        // What the server stores: a salted hash. The password itself is in no statement, and so in no log.
        let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
        on_connection!(self, connection => connection.transaction::<_, diesel::result::Error, _>(async |c| {
            diesel::sql_query("SELECT set_config('meetmemo.verifier', $1, TRUE)")
                .bind::<Text, _>(&verifier)
                .execute(c)
                .await?;
            // ALTER ROLE takes no parameters; the server quotes the value.
            c.batch_execute(
                "DO $$ BEGIN
                    EXECUTE format('ALTER ROLE CURRENT_USER PASSWORD %L', current_setting('meetmemo.verifier'));
                END $$",
            )
            .await
        }))?;
        cluster.adopt_next_password().map_err(|error| cluster.folder_error(error))?;
        Ok(true)
    }

    /// If a change was interrupted, finds out whether the server took the next password, and completes or forgets it:
    /// overwriting the only copy of a password that the server accepts would lock everybody out.
    async fn settle_interrupted_change(&self, cluster: &Cluster) -> Result<()> {
        let Some(next) = cluster.next_password() else { return Ok(()) };
        let mut endpoint = tokio::task::block_in_place(|| cluster.ensure_server(&|_| ()))?;
        endpoint.password = next;
        let connected = managed_config(&endpoint, self.database()).connect(tokio_postgres::NoTls).await;
        match connected {
            Ok(_) => cluster.adopt_next_password().map_err(|error| cluster.folder_error(error).into()),
            // The server never took it; the next one replaces it.
            Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => Ok(()),
            Err(error) => Err(StoreError::from(error)),
        }
    }
}
