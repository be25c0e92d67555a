//! What citizens write, what units answer: made up, and never longer than people are.

mod topics;

use vocabulary::{Language, SubResult};

use super::{city::Spot, random::Random};

const OPENINGS: &[&str] = &[
    "",
    "",
    "Merhaba, ",
    "İyi günler, ",
    "Sayın yetkili, ",
    "Selamlar, ",
    "Kolay gelsin. ",
];
const CLOSINGS: &[&str] = &[
    "",
    " Gereğini rica ederim.",
    " İlginiz için teşekkürler.",
    " Daha önce de bildirmiştik.",
    " Lütfen bir an önce çözülsün.",
    " Çocuklarımız için endişeliyiz.",
    " Bilgilerinize sunarım.",
    " Komşular olarak bekliyoruz.",
];
const NEARBY: &[&str] = &[
    "okulun yanında",
    "caminin arkasında",
    "pazar yerinin girişinde",
    "durağın karşısında",
    "eczanenin önünde",
    "parkın köşesinde",
];

/// What somebody says about a topic, here.
pub(super) fn description(
    random: &mut Random,
    topic: &Topic,
    spot: &Spot,
    language: Language,
) -> String {
    let near = *random.pick(NEARBY);
    match language {
        Language::En => format!(
            "Hello, I would like to report: {}. It is in {} neighbourhood, {}. Please look into it.",
            topic.name_en, spot.neighbourhood, spot.street
        ),
        Language::Tr => {
            let said = topics::SAID.iter().find(|(code, _)| *code == topic.code);
            let said = match said {
                Some((_, variants)) => (*random.pick(variants)).to_owned(),
                None => format!("{} konusunda başvuruyorum.", topic.name_tr),
            };
            let place = if random.percent(40) {
                format!(" {}, {near}.", spot.street)
            } else {
                String::new()
            };
            format!(
                "{}{said}{place}{}",
                random.pick(OPENINGS),
                random.pick(CLOSINGS)
            )
        }
    }
}

/// A topic of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) code: String,
    pub(super) name_tr: String,
    pub(super) name_en: String,
}

/// The reasoned answer of a conclusion.
pub(super) fn answer(random: &mut Random, sub_result: SubResult) -> String {
    let texts: &[&str] = match sub_result {
        SubResult::Solved => &[
            "Ekiplerimiz yerinde gerekli çalışmayı yapmış, sorun giderilmiştir.",
            "Bildiriminiz üzerine onarım tamamlanmıştır. Duyarlılığınız için teşekkür ederiz.",
            "Talebiniz yerine getirilmiştir.",
        ],
        SubResult::InformationGiven => &[
            "Konu hakkında telefonla bilgi verilmiştir.",
            "İstediğiniz bilgi ve belgeler tarafınıza iletilmiştir.",
        ],
        SubResult::PartlySolved => &[
            "Acil kısım onarılmıştır; kalan bölüm yıllık programa alınmıştır.",
            "Geçici önlem alınmıştır, kalıcı çözüm malzeme geldiğinde yapılacaktır.",
        ],
        SubResult::Refused => &[
            "Yapılan incelemede talebiniz, yol genişliği yönetmeliğe uygun olmadığından yerine getirilememiştir.",
            "Teknik inceleme sonucunda talebiniz uygun görülmemiştir; gerekçe raporu dosyasındadır.",
        ],
        SubResult::OutOfAuthority => &[
            "Konu belediyemizin görev alanında değildir; ilgili kuruma iletilmiştir.",
            "Söz konusu yol Karayolları sorumluluğunda olduğundan ilgili kuruma başvurmanız gerekmektedir.",
        ],
        SubResult::Duplicate => {
            &["Aynı konu daha önce bildirilmiş olup çalışma o başvuru üzerinden sürmektedir."]
        }
        SubResult::NotFound => {
            &["Ekiplerimiz belirtilen yere gitmiş, bildirilen sorun tespit edilememiştir."]
        }
        SubResult::Unfounded => &[
            "Başvuruda 3071 sayılı Kanun'un aradığı konu unsuru bulunmadığından işleme alınmamıştır.",
        ],
        SubResult::BeforeCourt => &[
            "Konu yargı mercilerinde olduğundan 3071 sayılı Kanun'un 6. maddesi gereğince incelenememiştir.",
        ],
        SubResult::NotStated => &[""],
    };
    (*random.pick(texts)).to_owned()
}

