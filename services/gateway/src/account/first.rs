//! Who is there first: in a new centre the administrator, who sets a password by a link that each start prints until it is used; in the demo
//! one account for each role.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context as _;
use jiff::SignedDuration;
use tonic::Status;
use vocabulary::{Language, Municipality};

use crate::{
    Centre,
    access::Role,
    secret::Secret,
    staff::{
        desk::{By, Desk, Refused, Text},
        domain::{Code, MemberCommand, MemberRejection, Profile},
    },
};

/// What the first administrator is called.
const ADMIN: &str = "admin";
/// The password of every account of the demo.
const DEMO: &str = "demo";
/// The unit that the demo's crew works in.
const DEMO_UNIT: &str = "public-works";
/// How long a set-up link is valid.
const LINK: SignedDuration = SignedDuration::from_hours(24);
/// How long to wait for services that start at the same time.
const PAUSE: Duration = Duration::from_secs(1);

/// Sees to it that somebody can sign in; the gateway is not ready before the demo's accounts are there.
pub(crate) fn begin(centre: &Arc<Centre>) {
    let platform = &centre.platform;
    for (index, municipality) in platform.municipalities.iter().enumerate() {
        let demo = centre.demo && index == 0;
        let part = format!("{}/{municipality}/first accounts", platform.role);
        if demo {
            platform.health.not_ready(&part, "being added");
        }
        let (centre, municipality) = (Arc::clone(centre), municipality.clone());
        platform.tasks.spawn("first accounts", async move {
            loop {
                let done = if demo {
                    demo_accounts(&centre, &municipality).await
                } else {
                    first_admin(&centre, &municipality).await
                };
                match done {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::info!(
                            error = format!("{error:#}"),
                            "the first accounts cannot be added yet"
                        );
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            if demo {
                centre.platform.health.ready(&part);
            }
            Ok(())
        });
    }
}

/// Where nobody can sign in who may add others: an administrator, and a link for them on the terminal.
async fn first_admin(centre: &Centre, municipality: &Municipality) -> anyhow::Result<()> {
    let staff = centre.staff(municipality);
    let head = staff.head().await?;
    staff.reader.at_least(head).await?;
    if staff.reader.has_admin().await? {
        return Ok(());
    }
    let code: Code = ADMIN.parse().context("a code")?;
    let profile = profile(Role::Admin, None)?;
    let add = MemberCommand::Add {
        profile,
        unit_known: true,
    };
    let by = By {
        actor: "system:gateway".to_owned(),
        command_id: centre
            .platform
            .ids
            .for_key("gateway", &format!("first-admin-{municipality}")),
    };
    match staff.member(&by, &code, add, Text::default()).await {
        Ok(_) | Err(Refused::Rejected(MemberRejection::CodeTaken)) => {}
        Err(Refused::Rejected(rejection)) => return Err(rejection.into()),
        Err(Refused::Failed(status)) => return Err(status.into()),
    }
    // A restart shows the same link: it records nothing, and nobody waits for a day who lost the first lines of the log.
    if let Some(secret) = staff.kept_link(&code).await? {
        show(centre, municipality, &code, &secret);
        return Ok(());
    }
    let by = By {
        command_id: centre.platform.ids.fresh(),
        ..by
    };
    let secret = Secret::draw()?;
    let kept = Text(secret.as_str().to_owned());
    match issue(staff, &by, &code, &secret, kept).await {
        Ok(()) => {
            show(centre, municipality, &code, secret.as_str());
            Ok(())
        }
        // Somebody disabled it on purpose.
        Err(Refused::Rejected(_)) => Ok(()),
        Err(Refused::Failed(status)) => Err(status.into()),
    }
}

fn show(centre: &Centre, municipality: &Municipality, code: &Code, secret: &str) {
    tracing::warn!(
        %municipality,
        "nobody can administer {municipality} yet: within 24 hours, set the password of \"{code}\" at \
         {}/console/setup/{secret}",
        centre.own_url()
    );
}

/// A link with which somebody sets their password, once; it is shown to who asked, and kept nowhere.
pub(crate) async fn issue_link(
    staff: &Desk,
    by: &By,
    code: &Code,
) -> Result<Secret, Refused<MemberRejection>> {
    let secret = Secret::draw()?;
    issue(staff, by, code, &secret, Text::default()).await?;
    Ok(secret)
}

async fn issue(
    staff: &Desk,
    by: &By,
    code: &Code,
    secret: &Secret,
    kept: Text,
) -> Result<(), Refused<MemberRejection>> {
    let asked = MemberCommand::IssueLink {
        secret: secret.sha256(),
        expires_at: staff.now() + LINK,
    };
    if staff.member(by, code, asked, kept).await?.replayed {
        return Err(Status::already_exists("the link was issued before").into());
    }
    Ok(())
}

/// One account for each role, once.
async fn demo_accounts(centre: &Centre, municipality: &Municipality) -> anyhow::Result<()> {
    let staff = centre.staff(municipality);
    let hash = centre.passwords.hash(DEMO.to_owned()).await?;
    for role in Role::ALL {
        let code: Code = role.code().parse().context("a code")?;
        let unit = (*role == Role::Unit).then_some(DEMO_UNIT);
        let add = MemberCommand::Add {
            profile: profile(*role, unit)?,
            unit_known: true,
        };
        for (what, asked, text) in [
            ("add", add, Text::default()),
            (
                "password",
                MemberCommand::ChangePassword,
                Text(hash.clone()),
            ),
        ] {
            let key = format!("demo-{what}-{code}-{municipality}");
            let by = By {
                actor: "system:gateway".to_owned(),
                command_id: centre.platform.ids.for_key("gateway", &key),
            };
            match staff.member(&by, &code, asked, text).await {
                Ok(_) => {}
                Err(Refused::Rejected(rejection)) => {
                    // Somebody uses the name, or took the account away: their will stands.
                    tracing::info!(%code, %rejection, "the demo leaves an account as it is");
                    break;
                }
                Err(Refused::Failed(status)) => return Err(status.into()),
            }
        }
    }
    Ok(())
}

fn profile(role: Role, unit: Option<&str>) -> anyhow::Result<Profile> {
    Ok(Profile {
        roles: BTreeSet::from([role]),
        unit: unit.map(str::parse).transpose()?,
        language: Language::Tr,
    })
}
