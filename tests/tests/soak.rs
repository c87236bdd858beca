//! A few seconds of the soak, so that it is known to work; see [`tests::soak`].

use std::time::Duration;

use tests::soak::{Plan, run};

#[test]
fn faults_at_random_leave_bmpd_as_it_was() {
    let plan = Plan { time: Duration::from_secs(15), first: Duration::from_secs(7), seed: 7 };
    let outcome = run(plan, |line| println!("{line}"));
    assert!(outcome.faults > 0);
    assert_eq!(outcome.grown(), None);
}
