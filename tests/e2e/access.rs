//! Who comes in, who does not, and who no longer.

use std::time::Duration;

use anyhow::Context as _;
use contracts::{
    analytics::v1::GetReportRequest,
    routing::v1::{DefineUnitRequest, GetHandlingRequest},
};
use tempfile::TempDir;
use tests::{
    City,
    city::command_id,
    eventually,
    open311::Format,
    process::{Cozum, Launch, free_port},
    staff::Browser,
};
use tonic::Code;

const PASSWORD: &str = "beş mavi at koşar";

/// A centre of two cities in one process, with nobody in it yet.
pub(super) struct Centre {
    pub(super) base: String,
    process: Cozum,
    _data: TempDir,
}

impl Centre {
    pub(super) async fn start(flags: &[&str]) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let base = format!("http://{address}");
        let path = data.path().to_string_lossy().into_owned();
        let mut launch = Launch::new("centre", ["up", "--listen", &address, "--data", &path])
            .arg("--municipalities")
            .arg("ova,koy")
            .arg("--tokens")
            .arg(format!(
                "ova={},koy={}",
                City::token("ova"),
                City::token("koy")
            ))
            .ready_at(format!("{base}/readyz"))
            .within(Duration::from_mins(3));
        for flag in flags {
            launch = launch.arg(*flag);
        }
        Ok(Self {
            base,
            process: launch.start().await?,
            _data: data,
        })
    }

    /// The link that was printed for the first administrator of a city.
    async fn link(&self, city: &str) -> anyhow::Result<String> {
        eventually(Duration::from_secs(60), "the link is printed", async || {
            let said = format!("{}{}", self.process.stdout(), self.process.stderr());
            let line = said.lines().find(|it| {
                it.contains("/console/setup/") && it.contains(&format!("administer {city} yet"))
            });
            let (_, after) = line
                .and_then(|it| it.split_once("/console/setup/"))
                .context("no link yet")?;
            let secret: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
            Ok(format!("/console/setup/{secret}"))
        })
        .await
    }

    /// The first administrator of a city, signed in.
    pub(super) async fn admin(&self, city: &str) -> anyhow::Result<Browser> {
        let link = self.link(city).await?;
        let mut admin = Browser::new(&self.base)?;
        let weak = [("password", "kısa"), ("again", "kısa")];
        assert_eq!(admin.post(&link, &weak).await?.status, 400);
        let differs = [("password", PASSWORD), ("again", "beş mavi at durur")];
        assert_eq!(admin.post(&link, &differs).await?.status, 400);
        let good = [("password", PASSWORD), ("again", PASSWORD)];
        assert!(admin.post(&link, &good).await?.asks_to_sign_in());
        assert_eq!(admin.post(&link, &good).await?.status, 404, "it works once");
        assert_eq!(admin.open(&link).await?.status, 404);
        assert_eq!(admin.sign_in(city, "ADMİN", PASSWORD).await?.status, 303);
        Ok(admin)
    }

    /// Somebody whom the administrator adds, signed in.
    pub(super) async fn hire(
        &self,
        admin: &Browser,
        code: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Browser> {
        let mut form = vec![("code", code), ("name", "Ayşe Yılmaz")];
        form.extend(fields);
        let added = admin
            .fill("/console/admin/staff", "/console/admin/staff", &form)
            .await?;
        assert_eq!(added.status, 200, "{}", added.html);
        let link = added.element("link")?;
        let link = link.split_once("/console/").context("a link")?.1;
        let mut browser = Browser::new(&self.base)?;
        let chosen = [("password", PASSWORD), ("again", PASSWORD)];
        let set = browser.post(&format!("/console/{link}"), &chosen).await?;
        assert!(set.asks_to_sign_in(), "{}", set.html);
        assert_eq!(browser.sign_in("ova", code, PASSWORD).await?.status, 303);
        Ok(browser)
    }

    /// A key that the administrator issues.
    pub(super) async fn key(
        &self,
        admin: &Browser,
        code: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let mut form = vec![("code", code)];
        form.extend(fields);
        let issued = admin
            .fill("/console/admin/keys", "/console/admin/keys", &form)
            .await?;
        assert_eq!(issued.status, 201, "{}", issued.html);
        issued.element("secret")
    }
}

