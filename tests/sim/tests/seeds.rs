//! A fixed number of seeds on every run of the tests, and that a seed says all.

use sim::many::{self, Wanted};
use sim::run;

/// As many as take a few seconds; `cargo run --release -p sim` runs as many as one has time for.
const SEEDS: u64 = 2_000;
const STEPS: u64 = 100;

#[test]
fn stations_believe_what_the_model_says() {
    run::note_panics();
    let wanted = Wanted { from: 0, seeds: SEEDS, steps: STEPS, duration: None, threads: 2 };
    let summary = many::run(wanted);
    if let Some(found) = &summary.worst {
        panic!("{}", many::report(found, STEPS));
    }
    assert_eq!((summary.seeds, summary.steps), (SEEDS, SEEDS * STEPS));
    // A schedule that does nothing would pass, too.
    for what in [
        "resets",
        "reloads",
        "views compared",
        "neighbors close in the middle of a message",
        "legs compared",
        "holds",
        "Terminations of routers",
        "resets of legs",
    ] {
        assert!(summary.count.of(what) > 100, "{what}: {}", summary.count.of(what));
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in [7, 8, 9] {
        let [one, other] = [(); 2].map(|()| run::run(seed, 200, false));
        assert_eq!((one.hash, one.steps), (other.hash, other.steps), "seed {seed}");
    }
    assert_ne!(run::run(7, 200, false).hash, run::run(8, 200, false).hash);
}
