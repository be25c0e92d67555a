//! The units and topics that a Turkish municipality usually has. A municipality changes them by commands; this table only
//! says what it begins with.

mod questions;

use vocabulary::NotAWord;

use crate::domain::{TopicDefinition, UnitDefinition};

/// A code, and the Turkish and English names.
type Row = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const UNITS: &[(Row, &[Row])] = &[
    (("public-works", "Fen İşleri Müdürlüğü / Yol Yapım Bakım Dairesi", "Public works"), &[
        ("pothole", "yol çukuru", "pothole"), ("paving", "asfalt talebi", "paving"),
        ("broken-pavement", "kaldırım bozuk", "broken pavement"),
        ("trench-reinstatement", "kazı sonrası kapama", "trench reinstatement"),
        ("storm-drain", "yağmur suyu ızgarası", "storm drain"), ("rubble", "moloz/hafriyat", "rubble"),
        ("steps-railing", "merdiven/korkuluk", "steps, railing"),
    ]),
    (("cleansing", "Temizlik İşleri Müdürlüğü", "Cleansing"), &[
        ("missed-collection", "çöp alınmadı", "missed collection"),
        ("container", "konteyner talebi/tamiri", "container"), ("container-full", "konteyner taşmış", "full"),
        ("sweeping", "sokak süpürme", "sweeping"), ("washing", "yıkama", "washing"),
        ("branch-waste", "dal/budama atığı", "branch waste"), ("bulky-waste", "iri eşya", "bulky waste"),
        ("market-cleaning", "pazar yeri temizliği", "market cleaning"),
    ]),
    (("parks", "Park ve Bahçeler Müdürlüğü", "Parks"), &[
        ("pruning", "ağaç budama", "pruning"), ("dead-tree", "kuru/devrilmiş ağaç", "dead or fallen tree"),
        ("illegal-cutting", "izinsiz kesim", "illegal cutting"), ("mowing", "ot biçme", "mowing"),
        ("play-equipment", "oyun aleti arızası", "play equipment"), ("bench", "bank/piknik masası", "bench"),
        ("sapling", "fidan talebi", "sapling"), ("irrigation", "sulama", "irrigation"),
    ]),
    (("municipal-police", "Zabıta Müdürlüğü", "Municipal police"), &[
        ("pavement-occupation", "kaldırım işgali", "pavement occupation"),
        ("street-vendor", "seyyar satıcı", "street vendor"), ("noise", "gürültü", "noise"),
        ("unlicensed-shop", "ruhsatsız işyeri", "unlicensed shop"), ("begging", "dilenci", "begging"),
        ("price-label", "fiyat/etiket", "price label"), ("abandoned-vehicle", "hurda araç", "abandoned vehicle"),
        ("smoke", "ısınma/baca dumanı", "smoke"),
    ]),
    (("veterinary", "Veteriner İşleri Müdürlüğü", "Veterinary"), &[
        ("stray-dog", "başıboş köpek", "stray dog"), ("injured-animal", "yaralı hayvan", "injured animal"),
        ("neutering", "kısırlaştırma", "neutering"), ("dead-animal", "ölü hayvan", "dead animal"),
        ("bite", "kuduz/ısırma", "bite"), ("shelter", "barınak", "shelter"),
    ]),
    (("social-services", "Sosyal Hizmetler / Sosyal Yardım İşleri", "Social services"), &[
        ("aid", "nakdi/ayni yardım", "aid"), ("home-care", "evde bakım", "home care"),
        ("disability", "engelli hizmetleri", "disability"), ("hot-meals", "aş evi/sıcak yemek", "hot meals"),
        ("elderly", "yaşlı", "elderly"), ("womens-counselling", "kadın danışma", "women's counselling"),
    ]),
    (("zoning", "İmar ve Şehircilik Müdürlüğü", "Zoning"), &[
        ("zoning-status", "imar durumu", "zoning status"), ("illegal-building", "kaçak yapı", "illegal building"),
        ("plan-objection", "plan itirazı", "plan objection"), ("address-number", "numarataj", "address number"),
    ]),
    (("building-control", "Yapı Kontrol / Yapı Denetim", "Building control"), &[
        ("building-permit", "yapı ruhsatı", "building permit"),
        ("occupancy", "iskân (yapı kullanma)", "occupancy"),
        ("risky-building", "riskli yapı/deprem", "risky building"),
    ]),
    (("licensing", "Ruhsat ve Denetim Müdürlüğü", "Licensing"), &[
        ("business-licence", "işyeri ruhsatı", "business licence"),
        ("licence-complaint", "ruhsat şikâyeti", "complaint"), ("venue", "eğlence yeri", "venue"),
    ]),
    (("finance", "Mali Hizmetler / Emlak Gelir", "Finance"), &[
        ("property-tax", "emlak vergisi", "property tax"), ("balance", "borç sorgu", "balance"),
        ("payment", "ödeme/vezne", "payment"), ("cleaning-tax", "çevre temizlik vergisi", "cleaning tax"),
    ]),
    (("water-sewer", "Su ve Kanalizasyon İdaresi (…SKİ)", "Water and sewer"), &[
        ("water-outage", "su kesintisi", "outage"), ("water-burst", "su arızası/patlak", "burst"),
        ("blocked-sewer", "kanal tıkanması", "blocked sewer"), ("manhole", "rögar kapağı", "manhole"),
        ("water-bill", "fatura/sayaç", "bill, meter"), ("water-quality", "su kalitesi", "quality"),
    ]),
    (("transport", "Ulaşım Dairesi / toplu taşıma", "Transport"), &[
        ("bus-service", "otobüs seferi/gecikme", "bus service"), ("driver", "şoför şikâyeti", "driver"),
        ("bus-stop", "durak talebi", "stop"), ("travel-card", "seyahat kartı", "travel card"),
        ("taxi-minibus", "taksi/dolmuş", "taxi, minibus"), ("lost-property", "kayıp eşya", "lost property"),
    ]),
    (("traffic", "Trafik / UKOME Sinyalizasyon", "Traffic"), &[
        ("traffic-signal", "sinyal arızası", "signal"), ("traffic-sign", "trafik levhası", "sign"),
        ("speed-bump", "hız kesici", "speed bump"), ("no-parking", "park yasağı", "no parking"),
        ("car-park", "otopark", "car park"),
    ]),
    (("lighting", "Aydınlatma (dağıtım şirketi: dış) / park aydınlatması", "Lighting"), &[
        ("street-light-out", "sokak lambası yanmıyor", "street light out"),
        ("park-light", "park aydınlatma", "park light"),
    ]),
    (("environment", "Çevre Koruma / İklim Değişikliği ve Sıfır Atık", "Environment"), &[
        ("recycling", "geri dönüşüm", "recycling"), ("air", "hava kirliliği", "air"),
        ("pest-control", "haşere ilaçlama", "pest control"), ("stream-pollution", "dere kirliliği", "stream"),
        ("noise-measurement", "gürültü ölçüm", "noise measurement"),
    ]),
    (("fire-brigade", "İtfaiye Dairesi", "Fire brigade"), &[
        ("tree-roof-hazard", "ağaç/çatı tehlikesi", "tree or roof hazard"), ("flooding", "su baskını", "flooding"),
        ("rescue", "kuyu/mahsur", "rescue"),
    ]),
    (("health-cemeteries", "Sağlık İşleri / Mezarlıklar", "Health, cemeteries"), &[
        ("patient-transport", "hasta nakil", "patient transport"), ("home-health", "evde sağlık", "home health"),
        ("funeral", "cenaze hizmeti", "funeral"), ("grave", "mezar yeri", "grave"),
    ]),
    (("culture-sport", "Kültür, Sanat ve Sosyal İşler / Gençlik Spor", "Culture, sport"), &[
        ("course", "kurs kaydı", "course"), ("event", "etkinlik", "event"), ("library", "kütüphane", "library"),
        ("sport-facility", "spor tesisi", "sport facility"), ("hobby-garden", "hobi bahçesi", "hobby garden"),
        ("wedding", "nikâh", "wedding"),
    ]),
    (("disaster", "Afet İşleri / AKOM", "Disaster"), &[
        ("assembly-point", "deprem toplanma", "assembly point"), ("snow-ice", "kar/buz", "snow, ice"),
        ("flood", "sel", "flood"), ("gritting", "tuzlama", "gritting"),
    ]),
    (("public-relations", "Basın Yayın ve Halkla İlişkiler / Çözüm Masası", "Public relations"), &[
        ("thanks", "teşekkür", "thanks"), ("suggestion", "öneri", "suggestion"),
        ("staff-complaint", "personel şikâyeti", "staff complaint"),
        ("meeting-request", "başkan randevusu", "meeting request"),
    ]),
    (("registry", "Yazı İşleri / Bilgi Edinme birimi", "Registry, FOI"), &[
        ("information-request", "bilgi edinme (4982)", "information request"),
        ("petition", "dilekçe (3071)", "petition"), ("data-request", "KVKK başvurusu", "data request"),
    ]),
    (("it", "Bilgi İşlem", "IT"), &[
        ("login", "e-belediye giriş", "login"), ("app-fault", "mobil uygulama", "app fault"),
    ]),
];

