//! Every read model of every process against a fresh fold of the same log.

use std::{path::PathBuf, time::Duration};

use chassis::Role;
use tests::{
    Cluster, eventually,
    files::{self, Dump},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// The processes that keep read models.
const READERS: [Role; 5] = [
    Role::Intake,
    Role::Routing,
    Role::Notification,
    Role::Analytics,
    Role::Gateway,
];

/// Fails unless each read model equals what the same process folds anew from the first event on.
pub(crate) async fn equal_a_fresh_fold(
    cluster: &mut Cluster,
    city: &str,
    head: u64,
) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    for role in READERS {
        let paths = caught_up(cluster, role, city, head).await?;
        for path in paths {
            seen.push((role, path.clone(), files::dump(&path).await?));
        }
    }
    anyhow::ensure!(
        seen.len() >= READERS.len(),
        "only {} read models",
        seen.len()
    );
    anyhow::ensure!(
        seen.iter().any(|(_, _, dump)| rows(dump) > 100),
        "the read models are empty"
    );

    for role in READERS {
        cluster.kill9(role)?;
        for path in cluster.read_models(role, city)? {
            for suffix in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(suffix);
                match std::fs::remove_file(PathBuf::from(file)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(error.into());
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
        cluster.restart(role).await?;
    }
    for (role, path, before) in seen {
        caught_up(cluster, role, city, head).await?;
        let difference = files::difference(&before, &files::dump(&path).await?);
        anyhow::ensure!(
            difference.is_none(),
            "{role}, {}: {}",
            path.display(),
            difference.unwrap_or_default()
        );
    }
    Ok(())
}

/// The read models of a role, once all of them stand at the head.
pub(crate) async fn caught_up(
    cluster: &Cluster,
    role: Role,
    city: &str,
    head: u64,
) -> anyhow::Result<Vec<PathBuf>> {
    eventually(
        PATIENCE,
        &format!("the read models of {role} stand at {head}"),
        async || {
            let paths = cluster.read_models(role, city)?;
            anyhow::ensure!(!paths.is_empty(), "there are none");
            for path in &paths {
                let position = files::position(path).await?;
                anyhow::ensure!(
                    u64::try_from(position)? == head,
                    "{} stands at {position}",
                    path.display()
                );
            }
            Ok(paths)
        },
    )
    .await
}

fn rows(dump: &Dump) -> usize {
    dump.values().map(Vec::len).sum()
}
