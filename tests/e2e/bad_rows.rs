//! Malformed rows of an export: each is refused with its line, its column and the reason, and the others are taken.

use super::{cluster, repository, say};

const HEADER: &str = "unique_key,created_date,closed_date,agency,agency_name,complaint_type,descriptor,location_type,\
incident_address,street_name,intersection_street_1,city,status,resolution_description,resolution_action_updated_date,\
borough,open_data_channel_type,latitude,longitude";

/// The rows below the header; the second is good, and the fifth is but for its place.
const ROWS: [&str; 8] = [
    "1,last Tuesday,,NYPD,Police,Noise,,,,,,,Open,,,,PHONE,,",
    "2,2024-04-16T01:00:00.000,,NYPD,Police,Noise,,,,,,,Open,,,,PHONE,,",
    "3,2024-04-16T01:00:00.000,,NYPD,Police,Noise,,,,,,,Vanished,,,,PHONE,,",
    "4,2024-04-16T01:00:00.000,,NYPD,Police,Noise,,,,,,,Open,,,,PIGEON,,",
    "5,2024-04-16T01:00:00.000,,NYPD,Police,Noise,,,,,,,Open,,,,PHONE,95.0,10.0",
    "6,2024-04-16T01:00:00.000,,NYPD,Police",
    "7,2024-04-16T01:00:00.000,2024-04-15T01:00:00.000,NYPD,Police,Noise,,,,,,,Closed,,,,PHONE,,",
    "8,2024-04-16T01:00:00.000,,,Police,Noise,,,,,,,Open,,,,PHONE,,",
];

#[tokio::test]
async fn each_malformed_row_is_refused_with_its_line_its_column_and_the_reason()
-> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city("satir")?;
    let folder = tempfile::tempdir()?;
    let (file, report) = (
        folder.path().join("bad.csv"),
        folder.path().join("refused.csv"),
    );
    std::fs::write(&file, format!("{HEADER}\n{}\n", ROWS.join("\n")))?;
    let mapping = repository("services/cozum/mappings/nyc-311.toml");
    let args = [
        "import",
        &file.to_string_lossy(),
        "--mapping",
        &mapping.to_string_lossy(),
        "--report",
        &report.to_string_lossy(),
    ];
    let told = say(&city, &args).await?;
    assert_eq!(told.code, 2, "{} {}", told.out, told.err);
    assert!(told.out.contains("2 rows taken, 6 refused"), "{}", told.out);

    let expected = [
        (2, "1", "created_date", "refused"),
        (4, "3", "status", "refused"),
        (5, "4", "open_data_channel_type", "refused"),
        (6, "5", "latitude", "place unknown"),
        (7, "", "", "refused"),
        (8, "7", "closed_date", "refused"),
        (9, "8", "agency", "refused"),
    ];
    let mut reader = csv::Reader::from_path(&report)?;
    assert_eq!(
        reader.headers()?,
        &csv::StringRecord::from(vec!["line", "id", "column", "reason", "outcome"])
    );
    let refused: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>()?;
    assert_eq!(refused.len(), expected.len(), "{refused:#?}");
    for (row, (line, id, column, outcome)) in refused.iter().zip(expected) {
        assert_eq!(
            (&row[0], &row[1], &row[2], &row[4]),
            (line.to_string().as_str(), id, column, outcome),
            "{row:?}"
        );
        assert!(!row[3].is_empty(), "no reason: {row:?}");
        assert!(
            told.err.contains(&format!("line {line}")),
            "line {line} in {}",
            told.err
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_lacks_a_column_is_refused_before_anything_is_sent() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city("ova")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bad.csv");
    std::fs::write(&file, HEADER.replace("agency,", "") + "\n")?;
    let mapping = repository("services/cozum/mappings/nyc-311.toml");
    let told = say(
        &city,
        &[
            "import",
            &file.to_string_lossy(),
            "--mapping",
            &mapping.to_string_lossy(),
        ],
    )
    .await?;
    assert_eq!(told.code, 1, "{}", told.out);
    assert!(told.err.contains("\"agency\""), "{}", told.err);
    Ok(())
}