/// Institutions outside, to which requests are referred. Street lights belong to the electricity distribution company.
#[rustfmt::skip]
const OUTSIDE: &[Row] = &[
    ("highways", "Karayolları", "Highways"),
    ("electricity-distribution", "elektrik dağıtım", "electricity distribution"),
    ("natural-gas", "doğal gaz", "natural gas"),
    ("telecom", "telekom", "telecom"),
    ("police-gendarmerie", "Emniyet/Jandarma", "Police, gendarmerie"),
    ("provincial-health", "İl Sağlık", "Provincial health"),
    ("agriculture", "Tarım", "Agriculture"),
    ("national-education", "MEB", "National education"),
    ("district-governor", "Kaymakamlık", "District governor"),
    ("other-municipality", "diğer belediye", "other municipality"),
];

/// Topics whose descriptions are never published, because they tell of a person more than of a place: need and health,
/// money and accounts, a family's affairs, an accusation against somebody, an application under a law.
#[rustfmt::skip]
const PRIVATE: &[&str] = &[
    "aid", "home-care", "disability", "hot-meals", "elderly", "womens-counselling",
    "bite", "patient-transport", "home-health", "rescue",
    "property-tax", "balance", "payment", "cleaning-tax", "water-bill", "travel-card", "lost-property", "login",
    "funeral", "grave", "wedding", "course", "hobby-garden",
    "noise", "begging", "unlicensed-shop", "illegal-building", "licence-complaint", "driver", "staff-complaint",
    "zoning-status", "plan-objection", "building-permit", "occupancy", "business-licence",
    "information-request", "petition", "data-request", "meeting-request",
];

