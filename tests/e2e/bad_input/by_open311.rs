use tests::{City, open311::Format};

use crate::cluster;

/// What is sent besides a good key, and what comes of it: the status, and a word of the description.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, u16, &'a str);

#[tokio::test]
async fn open311_names_each_wrong_parameter_in_both_formats() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let (five_megabytes, long, long_name) =
        ("ş".repeat(2_500_000), "x".repeat(4_001), "x".repeat(201));
    let pothole = ("service_code", "pothole");
    let place = ("address_string", "Atatürk Cad. 1");
    let cases: Vec<Case<'_>> = vec![
        ("no service", vec![place], 400, "service_code"),
        (
            "an unknown service",
            vec![("service_code", "moon-dust"), place],
            404,
            "service_code",
        ),
        ("no place", vec![pothole], 400, "address_string"),
        ("half a point", vec![pothole, ("lat", "39.9")], 400, "long"),
        (
            "the other half",
            vec![pothole, ("long", "32.8")],
            400,
            "lat",
        ),
        (
            "beyond the pole",
            vec![pothole, ("lat", "95"), ("long", "32.8")],
            400,
            "lat",
        ),
        (
            "no number",
            vec![pothole, ("lat", "north"), ("long", "32.8")],
            400,
            "lat",
        ),
        (
            "not a number",
            vec![pothole, ("lat", "NaN"), ("long", "32.8")],
            400,
            "lat",
        ),
        (
            "five megabytes",
            vec![pothole, place, ("description", &five_megabytes)],
            400,
            "description",
        ),
        (
            "one letter too many",
            vec![pothole, place, ("description", &long)],
            400,
            "description",
        ),
        (
            "no address",
            vec![pothole, place, ("email", "ayşe")],
            400,
            "email",
        ),
        (
            "no phone",
            vec![pothole, place, ("phone", "call me")],
            400,
            "phone",
        ),
        (
            "a long name",
            vec![pothole, place, ("first_name", &long_name)],
            400,
            "first_name",
        ),
        (
            "no web address",
            vec![pothole, place, ("media_url", "ftp://x")],
            400,
            "media_url",
        ),
    ];
    for format in Format::BOTH {
        for (what, fields, status, word) in &cases {
            let answer = ova.open311().file(fields, format).await?;
            assert_eq!(answer.status, *status, "{what} in {format}: {answer:.300?}");
            let told = answer.errors()?;
            assert!(
                told.contains(word),
                "{what} in {format}: no {word} in {told}"
            );
            assert!(
                told.len() < 1_000,
                "{what} in {format}: it quotes what was sent"
            );
            let code = answer.items()?[0]["code"].clone();
            assert!(code.starts_with(['4']), "{what} in {format}: code {code}");
            let kind = answer.content_type.starts_with(if format == Format::Xml {
                "text/xml"
            } else {
                "application/json"
            });
            assert!(kind, "{what} in {format}: {}", answer.content_type);
        }
        wrong_keys_and_numbers(&ova, format).await?;
        a_second_answer_to_the_same_key(&ova, format).await?;
    }
    Ok(())
}

async fn wrong_keys_and_numbers(ova: &City, format: Format) -> anyhow::Result<()> {
    let filed = [("service_code", "pothole"), ("address_string", "x")];
    for key in ["", "no-such-key", "key-of-koy"] {
        let answer = ova.open311().with_key(key).file(&filed, format).await?;
        assert_eq!(answer.status, 403, "key {key:?}: {answer:?}");
        assert!(answer.errors()?.contains("api_key"), "{answer:?}");
    }
    let answer = ova
        .open311()
        .with_jurisdiction("atlantis")
        .file(&filed, format)
        .await?;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(answer.errors()?.contains("jurisdiction_id"), "{answer:?}");
    // Mistyped, none at all, and well-formed but given to nobody.
    for number in ["2026-48120937-6", "pothole", "1999-00000000-5"] {
        let answer = ova.open311().request(number, format).await?;
        assert_eq!(answer.status, 404, "{number}: {answer:?}");
        assert!(
            answer.errors()?.contains("service_request_id"),
            "{answer:?}"
        );
    }
    Ok(())
}

async fn a_second_answer_to_the_same_key(ova: &City, format: Format) -> anyhow::Result<()> {
    let key = format!("bad input in {format}");
    let headers = [("idempotency-key", key.as_str())];
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "here"),
        ("description", "first"),
    ];
    let first = ova
        .open311()
        .post(&filed, &headers, format)
        .await?
        .number()?;
    let again = ova
        .open311()
        .post(&filed, &headers, format)
        .await?
        .number()?;
    assert_eq!(first, again, "a retry files it twice");

    let other = [
        ("service_code", "pothole"),
        ("address_string", "here"),
        ("description", "second"),
    ];
    let refused = ova.open311().post(&other, &headers, format).await?;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(
        refused.errors()?.to_lowercase().contains("idempotency-key"),
        "{refused:?}"
    );
    Ok(())
}
