//! Where it plays: a metropolitan municipality that does not exist, and people who do not either.

use vocabulary::Language;

use super::random::Random;

/// A district, with its neighbourhoods.
pub(super) struct District {
    pub(super) name: &'static str,
    pub(super) neighbourhoods: &'static [Neighbourhood],
}

/// A neighbourhood and the box it lies in: south, west, north, east in hundredths of a degree.
pub(super) struct Neighbourhood {
    pub(super) name: &'static str,
    bounds: [i32; 4],
}

const fn mahalle(name: &'static str, bounds: [i32; 4]) -> Neighbourhood {
    Neighbourhood { name, bounds }
}

/// The districts of Akbozkır, a city on an empty stretch of steppe.
pub(super) const DISTRICTS: &[District] = &[
    District {
        name: "Kalebaşı",
        neighbourhoods: &[
            mahalle("Çarşı", [3890, 3340, 3891, 3342]),
            mahalle("Saatkulesi", [3891, 3340, 3892, 3342]),
            mahalle("İstasyon", [3889, 3342, 3890, 3344]),
            mahalle("Ulucanlar", [3890, 3338, 3892, 3340]),
            mahalle("Tabakhane", [3888, 3340, 3889, 3342]),
        ],
    },
    District {
        name: "Söğütpınar",
        neighbourhoods: &[
            mahalle("Ihlamur", [3893, 3344, 3894, 3347]),
            mahalle("Çamlık", [3894, 3344, 3896, 3347]),
            mahalle("Öğretmenevleri", [3893, 3347, 3895, 3350]),
            mahalle("Yeşilyayla", [3895, 3347, 3897, 3350]),
            mahalle("Gülpınar", [3892, 3350, 3894, 3353]),
            mahalle("Menekşeli", [3894, 3350, 3896, 3353]),
        ],
    },
    District {
        name: "Gölbelen",
        neighbourhoods: &[
            mahalle("Sazlıkbaşı", [3884, 3330, 3886, 3333]),
            mahalle("Kıyıkent", [3884, 3333, 3886, 3336]),
            mahalle("Balıkçılar", [3882, 3331, 3884, 3334]),
            mahalle("Yunuspark", [3882, 3334, 3884, 3337]),
        ],
    },
    District {
        name: "Kızılbayır",
        neighbourhoods: &[
            mahalle("Sanayi", [3896, 3330, 3898, 3333]),
            mahalle("Bağlarüstü", [3898, 3330, 3900, 3333]),
            mahalle("Yıldıztepe", [3896, 3333, 3898, 3336]),
            mahalle("Demirköprü", [3894, 3330, 3896, 3333]),
            mahalle("Üzümlük", [3898, 3333, 3900, 3336]),
        ],
    },
    District {
        name: "Yenidoğuş",
        neighbourhoods: &[
            mahalle("Toplukonut", [3885, 3348, 3887, 3351]),
            mahalle("Üniversite", [3887, 3348, 3889, 3351]),
            mahalle("Cumhuriyet", [3885, 3351, 3887, 3354]),
            mahalle("Esenkent", [3887, 3351, 3889, 3354]),
        ],
    },
];

