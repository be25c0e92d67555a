//! The staff's console as a browser without scripts has it: each role does its main job through forms, on the real binary.

use std::time::Duration;

use anyhow::Context as _;
use tests::{
    eventually,
    process::{Cozum, Launch, free_port},
};

const SAID: &str = "Okulun önünde derin bir çukur var, çocuklar düşüyor.";
const ANSWER: &str = "Çukur asfaltla kapatıldı, geçmiş olsun.";

/// A browser in which somebody of the staff is signed in.
struct Desk {
    base: String,
    http: reqwest::Client,
    cookie: String,
    csrf: String,
}

struct Page {
    status: u16,
    to: String,
    html: String,
}

impl Desk {
    async fn sign_in(base: &str, name: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        let form = [("name", name), ("password", "demo")];
        let address = format!("{base}/console/sign-in");
        let answer = http.post(address).form(&form).send().await?;
        let cookie = answer.headers().get("set-cookie");
        let cookie = cookie.context("no cookie")?.to_str()?.split(';').next();
        let mut desk = Self {
            base: base.to_owned(),
            cookie: cookie.unwrap_or_default().to_owned(),
            http,
            csrf: String::new(),
        };
        let page = desk.open("/console/keys").await?;
        desk.csrf = between(&page.html, "name=\"csrf\" value=\"", "\"")?.to_owned();
        Ok(desk)
    }

    async fn open(&self, path: &str) -> anyhow::Result<Page> {
        let address = format!("{}{path}", self.base);
        page(self.http.get(address).header("cookie", &self.cookie)).await
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let mut form = vec![("csrf", self.csrf.as_str())];
        form.extend(fields);
        let address = format!("{}{path}", self.base);
        let request = self.http.post(address).header("cookie", &self.cookie);
        page(request.form(&form)).await
    }

    /// Does something with a request as its page offers it.
    async fn act(&self, number: &str, act: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let path = format!("/console/requests/{number}");
        let shown = self.open(&path).await?;
        anyhow::ensure!(shown.status == 200, "{path}: {}", shown.status);
        let form = between(&shown.html, &format!("action=\"{path}/{act}\""), "</form>")?;
        let version = between(form, "name=\"version\" value=\"", "\"")?.to_owned();
        let key = between(form, "name=\"key\" value=\"", "\"")?.to_owned();
        let mut sent = vec![("version", version.as_str()), ("key", key.as_str())];
        sent.extend(fields);
        self.send(&format!("{path}/{act}"), &sent).await
    }
}

async fn page(request: reqwest::RequestBuilder) -> anyhow::Result<Page> {
    let answer = request.send().await?;
    let to = answer.headers().get("location");
    Ok(Page {
        status: answer.status().as_u16(),
        to: to.map_or(Ok(""), |it| it.to_str())?.to_owned(),
        html: answer.text().await?,
    })
}

fn between<'a>(html: &'a str, before: &str, after: &str) -> anyhow::Result<&'a str> {
    let rest = html.split_once(before).map(|(_, rest)| rest);
    let found = rest
        .and_then(|it| it.split_once(after))
        .map(|(found, _)| found);
    found.with_context(|| format!("no {before} in {html}"))
}

async fn demo(data: &tempfile::TempDir) -> anyhow::Result<(Cozum, String)> {
    let address = format!("127.0.0.1:{}", free_port()?);
    let folder = data.path().to_str().context("folder")?;
    let up = Launch::new(
        "demo",
        ["up", "--demo", "--data", folder, "--listen", &address],
    )
    .ready_at(format!("http://{address}/readyz"))
    .within(Duration::from_mins(4));
    Ok((up.start().await?, format!("http://{address}")))
}

#[tokio::test]
async fn each_role_does_its_main_job_without_a_script() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_cozum, base) = demo(&data).await?;
    let number = the_operator_files_a_request(&base).await?;
    the_operator_reads_the_notice(&base).await?;
    the_unit_does_the_work(&base, &number).await?;
    the_supervisor_sees_where_all_stands(&base).await?;
    the_auditor_looks_and_changes_nothing(&base, &number).await?;
    let desk = Desk::sign_in(&base, "desk").await?;
    let new = desk.open("/console/new").await?;
    assert!(
        new.html.contains("<option value=\"desk\" selected>"),
        "its own channel first"
    );
    Ok(())
}

