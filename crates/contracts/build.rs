//! Compiles proto/ with protox, so that nobody needs protoc.

use std::{error::Error, fs, path::PathBuf};

use prost::Message as _;

/// Messages that carry plain personal text in a call: they get no derived `Debug`, so that no log line can hold them.
const PRIVATE: &[&str] = &[
    "cozum.intake.v1.Citizen",
    "cozum.intake.v1.RegisterContactRequest",
    "cozum.intake.v1.RegisterRequestRequest",
    "cozum.intake.v1.GetRequestRequest",
    "cozum.intake.v1.GetRequestReply",
    "cozum.intake.v1.Answer",
    "cozum.intake.v1.File",
    "cozum.intake.v1.GetPublicTextsReply",
    "cozum.intake.v1.GetPublicTextsReply.Text",
    "cozum.intake.v1.ViewRequestReply",
    "cozum.intake.v1.SearchRequest",
    "cozum.intake.v1.FindByCallerRequest",
    "cozum.intake.v1.GetAttachmentRequest",
    "cozum.intake.v1.GetAttachmentReply",
    "cozum.intake.v1.RegisterRequestReply",
    "cozum.intake.v1.ReachCitizenReply",
    "cozum.intake.v1.SealRequest",
    "cozum.intake.v1.SealRequest.Field",
    "cozum.intake.v1.OpenReply",
    "cozum.intake.v1.OpenReply.Field",
    "cozum.routing.v1.ReturnRequestRequest",
    "cozum.routing.v1.ReferRequestRequest",
    "cozum.routing.v1.ConcludeRequestRequest",
    "cozum.routing.v1.ReopenRequestRequest",
    "cozum.routing.v1.AddCommentRequest",
    "cozum.routing.v1.AskInformationRequest",
    "cozum.routing.v1.RecordCitizenMessageRequest",
    "cozum.routing.v1.ImportHandlingRequest",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());

    let files = protox::compile(
        [
            "cozum/vocabulary/v1/vocabulary.proto",
            "cozum/ledger/v1/service.proto",
            "cozum/ledger/v1/events.proto",
            "cozum/intake/v1/service.proto",
            "cozum/intake/v1/events.proto",
            "cozum/routing/v1/service.proto",
            "cozum/routing/v1/events.proto",
            "cozum/notification/v1/service.proto",
            "cozum/notification/v1/events.proto",
            "cozum/analytics/v1/service.proto",
            "cozum/gateway/v1/events.proto",
        ],
        [&root],
    )?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), files.encode_to_vec())?;

    let mut prost = tonic_prost_build::Config::new();
    prost.enable_type_names().skip_debug(PRIVATE);
    tonic_prost_build::configure().compile_fds_with_config(files, prost)?;

    let mut debug = String::new();
    for name in PRIVATE {
        let path = rust_path(name);
        let message = path.rsplit("::").next().unwrap_or_default();
        debug.push_str(&format!(
            "impl ::core::fmt::Debug for crate::{path} {{\n    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{ f.write_str(\"{message}(…)\") }}\n}}\n"
        ));
    }
    fs::write(out.join("private.rs"), debug)?;
    Ok(())
}

/// "cozum.intake.v1.SealRequest.Field" -> "intake::v1::seal_request::Field".
fn rust_path(name: &str) -> String {
    let mut parts: Vec<String> = name.split('.').skip(1).map(str::to_owned).collect();
    let last = parts.len() - 1;
    for part in &mut parts[..last] {
        let mut snake = String::new();
        for (index, letter) in part.chars().enumerate() {
            if letter.is_uppercase() && index > 0 {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        *part = snake;
    }
    parts.join("::")
}
