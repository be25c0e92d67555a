//! Held against the definitions of RFC 6962 as they are written there, and against what others published.

mod witness;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::hash::node;

/// MTH of RFC 6962, section 2.1.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash::digest(&[]),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            node(&mth(left), &mth(right))
        }
    }
}

/// The largest power of two below a number.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

/// PATH of RFC 6962, section 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, beside) = if index < left.len() {
        (path(index, left), mth(right))
    } else {
        (path(index - left.len(), right), mth(left))
    };
    below.push(beside);
    below
}

/// SUBPROOF of RFC 6962, section 2.1.2.
fn subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known { vec![] } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, beside) = if old <= left.len() {
        (subproof(old, left, known), mth(right))
    } else {
        (subproof(old - left.len(), right, false), mth(left))
    };
    below.push(beside);
    below
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|it| leaf(&it.to_be_bytes())).collect()
}

/// A tree that was grown leaf by leaf, with its full tiles.
fn grown(leaves: &[Hash]) -> (Edge, BTreeMap<Tile, Vec<Hash>>) {
    let (mut edge, mut tiles) = (Edge::default(), BTreeMap::new());
    for leaf in leaves {
        edge.push(*leaf, |tile, hashes| {
            assert!(tile.is_full() && hashes.len() == 256);
            assert_eq!(tiles.insert(tile, hashes), None, "{tile:?} twice");
        });
    }
    (edge, tiles)
}

/// A tile as a store makes it: of leaves, or of the roots of the tiles below.
fn tile(tile: Tile, leaves: &[Hash], full: &BTreeMap<Tile, Vec<Hash>>) -> Vec<Hash> {
    let first = tile.index * WIDTH;
    let hashes = (first..first + tile.width).map(|index| match tile.level {
        0 => leaves[usize::try_from(index).unwrap()],
        above => {
            let below = Tile {
                level: above - 1,
                index,
                width: WIDTH,
            };
            root(&full[&below])
        }
    });
    hashes.collect()
}

fn check(count: usize) {
    let leaves = leaves(count);
    let size = count as u64;
    let (edge, full) = grown(&leaves);
    assert_eq!((edge.size(), edge.root()), (size, mth(&leaves)), "{count}");
    let ends = Tile::edge(size).map(|it| (it, tile(it, &leaves, &full)));
    assert_eq!(Edge::resume(size, ends).unwrap().root(), edge.root());
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.push(*leaf);
        let resumed = Frontier::resume(frontier.size(), &frontier.bytes());
        assert_eq!(resumed.as_ref(), Some(&frontier));
    }
    assert_eq!((frontier.size(), frontier.root()), (size, edge.root()));
    assert_eq!(Frontier::resume(size ^ 1, &frontier.bytes()), None);

    let given = |needed: &Needed| {
        let tiles = needed.tiles().into_iter();
        tiles.map(|it| (it, tile(it, &leaves, &full))).collect()
    };
    for at in [
        0,
        1,
        2,
        254,
        255,
        256,
        257,
        count / 3,
        count / 2,
        count.saturating_sub(1),
    ] {
        if at < count {
            let needed = inclusion(at as u64, size).unwrap();
            assert_eq!(needed.hashes(&given(&needed)).unwrap(), path(at, &leaves));
        }
        if (1..=count).contains(&at) {
            let needed = consistency(at as u64, size).unwrap();
            let expected = subproof(at, &leaves, true);
            assert_eq!(
                needed.hashes(&given(&needed)).unwrap(),
                expected,
                "{at} in {count}"
            );
        }
    }
}

#[test]
fn small_trees_are_those_of_rfc_6962() {
    (0..=20)
        .chain([255, 256, 257, 511, 512, 513])
        .for_each(check);
}

#[test]
fn large_trees_are_those_of_rfc_6962() {
    [65_536, 66_000].into_iter().for_each(check);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn trees_of_any_size_are_those_of_rfc_6962(count in 0..1_500_usize) {
        check(count);
    }

    #[test]
    fn a_tree_goes_on_where_it_was_left(before in 0..700_usize, after in 0..700_usize) {
        let leaves = leaves(before + after);
        let (_, full) = grown(&leaves[..before]);
        let ends = Tile::edge(before as u64).map(|it| (it, tile(it, &leaves, &full)));
        let mut edge = Edge::resume(before as u64, ends).unwrap();
        for leaf in &leaves[before..] {
            edge.push(*leaf, |_, _| {});
        }
        prop_assert_eq!(edge, grown(&leaves).0);
    }

    #[test]
    fn a_path_names_one_tile(level in 0..8_u8, index in any::<u64>(), width in 1..=256_u64) {
        let index = index >> 16;
        let tile = Tile { level, index, width };
        let path = tile.path();
        let rest = path.strip_prefix(&format!("tile/{level}/")).unwrap();
        prop_assert_eq!(Tile::parse(level, rest), Some(tile));
        prop_assert!(tile.entries_path().ends_with(rest));
    }
}

