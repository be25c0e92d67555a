//! The city's outlines, on which a citizen can point at the place: drawn by the browser, from a file of the municipality.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use vocabulary::Municipality;

use super::{asset, site::Visit};
use crate::Centre;

/// The outlines of each municipality that has any, as the browser draws them.
pub(crate) type Outlines = BTreeMap<Municipality, String>;

pub(super) async fn outlines(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let Some(outlines) = centre.outlines.get(&visit.municipality) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, outlines.clone()).into_response()
}

pub(super) async fn script() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("../../assets/map.js"),
    )
}

/// Reads GeoJSON: a collection of polygons that say in their properties which `district`, and perhaps which
/// `neighbourhood`, they are. Only these names and the lines are shown, to a metre.
pub(crate) fn read(geojson: &str) -> Result<String, String> {
    let collection: Value =
        serde_json::from_str(geojson).map_err(|error| format!("is not JSON: {error}"))?;
    let features = collection["features"]
        .as_array()
        .filter(|_| collection["type"] == "FeatureCollection")
        .ok_or("is not a GeoJSON FeatureCollection")?;
    let areas: Result<Vec<Value>, String> = features.iter().enumerate().map(area).collect();
    Ok(Value::from(areas?).to_string())
}

fn area((index, feature): (usize, &Value)) -> Result<Value, String> {
    let wrong = |what: &str| format!("features[{index}] {what}");
    let name = |key: &str| feature["properties"][key].as_str().unwrap_or_default();
    if name("district").is_empty() {
        return Err(wrong("has no property `district`"));
    }
    let coordinates = &feature["geometry"]["coordinates"];
    let rings: Option<Vec<Value>> = match feature["geometry"]["type"].as_str() {
        Some("Polygon") => polygon(coordinates),
        Some("MultiPolygon") => coordinates.as_array().and_then(|all| {
            let polygons: Option<Vec<_>> = all.iter().map(polygon).collect();
            polygons.map(|it| it.concat())
        }),
        Some(_) | None => None,
    };
    let rings = rings.ok_or_else(|| wrong("is neither a Polygon nor a MultiPolygon in degrees"))?;
    Ok(json!({
        "district": name("district"),
        "neighbourhood": name("neighbourhood"),
        "rings": rings,
    }))
}

fn polygon(rings: &Value) -> Option<Vec<Value>> {
    let ring = |ring: &Value| {
        let points: Option<Vec<Value>> = ring.as_array()?.iter().map(point).collect();
        points.filter(|it| it.len() >= 4).map(Value::from)
    };
    rings.as_array()?.iter().map(ring).collect()
}

fn point(point: &Value) -> Option<Value> {
    let degrees = |index: usize, limit: f64| {
        let degrees = point.get(index)?.as_f64()?;
        (degrees.abs() <= limit).then_some((degrees * 1e5).round() / 1e5)
    };
    Some(json!([degrees(0, 180.0)?, degrees(1, 90.0)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(geometry: &Value, properties: &Value) -> String {
        let feature = json!({ "type": "Feature", "geometry": geometry, "properties": properties });
        json!({ "type": "FeatureCollection", "features": [feature] }).to_string()
    }

    #[test]
    fn names_and_lines_are_kept_and_nothing_else() {
        let square = json!([[
            [33.3, 38.9],
            [33.4, 38.9],
            [33.4, 39.000_000_1],
            [33.3, 38.9]
        ]]);
        let properties = json!({ "district": "Çınarlı", "mayor": "Ayşe" });
        for geometry in [
            json!({ "type": "Polygon", "coordinates": square }),
            json!({ "type": "MultiPolygon", "coordinates": [square] }),
        ] {
            let read = read(&collection(&geometry, &properties)).unwrap();
            assert!(
                read.contains("Çınarlı") && read.contains("[33.4,39.0]"),
                "{read}"
            );
            assert!(!read.contains("mayor"), "{read}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let named = json!({ "district": "x" });
        let line = json!({ "type": "LineString", "coordinates": [[33, 38], [34, 39]] });
        let metres =
            json!({ "type": "Polygon", "coordinates": [[[4e6, 5e6], [1, 1], [2, 2], [4e6, 5e6]]] });
        for (text, part) in [
            ("x".to_owned(), "JSON"),
            ("{}".to_owned(), "FeatureCollection"),
            (collection(&line, &json!({})), "features[0] has no property"),
            (collection(&line, &named), "features[0] is neither"),
            (collection(&metres, &named), "features[0] is neither"),
        ] {
            let refused = read(&text).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
    }
}
