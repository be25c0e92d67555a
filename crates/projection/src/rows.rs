/// Rows of one statement, at most; and of those that are too few for it.
const SIZES: [usize; 3] = [64, 8, 1];

/// Rows in pieces of few sizes. A statement over many rows (`QueryBuilder::push_values`) is one way to SQLite's thread and back for
/// all of them, and as the sizes are few, so are the statements: each is prepared once and kept.
pub fn pieces<R>(mut rows: &[R]) -> impl Iterator<Item = &[R]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|it| *it <= rows.len())?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_piece_and_the_sizes_are_few() {
        for count in 0..200 {
            let rows: Vec<usize> = (0..count).collect();
            let together: Vec<usize> = pieces(&rows).flatten().copied().collect();
            assert_eq!(together, rows);
            assert!(pieces(&rows).all(|it| SIZES.contains(&it.len())));
        }
    }
}
