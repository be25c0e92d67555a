use crate::NotAWord;

/// Defines a closed list of words: the number on the wire, the code in URLs and reports, and the labels people read.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal, $code:literal, $tr:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = concat!($tr, " – ", $en)] $variant = $number,)+ }

        impl $name {
            /// Every word of the list, in its order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number on the wire; never 0.
            #[must_use]
            pub const fn number(self) -> i32 {
                self as i32
            }

            /// The code in URLs, files and reports.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What staff and citizens read.
            #[must_use]
            pub const fn label(self, language: Language) -> &'static str {
                match (self, language) { $((Self::$variant, Language::Tr) => $tr, (Self::$variant, Language::En) => $en,)+ }
            }
        }

        impl TryFrom<i32> for $name {
            type Error = NotAWord;

            fn try_from(number: i32) -> Result<Self, NotAWord> {
                match number {
                    $($number => Ok(Self::$variant),)+
                    0 => Err(NotAWord("is missing")),
                    _ => Err(NotAWord(concat!("is none of: ", $($code, " ",)+))),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAWord;

            /// Reads a code.
            fn from_str(code: &str) -> Result<Self, NotAWord> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    "" => Err(NotAWord("is missing")),
                    _ => Err(NotAWord(concat!("is none of: ", $($code, " ",)+))),
                }
            }
        }
    };
}

words! {
    /// The channel a contact came by.
    Channel {
        Phone = 1, "phone", "Telefon", "Phone";
        Desk = 2, "desk", "Danışma masası", "Desk";
        Web = 3, "web", "Web", "Web";
        Email = 4, "email", "E-posta", "E-mail";
        App = 5, "app", "Mobil uygulama", "Mobile app";
        WhatsApp = 6, "whatsapp", "WhatsApp", "WhatsApp";
        Social = 7, "social", "Sosyal medya", "Social media";
        Fax = 8, "fax", "Faks", "Fax";
        Letter = 9, "letter", "Mektup", "Letter";
        Cimer = 10, "cimer", "CİMER", "CİMER";
        Open311 = 11, "open311", "Open311", "Open311";
        Internal = 12, "internal", "Kurum içi", "Internal";
        Other = 13, "other", "Diğer", "Other";
    }
}

words! {
    /// The language a citizen is answered in.
    Language {
        Tr = 1, "tr", "Türkçe", "Turkish";
        En = 2, "en", "İngilizce", "English";
    }
}

words! {
    /// Where a request stands.
    RequestState {
        Registered = 1, "registered", "Kayıt alındı", "Registered";
        Routed = 2, "routed", "Yönlendirildi", "Routed";
        Returned = 3, "returned", "İade edildi", "Returned";
        Accepted = 4, "accepted", "Kabul edildi", "Accepted";
        Assigned = 5, "assigned", "Atandı", "Assigned";
        InProgress = 6, "in-progress", "İşlemde", "In progress";
        Planned = 7, "planned", "Programa alındı", "Planned";
        Referred = 8, "referred", "Dış kuruma sevk edildi", "Referred outside";
        Concluded = 9, "concluded", "Sonuçlandırıldı", "Concluded";
        Reopened = 10, "reopened", "Yeniden açıldı", "Reopened";
        WaitingCitizen = 11, "waiting-citizen", "Vatandaştan bilgi bekleniyor", "Waiting for the citizen";
    }
}

words! {
    /// How a request was concluded (alt sonuç).
    SubResult {
        Solved = 1, "solved", "Çözüldü", "Solved";
        InformationGiven = 2, "information-given", "Bilgi verildi", "Information given";
        PartlySolved = 3, "partly-solved", "Kısmen çözüldü", "Partly solved";
        Refused = 4, "refused", "Uygun görülmedi", "Refused on its merits";
        OutOfAuthority = 5, "out-of-authority", "Yetki dışı", "Out of authority";
        Duplicate = 6, "duplicate", "Mükerrer", "Duplicate";
        NotFound = 7, "not-found", "Tespit edilemedi", "Not found on site";
        Unfounded = 8, "unfounded", "Mesnetsiz", "Unfounded";
        BeforeCourt = 9, "before-court", "Adli konu", "Before a court";
        NotStated = 10, "not-stated", "Kaynağında belirtilmemiş", "Not stated by its source";
    }
}

words! {
    /// What an answer to a topic's question looks like. The codes are Open311's datatypes.
    AttributeType {
        String = 1, "string", "Kısa metin", "Short text";
        Number = 2, "number", "Sayı", "Number";
        Datetime = 3, "datetime", "Tarih ve saat", "Date and time";
        Text = 4, "text", "Metin", "Text";
        SingleValueList = 5, "singlevaluelist", "Listeden bir seçim", "One of a list";
        MultiValueList = 6, "multivaluelist", "Listeden birkaç seçim", "Several of a list";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_and_a_number_name_the_same_word() {
        for channel in Channel::ALL {
            assert_eq!(channel.code().parse(), Ok(*channel));
            assert_eq!(Channel::try_from(channel.number()), Ok(*channel));
        }
    }

    #[test]
    fn zero_is_no_word() {
        assert!(Channel::try_from(0).is_err());
        assert!(SubResult::try_from(99).is_err());
    }
}