#[tokio::test]
async fn a_new_centre_lets_in_whom_its_administrator_lets_in() -> anyhow::Result<()> {
    let centre = Centre::start(&[]).await?;
    let stranger = Browser::new(&centre.base)?;
    assert!(stranger.open("/console/account").await?.asks_to_sign_in());

    let admin = centre.admin("ova").await?;
    let mut ayse = centre
        .hire(&admin, "ayse", &[("role-operator", "on")])
        .await?;
    assert_eq!(ayse.open("/console/account").await?.status, 200);
    let list = admin.open("/console/admin/staff").await?;
    assert!(list.html.contains("Ayşe Yılmaz"), "{}", list.html);

    for path in [
        "/console/admin",
        "/console/admin/keys",
        "/console/admin/topics",
    ] {
        assert_eq!(ayse.open(path).await?.status, 403, "{path}");
    }
    let mut elsewhere = Browser::new(&centre.base)?;
    assert_eq!(
        elsewhere
            .sign_in("ova", "ayse", "yanlış parola")
            .await?
            .status,
        401
    );
    assert_eq!(
        elsewhere.sign_in("ova", "kimse", PASSWORD).await?.status,
        401
    );
    assert_eq!(
        elsewhere.sign_in("koy", "ayse", PASSWORD).await?.status,
        401
    );

    // A form that no page of this session sent does nothing.
    let form = [("code", "mehmet"), ("role-admin", "on")];
    assert_eq!(admin.post("/console/admin/staff", &form).await?.status, 403);
    let foreign = admin
        .post_from_elsewhere("/console/admin/staff", &form)
        .await?;
    assert_eq!(foreign.status, 403);
    assert_eq!(admin.open("/console/admin/staff/mehmet").await?.status, 404);

    // Whoever is thrown out is out at once.
    let page = "/console/admin/staff/ayse";
    let ended = admin
        .fill(page, &format!("{page}/end-sessions"), &[])
        .await?;
    assert_eq!(ended.status, 303, "{}", ended.html);
    assert!(ayse.open("/console/account").await?.asks_to_sign_in());
    assert_eq!(ayse.sign_in("ova", "ayse", PASSWORD).await?.status, 303);
    let closed = admin.fill(page, &format!("{page}/disable"), &[]).await?;
    assert_eq!(closed.status, 303, "{}", closed.html);
    assert!(ayse.open("/console/account").await?.asks_to_sign_in());
    assert_eq!(ayse.sign_in("ova", "ayse", PASSWORD).await?.status, 401);
    let oneself = "/console/admin/staff/admin";
    let refused = admin
        .fill(oneself, &format!("{oneself}/disable"), &[])
        .await?;
    assert_eq!(refused.status, 400);

    let out = admin
        .fill("/console/account", "/console/sign-out", &[])
        .await?;
    assert!(out.asks_to_sign_in());
    assert!(admin.open("/console/account").await?.asks_to_sign_in());
    no_secret_is_kept(&centre)
}

