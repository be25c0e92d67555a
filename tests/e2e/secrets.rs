//! Personal text is nowhere but behind the vault: every file that the centre and its servers write is read byte by byte.

pub(super) mod scan;

use std::{ffi::OsStr, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;
use async_nats::jetstream;
use contracts::{
    intake::v1::{Citizen, RegisterContactRequest, RegisterRequestRequest},
    vocabulary::v1::{Channel, Language, SubResult},
};
use tests::{
    City, Cluster,
    city::command_id,
    cluster::messages,
    eventually, files,
    open311::Format,
    picture,
    portal::Page,
    traces::Collector,
    work::{PLANNED_FOR, Work},
};

use super::{cluster, mails, say};
use scan::Scan;

/// What citizens and staff write in this story; each text occurs nowhere else.
const MARKED: [&str; 24] = [
    "zqafirst",
    "İĞDIRzqb",
    "zqcmail@zqc.example",
    "+905309876501",
    "zqddescription çukur",
    "zqeaddress ğü",
    "zqfmedia",
    "zqgname Şule",
    "zqhmail@zqh.example",
    "+905309876502",
    "zqidescription",
    "zqjaddress",
    "zqkname",
    "zqlgiven",
    "zqmfamily",
    "zqnmail@zqn.example",
    "+905309876503",
    "zqodescription",
    "zqpcontactnote",
    "zqqreturnnote",
    "zqranswer ığüşöç",
    "zqsreopennote",
    "zqtexif İğne",
    "zqupixels",
];

#[tokio::test]
async fn no_byte_of_personal_text_lies_outside_the_vault() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let sir = cluster.city("sir")?;
    let mut pictures = Vec::new();
    let mut secrets: Vec<String> = MARKED.iter().map(|it| (*it).to_owned()).collect();
    let numbers = [
        by_open311(&sir).await?,
        by_portal(&sir, &mut secrets, &mut pictures).await?,
        by_phone(&sir, &mut secrets).await?,
    ];
    for number in &numbers {
        worked_on(&sir, number).await?;
        say(&sir, &["history", number]).await?;
    }
    for address in [
        "zqcmail@zqc.example",
        "zqhmail@zqh.example",
        "zqnmail@zqn.example",
    ] {
        mails(&cluster, address, 4).await?;
    }
    sir.settled().await?;
    wrong_input(&sir).await?;
    traces_have_arrived(&cluster).await?;

    let scan = Scan::of(&secrets).and_bytes("the picture", &pictures);
    scan_notices_what_it_should(&scan)?;
    let found = everything_written(&cluster, "sir", &scan, |it| !is_search(it)).await?;
    the_search_alone_knows_words(&cluster, &scan, &secrets)?;
    assert!(found.is_empty(), "personal text in plain sight: {found:#?}");
    Ok(())
}

async fn by_open311(sir: &City) -> anyhow::Result<String> {
    let filed = [
        ("service_code", "pothole"),
        ("lat", "39.92"),
        ("long", "32.85"),
        ("first_name", "zqafirst"),
        ("last_name", "İĞDIRzqb"),
        ("email", "zqcmail@zqc.example"),
        ("phone", "+905309876501"),
        ("description", "zqddescription çukur"),
        ("address_string", "zqeaddress ğü"),
        ("media_url", "https://photos.example/zqfmedia.jpg"),
    ];
    let number = sir.open311().file(&filed, Format::Json).await?.number()?;
    sir.open311().request(&number, Format::Xml).await?.only()?;
    Ok(number)
}

async fn by_portal(
    sir: &City,
    secrets: &mut Vec<String>,
    pictures: &mut Vec<Vec<u8>>,
) -> anyhow::Result<String> {
    let filed = [
        ("topic", "pothole"),
        ("name", "zqgname Şule"),
        ("email", "zqhmail@zqh.example"),
        ("phone", "+905309876502"),
        ("description", "zqidescription"),
        ("address", "zqjaddress"),
    ];
    let photo = picture::png("zqupixels", "zqtexif İğne");
    let receipt = sir.portal().file_with(&filed, &[photo]).await?;
    let (number, secret) = (receipt.element("number")?, receipt.element("secret")?);
    let tracked = sir.portal().track(&number, &secret).await?;
    assert!(
        tracked.text()?.contains("zqidescription"),
        "the citizen cannot see it: {}",
        tracked.text()?
    );
    pictures.push(shown(&tracked)?);
    secrets.push(secret);
    Ok(number)
}

