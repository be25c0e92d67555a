use super::*;

#[test]
fn who_appends_says_who_it_is() {
    let mut metadata = MetadataMap::new();
    let refused = calling(&metadata).unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(chassis::violations(&refused)[0].0, SERVICE);
    metadata.insert(SERVICE, "intake".parse().unwrap());
    assert_eq!(calling(&metadata).unwrap(), "intake");
}
