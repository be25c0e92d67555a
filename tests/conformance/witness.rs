//! Witnesses: what they say of a log is kept beside it, and what a municipality cosigned for others is never taken back.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures::future::join_all;
use ledger::{
    Log,
    tree::Signed,
    witness::{Asked, Asking, Witness},
};
use tempfile::TempDir;
use tests::eventually;
use tokio::{net::TcpListener, task::JoinSet};
use transparency::{
    Checkpoint, Edge, Hash, NotCosigned, Note, SigningKey, Submission, consistency, leaf,
};
use uuid::Uuid;

use crate::{
    place::{Place, Replica, command},
    tree::{seed, signed},
};

const ORIGIN: &str = "other.example/log/koy";
const SOON: Duration = Duration::from_secs(20);

fn log_key(secret: u8) -> SigningKey {
    SigningKey::new(ORIGIN, &[secret; 32]).unwrap()
}

fn leaves(history: &str, count: u64) -> Vec<Hash> {
    let entry = |it: u64| leaf(format!("{history} {it}").as_bytes());
    (0..count).map(entry).collect()
}

/// The log of another city, grown to a size, as it would be submitted.
fn submission(history: &str, old: u64, size: u64) -> Submission {
    let leaves = leaves(history, size);
    let mut edge = Edge::default();
    for leaf in &leaves {
        edge.push(*leaf, |_, _| {});
    }
    let needed = consistency(old, size).unwrap();
    let tiles = needed.tiles().into_iter().map(|tile| {
        let width = usize::try_from(tile.width).unwrap();
        (tile, leaves[..width].to_vec())
    });
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: edge.root(),
    };
    Submission {
        old,
        proof: needed.hashes(&tiles.collect()).unwrap(),
        checkpoint: log_key(1).sign(&checkpoint.to_string()),
    }
}

fn witness(place: &Place, log: &Log, folder: &TempDir) -> Witness {
    let key = seed(folder.path()).witness("ours.example/witness").unwrap();
    Witness::new(log.clone(), key, &[log_key(1).verifier()], place.clock())
}

async fn submit(witness: &Witness, it: &Submission) -> Result<String, NotCosigned> {
    let answer = witness.add_checkpoint(it.to_string().as_bytes()).await;
    answer.unwrap()
}

pub(crate) async fn what_was_cosigned_is_never_taken_back(place: &Place) {
    let folder = TempDir::new().unwrap();
    let municipality = place.municipality();
    let replica = place.replica(&municipality).await;
    let ours = witness(place, &replica, &folder);
    let first = submission("a", 0, 5);
    let line = submit(&ours, &first).await.unwrap();
    let cosigned = format!("{}{line}", first.checkpoint);
    let key = ours.verifier_key().unwrap().parse().unwrap();
    let taken = |key: &transparency::VerifierKey, note: &str| {
        key.check(&Note::read(note).unwrap()).unwrap().time
    };
    let now = u64::try_from(place.clock().micros() / 1_000_000).unwrap();
    assert_eq!(taken(&key, &cosigned), Some(now));
    let hash = transparency::digest(&[ORIGIN.as_bytes()]);
    assert_eq!(ours.checkpoint(&hash).await.unwrap(), Some(cosigned));
    assert_eq!(ours.checkpoint(&[0; 32]).await.unwrap(), None);

    // Many at once, through two replicas: each would go on from 5, one does.
    let other = place.replica(&municipality).await;
    let theirs = witness(place, &other, &folder);
    let all: Vec<Submission> = (6..22).map(|size| submission("a", 5, size)).collect();
    let at_once = all.iter().zip([&ours, &theirs].into_iter().cycle());
    let answers = join_all(at_once.map(|(it, witness)| submit(witness, it))).await;
    let won: Vec<u64> = (6..22)
        .zip(&answers)
        .filter_map(|(size, it)| it.is_ok().then_some(size))
        .collect();
    let [size] = won[..] else {
        panic!("one of them: {answers:?}")
    };
    let stale = Err(NotCosigned::Stale(size));
    assert!(
        answers.iter().all(|it| it.is_ok() || *it == stale),
        "{answers:?}"
    );

    // Another process finds what was cosigned, and takes nothing back.
    drop((replica, other, ours, theirs));
    let again = place.replica(&municipality).await;
    let witness = witness(place, &again, &folder);
    assert_eq!(submit(&witness, &submission("a", 0, 30)).await, stale);
    assert_eq!(submit(&witness, &submission("a", 5, 5)).await, stale);
    let forked = submit(&witness, &submission("b", size, 30)).await;
    assert_eq!(forked, Err(NotCosigned::Inconsistent));
    let same = submission("a", size, size);
    assert!(submit(&witness, &same).await.is_ok(), "the same again");
    assert!(submit(&witness, &submission("a", size, 30)).await.is_ok());
    let unsigned = Submission {
        checkpoint: log_key(2).sign(Note::read(&same.checkpoint).unwrap().text),
        ..same
    };
    assert_eq!(
        submit(&witness, &unsigned).await,
        Err(NotCosigned::Signature)
    );
    let nonsense = witness.add_checkpoint(b"old 1\n\xff").await.unwrap();
    assert_eq!(nonsense, Err(NotCosigned::Malformed));
}

