//! Waiting for a condition, never for a time.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep, timeout_at};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is `Ok`, and gives it; after `deadline` fails with `what` and the last refusal.
///
/// ```ignore
/// let mail = eventually(Duration::from_secs(10), "the citizen's mail", async || smtp.messages()?.pop().context("none yet")).await?;
/// ```
pub async fn eventually<T>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    let mut last = anyhow::anyhow!("no answer at all");
    loop {
        match timeout_at(end, probe()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refusal)) => last = refusal,
            Err(_) => return Err(last).with_context(|| format!("{what}: not within {deadline:?}")),
        }
        if Instant::now() + PAUSE >= end {
            return Err(last).with_context(|| format!("{what}: not within {deadline:?}"));
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_good_answer_is_given() -> anyhow::Result<()> {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(5), "the third answer", async || {
            asked += 1;
            anyhow::ensure!(asked == 3, "asked {asked} times");
            Ok(asked)
        })
        .await?;
        assert_eq!(answer, 3);
        Ok(())
    }

    #[tokio::test]
    async fn the_last_refusal_is_told() {
        let never = eventually(Duration::from_millis(60), "a miracle", async || {
            anyhow::bail!("none so far") as anyhow::Result<()>
        });
        let told = format!("{:#}", never.await.unwrap_err());
        assert!(
            told.contains("a miracle") && told.contains("none so far"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn a_question_that_hangs_ends_at_the_deadline() {
        let never = eventually(Duration::from_millis(60), "a word", async || {
            std::future::pending::<()>().await;
            Ok(())
        });
        assert!(never.await.is_err());
    }
}