/// Passwords and their owners' names are nowhere in what the process said.
fn no_secret_is_kept(centre: &Centre) -> anyhow::Result<()> {
    let said = format!("{}{}", centre.process.stdout(), centre.process.stderr());
    for secret in [PASSWORD, "Yılmaz", "argon2id"] {
        anyhow::ensure!(!said.contains(secret), "{secret} in the log");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_until_it_is_revoked() -> anyhow::Result<()> {
    let centre = Centre::start(&[]).await?;
    let admin = centre.admin("ova").await?;
    let reader = centre.key(&admin, "rapor", &[("scope-read", "on")]).await?;
    let filer = centre
        .key(&admin, "uygulama", &[("scope-file", "on")])
        .await?;
    let parks = [
        ("scope-read", "on"),
        ("scope-work", "on"),
        ("unit", "parks"),
    ];
    let parks = centre.key(&admin, "park-ekibi", &parks).await?;

    let report = GetReportRequest {
        from: "2026-01-01".to_owned(),
        to: "2026-01-02".to_owned(),
        as_of: String::new(),
    };
    let unit = DefineUnitRequest {
        command_id: command_id("unit"),
        code: "yeni".to_owned(),
        name_tr: "Yeni".to_owned(),
        name_en: "New".to_owned(),
        outside: false,
    };
    let rapor = City::new("ova", &centre.base, &reader)?;
    rapor.analytics().get_report(report.clone()).await?;
    let denied = rapor.routing().define_unit(unit).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "{denied}");
    let uygulama = City::new("ova", &centre.base, &filer)?;
    let denied = uygulama
        .analytics()
        .get_report(report.clone())
        .await
        .unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "{denied}");

    let filed = |topic: &'static str| {
        [
            ("service_code", topic),
            ("lat", "39.92077"),
            ("long", "32.85411"),
            ("description", "Denemedir."),
        ]
    };
    let ours = uygulama.open311().with_key(&filer);
    let tree = ours.file(&filed("pruning"), Format::Json).await?.number()?;
    let hole = ours.file(&filed("pothole"), Format::Json).await?.number()?;
    let theirs = ours.clone().with_jurisdiction("koy");
    assert_eq!(
        theirs.file(&filed("pothole"), Format::Json).await?.status,
        403
    );
    let reading = uygulama.open311().with_key(&reader);
    assert_eq!(
        reading.file(&filed("pothole"), Format::Xml).await?.status,
        403
    );

    // A key of one unit sees that unit's requests only.
    City::new("ova", &centre.base, &City::token("ova"))?
        .handling(&hole)
        .await?;
    let crew = City::new("ova", &centre.base, &parks)?;
    assert_eq!(crew.handling(&tree).await?.unit, "parks");
    let asked = GetHandlingRequest { number: hole };
    let denied = crew.routing().get_handling(asked).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "{denied}");
    let denied = crew
        .analytics()
        .get_report(report.clone())
        .await
        .unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "{denied}");

    let revoked = admin
        .fill(
            "/console/admin/keys",
            "/console/admin/keys/rapor/revoke",
            &[],
        )
        .await?;
    assert_eq!(revoked.status, 303, "{}", revoked.html);
    let gone = rapor.analytics().get_report(report).await.unwrap_err();
    assert_eq!(gone.code(), Code::Unauthenticated, "{gone}");
    Ok(())
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_back() -> anyhow::Result<()> {
    let limits = [
        "--limit-filing",
        "2/h",
        "--limit-tracking",
        "2/h",
        "--limit-public",
        "2/h",
    ];
    let centre = Centre::start(&limits).await?;
    let visitor = Browser::new(&centre.base)?;
    for path in ["/requests", "/track"] {
        let form = [("number", "2026-11111111-1"), ("secret", "x")];
        for _ in 0..2 {
            assert_ne!(visitor.post(path, &form).await?.status, 429, "{path}");
        }
        let refused = visitor.post(path, &form).await?;
        assert_eq!(refused.status, 429, "{path}");
        assert!(refused.retry_after.is_some_and(|it| it > 60), "{refused:?}");
        assert!(
            refused.html.contains("<h1>Biraz bekleyin</h1>"),
            "{}",
            refused.html
        );
    }
    for _ in 0..2 {
        assert_eq!(
            visitor
                .open("/open311/v2/services.json?jurisdiction_id=ova")
                .await?
                .status,
            200
        );
    }
    let json = visitor
        .open("/open311/v2/services.json?jurisdiction_id=ova")
        .await?;
    assert_eq!((json.status, json.retry_after.is_some()), (429, true));
    let errors: serde_json::Value = serde_json::from_str(&json.html)?;
    assert_eq!(errors[0]["code"], 429);
    let xml = visitor
        .open("/open311/v2/services.xml?jurisdiction_id=ova")
        .await?;
    assert!(xml.html.contains("<code>429</code>"), "{}", xml.html);

    // Guessing a password gets slower, and says nothing about who exists.
    for name in ["admin", "kimse"] {
        let mut guesser = Browser::new(&centre.base)?;
        let mut told = vec![];
        for guess in 0..8 {
            let tried = guesser
                .sign_in("ova", name, &format!("tahmin {guess}"))
                .await?;
            told.push((tried.status, tried.retry_after.is_some()));
        }
        assert_eq!(told[..5], [(401, false); 5], "{name}: {told:?}");
        assert!(told.contains(&(429, true)), "{name}: {told:?}");
    }
    Ok(())
}
