use super::*;

const NYC: &str = include_str!("../../mappings/nyc-311.toml");
const HEADER: &str = "unique_key,created_date,closed_date,agency,agency_name,complaint_type,descriptor,location_type,\
    incident_address,street_name,intersection_street_1,city,status,resolution_description,resolution_action_updated_date,\
    borough,open_data_channel_type,latitude,longitude\n";
const GOOD: &str = "1,2024-04-16T03:03:15.000,,DOT,Department of Transportation,Street Condition,Pothole,N/A,,,\
    133 AVENUE,QUEENS,Open,,,QUEENS,ONLINE,40.6,-73.7\n";

fn read(body: &[u8]) -> Vec<Result<Row, Remark>> {
    read_by(NYC, &[HEADER.as_bytes(), body].concat())
}

fn read_by(mapping: &str, file: &[u8]) -> Vec<Result<Row, Remark>> {
    let mapping = Mapping::parse(mapping).unwrap();
    rows(&mapping, file).unwrap().collect()
}

fn rows<'a>(mapping: &'a Mapping, file: &'a [u8]) -> anyhow::Result<Rows<'a>> {
    let now = "2026-11-22T00:00:00Z".parse()?;
    Rows::new(mapping, Table::csv(file, b',')?, now)
}

#[track_caller]
fn refused(body: &str, column: &str, reason: &str) {
    let rows = read(body.as_bytes());
    let refusal = rows
        .into_iter()
        .find_map(Result::err)
        .expect("a row is refused");
    assert_eq!(refusal.column, column, "{refusal:?}");
    assert!(refusal.reason.contains(reason), "{refusal:?}");
}

#[test]
fn a_good_row_is_told_in_our_words() {
    let row = read(GOOD.as_bytes()).remove(0).expect("it is good");
    assert_eq!(
        (row.line, row.id.as_str(), row.unit.as_str()),
        (2, "1", "DOT")
    );
    assert_eq!(row.created.to_string(), "2024-04-16T07:03:15Z");
    assert_eq!(row.state_since, row.created);
    assert_eq!(
        (row.state, row.sub_result, row.channel),
        (RequestState::Routed, None, Channel::Web)
    );
    assert_eq!(row.description, "Pothole", "N/A says nothing");
    assert_eq!(row.address, "133 AVENUE", "the first filled column counts");
    assert_eq!(row.point, Some((40.6, -73.7)));
}

#[test]
fn what_is_wrong_with_a_row_names_its_column() {
    refused(&GOOD.replacen('1', "", 1), "unique_key", "1 to 100");
    refused(
        &GOOD.replace("2024-04-16T03:03:15.000", ""),
        "created_date",
        "empty",
    );
    refused(
        &GOOD.replace("2024-04-16T03:03:15.000", "16.04.2024"),
        "created_date",
        "is no date",
    );
    refused(
        &GOOD.replace("2024-04-16T03:03:15.000", "2024-02-30T03:03:15.000"),
        "created_date",
        "is no date",
    );
    refused(
        &GOOD.replace("Open", "Lost"),
        "status",
        "\"Lost\" does not stand",
    );
    refused(
        &GOOD.replace("ONLINE", "PIGEON"),
        "open_data_channel_type",
        "\"PIGEON\" does not stand",
    );
    refused(
        &GOOD.replace("ONLINE", ""),
        "open_data_channel_type",
        "empty",
    );
    refused(
        &GOOD.replace("Street Condition", ""),
        "complaint_type",
        "empty",
    );
    refused(&GOOD.replace(",DOT,", ",,"), "agency", "empty");
    refused(
        &GOOD.replace("Pothole", "Pot\u{1}hole"),
        "descriptor",
        "control",
    );
    for (created, problem) in [("1969", "before 1970"), ("2027", "future")] {
        refused(
            &GOOD.replace("2024-04-16", &format!("{created}-04-16")),
            "created_date",
            problem,
        );
    }
    refused(
        &GOOD.replace("Pothole", &"x".repeat(4_001)),
        "descriptor",
        "4000",
    );
    refused(
        &GOOD.replace("133 AVENUE", &"x".repeat(501)),
        "intersection_street_1",
        "500",
    );
    refused(&GOOD.replace("Open", "Closed"), "closed_date", "empty");
    refused(
        &GOOD
            .replace(",,DOT", ",2024-04-15T00:00:00.000,DOT")
            .replace("Open", "Closed"),
        "closed_date",
        "before",
    );
}

