//! The signer dropped wherever it waits, between what it remembers and what others see too: the next one goes on, and nothing
//! else was ever signed.

use std::time::Instant;

use chassis::Tasks;
use tempfile::TempDir;
use tests::{eventually, soak};

use super::{
    awaits::{SOON, THROUGH, dies_at},
    root_is_right,
};
use crate::{
    place::{Place, command},
    tree::{seed, signed},
};

async fn at_every_wait(place: &Place) {
    let start = Instant::now();
    let folder = TempDir::new().unwrap();
    let (seed, municipality) = (seed(folder.path()), place.municipality());
    let log = place.replica(&municipality).await;
    let (mut waits, mut deaths, mut through) = (0, 0, 0);
    while through < THROUGH {
        waits += 1;
        let stream = format!("s-{waits}");
        // A tile becomes full now and then.
        let append = command(u128::from(waits), &[(&stream, 0, 100)]);
        let head = log.append(append, None).await.unwrap().last_position;

        let mortal = place.replica(&municipality).await;
        let signer = mortal.signer(&seed, folder.path(), place.clock()).await;
        let tasks = Tasks::default();
        let dead = tasks.clone();
        tasks.spawn("signer", async move {
            let run = async move { drop(signer.run().await) };
            Box::pin(dies_at(Box::pin(run), waits, None)).await;
            dead.stop();
            Ok(())
        });
        let died = eventually(SOON, "it dies or signs", async || {
            let signed = log
                .latest_checkpoint()
                .await
                .is_ok_and(|it| it.size == head);
            anyhow::ensure!(signed || tasks.is_stopping(), "neither");
            Ok(!signed)
        });
        if died.await.unwrap() {
            deaths += 1;
            through = 0;
        } else {
            through += 1;
        }
        tasks.finish(SOON).await;
        drop(mortal);

        let next = place.replica(&municipality).await;
        next.sign(&seed, folder.path(), place.clock()).await;
        assert_eq!(signed(&log).await.size, head);
    }
    root_is_right(&log, &seed).await;
    soak::tell(format_args!(
        "a signer over {} died {deaths} times before it had signed, once at each of its waits, in {:.1} s",
        place.kind(),
        start.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signer_that_dies_wherever_it_waits_is_followed_by_one_that_goes_on() {
    Box::pin(at_every_wait(&Place::sqlite())).await;
    Box::pin(at_every_wait(&Place::postgres().await)).await;
}