/// The trees with which Certificate Transparency's implementations are tested.
#[test]
fn the_roots_that_others_published_are_ours() {
    let entries: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut edge = Edge::default();
    for (count, expected) in roots.iter().enumerate() {
        let hex: String = edge.root().iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(hex, *expected, "{count} leaves");
        if let Some(entry) = entries.get(count) {
            edge.push(leaf(entry), |_, _| {});
        }
    }
}

/// The examples of the specification.
#[test]
fn paths_are_those_of_tlog_tiles() {
    let path = |index, width| {
        Tile {
            level: 1,
            index,
            width,
        }
        .path()
    };
    assert_eq!(path(1_234_067, 256), "tile/1/x001/x234/067");
    assert_eq!(path(0, 7), "tile/1/000.p/7");
    assert_eq!(path(999, 256), "tile/1/999");
    let edge: Vec<(u8, u64, u64)> = Tile::edge(70_000)
        .map(|it| (it.level, it.index, it.width))
        .collect();
    assert_eq!(edge, [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
    let edge: Vec<Tile> = Tile::edge(256).collect();
    assert_eq!(
        edge,
        [Tile {
            level: 1,
            index: 0,
            width: 1
        }]
    );
    assert_eq!(Tile::of(70_000, 0, 272).map(Tile::is_full), Some(true));
    assert_eq!(Tile::of(70_000, 0, 274), None);
}

#[test]
fn what_is_no_path_is_not_read() {
    for bad in [
        "",
        "0",
        "00",
        "0000",
        "x000/001",
        "001/002",
        "x1/002",
        "000.p/0",
        "000.p/256",
        "000.p/01",
        "000.p/",
        "000.p/-1",
        "00a",
        "x001",
        "x001/",
        "+01",
    ] {
        assert_eq!(Tile::parse(0, bad), None, "{bad}");
    }
    assert_eq!(Tile::parse(8, "000"), None);
}

#[test]
fn a_bundle_has_each_entry_behind_its_length() {
    assert_eq!(bundle(&[&b"ab"[..], b""]).unwrap(), b"\x00\x02ab\x00\x00");
    assert_eq!(bundle(&[vec![0; 65_536]]), None);
}

#[test]
fn a_proof_asks_for_what_a_tree_has() {
    assert_eq!(inclusion(3, 3), Err(OutOfRange { asked: 3, size: 3 }));
    assert_eq!(consistency(4, 3), Err(OutOfRange { asked: 4, size: 3 }));
    let needed = inclusion(0, 2).unwrap();
    let tile = Tile {
        level: 0,
        index: 0,
        width: 2,
    };
    assert_eq!(needed.tiles(), [tile]);
    assert_eq!(needed.hashes(&BTreeMap::new()), Err(MissingTile(tile)));
    let short = BTreeMap::from([(tile, vec![[0; 32]])]);
    assert_eq!(needed.hashes(&short), Err(MissingTile(tile)));
}

/// The first key of RFC 8032, section 7.1.
const SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

#[test]
fn a_note_opens_with_the_key_that_signed_it_only() {
    let key = SigningKey::new("example.org/log/ova", &SEED).unwrap();
    let public = key.verifier_key();
    assert!(
        public.starts_with("example.org/log/ova+")
            && public.ends_with("+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"),
        "{public}"
    );
    let note = key.sign("a\n\nb\n");
    assert_eq!(key.open(&note), Ok("a\n\nb\n"));
    let cosigned = format!("{note}— witness.example AAAAAAAA\n");
    assert_eq!(key.open(&cosigned), Ok("a\n\nb\n"));
    let other = SigningKey::new("example.org/log/koy", &SEED).unwrap();
    assert_eq!(other.open(&note), Err(NotSigned::Signature));
    assert_eq!(
        key.open(&note.replacen('a', "x", 1)),
        Err(NotSigned::Signature)
    );
    assert_eq!(key.open("a\n"), Err(NotSigned::Form));
    for bad in ["", "a b", "a+b", "a\nb"] {
        assert_eq!(SigningKey::new(bad, &SEED).unwrap_err(), NotSigned::Name);
    }
}

#[test]
fn a_checkpoint_is_read_as_it_is_written() {
    let text =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let read: Checkpoint = text.parse().unwrap();
    assert_eq!((read.size, read.to_string().as_str()), (20_852_163, text));
    for bad in [
        "",
        "a\n1\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n1\nAAAA\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    ] {
        assert_eq!(bad.parse::<Checkpoint>(), Err(NoCheckpoint), "{bad}");
    }
}

#[test]
fn a_receipt_has_the_lines_of_tlog_proof() {
    let receipt = Receipt {
        extra: b"x".to_vec(),
        index: 7,
        hashes: vec![[0; 32]],
        checkpoint: "o\n8\nroot\n\n— o sig\n".to_owned(),
    };
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let rest = format!("index 7\n{zero}\n\no\n8\nroot\n\n— o sig\n");
    assert_eq!(
        receipt.to_string(),
        format!("c2sp.org/tlog-proof@v1\nextra eA==\n{rest}")
    );
    let bare = Receipt {
        extra: vec![],
        ..receipt
    };
    assert_eq!(bare.to_string(), format!("c2sp.org/tlog-proof@v1\n{rest}"));
}