#[test]
fn a_malformed_row_is_refused_and_the_next_one_is_read() {
    let body = format!("{GOOD}2,too,short\n{}", GOOD.replacen('1', "3", 1));
    let rows = read(body.as_bytes());
    assert_eq!(rows.len(), 3);
    let refusal = rows[1].as_ref().err().unwrap();
    assert_eq!(
        (refusal.line, refusal.reason.as_str()),
        (3, "the row has 3 fields where the header has 19")
    );
    assert!(rows[2].is_ok());
}

#[test]
fn text_that_is_not_utf8_is_refused_and_the_next_row_is_read() {
    let mut body = GOOD.replace("Pothole", "P\u{1}thole").into_bytes();
    let at = body.iter().position(|it| *it == 1).unwrap();
    body[at] = 0xff;
    body.extend(GOOD.replacen('1', "3", 1).as_bytes());
    let rows = read(&body);
    assert_eq!(rows[0].as_ref().err().unwrap().column, "descriptor");
    assert!(rows[1].is_ok());
}

#[test]
fn an_id_is_taken_once_in_a_file() {
    refused(&format!("{GOOD}{GOOD}"), "unique_key", "twice");
}

#[test]
fn a_line_number_counts_lines_inside_quotes() {
    let body = format!("{}2,short\n", GOOD.replace("Pothole", "\"Pot\n\nhole\""));
    assert_eq!(read(body.as_bytes())[1].as_ref().err().unwrap().line, 5);
}

