//! What the default directory says about its topics beyond their names: the family, other words people use, what is asked,
//! and how long the work may take.

use vocabulary::AttributeType::{self, Datetime, MultiValueList, Number, SingleValueList, Text};

use crate::domain::{Attribute, Choice, Standard};

/// The family of all topics of a unit.
#[rustfmt::skip]
const GROUPS: &[(&str, &str)] = &[
    ("public-works", "roads"), ("cleansing", "cleanliness"), ("parks", "parks"), ("municipal-police", "order"),
    ("veterinary", "animals"), ("social-services", "support"), ("zoning", "building"), ("building-control", "building"),
    ("licensing", "business"), ("finance", "payments"), ("water-sewer", "water"), ("transport", "transport"),
    ("traffic", "traffic"), ("lighting", "lighting"), ("environment", "environment"), ("fire-brigade", "emergencies"),
    ("disaster", "emergencies"), ("health-cemeteries", "health"), ("culture-sport", "culture"),
    ("public-relations", "opinions"), ("registry", "applications"), ("it", "online"),
];

/// What else people call a topic, in both languages.
#[rustfmt::skip]
const KEYWORDS: &[(&str, &[&str])] = &[
    ("pothole", &["çukur", "asfalt bozuk", "yol bozuk", "çökme", "hole", "road damage", "sinkhole"]),
    ("paving", &["asfalt", "yol yapımı", "toprak yol", "asphalt", "resurfacing"]),
    ("broken-pavement", &["kaldırım", "bordür", "parke taşı", "sidewalk", "curb"]),
    ("storm-drain", &["ızgara", "mazgal", "yağmur suyu", "gully", "drain"]),
    ("rubble", &["moloz", "hafriyat", "inşaat atığı", "construction waste"]),
    ("missed-collection", &["çöp", "çöp kamyonu", "garbage", "trash", "rubbish", "refuse"]),
    ("container", &["konteyner", "çöp kutusu", "bin", "dumpster"]),
    ("container-full", &["taşan çöp", "dolu konteyner", "overflowing bin"]),
    ("sweeping", &["süpürme", "sokak temizliği", "street cleaning"]),
    ("branch-waste", &["budama atığı", "dal", "garden waste"]),
    ("bulky-waste", &["eski eşya", "mobilya", "koltuk", "beyaz eşya", "furniture", "large items"]),
    ("pruning", &["ağaç", "dal kesme", "tree", "trimming"]),
    ("dead-tree", &["devrilmiş ağaç", "kuru ağaç", "fallen tree"]),
    ("mowing", &["ot", "çim biçme", "yabani ot", "weeds", "grass"]),
    ("play-equipment", &["salıncak", "kaydırak", "oyun parkı", "playground", "swing"]),
    ("bench", &["oturma bankı", "kamelya", "table", "seat"]),
    ("pavement-occupation", &["işgal", "masa sandalye", "obstruction"]),
    ("noise", &["gürültü", "yüksek ses", "müzik", "loud music"]),
    ("abandoned-vehicle", &["terk edilmiş araç", "hurda", "abandoned car"]),
    ("stray-dog", &["sokak köpeği", "köpek", "sahipsiz hayvan", "dogs", "animal control"]),
    ("injured-animal", &["yaralı kedi", "yaralı köpek", "hurt animal"]),
    ("water-outage", &["su yok", "kesinti", "no water"]),
    ("water-burst", &["boru patladı", "su kaçağı", "leak", "burst pipe"]),
    ("blocked-sewer", &["kanalizasyon", "gider tıkalı", "pis su", "sewage", "blocked drain"]),
    ("manhole", &["rögar", "kapak", "logar", "manhole cover"]),
    ("bus-service", &["otobüs", "sefer", "geç geldi", "bus", "late"]),
    ("traffic-signal", &["trafik ışığı", "lamba", "traffic light", "signal"]),
    ("traffic-sign", &["tabela", "levha", "sign"]),
    ("speed-bump", &["kasis", "hız kesici", "speed hump"]),
    ("street-light-out", &["sokak lambası", "karanlık", "aydınlatma direği", "street lamp", "dark street"]),
    ("pest-control", &["sinek", "sivrisinek", "fare", "ilaçlama", "mosquito", "rats"]),
    ("snow-ice", &["kar küreme", "buzlanma", "snow", "ice"]),
    ("flooding", &["su bastı", "su baskını", "flood"]),
];