/// Why a unit gave a request back.
pub(super) fn return_note(random: &mut Random) -> String {
    let notes = [
        "Konu müdürlüğümüzün görev alanına girmemektedir.",
        "Adres sorumluluk bölgemizin dışındadır.",
        "Adres bilgisi eksik, vatandaşla görüşülmesi gerekiyor.",
        "İşin başka bir birimce yapılması uygundur.",
    ];
    (*random.pick(&notes)).to_owned()
}

/// What an institution outside is told.
pub(super) fn referral_note(random: &mut Random) -> String {
    let notes = [
        "Gereği için iletilmiştir.",
        "Görev alanınızda olduğu değerlendirilmiştir.",
        "Vatandaşa bilgi verilmesi rica olunur.",
    ];
    (*random.pick(&notes)).to_owned()
}

/// Why a citizen is not content.
pub(super) fn reopening_note(random: &mut Random) -> String {
    let notes = [
        "Sorun aynen devam ediyor.",
        "Yapılan onarım iki gün dayandı.",
        "Kimse gelmedi, çözüldü denmiş.",
        "Yalnızca bir kısmı yapılmış.",
    ];
    (*random.pick(&notes)).to_owned()
}

/// What a unit has to know before it can work.
pub(super) fn question(random: &mut Random) -> String {
    let questions = [
        "Bildirdiğiniz yerin kapı numarasını ya da yakınındaki bir binayı yazar mısınız?",
        "Sorun günün hangi saatlerinde yaşanıyor?",
        "Bildirdiğiniz yerin bir fotoğrafını gönderebilir misiniz?",
        "Tarif ettiğiniz sokakta iki okul var; hangisinin önü olduğunu belirtir misiniz?",
    ];
    (*random.pick(&questions)).to_owned()
}

/// What a citizen answers.
pub(super) fn citizens_answer(random: &mut Random) -> String {
    let answers = [
        "Eczanenin tam karşısı, 14 numaranın önü.",
        "Akşam saatlerinde, genellikle 19.00'dan sonra.",
        "Parkın girişindeki ilk sokak, marketin yanı.",
        "İlkokulun arka kapısı tarafı.",
    ];
    (*random.pick(&answers)).to_owned()
}

/// What staff leave for each other.
pub(super) fn comment(random: &mut Random) -> String {
    let comments = [
        "Malzeme depodan istendi, yarın öğlene kadar gelir.",
        "Ekip sabah vardiyasında uğrayacak.",
        "Aynı sokakta iki bildirim daha var, birlikte bakılacak.",
        "Muhtarla görüşüldü, yer teyit edildi.",
    ];
    (*random.pick(&comments)).to_owned()
}

/// What a contact without a request was about.
pub(super) fn contact_note(random: &mut Random) -> String {
    let notes = [
        "Nöbetçi eczane soruldu, bilgi verildi.",
        "Otobüs hareket saatleri soruldu.",
        "Emlak vergisi son ödeme günü soruldu.",
        "Su kesintisinin ne zaman biteceği soruldu, planlı kesinti duyurusu okundu.",
        "Nikâh işlemleri için gereken belgeler anlatıldı.",
        "Pazar yerinin kurulduğu gün soruldu.",
        "Mevcut başvurunun durumu soruldu.",
        "Yanlış numara.",
        "Kültür merkezi programı soruldu.",
        "Belediye binasının adresi tarif edildi.",
        "Cenaze hizmetleri numarası verildi.",
        "Arayan konuşmadan kapattı.",
        "Mezarlık ziyaret saatleri soruldu.",
        "Spor kursu kayıt tarihleri bildirildi.",
    ];
    (*random.pick(&notes)).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::city;

    #[test]
    fn each_topic_is_told_of_in_many_ways() {
        for (code, _) in topics::SAID {
            let topic = Topic {
                code: (*code).to_owned(),
                name_tr: String::new(),
                name_en: String::new(),
            };
            let mut random = Random::new(3);
            let told: BTreeSet<String> = (0..40)
                .map(|_| {
                    let spot = city::spot(&mut random);
                    description(&mut random, &topic, &spot, Language::Tr)
                })
                .collect();
            assert!(told.len() >= 10, "{code}: {}", told.len());
        }
    }

    #[test]
    fn no_topic_stands_there_twice() {
        let codes: BTreeSet<&str> = topics::SAID.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), topics::SAID.len());
    }
}
