use super::*;

async fn sent(kind: &str, uri: &str, body: impl Into<Body>) -> Result<Params, Unreadable> {
    let request = Request::post(uri).header("content-type", kind);
    let mut request = request.body(body.into()).unwrap();
    request = request.with_limited_body();
    Params::of_body(request).await
}

async fn form(body: impl Into<Body>) -> Result<Params, Unreadable> {
    sent("application/x-www-form-urlencoded", "/", body).await
}

async fn refused(body: impl Into<Body>) -> String {
    form(body).await.err().unwrap().problem
}

#[tokio::test]
async fn more_parameters_than_any_form_has_are_not_read() {
    assert!(form("a=1&".repeat(63) + "a=2").await.is_ok());
    assert!(
        refused("a&".repeat(500_000))
            .await
            .contains("more than 64 parameters")
    );
    let field = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\r\n";
    let many = sent(
        "multipart/form-data; boundary=x",
        "/",
        field.repeat(65) + "--x--\r\n",
    );
    assert!(many.await.err().unwrap().problem.contains("more than 64"));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_by_name() {
    for wrong in ["description=%FE", "description=%C5", "x=1&description=a%ff"] {
        assert_eq!(refused(wrong).await, "description: is not UTF-8 text");
    }
    assert_eq!(refused("%FE=1").await, "a parameter: is not UTF-8 text");
    let body = b"--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\xfe\r\n--x--\r\n";
    let multipart = sent("multipart/form-data; boundary=x", "/", body.to_vec()).await;
    assert_eq!(multipart.err().unwrap().problem, "a: is not UTF-8 text");
}

#[tokio::test]
async fn letters_are_read_as_browsers_write_them() {
    let params = form("a=%C4%B0%C4%9EDIR+%2B5%&b&&=c&a=x=y").await.unwrap();
    assert_eq!(params.get("a"), "İĞDIR +5%");
    assert_eq!((params.get("b"), params.get("")), ("", "c"));
    assert_eq!(form("q=x=y").await.unwrap().get("q"), "x=y");
}

#[tokio::test]
async fn a_value_beyond_every_limit_is_told_by_its_name_only() {
    let long = "z".repeat(VALUE + 1);
    let told = "address: is longer than 4,000 characters";
    assert_eq!(refused(format!("address={long}")).await, told);
    let unnamed = refused(format!("{long}=x")).await;
    assert!(unnamed.len() < 100, "{unnamed}");
}

#[tokio::test]
async fn pictures_are_taken_where_a_form_has_them_and_nowhere_else() {
    let part = |name: &str, file: &str, body: &str| {
        let head = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"");
        format!("{head}; filename=\"{file}\"\r\n\r\n{body}\r\n")
    };
    let form = |parts: &[String]| {
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=x");
        let body = Body::from(parts.concat() + "--x--\r\n");
        request.body(body).unwrap().with_limited_body()
    };
    let is_photo: IsPicture = |it| it == "photo";
    let parts = [
        part("photo", "a.jpg", "one"),
        part("photo", "", ""),
        part("photo", "b.jpg", "two"),
    ];
    let read = Params::of_form(form(&parts), is_photo).await.unwrap();
    assert_eq!(read.pictures, [b"one", b"two"]);
    assert_eq!(read.params.get("photo"), "");
    let refused = Params::of_body(form(&parts)).await.err().unwrap();
    assert!(refused.problem.starts_with("photo: files are not taken"));
    let other = Params::of_form(form(&[part("cv", "a.pdf", "x")]), is_photo).await;
    assert!(other.err().unwrap().problem.starts_with("cv: files"));
    let huge = form(&[part("photo", "a.jpg", &"z".repeat(37 << 20))]);
    let huge = Params::of_form(huge, is_photo).await;
    assert_eq!(huge.err().unwrap().status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn beside_a_body_a_query_says_for_whom_and_in_which_language_only() {
    let uri = "/?api_key=k&email=a@b.c&secret=s&lang=en&jurisdiction_id=ova";
    let kind = "application/x-www-form-urlencoded";
    let params = sent(kind, uri, "x=1").await.unwrap();
    for name in ["api_key", "email", "secret"] {
        assert_eq!(params.get(name), "", "{name}");
    }
    assert_eq!(
        (params.get("lang"), params.get("jurisdiction_id")),
        ("en", "ova")
    );
}