/// Standards as a municipality's posted table has them (hizmet standartları tablosu), and those of the laws.
#[rustfmt::skip]
const STANDARDS: &[(&str, Standard)] = &[
    ("pruning", Standard::Days(3)), ("illegal-cutting", Standard::Days(1)), ("mowing", Standard::Days(7)),
    ("bench", Standard::Days(20)), ("dead-tree", Standard::Days(7)), ("play-equipment", Standard::Days(1)),
    ("sapling", Standard::Days(5)), ("petition", Standard::Days(30)), ("data-request", Standard::Days(30)),
    ("information-request", Standard::WorkingDays(15)),
];

/// A choice: its key, and its Turkish and English names.
type Offered = (&'static str, &'static str, &'static str);

/// A question: its code, its kind, the question and the hint in Turkish and in English, and what can be chosen.
struct Asked(
    &'static str,
    AttributeType,
    [&'static str; 2],
    [&'static str; 2],
    &'static [Offered],
);

const YES_NO: &[Offered] = &[
    ("yes", "Evet", "Yes"),
    ("no", "Hayır", "No"),
    ("unknown", "Bilmiyorum", "I do not know"),
];

/// None must be answered: whoever calls from the roadside may not know.
#[rustfmt::skip]
const QUESTIONS: &[(&str, &[Asked])] = &[
    ("pothole", &[
        Asked("size", SingleValueList, ["Çukur ne kadar büyük?", "How large is the hole?"], ["", ""], &[
            ("small", "30 cm'den küçük", "Smaller than 30 cm"), ("medium", "30 cm ile 1 m arası", "30 cm to 1 m"),
            ("large", "1 m'den büyük", "Larger than 1 m"),
        ]),
        Asked("depth", Number, ["Yaklaşık derinliği kaç santimetre?", "About how deep is it, in centimetres?"],
            ["Örneğin 10", "For example 10"], &[]),
    ]),
    ("missed-collection", &[
        Asked("waste", SingleValueList, ["Hangi atık alınmadı?", "Which waste was not collected?"], ["", ""], &[
            ("household", "Evsel çöp", "Household waste"), ("recycling", "Geri dönüşüm", "Recycling"),
            ("glass", "Cam", "Glass"), ("underground", "Yer altı konteyneri", "Underground container"),
        ]),
        Asked("last-collected", Datetime, ["En son ne zaman alındı?", "When was it last collected?"],
            ["Gün yeter, örneğin 2026-11-20", "The day will do, for example 2026-11-20"], &[]),
    ]),
    ("bulky-waste", &[
        Asked("items", MultiValueList, ["Hangi eşyalar alınacak?", "Which items are to be collected?"], ["", ""], &[
            ("furniture", "Mobilya", "Furniture"), ("mattress", "Yatak", "Mattress"),
            ("white-goods", "Beyaz eşya", "White goods"), ("electronics", "Elektronik", "Electronics"),
            ("other", "Diğer", "Other"),
        ]),
    ]),
    ("stray-dog", &[
        Asked("count", Number, ["Kaç köpek var?", "How many dogs are there?"], ["Örneğin 3", "For example 3"], &[]),
        Asked("aggressive", SingleValueList, ["Saldırgan mı?", "Are they aggressive?"], ["", ""], YES_NO),
        Asked("ear-tag", SingleValueList, ["Kulak küpesi var mı?", "Do they wear an ear tag?"], ["", ""], YES_NO),
    ]),
    ("abandoned-vehicle", &[
        Asked("kind", SingleValueList, ["Ne tür bir araç?", "What kind of vehicle?"], ["", ""], &[
            ("car", "Otomobil", "Car"), ("van", "Kamyonet", "Van"), ("lorry", "Kamyon", "Lorry"),
            ("motorcycle", "Motosiklet", "Motorcycle"), ("other", "Diğer", "Other"),
        ]),
        Asked("plate", AttributeType::String, ["Plakası", "Number plate"], ["Varsa", "If it has one"], &[]),
    ]),
    ("traffic-signal", &[
        Asked("fault", MultiValueList, ["Arıza nedir?", "What is wrong?"], ["", ""], &[
            ("dark", "Işık yanmıyor", "A light is dark"), ("stuck", "Işık değişmiyor", "It does not change"),
            ("flashing", "Sürekli yanıp sönüyor", "It flashes all the time"),
            ("button", "Yaya butonu çalışmıyor", "The pedestrian button does not work"),
            ("damaged", "Direk hasarlı", "The pole is damaged"),
        ]),
    ]),
    ("street-light-out", &[
        Asked("pole", AttributeType::String, ["Direk numarası", "Number on the pole"],
            ["Direğin üzerindeki etikette yazar", "It stands on a label on the pole"], &[]),
        Asked("fault", SingleValueList, ["Arıza nedir?", "What is wrong?"], ["", ""], &[
            ("one", "Bir lamba yanmıyor", "One lamp is dark"), ("several", "Birkaç lamba yanmıyor", "Several lamps are dark"),
            ("flickering", "Lamba titriyor", "A lamp flickers"), ("daytime", "Gündüz de yanıyor", "It burns by day too"),
        ]),
    ]),
    ("water-quality", &[
        Asked("signs", MultiValueList, ["Suda ne fark ettiniz?", "What did you notice in the water?"], ["", ""], &[
            ("colour", "Renk", "Colour"), ("smell", "Koku", "Smell"), ("taste", "Tat", "Taste"),
            ("particles", "Tortu", "Particles"),
        ]),
        Asked("details", Text, ["Nasıl anlatırsınız?", "How would you describe it?"], ["", ""], &[]),
    ]),
];

pub(super) fn group(unit: &str) -> String {
    found(GROUPS, unit).copied().unwrap_or_default().to_owned()
}

pub(super) fn keywords(topic: &str) -> Vec<String> {
    let words = found(KEYWORDS, topic).copied().unwrap_or_default();
    words.iter().map(|it| (*it).to_owned()).collect()
}

pub(super) fn standard(topic: &str) -> Option<Standard> {
    found(STANDARDS, topic).copied()
}

pub(super) fn attributes(topic: &str) -> Vec<Attribute> {
    let asked = found(QUESTIONS, topic).copied().unwrap_or_default();
    (1..)
        .zip(asked)
        .map(|(order, it)| attribute(order, it))
        .collect()
}

fn attribute(order: u32, asked: &Asked) -> Attribute {
    let Asked(code, kind, [name_tr, name_en], [hint_tr, hint_en], choices) = asked;
    let choice = |(key, tr, en): &Offered| Choice {
        key: (*key).to_owned(),
        name_tr: (*tr).to_owned(),
        name_en: (*en).to_owned(),
    };
    Attribute {
        code: (*code).to_owned(),
        kind: *kind,
        required: false,
        order,
        name_tr: (*name_tr).to_owned(),
        name_en: (*name_en).to_owned(),
        hint_tr: (*hint_tr).to_owned(),
        hint_en: (*hint_en).to_owned(),
        choices: choices.iter().map(choice).collect(),
    }
}

fn found<'a, T>(table: &'a [(&str, T)], code: &str) -> Option<&'a T> {
    table
        .iter()
        .find(|(key, _)| *key == code)
        .map(|(_, value)| value)
}

/// The codes that the tables name, for a check that the directory has them.
#[cfg(test)]
pub(super) fn named() -> (Vec<&'static str>, Vec<&'static str>) {
    let units = GROUPS.iter().map(|it| it.0).collect();
    let topics = KEYWORDS.iter().map(|it| it.0);
    let topics = topics
        .chain(STANDARDS.iter().map(|it| it.0))
        .chain(QUESTIONS.iter().map(|it| it.0));
    (units, topics.collect())
}