/// The picture of a page: bytes from its middle, which no other picture has.
fn shown(page: &Page) -> anyhow::Result<Vec<u8>> {
    let (_, after) = page
        .html
        .split_once("data:image/jpeg;base64,")
        .context("no picture")?;
    let text = after.split('"').next().unwrap_or_default();
    let digit = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let middle = text.len() / 8 * 4;
    let letters = &text.as_bytes()[middle..middle + 32];
    let quads = letters.chunks(4).flat_map(|four| {
        let bits = four
            .iter()
            .fold(0_u32, |bits, it| bits << 6 | u32::from(digit(*it)));
        bits.to_be_bytes().into_iter().skip(1)
    });
    Ok(quads.collect())
}

async fn by_phone(sir: &City, secrets: &mut Vec<String>) -> anyhow::Result<String> {
    let contact = RegisterContactRequest {
        command_id: command_id("secrets: the call"),
        channel: Channel::Phone.into(),
        citizen: Some(Citizen {
            name: "zqkname".to_owned(),
            given_name: "zqlgiven".to_owned(),
            family_name: "zqmfamily".to_owned(),
            email: "zqnmail@zqn.example".to_owned(),
            phone: "+905309876503".to_owned(),
            language: Language::Tr.into(),
        }),
        note: "zqpcontactnote".to_owned(),
        ..RegisterContactRequest::default()
    };
    let contact = sir
        .intake()
        .register_contact(contact)
        .await?
        .into_inner()
        .contact;
    let request = RegisterRequestRequest {
        command_id: command_id("secrets: the request"),
        contact,
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: "zqodescription".to_owned(),
        ..RegisterRequestRequest::default()
    };
    let registered = sir.intake().register_request(request).await?.into_inner();
    secrets.push(registered.tracking_secret);
    Ok(registered.number)
}

async fn worked_on(sir: &City, number: &str) -> anyhow::Result<()> {
    sir.handling(number).await?;
    let unit = Work::on(sir, number);
    unit.accept().await?;
    unit.plan(PLANNED_FOR).await?;
    unit.conclude(SubResult::Refused, "zqranswer ığüşöç")
        .await?;
    unit.reopen("zqsreopennote").await?;
    unit.give_back("zqqreturnnote").await?;
    Ok(())
}

/// What is refused is personal all the same.
async fn wrong_input(sir: &City) -> anyhow::Result<()> {
    let refused = [
        [
            ("service_code", "zqddescription"),
            ("description", "zqidescription"),
            ("address_string", "zqjaddress"),
        ],
        [
            ("service_code", "pothole"),
            ("email", "zqcmail@zqc.example at home"),
            ("address_string", "zqjaddress"),
        ],
        [
            ("service_code", "pothole"),
            ("phone", "+905309876501 zqafirst"),
            ("address_string", "zqjaddress"),
        ],
    ];
    for fields in refused {
        let answer = sir.open311().file(&fields, Format::Json).await?;
        assert!(answer.status >= 400, "{answer:?}");
        assert!(
            !answer.body.contains("zq"),
            "an error quotes what was written: {}",
            answer.body
        );
    }
    let request = RegisterRequestRequest {
        command_id: command_id("secrets: refused"),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        citizen: Some(Citizen {
            email: "zqnmail at zqn".to_owned(),
            ..Citizen::default()
        }),
        ..RegisterRequestRequest::default()
    };
    let refused = sir.intake().register_request(request).await;
    assert!(
        refused.is_err_and(|it| !it.message().contains("zq")),
        "taken, or quoted"
    );
    Ok(())
}

