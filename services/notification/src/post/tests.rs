use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

use super::*;

fn post(address: &str) -> Post {
    let config = Config {
        smtp: Some(format!("smtp://{address}").parse().unwrap()),
        mail_from: Some("Çözüm Merkezi <cozum@bozkoy.example>".to_owned()),
        ..Config::default()
    };
    Post::new(&config).unwrap().unwrap()
}

fn mail<'a>() -> Mail<'a> {
    Mail {
        message_id: "<1@bozkoy.example>",
        to: "ayse@citizen.example",
        subject: "Başvurunuz alındı: 2026-48120937-5".to_owned(),
        body: "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ\n".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    }
}

/// Answers one conversation: `to_receiver` after RCPT, then takes the message.
async fn converse(listener: TcpListener, to_receiver: &str) {
    let (stream, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test\r\n").await.unwrap();
    let mut in_message = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = if in_message {
            if line != "." {
                continue;
            }
            in_message = false;
            "250 taken"
        } else if line.starts_with("RCPT") {
            to_receiver
        } else if line == "DATA" {
            in_message = true;
            "354 go on"
        } else if line == "QUIT" {
            "221 bye"
        } else {
            "250 ok"
        };
        writer
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .unwrap();
    }
    std::future::pending().await
}

async fn send_to_a_server_that_says(to_receiver: &str) -> Result<String, Refusal> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let post = post(&listener.local_addr().unwrap().to_string());
    tokio::select! {
        outcome = post.send(mail()) => outcome,
        () = converse(listener, to_receiver) => panic!("the conversation ended first"),
    }
}

#[tokio::test]
async fn what_the_server_says_is_kept_as_a_code_only() {
    assert_eq!(
        send_to_a_server_that_says("250 ok").await,
        Ok("250".to_owned())
    );
    let unknown = send_to_a_server_that_says("550 ayse@citizen.example is unknown here").await;
    assert_eq!(unknown, Err(Refusal::for_good("550")));
    assert_eq!(
        send_to_a_server_that_says("451 come again").await,
        Err(Refusal::for_now("451"))
    );
    assert_eq!(
        send_to_a_server_that_says("535 wrong password").await,
        Err(Refusal::for_now("535"))
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    assert_eq!(
        post(&address).send(mail()).await,
        Err(Refusal::for_now("connection"))
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_never_tried_again() {
    let mail = Mail {
        to: "no address",
        ..mail()
    };
    assert_eq!(
        post("127.0.0.1:1").send(mail).await,
        Err(Refusal::for_good("address"))
    );
}

#[tokio::test]
async fn a_mail_says_that_a_machine_sent_it_and_is_the_same_at_each_attempt() {
    let post = post("127.0.0.1:1");
    let first = post.message(mail()).unwrap().formatted();
    assert_eq!(first, post.message(mail()).unwrap().formatted());
    let text = String::from_utf8(first).unwrap();
    for header in [
        "Message-ID: <1@bozkoy.example>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
        "To: ayse@citizen.example\r\n",
    ] {
        assert!(text.contains(header), "{text}");
    }
    assert!(text.is_ascii(), "{text}");
}