/// The city's outlines as GeoJSON: each neighbourhood is the box it lies in, with its corners a little off.
pub(crate) fn outlines() -> String {
    let all = DISTRICTS
        .iter()
        .flat_map(|district| district.neighbourhoods.iter().map(move |it| (district, it)));
    let feature = |(district, neighbourhood): (&District, &Neighbourhood)| {
        let [south, west, north, east] = neighbourhood.bounds;
        let corners = [
            (south, west),
            (south, east),
            (north, east),
            (north, west),
            (south, west),
        ];
        let ring: Vec<[f64; 2]> = corners.into_iter().map(corner).collect();
        serde_json::json!({
            "type": "Feature",
            "properties": { "district": district.name, "neighbourhood": neighbourhood.name },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    };
    let features: Vec<serde_json::Value> = all.map(feature).collect();
    serde_json::json!({ "type": "FeatureCollection", "features": features }).to_string()
}

/// A corner in degrees. Neighbours share it, so that what moves it depends on nothing but where it is.
fn corner((latitude, longitude): (i32, i32)) -> [f64; 2] {
    let off = |seed: i32| {
        f64::from((latitude * 31 + longitude * 17 + seed * 13).rem_euclid(7) - 3) / 3_000.0
    };
    [
        f64::from(longitude) / 100.0 + off(1),
        f64::from(latitude) / 100.0 + off(2),
    ]
}

const STREETS: &[&str] = &[
    "Menekşe Sokak",
    "Çınar Sokak",
    "Bağlar Caddesi",
    "Değirmen Sokak",
    "Şair Nedim Caddesi",
    "Kervan Yolu Caddesi",
    "Gülümser Sokak",
    "Pınarbaşı Sokak",
    "İğde Sokak",
    "Ömür Sokak",
    "Turna Caddesi",
    "Ebru Sokak",
    "Hasat Caddesi",
    "Uğurböceği Sokak",
    "Zeytindalı Sokak",
    "Kilim Sokak",
];

const GIVEN_NAMES: &[&str] = &[
    "Ayşe", "Mehmet", "Elif", "Çağrı", "Zeynep", "Oğuz", "Şule", "Emre", "İrem", "Gökhan", "Ümit",
    "Nilgün", "Barış", "Dilek", "Özge", "Kemal", "Sevgi", "Yiğit", "Hatice", "Tuğba", "Deniz",
    "Ilgın", "Rıza", "Fatma",
];

/// Family names that no register knows.
const FAMILY_NAMES: &[&str] = &[
    "Akbozkırlı",
    "Pınargözelioğlu",
    "Söğütbelenli",
    "Kızılyamaçer",
    "Çarşıönü",
    "Değirmenözü",
    "Yaylagüzeler",
    "Saatkuleli",
    "Göçerkonar",
    "Üzümbağlıer",
    "Işıkdereli",
    "Turnageçider",
    "Başakharmanlı",
    "Gülyoluner",
    "Kilimdokur",
    "Şafakçıkan",
];

/// Somebody who does not exist, and how to reach them: a mailbox of example.org, a number nobody has.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) language: Language,
}

/// Where something is.
pub(super) struct Spot {
    pub(super) district: &'static str,
    pub(super) neighbourhood: &'static str,
    pub(super) street: String,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

impl Spot {
    /// The address as people write it.
    pub(super) fn address(&self) -> String {
        format!(
            "{} Mahallesi, {}, {}",
            self.neighbourhood, self.street, self.district
        )
    }
}

/// Some place in the city.
pub(super) fn spot(random: &mut Random) -> Spot {
    let district = random.pick(DISTRICTS);
    let neighbourhood = random.pick(district.neighbourhoods);
    let [south, west, north, east] = neighbourhood.bounds.map(|it| f64::from(it) / 100.0);
    let mut within =
        |low: f64, high: f64| ((low + (high - low) * random.fraction()) * 1e6).round() / 1e6;
    let (latitude, longitude) = (within(south, north), within(west, east));
    let street = format!("{} No: {}", random.pick(STREETS), random.between(1, 180));
    Spot {
        district: district.name,
        neighbourhood: neighbourhood.name,
        street,
        latitude,
        longitude,
    }
}

/// Some citizen.
pub(super) fn person(random: &mut Random) -> Person {
    let (given, family) = (*random.pick(GIVEN_NAMES), *random.pick(FAMILY_NAMES));
    let email = format!(
        "{}.{}@example.org",
        crate::import::codes::slug(given),
        random.between(1, 9_999)
    );
    let phone = format!("0555 000 {:02} {:02}", random.below(100), random.below(100));
    Person {
        name: format!("{given} {family}"),
        email: random.percent(70).then_some(email),
        phone: random.percent(80).then_some(phone),
        language: if random.percent(8) {
            Language::En
        } else {
            Language::Tr
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_neighbourhood_is_a_box_of_its_own() {
        let all: Vec<&Neighbourhood> = DISTRICTS.iter().flat_map(|it| it.neighbourhoods).collect();
        assert!((4..=5).contains(&DISTRICTS.len()));
        for (index, one) in all.iter().enumerate() {
            let [south, west, north, east] = one.bounds;
            assert!(south < north && west < east, "{}", one.name);
            for other in &all[index + 1..] {
                let [other_south, other_west, other_north, other_east] = other.bounds;
                let apart = north <= other_south
                    || other_north <= south
                    || east <= other_west
                    || other_east <= west;
                assert!(apart, "{} and {}", one.name, other.name);
                assert_ne!(one.name, other.name);
            }
        }
    }

    #[test]
    fn the_map_shows_every_neighbourhood_about_where_it_is() {
        let map: serde_json::Value = serde_json::from_str(&outlines()).unwrap();
        let features = map["features"].as_array().unwrap();
        let all: Vec<&Neighbourhood> = DISTRICTS.iter().flat_map(|it| it.neighbourhoods).collect();
        assert_eq!(features.len(), all.len());
        for (feature, neighbourhood) in features.iter().zip(all) {
            assert_eq!(feature["properties"]["neighbourhood"], neighbourhood.name);
            let ring = feature["geometry"]["coordinates"][0].as_array().unwrap();
            assert_eq!((ring.len(), &ring[0]), (5, &ring[4]));
            let [south, west, ..] = neighbourhood.bounds.map(|it| f64::from(it) / 100.0);
            let first = (ring[0][1].as_f64().unwrap(), ring[0][0].as_f64().unwrap());
            assert!((first.0 - south).abs() < 0.002 && (first.1 - west).abs() < 0.002);
        }
    }

    #[test]
    fn nobody_can_be_reached_by_accident() {
        let mut random = Random::new(1);
        for _ in 0..500 {
            let person = person(&mut random);
            assert!(
                person
                    .email
                    .is_none_or(|it| it.is_ascii() && it.ends_with("@example.org"))
            );
            assert!(person.phone.is_none_or(|it| it.starts_with("0555 000 ")));
        }
    }
}
