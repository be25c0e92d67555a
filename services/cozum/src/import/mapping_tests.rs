use super::*;

const NYC: &str = include_str!("../../mappings/nyc-311.toml");

fn told(mapping: &str) -> String {
    format!("{:#}", Mapping::parse(mapping).unwrap_err())
}

/// The message for a mapping with one mistake in it.
#[track_caller]
fn refuses(from: &str, to: &str, golden: &str) {
    assert!(NYC.contains(from), "{from}");
    assert_eq!(told(&NYC.replacen(from, to, 1)), golden);
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
fn a_mistake_of_meaning_is_told_by_its_line_and_its_key() {
    refuses(
        "nyc-311\"",
        "NYC 311\"",
        "line 2: source: has 1 to 32 of a-z, 0-9 and -",
    );
    refuses(
        "\"web\"",
        "\"internet\"",
        "line 28: channels.ONLINE: \"internet\" is none of: phone desk web email app whatsapp social fax letter cimer open311 \
         internal other",
    );
    refuses(
        "\"routed\"",
        "\"planned\"",
        "line 34: statuses.Open.state: is one of: routed assigned in-progress concluded",
    );
    refuses(
        ", sub_result = \"not-stated\"",
        "",
        "line 37: statuses.Closed.sub_result: is missing, e.g. \"not-stated\"",
    );
    refuses(
        "{ state = \"routed\" }",
        "{ state = \"routed\", sub_result = \"solved\" }",
        "line 34: statuses.Open.sub_result: belongs to a concluded state only",
    );
    refuses(
        "closed = [\"closed_date\", \"resolution_action_updated_date\"]\n",
        "",
        "line 9: columns.closed: is missing, but [statuses] knows concluded requests",
    );
    refuses(
        "channel = \"open_data_channel_type\"\n",
        "",
        "line 9: columns.channel: is missing",
    );
    refuses(
        "created = \"created_date\"\n",
        "",
        "line 9: columns.created: is missing",
    );
    refuses(
        "[channels]",
        "[defaults]\nstatus = \"Lost\"\n[channels]",
        "line 28: defaults.status: \"Lost\" does not stand in [statuses]",
    );
    refuses(
        "[channels]",
        "[place]\nwithin = [41.0, -74.3, 40.4, -73.6]\n[channels]",
        "line 28: place.within: is south, west, north, east in degrees",
    );
    refuses(
        "time_zone",
        "delimiter = \"||\"\ntime_zone",
        "line 3: delimiter: is one ASCII character",
    );
}

#[test]
fn a_mistake_of_form_is_told_by_its_line_and_its_key() {
    refuses(
        "created = \"created_date\"",
        "created = 5",
        "line 11: columns.created: is a column's name, or a list of them",
    );
    refuses(
        "[columns]",
        "[columns",
        "line 9: unclosed table, expected `]`",
    );
    refuses(
        "source = \"nyc-311\"\n",
        "",
        "line 1: missing field `source`",
    );
}

#[test]
fn a_mistake_that_somebody_else_finds_names_line_and_key_all_the_same() {
    let begins = |from: &str, to: &str, golden: &str| {
        let told = told(&NYC.replacen(from, to, 1));
        assert!(told.starts_with(golden), "{told}");
    };
    begins(
        "America/New_York",
        "America/Old_York",
        "line 3: time_zone: ",
    );
    begins(
        "\"%m/%d/%Y %I:%M:%S %p\"",
        "\"%!\"",
        "line 4: dates: \"%!\": ",
    );
    begins("\"routed\"", "\"lost\"", "line 34: statuses.Open.state: ");
    begins(
        "district =",
        "distrikt =",
        "line 22: columns.distrikt: unknown field `distrikt`",
    );
}

#[test]
fn another_city_has_another_shape() {
    let mapping = Mapping::parse(include_str!("../../mappings/baltimore-311.toml")).unwrap();
    assert_eq!(
        mapping.statuses["Closed (Duplicate)"].sub_result,
        Some(SubResult::Duplicate)
    );
    let city = mapping.within.unwrap();
    assert!(city.holds((39.29, -76.61)) && !city.holds((39.0, -77.0)));
}
