use vocabulary::AttributeType;

/// A question that a topic asks of everybody who files under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) code: String,
    pub(crate) kind: AttributeType,
    pub(crate) required: bool,
    /// It is asked in this place, from 1 on.
    pub(crate) order: u32,
    pub(crate) name_tr: String,
    pub(crate) name_en: String,
    pub(crate) hint_tr: String,
    pub(crate) hint_en: String,
    /// For the two kinds of lists.
    pub(crate) choices: Vec<Choice>,
}

/// One of the answers that a list offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) key: String,
    pub(crate) name_tr: String,
    pub(crate) name_en: String,
}

/// How long a topic's work may take (hizmet standardı).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standard {
    Days(u32),
    WorkingDays(u32),
}
