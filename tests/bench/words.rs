//! A city's language, made up: few words are common, most are rare, as Zipf found; and some that the searches look for.

/// What people write about most, the most frequent first.
const COMMON: [&str; 12] = [
    "sokak",
    "mahalle",
    "çukur",
    "var",
    "çöp",
    "lamba",
    "yanmıyor",
    "Iğdır",
    "kaldırım",
    "gürültü",
    "köpek",
    "otobüs",
];
/// As many different words as a city of some hundred thousand writes.
const WORDS: f64 = 60_000.0;

/// Draws the same numbers in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 31 random bits.
    pub(crate) fn draw(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap_or_default()
    }

    /// From 0 up to 1.
    pub(crate) fn share(&mut self) -> f64 {
        f64::from(self.draw()) / f64::from(1_u32 << 31)
    }

    /// Below `count`.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        self.draw() % count.max(1)
    }

    /// Ranks below `count`, near enough to Zipf's law: the logarithm of a rank is evenly spread.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 60,000"
    )]
    pub(crate) fn rank(&mut self, count: f64) -> u32 {
        (count.powf(self.share()) - 1.0) as u32
    }

    /// So many words.
    pub(crate) fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| word(self.rank(WORDS))).collect();
        words.join(" ")
    }
}

/// The n-th word of the language, by how often it is written.
pub(crate) fn word(n: u32) -> String {
    let at = usize::try_from(n).unwrap_or(usize::MAX);
    if let Some(common) = COMMON.get(at) {
        return (*common).to_owned();
    }
    let mut seed = n.wrapping_mul(2_654_435_761);
    let mut word = String::new();
    for _ in 0..2 + n % 3 {
        let (consonant, vowel) = (seed % 17, seed / 17 % 5);
        word.extend("bcdfghklmnprstvyz".chars().nth(consonant as usize));
        word.extend("aeiou".chars().nth(vowel as usize));
        seed = (seed / 85).wrapping_add(n);
    }
    word
}