/// The last spans are exported within moments of their end.
pub(super) async fn traces_have_arrived(cluster: &Cluster) -> anyhow::Result<()> {
    let (mut last, mut quiet) = (0, 0);
    eventually(
        Collector::SOON,
        "the processes have exported what they had",
        async || {
            let now = cluster.traces.bytes().len();
            // Other stories may go on exporting meanwhile: ours is over after a second.
            quiet += 1;
            last = last.max(now);
            anyhow::ensure!(quiet > 75 && last > 0, "{now} bytes so far");
            Ok(())
        },
    )
    .await
}

/// A scan that finds nothing proves something only if it can find something.
fn scan_notices_what_it_should(scan: &Scan) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for secret in MARKED {
        for (encoding, bytes) in scan::encodings(secret) {
            let decoy = folder.path().join("decoy");
            std::fs::write(
                &decoy,
                [&[0xff; 5_001][..], bytes.as_slice(), &[0; 10]].concat(),
            )?;
            assert!(
                !scan.file(&decoy)?.is_empty(),
                "{secret} as {encoding} goes unnoticed"
            );
        }
    }
    Ok(())
}

/// The one read model that holds personal words: within the vault's reach, as the keys are.
pub(super) fn is_search(path: &Path) -> bool {
    let named = |it: &OsStr| it.to_string_lossy().starts_with("search-v1.db");
    path.file_name().is_some_and(named) && path.components().any(|it| it.as_os_str() == "intake")
}

/// It holds words, no phone, no e-mail address and no tracking secret, and nobody else may read it.
fn the_search_alone_knows_words(
    cluster: &Cluster,
    scan: &Scan,
    secrets: &[String],
) -> anyhow::Result<()> {
    let mut files = files::below(cluster.data())?;
    files.retain(|it| is_search(it) && it.components().any(|part| part.as_os_str() == "sir"));
    let blinded: Vec<String> = secrets
        .iter()
        .filter(|it| it.contains('@') || it.starts_with('+') || !MARKED.contains(&it.as_str()))
        .cloned()
        .collect();
    let blinded = Scan::of(&blinded);
    let mut words = Vec::new();
    for file in &files {
        let mode = std::fs::metadata(file)?.permissions().mode();
        anyhow::ensure!(
            mode & 0o077 == 0,
            "{} is open to others: {mode:o}",
            file.display()
        );
        let found = blinded.file(file)?;
        anyhow::ensure!(found.is_empty(), "in the search in plain sight: {found:#?}");
        words.extend(scan.file(file)?);
    }
    anyhow::ensure!(!words.is_empty(), "no word of it in {files:?}");
    Ok(())
}

/// Where any of it was found, among the files that are to be read. The mail server's journal is the citizens' mailbox, and
/// stays out.
pub(super) async fn everything_written(
    cluster: &Cluster,
    city: &str,
    scan: &Scan,
    is_read: fn(&Path) -> bool,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut paths = files::below(&cluster.postgres.data_dir())?;
    assert!(
        paths
            .iter()
            .any(|it| it.to_string_lossy().contains("pg_wal")),
        "no write-ahead log among {} files",
        paths.len()
    );
    paths.extend(files::below(cluster.data())?);
    assert!(
        paths
            .iter()
            .any(|it| it.extension().is_some_and(|it| it == "db")),
        "no read model"
    );
    let jetstream = files::below(&cluster.nats.store())?;
    assert!(!jetstream.is_empty(), "JetStream keeps nothing");
    paths.extend(jetstream);
    paths.extend(cluster.output_files());
    paths.extend([cluster.postgres.log(), cluster.nats.log()]);
    for path in paths.iter().filter(|it| is_read(it)) {
        found.extend(scan.file(path)?);
    }
    found.extend(scan.bytes("the traces", &cluster.traces.bytes()));

    // JetStream compresses its files: its messages are read as well.
    let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
    let published = messages(&context, city).await?;
    assert!(!published.is_empty(), "JetStream has no message");
    for message in published {
        let what = format!("message {} of JetStream", message.sequence);
        found.extend(scan.bytes(&what, &message.payload));
        found.extend(scan.bytes(&what, format!("{:?}", message.headers).as_bytes()));
    }
    Ok(found)
}
