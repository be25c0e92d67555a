/// Joins parts so that no two different lists of parts give the same bytes: each is preceded by its length.
pub(crate) fn framed(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes =
        Vec::with_capacity(label.len() + parts.iter().map(|it| it.len() + 8).sum::<usize>() + 8);
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_letter_between_parts_changes_the_bytes() {
        assert_ne!(framed("x", &[b"ab", b"c"]), framed("x", &[b"a", b"bc"]));
        assert_ne!(framed("x", &[b"ab"]), framed("x", &[b"ab", b""]));
    }
}