/// Every unit: the municipality's own, then those outside.
pub(crate) fn units() -> Result<Vec<UnitDefinition>, NotAWord> {
    let own = UNITS.iter().map(|(row, _)| (*row, false));
    let outside = OUTSIDE.iter().map(|row| (*row, true));
    let unit = |((code, tr, en), outside): (Row, bool)| {
        Ok(UnitDefinition {
            code: code.parse()?,
            name_tr: tr.to_owned(),
            name_en: en.to_owned(),
            outside,
        })
    };
    own.chain(outside).map(unit).collect()
}

/// Every topic, with the unit that answers for it.
pub(crate) fn topics() -> Result<Vec<TopicDefinition>, NotAWord> {
    let rows = UNITS
        .iter()
        .flat_map(|((unit, ..), topics)| topics.iter().map(move |row| (*unit, *row)));
    let topic = |(unit, (code, tr, en)): (&str, Row)| {
        Ok(TopicDefinition {
            code: code.parse()?,
            name_tr: tr.to_owned(),
            name_en: en.to_owned(),
            unit: unit.parse()?,
            public: !PRIVATE.contains(&code),
            group: questions::group(unit),
            keywords: questions::keywords(code),
            attributes: questions::attributes(code),
            standard: questions::standard(code),
        })
    };
    rows.map(topic).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_a_code_and_stands_there_once() {
        let units: BTreeSet<_> = units().unwrap().into_iter().map(|it| it.code).collect();
        let topics: BTreeSet<_> = topics().unwrap().into_iter().map(|it| it.code).collect();
        assert_eq!(units.len(), UNITS.len() + OUTSIDE.len());
        assert_eq!(
            topics.len(),
            UNITS.iter().map(|(_, topics)| topics.len()).sum::<usize>()
        );
    }

    #[test]
    fn what_is_said_of_a_topic_is_said_of_one_that_is_there() {
        let topics = topics().unwrap();
        let (units, named) = questions::named();
        for code in named {
            assert!(topics.iter().any(|it| it.code.as_str() == code), "{code}");
        }
        for unit in units {
            assert!(topics.iter().any(|it| it.unit.as_str() == unit), "{unit}");
        }
        assert!(topics.iter().all(|it| !it.group.is_empty()));
        assert!(topics.iter().filter(|it| !it.attributes.is_empty()).count() >= 6);
    }

    #[test]
    fn what_tells_of_a_person_is_not_published() {
        let topics = topics().unwrap();
        for private in PRIVATE {
            assert!(
                topics
                    .iter()
                    .any(|it| it.code.as_str() == *private && !it.public),
                "{private}"
            );
        }
        assert!(
            topics
                .iter()
                .filter(|it| it.unit.as_str() == "social-services")
                .all(|it| !it.public)
        );
        assert!(
            topics
                .iter()
                .any(|it| it.code.as_str() == "pothole" && it.public)
        );
    }
}