async fn the_operator_files_a_request(base: &str) -> anyhow::Result<String> {
    let operator = Desk::sign_in(base, "operator").await?;
    assert_eq!(operator.open("/console").await?.to, "/console/new");
    let caller = [("phone", "0555 000 12 34"), ("name", "Ayşe Denemeli")];
    let wrong = [caller[0], ("topic", "uzay"), ("description", SAID)];
    let wrong = operator.send("/console/new", &wrong).await?;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.html.contains("id=\"topic\"") && wrong.html.contains(SAID),
        "nothing is lost"
    );
    let asked = operator.open("/console/new?topic=yol+cukuru").await?;
    for question in ["name=\"q-size\"", "name=\"q-depth\""] {
        assert!(asked.html.contains(question), "{}", asked.html);
    }
    let told = [
        ("topic", "yol cukuru"),
        ("description", SAID),
        ("district", "Kalebaşı"),
        ("q-size", "large"),
        ("q-depth", "12,5"),
    ];
    let deep = [told[0], told[1], told[3], ("q-depth", "diz boyu")];
    let deep = operator.send("/console/new", &deep).await?;
    assert_eq!(deep.status, 400);
    assert!(
        deep.html.contains("href=\"#q-depth\"") && deep.html.contains("value=\"diz boyu\""),
        "{}",
        deep.html
    );
    let mut form = vec![("key", "bir"), ("channel", "phone")];
    form.extend(caller.iter().chain(&told));
    let receipt = operator.send("/console/new", &form).await?;
    assert_eq!(receipt.status, 201, "{}", receipt.html);
    let number = between(&receipt.html, "<span class=\"loud number\">", "</span>")?.to_owned();
    let again = operator.send("/console/new", &form).await?;
    assert!(again.html.contains(&number), "sent twice, filed once");
    let contact = [
        ("do", "contact"),
        ("description", "Nöbetçi eczane soruldu"),
        ("channel", "phone"),
    ];
    assert_eq!(operator.send("/console/new", &contact).await?.status, 201);
    Ok(number)
}

/// The line stands on the page with its version, and the filing says so.
async fn the_operator_reads_the_notice(base: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = folder.path().join("text");
    std::fs::write(&text, "Verileriniz başvurunuz için işlenir.\n\nGerisi.")?;
    let text = text.to_str().context("file")?;
    let operator = Desk::sign_in(base, "operator").await?;
    let untold = operator.open("/console/new").await?;
    assert!(
        untold.html.contains("name=\"notice_phone\" value=\"0\""),
        "{}",
        untold.html
    );
    let publish = ["notice", "publish", "--channel", "phone", "--server", base];
    let publish = Launch::new("publish", publish.into_iter().chain(["--token", "demo"]))
        .arg("--tr")
        .arg(text)
        .arg("--en")
        .arg(text);
    let published = publish.run().await?;
    assert!(published.status.success(), "{published:?}");
    let shown = async || {
        let new = operator.open("/console/new").await?;
        let is_shown = new.html.contains("name=\"notice_phone\" value=\"1\"");
        anyhow::ensure!(is_shown, "{}", new.html);
        Ok(new)
    };
    let new = eventually(Duration::from_secs(30), "the notice", shown).await?;
    assert!(
        new.html
            .contains(": Verileriniz başvurunuz için işlenir.</p>"),
        "{}",
        new.html
    );
    let form = |version: &'static str, key: &'static str| {
        [
            ("key", key),
            ("channel", "phone"),
            ("topic", "yol cukuru"),
            ("description", SAID),
            ("q-size", "large"),
            ("notice_phone", version),
        ]
    };
    let unknown = operator.send("/console/new", &form("7", "yedi")).await?;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.html.contains("href=\"#notice\"") && unknown.html.contains(SAID),
        "{}",
        unknown.html
    );
    for (version, key, said) in [("0", "okunmadi", "yok"), ("1", "okundu", "sürüm 1")] {
        let receipt = operator.send("/console/new", &form(version, key)).await?;
        assert_eq!(receipt.status, 201, "{}", receipt.html);
        let number = between(&receipt.html, "<span class=\"loud number\">", "</span>")?;
        let page = operator
            .open(&format!("/console/requests/{number}"))
            .await?;
        let told = format!("<dt>Aydınlatma metni</dt><dd>{said}</dd>");
        assert!(page.html.contains(&told), "{}", page.html);
    }
    Ok(())
}

