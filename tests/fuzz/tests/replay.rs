//! The corpus, and mutations of it, on any compiler: what a fuzzer has found once stays found.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;
use tests::random::Random;

/// Mutations of all files of one target together.
const MUTATIONS: usize = 20_000;

/// The greatest file of a corpus, and the corpora together, in bytes.
const FILE_MAX: usize = 4096;
const ALL_MAX: usize = 1 << 20;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Changes a few places: bytes, numbers at the edge of their range, a part doubled, moved, cut out or taken
/// from another file.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x10, 0x40];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        let end = (at + random.below(16) as usize).min(bytes.len());
        match random.below(7) {
            0 => bytes[at..end].iter_mut().take(1).for_each(|b| *b ^= 1 << random.below(8)),
            1 => bytes[at..end].iter_mut().take(1).for_each(|b| *b = random.draw() as u8),
            2 => {
                bytes[at..end].iter_mut().take(2).for_each(|b| *b = EDGES[random.below(8) as usize])
            }
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len() as u64 + 1) as usize;
                bytes.splice(to..to, part);
            }
            5 => bytes.truncate(end),
            _ => {
                let from = random.below(other.len() as u64 + 1) as usize;
                let to = (from + random.below(64) as usize).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    bytes.truncate(2 * FILE_MAX);
}

fn replay(name: &str) {
    let (_, target) = TARGETS.iter().find(|(other, _)| *other == name).unwrap();
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "no corpus for {name}");
    target(&[]);
    for (path, bytes) in &corpus {
        let _shown = Shown(path.display().to_string());
        target(bytes);
    }
    let mut random = Random::new(1);
    for number in 0..MUTATIONS {
        let of = |n: u64| &corpus[n as usize % corpus.len()];
        let (path, bytes) = of(number as u64);
        let mut bytes = bytes.clone();
        mutate(&mut bytes, &of(random.draw()).1, &mut random);
        let _shown = Shown(format!("mutation {number} of {}: {bytes:02x?}", path.display()));
        target(&bytes);
    }
}

/// Says at which input a target has panicked.
struct Shown(String);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_has_its_test_and_its_fuzzer() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$(stringify!($name)),*]);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
            for (name, _) in TARGETS {
                assert!(folder.join(format!("libfuzzer/targets/{name}.rs")).exists(), "{name}");
            }
        }
    };
}

replays!(bmp config conversation frames names notification open update);

#[test]
fn the_corpus_is_small() {
    let files: Vec<_> = TARGETS.iter().flat_map(|(name, _)| corpus(name)).collect();
    let all: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(all < ALL_MAX, "{all} bytes");
    for (path, bytes) in &files {
        assert!(bytes.len() <= FILE_MAX, "{}: {} bytes", path.display(), bytes.len());
    }
}
