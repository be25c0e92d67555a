//! Read models as they lie on the disk: SQLite files, read past all code of ours.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// Every table of a file with its rows, each row as one line of SQL literals, sorted.
pub type Dump = BTreeMap<String, Vec<String>>;

/// Reads all of a file.
pub async fn dump(path: &Path) -> anyhow::Result<Dump> {
    let mut connection = open(path).await?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut connection)
            .await?;
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE lower(sql) LIKE 'create virtual table % using fts5%'",
    )
    .fetch_all(&mut connection)
    .await?;
    let mut dump = Dump::new();
    for index in &indexes {
        dump.insert(
            format!("{index}, word by word"),
            words(&mut connection, index).await?,
        );
    }
    // How a full-text index is laid out depends on how it was filled; what is in it does not.
    let layout = |table: &str| {
        let of = |index: &String| {
            ["data", "idx"]
                .iter()
                .any(|it| table == format!("{index}_{it}"))
        };
        indexes.iter().any(of)
    };
    for table in tables.into_iter().filter(|it| !layout(it)) {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(&table)
            .fetch_all(&mut connection)
            .await?;
        let quoted: Vec<String> = columns
            .iter()
            .map(|it| format!("quote(\"{it}\")"))
            .collect();
        let statement = format!(
            "SELECT {} AS line FROM \"{table}\" ORDER BY line",
            quoted.join(" || '|' || ")
        );
        let rows = sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_all(&mut connection)
            .await?;
        dump.insert(table, rows);
    }
    Ok(dump)
}

/// Each word of a full-text index: row, column, place.
async fn words(connection: &mut SqliteConnection, index: &str) -> anyhow::Result<Vec<String>> {
    let table = format!(
        "CREATE VIRTUAL TABLE temp.\"{index} words\" USING fts5vocab(main, \"{index}\", instance)"
    );
    sqlx::query(AssertSqlSafe(table))
        .execute(&mut *connection)
        .await?;
    let rows = format!(
        "SELECT quote(term) || '|' || doc || '|' || col || '|' || offset AS line
         FROM temp.\"{index} words\" ORDER BY line"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(rows))
        .fetch_all(connection)
        .await?)
}

/// The position up to which a read model is folded.
pub async fn position(path: &Path) -> anyhow::Result<i64> {
    let mut connection = open(path).await?;
    Ok(
        sqlx::query_scalar("SELECT position FROM projection_position")
            .fetch_one(&mut connection)
            .await?,
    )
}

/// The first difference between two dumps, in words.
#[must_use]
pub fn difference(one: &Dump, other: &Dump) -> Option<String> {
    let names = |dump: &Dump| dump.keys().cloned().collect::<Vec<_>>();
    if names(one) != names(other) {
        return Some(format!("tables {:?} and {:?}", names(one), names(other)));
    }
    one.iter().find_map(|(table, rows)| {
        let others = &other[table];
        let only =
            |some: &[String], rest: &[String]| some.iter().find(|it| !rest.contains(it)).cloned();
        (rows != others).then(|| {
            let (left, right) = (only(rows, others), only(others, rows));
            format!(
                "table {table}: {} and {} rows; only in one {left:?}, only in the other {right:?}",
                rows.len(),
                others.len()
            )
        })
    })
}

/// Every file below a folder.
pub fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

async fn open(path: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(std::time::Duration::from_secs(10));
    Ok(SqliteConnection::connect_with(&options).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn file(folder: &Path, name: &str, statements: &'static str) -> anyhow::Result<PathBuf> {
        let path = folder.join(name);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql(statements).execute(&mut connection).await?;
        connection.close().await?;
        Ok(path)
    }

    #[tokio::test]
    async fn every_difference_is_seen_and_the_order_of_rows_is_none() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let one = "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'ş'), (NULL, x'00');";
        let one = dump(&file(folder.path(), "one", one).await?).await?;
        let turned = "CREATE TABLE t (a, b); INSERT INTO t VALUES (NULL, x'00'), (1, 'ş');";
        assert_eq!(
            difference(
                &one,
                &dump(&file(folder.path(), "turned", turned).await?).await?
            ),
            None
        );
        for (name, statements) in [
            (
                "value",
                "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 's'), (NULL, x'00');",
            ),
            (
                "kind",
                "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'ş'), (0, x'00');",
            ),
            (
                "fewer",
                "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'ş');",
            ),
            (
                "twice",
                "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'ş'), (NULL, x'00'), (NULL, x'00');",
            ),
            ("table", "CREATE TABLE u (a, b);"),
        ] {
            let other = dump(&file(folder.path(), name, statements).await?).await?;
            assert!(difference(&one, &other).is_some(), "{name}");
        }
        Ok(())
    }
}