#[test]
fn a_line_number_counts_lines_that_end_in_cr_lf() {
    let body = format!("{GOOD}2,short\n{}", GOOD.replacen('1', "3", 1));
    let file = format!("{HEADER}{body}").replace('\n', "\r\n");
    let rows = read_by(NYC, file.as_bytes()).into_iter();
    let lines = rows.map(|it| it.map_or_else(|it| it.line, |it| it.line));
    assert_eq!(lines.collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_control_character_is_refused_by_its_column_and_only_there() {
    let bad = |cell: &str| GOOD.replace(cell, &format!("{cell}\u{1}x"));
    refused(&bad("Street Condition"), "complaint_type", "control");
    refused(&bad("DOT"), "agency", "control");
    refused(&bad("133 AVENUE"), "intersection_street_1", "control");
    refused(&GOOD.replacen('1', "1\u{1}1", 1), "unique_key", "control");
    let answer = "Open,\"two\nlines\",";
    let body = GOOD.replace("Open,,", answer);
    assert!(read(body.as_bytes())[0].is_ok());
}

#[test]
fn in_the_hour_that_comes_twice_a_request_is_not_closed_before_it_was_created() {
    let body = |closed: &str| {
        GOOD.replace(
            "2024-04-16T03:03:15.000,,",
            &format!("2024-11-03T01:50:00.000,{closed},"),
        )
        .replace("Open", "Closed")
    };
    let row = read(body("2024-11-03T01:10:00.000").as_bytes()).remove(0);
    let row = row.expect("it was closed after the clocks went back");
    assert_eq!(row.created.to_string(), "2024-11-03T05:50:00Z");
    assert_eq!(row.state_since.to_string(), "2024-11-03T06:10:00Z");
    refused(&body("2024-11-03T00:59:00.000"), "closed_date", "before");
}

#[test]
fn a_column_that_stands_twice_is_told_by_its_name() {
    let mapping = Mapping::parse(NYC).unwrap();
    let header = HEADER.replace("city,", "city,agency,");
    let problem = rows(&mapping, header.as_bytes()).err().unwrap();
    assert!(
        problem.to_string().contains("\"agency\" twice"),
        "{problem}"
    );
}

#[test]
fn a_closed_row_without_its_date_takes_the_next_best() {
    let body = GOOD.replace("Open,,,", "Closed,,2024-04-16T05:00:00.000,");
    let row = read(body.as_bytes()).remove(0).unwrap();
    assert_eq!(row.state_since.to_string(), "2024-04-16T09:00:00Z");
}

#[test]
fn a_missing_column_is_told_by_its_key() {
    let mapping = Mapping::parse(NYC).unwrap();
    let problem = rows(&mapping, "unique_key,created_date\n".as_bytes())
        .err()
        .unwrap()
        .to_string();
    assert!(problem.contains("columns.closed"), "{problem}");
}

/// The good row with other coordinates: the point, and what is said of it.
fn place(latitude: &str, longitude: &str, mapping: &str) -> (Option<(f64, f64)>, String) {
    let body = GOOD.replace("40.6,-73.7", &format!("{latitude},{longitude}"));
    let file = [HEADER, &body].concat();
    let row = read_by(mapping, file.as_bytes()).remove(0);
    let row = row.expect("a place that cannot be believed refuses no row");
    let told = row
        .unplaced
        .map(|(column, reason)| format!("{column} {reason}"));
    (row.point, told.unwrap_or_default())
}

#[test]
fn a_place_that_cannot_be_believed_is_unknown_and_says_why() {
    let within = NYC.replace(
        "[channels]",
        "[place]\nwithin = [40, -75, 41, -73]\n[channels]",
    );
    assert_eq!(
        place("40.6", "-73.7", &within),
        (Some((40.6, -73.7)), String::new())
    );
    assert_eq!(place("", "", NYC), (None, String::new()));
    let unknown = [
        (
            "north",
            "-73.7",
            NYC,
            "latitude \"north\" is not a number of degrees up to 90",
        ),
        (
            "40.6",
            "-190.5",
            NYC,
            "longitude \"-190.5\" is not a number of degrees up to 180",
        ),
        (
            "40.6",
            "NaN",
            NYC,
            "longitude \"NaN\" is not a number of degrees up to 180",
        ),
        (
            "40.6",
            "",
            NYC,
            "longitude is empty: a latitude alone is no place",
        ),
        (
            "",
            "-73.7",
            NYC,
            "latitude is empty: a longitude alone is no place",
        ),
        (
            "39",
            "-77",
            NYC,
            "latitude 39, -77 was cut to whole degrees",
        ),
        (
            "39.0",
            "-76.6",
            NYC,
            "latitude 39, -76.6 was cut to whole degrees",
        ),
        ("0", "0", NYC, "latitude 0, 0 was cut to whole degrees"),
        (
            "41.1",
            "-73.7",
            &within,
            "latitude 41.1, -73.7 lies outside place.within",
        ),
    ];
    for (latitude, longitude, mapping, told) in unknown {
        assert_eq!(place(latitude, longitude, mapping), (None, told.to_owned()));
    }
}

/// The due date of a row that was created on 2024-04-16 at 03:03:15.
fn due(text: &str) -> Result<Row, Remark> {
    let header = HEADER.replace("latitude,", "latitude,due_date,");
    let body = GOOD.replace("40.6,", &format!("40.6,{text},"));
    let mapping = NYC.replace("[columns]", "[columns]\ndue = \"due_date\"");
    let mapping = mapping.replace("dates = [", "dates = [\"%Y-%m-%d\", ");
    read_by(&mapping, [header, body].concat().as_bytes()).remove(0)
}

#[test]
fn a_due_date_is_taken_as_the_source_has_it() {
    let read = |text| due(text).unwrap().due.map(|it| it.to_string());
    assert_eq!(read(""), None);
    let hour = read("2024-04-19T03:03:15.000");
    assert_eq!(hour.as_deref(), Some("2024-04-19T07:03:15Z"));
    let day = read("2024-04-19");
    assert_eq!(
        day.as_deref(),
        Some("2024-04-20T03:59:59.999999Z"),
        "the day's end"
    );
    let before = read("2024-04-01T00:00:00.000");
    assert_eq!(
        before.as_deref(),
        Some("2024-04-01T04:00:00Z"),
        "late from the start"
    );
    assert_eq!(due("soon").err().unwrap().column, "due_date");
    assert_eq!(due("1899-12-30").err().unwrap().column, "due_date");
}
