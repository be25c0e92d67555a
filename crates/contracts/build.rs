//! Compiles proto/ with protox, so that nobody needs protoc.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::PathBuf,
};

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
    "cozum.intake.v1.ExportOwnDataReply",
    "cozum.intake.v1.ExportOwnDataReply.Entry",
    "cozum.intake.v1.ExportOwnDataReply.Text",
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
    println!("cargo:rerun-if-changed={}", root.join("cozum").display());

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
    fs::write(out.join("events.rs"), events(&files))?;

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

/// The list of all event types: each message at the top of an `events.proto` that no other message there has as a field.
fn events(files: &prost_types::FileDescriptorSet) -> String {
    let files: Vec<_> = files
        .file
        .iter()
        .filter(|it| it.name().ends_with("/events.proto"))
        .collect();
    let parts: BTreeSet<&str> = files
        .iter()
        .flat_map(|it| &it.message_type)
        .flat_map(|it| it.nested_type.iter().chain([it]))
        .flat_map(|it| &it.field)
        .map(|it| it.type_name().trim_start_matches('.'))
        .collect();
    let mut events = BTreeMap::new();
    for file in files {
        // "cozum.intake.v1": the package's version is the schema version of its events.
        let Some((service, version)) = file.package().split_once(".v") else {
            continue;
        };
        let service = service.trim_start_matches("cozum.");
        for message in &file.message_type {
            let name = format!("{}.{}", file.package(), message.name());
            if !parts.contains(name.as_str()) {
                let key = (format!("{service}.{}", message.name()), version);
                events.insert(key, rust_path(&name));
            }
        }
    }
    let mut code = String::from("&[\n");
    for ((name, version), path) in events {
        code.push_str(&format!("    EventType {{ name: {name:?}, version: {version}, again: again::<crate::{path}> }},\n"));
    }
    code.push(']');
    code
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
