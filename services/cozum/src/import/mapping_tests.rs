use super::*;

const NYC: &str = include_str!("../../mappings/nyc-311.toml");

#[track_caller]
fn refuses(from: &str, to: &str, complaint: &str) {
    assert!(NYC.contains(from), "{from}");
    let told = format!(
        "{:#}",
        Mapping::parse(&NYC.replacen(from, to, 1)).unwrap_err()
    );
    assert!(told.contains(complaint), "{told}");
}

#[test]
fn the_mapping_we_ship_is_sound() {
    let mapping = Mapping::parse(NYC).unwrap();
    assert_eq!(mapping.source, "nyc-311");
    assert_eq!(mapping.channels["MOBILE"], Channel::App);
    let closed = Status {
        state: RequestState::Concluded,
        sub_result: Some(SubResult::NotStated),
    };
    assert_eq!(mapping.statuses["Closed"], closed);
    assert_eq!(
        mapping.columns.closed.0,
        ["closed_date", "resolution_action_updated_date"]
    );
}

#[test]
fn every_mistake_names_its_key() {
    refuses("nyc-311", "NYC 311", "source");
    refuses("America/New_York", "America/Old_York", "time_zone");
    refuses("\"%m/%d/%Y %I:%M:%S %p\"", "\"%!\"", "dates");
    refuses("\"web\"", "\"internet\"", "channels.ONLINE");
    refuses("\"routed\"", "\"lost\"", "statuses.Open.state");
    refuses("\"routed\"", "\"planned\"", "statuses.Open.state");
    refuses(
        ", sub_result = \"not-stated\"",
        "",
        "statuses.Closed.sub_result",
    );
    refuses(
        "{ state = \"routed\" }",
        "{ state = \"routed\", sub_result = \"solved\" }",
        "statuses.Open.sub_result",
    );
    refuses(
        "closed = [\"closed_date\", \"resolution_action_updated_date\"]\n",
        "",
        "columns.closed",
    );
    refuses(
        "channel = \"open_data_channel_type\"\n",
        "",
        "columns.channel",
    );
    refuses("created = \"created_date\"\n", "", "created");
    refuses("district =", "distrikt =", "distrikt");
    refuses(
        "[channels]",
        "[defaults]\nstatus = \"Lost\"\n[channels]",
        "defaults.status",
    );
    refuses("time_zone", "delimiter = \"||\"\ntime_zone", "delimiter");
}

#[test]
fn another_city_has_another_shape() {
    let mapping = Mapping::parse(include_str!("../../mappings/baltimore-311.toml")).unwrap();
    assert_eq!(
        mapping.statuses["Closed (Duplicate)"].sub_result,
        Some(SubResult::Duplicate)
    );
}
