//! What can be done in a step, and how often.

use std::time::Duration;

use tests::random::Random;

use crate::{speaker, station};

/// What a neighbor sends continuously.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// The same UPDATE.
    Repeat,
    /// Different UPDATEs each time.
    Change,
    /// Announcements of what it has, and withdrawals of all of that.
    WithdrawAll,
    /// End-of-RIBs.
    EndOfRib,
    /// It requests our routes.
    RouteRefresh,
}

/// One step of a schedule. Numbers of neighbors, stations and sessions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A neighbor sends so many UPDATEs.
    Update(usize, u64),
    /// A neighbor sends an UPDATE that counts as a withdrawal.
    Faulty(usize),
    /// A neighbor sends an End-of-RIB.
    EndOfRib(usize),
    /// A neighbor requests our routes.
    RouteRefresh(usize),
    /// A neighbor floods bmpd, in one of some ways, while another one announces a route.
    Flood(usize, Flood),
    /// A neighbor connects, even if it has a connection.
    Connect(usize),
    /// A neighbor ends its connection.
    End(usize, speaker::Ending),
    /// A neighbor stops accepting and making connections, or resumes.
    Willing(usize),
    /// A station reads so many bytes.
    Read(usize, usize),
    /// A station stops reading by itself, or resumes.
    Stall(usize),
    /// A station ends its connection.
    Leave(usize, station::Ending),
    /// A station sends so many bytes.
    Send(usize, usize),
    /// A station refuses connections, does not answer them, or accepts them.
    Answer(usize),
    /// A station connects, even if it has a connection.
    Arrive(usize),
    /// An unknown peer connects where stations are expected.
    UnknownPeer,
    /// `reset session` of one, or of all with or without a stagger in ms.
    Reset(Option<usize>, u64),
    /// The file is edited.
    Edit,
    /// The file is edited to something bad, reloaded, and restored.
    BadFile,
    /// `reload`.
    Reload,
    /// The wall clock is set, by so many seconds.
    Clock(i64),
    /// Nothing is done for a while.
    Wait(Duration),
    /// Everything that was sent is read, and compared.
    Quiet,
}

/// How long bmpd has until the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// None.
    None,
    /// As long as so many tasks need for one turn each.
    Turns(u64),
    /// Until nothing is left to do.
    UntilIdle,
    /// So long.
    Time(Duration),
}

fn ending(random: &mut Random) -> speaker::Ending {
    use speaker::Ending::*;
    crate::plan::one_of(
        random,
        &[Close, Reset, Cease, Vanish, CloseInside, CloseInside, ResetInside, Garbage],
    )
}

impl Action {
    /// The next one.
    pub fn draw(random: &mut Random, neighbors: usize, stations: usize) -> Self {
        let neighbor = random.below(neighbors as u64) as usize;
        let station = random.below(stations as u64) as usize;
        match random.below(1000) {
            0..330 => Action::Update(neighbor, 1),
            330..370 => Action::Update(neighbor, 2 + random.below(30)),
            370..385 => Action::Faulty(neighbor),
            385..430 => Action::EndOfRib(neighbor),
            430..435 => Action::RouteRefresh(neighbor),
            435..440 => {
                use Flood::*;
                let kinds = [Repeat, Change, WithdrawAll, WithdrawAll, EndOfRib, RouteRefresh];
                Action::Flood(neighbor, crate::plan::one_of(random, &kinds))
            }
            440..480 => Action::Connect(neighbor),
            480..540 => Action::End(neighbor, ending(random)),
            540..555 => Action::Willing(neighbor),
            555..640 => Action::Read(station, 1 + random.below(400) as usize),
            640..690 => Action::Stall(station),
            690..725 => {
                use station::Ending::*;
                let ending = crate::plan::one_of(random, &[Close, Close, Reset, Vanish]);
                Action::Leave(station, ending)
            }
            725..740 => Action::Send(station, 1 + random.below(6000) as usize),
            740..760 => Action::Answer(station),
            760..785 => Action::Arrive(station),
            785..790 => Action::UnknownPeer,
            790..830 => Action::Reset(Some(station), 0),
            830..840 => Action::Reset(None, 0),
            840..848 => Action::Reset(None, 1 + random.below(3000)),
            848..890 => Action::Edit,
            890..893 => Action::BadFile,
            893..930 => Action::Reload,
            930..940 => Action::Clock(random.below(200_000) as i64 - 100_000),
            940..965 => {
                let longest = crate::plan::one_of(random, &[2_000, 10_000, 60_000, 200_000]);
                Action::Wait(Duration::from_millis(1 + random.below(longest)))
            }
            _ => Action::Quiet,
        }
    }
}

impl Pause {
    /// The next one.
    pub fn draw(random: &mut Random) -> Self {
        match random.below(10) {
            0..=2 => Pause::None,
            3..=5 => Pause::Turns(1 + random.below(12)),
            6..=8 => Pause::UntilIdle,
            _ => Pause::Time(Duration::from_millis(1 + random.below(900))),
        }
    }
}