async fn the_unit_does_the_work(base: &str, number: &str) -> anyhow::Result<()> {
    let unit = Desk::sign_in(base, "unit").await?;
    eventually(
        Duration::from_secs(30),
        "the request in the worklist",
        async || {
            let list = unit.open("/console/requests?state=routed").await?;
            anyhow::ensure!(list.html.contains(number), "not yet");
            Ok(())
        },
    )
    .await?;
    let before = unit.open(&format!("/console/requests/{number}")).await?;
    assert!(
        [SAID, "Ayşe Denemeli", "12.5"]
            .iter()
            .all(|it| before.html.contains(it)),
        "{}",
        before.html
    );
    let done = unit.act(number, "accept", &[]).await?;
    assert_eq!(
        (done.status, done.to.as_str()),
        (
            303,
            format!("/console/requests/{number}?done=accept").as_str()
        )
    );
    let late = [("version", "1"), ("assignee", "ekip-7")];
    let late = unit
        .send(&format!("/console/requests/{number}/assign"), &late)
        .await?;
    assert_eq!(
        late.status, 409,
        "somebody who saw the request before it was accepted"
    );
    assert!(
        late.html.contains("value=\"ekip-7\""),
        "what was typed is there"
    );
    let wrong = unit
        .act(number, "assign", &[("assignee", "Ayşe Yılmaz")])
        .await?;
    assert_eq!(wrong.status, 400);
    for (act, fields) in [
        ("assign", &[("assignee", "ekip-7")][..]),
        ("start", &[]),
        ("comment", &[("text", "Malzeme istendi.")]),
        ("conclude", &[("sub_result", "solved"), ("answer", ANSWER)]),
    ] {
        assert_eq!(unit.act(number, act, fields).await?.status, 303, "{act}");
    }
    let after = unit
        .open(&format!("/console/requests/{number}"))
        .await?
        .html;
    for told in [
        "Görevlendirildi: ekip-7",
        "Malzeme istendi.",
        ANSWER,
        "Sonuçlandırıldı: Çözüldü",
    ] {
        assert!(after.contains(told), "{told} in {after}");
    }
    let supervisor = Desk::sign_in(base, "supervisor").await?;
    let others = supervisor
        .open("/console/requests?unit=cleansing")
        .await?
        .html;
    let other = between(&others, "data-number=\"", "\"")?;
    let shown = unit.open(&format!("/console/requests/{other}")).await?;
    assert_eq!(shown.status, 403, "another unit's");
    let list = unit
        .open("/console/requests?unit=cleansing&state=all")
        .await?;
    assert!(!list.html.contains("data-number="), "another unit's list");
    Ok(())
}

async fn the_supervisor_sees_where_all_stands(base: &str) -> anyhow::Result<()> {
    let supervisor = Desk::sign_in(base, "supervisor").await?;
    let figures = supervisor.open("/console/figures").await?;
    assert_eq!(figures.status, 200);
    let row = between(&figures.html, "state=concluded&#38;unit=parks\">", "<")?.to_owned();
    let list = supervisor
        .open("/console/requests?state=concluded&unit=parks")
        .await?;
    let rows = list.html.matches("data-number=").count();
    assert_eq!(row, rows.to_string(), "the figure and the list behind it");
    let csv = supervisor
        .open("/console/requests.csv?state=concluded&unit=parks")
        .await?;
    assert_eq!(csv.html.lines().count(), rows + 1);
    let saved = [
        ("name", "Parklar"),
        ("filters", "state=concluded&unit=parks"),
    ];
    assert_eq!(supervisor.send("/console/views", &saved).await?.status, 303);
    let list = supervisor.open("/console/requests").await?;
    assert!(list.html.contains(">Parklar</a>"), "the saved view");
    Ok(())
}

async fn the_auditor_looks_and_changes_nothing(base: &str, number: &str) -> anyhow::Result<()> {
    let auditor = Desk::sign_in(base, "auditor").await?;
    let raw = auditor
        .open(&format!("/console/requests/{number}/events"))
        .await?;
    assert_eq!(raw.status, 200);
    for told in [
        "intake.RequestRegistered",
        "routing.RequestConcluded",
        "commitment",
    ] {
        assert!(raw.html.contains(told), "{told}");
    }
    assert!(
        !raw.html.contains(SAID) && !raw.html.contains(ANSWER),
        "what is sealed stays so"
    );
    let shown = auditor.open(&format!("/console/requests/{number}")).await?;
    assert!(
        !shown
            .html
            .contains(&format!("action=\"/console/requests/{number}/")),
        "no form"
    );
    for act in ["comment", "reopen", "conclude"] {
        let path = format!("/console/requests/{number}/{act}");
        let refused = auditor.send(&path, &[("text", "x"), ("note", "x")]).await?;
        assert_eq!(refused.status, 403, "{act}");
    }
    Ok(())
}
