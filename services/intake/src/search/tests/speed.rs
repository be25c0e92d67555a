//! How long a search takes among a million requests: `cargo test --release --lib -- --ignored --nocapture million`.

use std::time::Instant;

use serde_json::json;

use super::*;

const REQUESTS: u32 = 1_000_000;
const UNITS: u32 = 30;

/// The n-th word of the city's language: few are common, most are rare.
fn word(n: u32) -> String {
    const COMMON: [&str; 4] = ["sokak", "mahalle", "cukur", "var"];
    if let Some(common) = COMMON.get(n as usize) {
        return (*common).to_owned();
    }
    let mut seed = n.wrapping_mul(2_654_435_761);
    let syllables = 2 + n % 3;
    let mut word = String::new();
    for _ in 0..syllables {
        word.push(char::from(b"bcdfghklmnprstvyz"[seed as usize % 17]));
        word.push(char::from(b"aeiou"[seed as usize / 17 % 5]));
        seed = (seed / 85).wrapping_add(n);
    }
    word
}

/// Zipf's law, near enough: the logarithm of a word's rank is evenly spread.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 60,000"
)]
fn rank(random: u64) -> u32 {
    let share = (random >> 40) as f64 / (1_u64 << 24) as f64;
    (60_000_f64.powf(share) - 1.0) as u32
}

async fn fill(writer: &mut SqliteConnection) {
    let mut random = 153_u64;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        random
    };
    for from in (0..REQUESTS).step_by(5_000) {
        let (mut docs, mut texts) = (Vec::new(), Vec::new());
        for n in from..from + 5_000 {
            let number = RequestNumber::new(2026, n.wrapping_mul(7_919)).to_string();
            let digits = number.replace('-', "");
            let backwards: String = digits.chars().rev().collect();
            let unit = if next() % (1 << 63) < (1 << 53) {
                "tiny".to_owned()
            } else {
                format!("unit-{}", (next() >> 33) as u32 % UNITS)
            };
            let words: Vec<String> = (0..30).map(|_| word(rank(next()))).collect();
            let state = if n % 5 == 0 { 2 } else { 9 };
            docs.push(json!([
                n + 1,
                number,
                digits,
                &digits[4..],
                backwards,
                0,
                i64::from(n) * 1_000_000,
                unit,
                state
            ]));
            texts.push(json!([
                n + 1,
                words.join(" "),
                "",
                "merkez",
                word(5_000 + n % 4_000)
            ]));
        }
        let mut tx = sqlx::Connection::begin(&mut *writer).await.unwrap();
        for (rows, statement) in [
            (
                docs,
                "insert into doc select value->>0,value->>1,value->>2,value->>3,value->>4,value->>5,value->>6,value->>7,value->>8 from json_each(?1)",
            ),
            (
                texts,
                "insert into texts(rowid,words,stems,place,name) select value->>0,value->>1,value->>2,value->>3,value->>4 from json_each(?1)",
            ),
        ] {
            sqlx::query(statement)
                .bind(serde_json::to_string(&rows).unwrap())
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    }
    let all: Vec<String> = (0..60_000).map(word).collect();
    sqlx::query("insert or ignore into word select value from json_each(?1)")
        .bind(serde_json::to_string(&all).unwrap())
        .execute(&mut *writer)
        .await
        .unwrap();
    sqlx::query("update projection_position set position = ?1")
        .bind(REQUESTS)
        .execute(writer)
        .await
        .unwrap();
}

#[tokio::test]
#[ignore = "builds a file of a million requests: minutes"]
async fn a_search_among_a_million_requests_takes_less_than_50_ms() {
    let city = City::new().await;
    let path = city.folder.path().join("search-million.db");
    let (_, mut writer) = folded(&city.index, &path, &[], 1).await.unwrap();
    let before = Instant::now();
    fill(&mut writer).await;
    println!("filled in {:?}", before.elapsed());
    drop(writer);
    let (projection, _) = folded(&city.index, &path, &[], 1).await.unwrap();
    let search = Search {
        projection,
        index: city.index.clone(),
    };
    let unit = |name: &str| vec![name.to_owned()];
    let rare = word(40_000);
    for (query, units, states) in [
        (rare.as_str(), vec![], vec![]),
        ("sokak", vec![], vec![]),
        ("sokak mahalle cukur", vec![], vec![]),
        ("\"sokak mahalle\"", vec![], vec![]),
        ("so", vec![], vec![]),
        ("mahal", vec![], vec![]),
        ("sokak", unit("unit-3"), vec![]),
        ("sokak mahalle cukur", unit("unit-3"), vec![2]),
        ("sokak", unit("tiny"), vec![]),
        ("sokak", unit("nobody"), vec![]),
        (&rare, unit("tiny"), vec![]),
        ("2026-00007919-9", vec![], vec![]),
        ("7919", vec![], vec![]),
        ("0532 123 45 67", vec![], vec![]),
    ] {
        let asked = Asked {
            units: units.clone(),
            states,
            ..asked(query, true)
        };
        let (mut times, mut hits) = (Vec::new(), 0);
        for _ in 0..50 {
            let before = Instant::now();
            hits = found(&search, &asked).await.len();
            times.push(before.elapsed());
        }
        times.sort();
        println!(
            "{query:?} in {units:?}: {hits} hits, p50 {:?}, p99 {:?}",
            times[25], times[49]
        );
    }
}
