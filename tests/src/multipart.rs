//! A form with files, as a browser or a telephone sends it.

const EDGE: &str = "a-line-between-parts";

/// The request with these fields and, after them, these files: each the field it belongs to and its bytes.
pub(crate) fn form(
    request: reqwest::RequestBuilder,
    fields: &[(&str, &str)],
    files: &[(&str, &[u8])],
) -> reqwest::RequestBuilder {
    let mut body = Vec::new();
    let mut part = |head: &str, content: &[u8]| {
        let head = format!("--{EDGE}\r\ncontent-disposition: form-data; {head}\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(content);
        body.extend(b"\r\n");
    };
    for (name, value) in fields {
        part(&format!("name=\"{name}\""), value.as_bytes());
    }
    for (name, content) in files {
        // What it is called says nothing about what it is.
        part(&format!("name=\"{name}\"; filename=\"photo.jpg\""), content);
    }
    body.extend(format!("--{EDGE}--\r\n").into_bytes());
    let kind = format!("multipart/form-data; boundary={EDGE}");
    request.header("content-type", kind).body(body)
}