/// A witness behind HTTP, and how it is asked.
pub(crate) struct Served {
    pub(crate) asked: Asked,
    _server: JoinSet<()>,
}

/// A municipality that witnesses the log of this key.
pub(crate) async fn serve(
    place: &Place,
    log: &Log,
    known: &SigningKey,
    folder: &TempDir,
) -> Served {
    let key = seed(folder.path()).witness("ours.example/witness").unwrap();
    let asked = key.verifier();
    let witness = Witness::new(log.clone(), key, &[known.verifier()], place.clock());
    let router = Router::new().route("/w/add-checkpoint", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let prefix = format!("http://{}/w", listener.local_addr().unwrap());
    let router = router.with_state(Arc::new(witness));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served {
        asked: format!("{asked}={prefix}").parse().unwrap(),
        _server: server,
    }
}

async fn answer(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    match witness.add_checkpoint(&body).await.unwrap() {
        Ok(lines) => lines.into_response(),
        Err(NotCosigned::Stale(size)) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response()
        }
        Err(NotCosigned::Inconsistent) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        Err(refused) => panic!("{refused}"),
    }
}

/// Has a log cosigned until its newest checkpoint is.
pub(crate) async fn cosigned(place: &Place, log: &Replica, asked: &Asked) -> Signed {
    let holder = Uuid::from_u128(7);
    let every = Duration::from_millis(50);
    let asking = Asking::new(
        (**log).clone(),
        vec![asked.clone()],
        every,
        place.clock(),
        holder,
    );
    let newest = signed(log).await.size;
    let waits = eventually(SOON, "the newest checkpoint is cosigned", async || {
        let cosigned = log.cosigned_checkpoint().await?;
        anyhow::ensure!(cosigned.size == newest, "{}", cosigned.size);
        Ok(cosigned)
    });
    tokio::select! {
        cosigned = waits => cosigned.unwrap(),
        ended = asking.unwrap().run() => panic!("{ended:?}"),
    }
}

pub(crate) async fn cosignatures_stand_below_what_was_signed(place: &Place) {
    let (folder, theirs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (municipality, seed) = (place.municipality(), seed(folder.path()));
    let log = place.replica(&municipality).await;
    log.sign(&seed, folder.path(), place.clock()).await;
    let known = seed
        .key(&format!("example.org/log/{municipality}"))
        .unwrap();
    let witness = place.log().await;
    let served = serve(place, &witness, &known, &theirs).await;
    for (number, count) in [(1, 3), (2, 300)] {
        let stream = format!("s-{number}");
        let command = command(number, &[(&stream, 0, count)]);
        log.append(command, None).await.unwrap();
        let newest = cosigned(place, &log, &served.asked).await;
        let note = Note::read(&newest.note).unwrap();
        assert!(served.asked.key.check(&note).is_ok() && known.verifier().check(&note).is_ok());
        assert_eq!(log.latest_checkpoint().await.unwrap(), newest);
        let (_, under) = log.prove_inclusion(1).await.unwrap();
        assert_eq!(under, newest, "a receipt is under what was cosigned");
    }
    // What is not cosigned yet is proved by the log's own word.
    drop(served);
    let command = command(3, &[("s-3", 0, 1)]);
    log.append(command, None).await.unwrap();
    let newest = signed(&log).await;
    assert_eq!(log.prove_inclusion(304).await.unwrap().1, newest);
    assert_eq!(log.prove_inclusion(303).await.unwrap().1.size, 303);
    let all = log.checkpoints(0, 0).await.unwrap();
    let lines = |it: &Signed| it.note.matches("\n— ").count();
    assert_eq!(all.iter().map(lines).max(), Some(2));
    assert_eq!(lines(&newest), 1);
    let again = place.replica(&municipality).await;
    assert_eq!(
        again.checkpoints(0, 0).await.unwrap(),
        all,
        "another process shows the same"
    );
}
