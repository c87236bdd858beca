//! How long each step of processing a route takes, with a full Internet table.
//!
//! `cargo bench -p heart --bench time [-- STEP]`
//!
//! Criterion reports the time of a whole table (`time`) and how many routes a second that is (`thrpt`).
//! Compare on an idle machine only; `instructions` counts the same steps and is steady on any.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use heart::Stream;

/// As many routes as the Internet has: these, and the IPv6 ones in proportion.
const IPV4_ROUTES: u64 = 1_000_000;

fn steps(criterion: &mut Criterion) {
    let stream = Stream::new(IPV4_ROUTES);
    let announcements = heart::parsed(&stream.announcements);
    let others = heart::parsed(&stream.others);
    let withdrawals = heart::parsed(&stream.withdrawals);
    let attributes = heart::attributes(&announcements);

    // Each run has a table of its own, so there are few of them.
    let mut group = criterion.benchmark_group("step");
    group.sample_size(10).throughput(Throughput::Elements(heart::routes(IPV4_ROUTES)));
    group.bench_function("parse", |bencher| bencher.iter(|| heart::parse(&stream.announcements)));
    group.bench_function("intern-new", |bencher| {
        let hold = |interner: &mut _| heart::hold(interner, &attributes);
        bencher.iter_batched_ref(|| heart::held(&[]), hold, BatchSize::PerIteration);
    });
    group.bench_function("intern-known", |bencher| {
        let hold = |interner: &mut _| heart::hold(interner, &attributes);
        bencher.iter_batched_ref(|| heart::held(&attributes), hold, BatchSize::PerIteration);
    });
    group.bench_function("announce-new", |bencher| {
        let take = |neighbor: &mut _| heart::take(neighbor, &announcements);
        bencher.iter_batched_ref(|| heart::loading(&[]), take, BatchSize::PerIteration);
    });
    group.bench_function("index", |bencher| {
        let loaded = || heart::loading(&announcements);
        bencher.iter_batched_ref(
            loaded,
            |neighbor| heart::index(neighbor),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("announce-known", |bencher| {
        let take = |neighbor: &mut _| heart::take(neighbor, &others);
        bencher.iter_batched_ref(
            || heart::announced(&announcements),
            take,
            BatchSize::PerIteration,
        );
    });
    group.bench_function("withdraw", |bencher| {
        let take = |(neighbor, _): &mut (_, _)| heart::take(neighbor, &withdrawals);
        bencher.iter_batched_ref(|| heart::reported(&announcements), take, BatchSize::PerIteration);
    });
    group.bench_function("compact", |bencher| {
        let stalled = || heart::stalled(&announcements, &withdrawals);
        bencher.iter_batched(stalled, heart::leave, BatchSize::PerIteration);
    });
    group.bench_function("dump", |bencher| {
        let neighbor = heart::announced(&announcements);
        let dump = |station: &mut _| heart::dump(station);
        bencher.iter_batched_ref(|| neighbor.station(), dump, BatchSize::PerIteration);
    });
    group.bench_function("relay", |bencher| {
        let relay = |(neighbor, station): &mut (_, _)| heart::relay(neighbor, station, &others);
        bencher.iter_batched_ref(
            || heart::reported(&announcements),
            relay,
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
