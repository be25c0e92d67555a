//! The vault's promises on PostgreSQL; its own tests hold SQLite to the same list.

use tempfile::TempDir;
use vault::MasterKey;

use crate::place::Place;

#[tokio::test]
async fn keys_in_postgres_keep_every_promise() {
    let folder = TempDir::new().unwrap();
    let master = |name: &str| MasterKey::read_or_create(&folder.path().join(name)).unwrap();
    let store = Place::database().await;
    vault::conformance::holds_for(&store, &master("ours"), &master("another")).await;
}
