//! `reset publisher`, and what it would do.

use shared::names::PublisherName;
use shared::request::{Level, Operation, ResetPublisher};
use shared::response::{Failure, PublisherPlan, PublisherReset, Response};
use tokio::sync::RwLockReadGuard;

use super::{record, reset};
use crate::access::Caller;
use crate::config::Config;
use crate::sinks::kafka::Publisher;
use crate::world::{Purpose, Reading, World, all};

/// Reads the configuration again and, if it is valid, has each selected publisher begin a new generation with its
/// parameters.
pub(super) async fn reset(reset: ResetPublisher, caller: &Caller, world: &World) -> Response {
    let command = Operation::ResetPublisher(reset.clone()).to_string();
    let record = |outcome| record::command(&world.events, caller, &command, outcome);
    let Begun { selected, skipped, read, order } = match begin(&reset, caller, world).await {
        Ok(begun) => begun,
        Err(failure) => {
            record(Err(crate::world::refusal(&failure)));
            return Response::Failed(failure);
        }
    };
    let by = caller.to_string();
    let asked = selected.into_iter().map(|publisher| {
        let (router, by, read) = (reset.router.clone(), by.clone(), &read);
        async move {
            let result = match read.publisher(publisher.name()) {
                None => Err(reset::no_longer_configured(world)),
                Some(parameters) => {
                    let reset = publisher.reset(parameters, read.begun.steady(), router, by);
                    reset.await.unwrap_or_else(|| Err("bmpd is stopping".to_owned()))
                }
            };
            PublisherReset { id: publisher.name().clone(), result }
        }
    });
    let publishers = all(asked).await;
    drop(order);
    record(outcome(&publishers, skipped.len()));
    Response::PublishersReset { publishers, skipped }
}

/// What a reset starts with.
struct Begun<'a> {
    /// The publishers that are to be reset.
    selected: Vec<Publisher>,
    /// Those that `all` skips.
    skipped: Vec<PublisherName>,
    /// The content of the file.
    read: Reading,
    /// No reload intervenes while it is held.
    order: RwLockReadGuard<'a, ()>,
}

async fn begin<'a>(
    reset: &ResetPublisher,
    caller: &Caller,
    world: &'a World,
) -> Result<Begun<'a>, Failure> {
    let read = world.read_config(Purpose::Act).await?;
    // A reload waits until the commands are sent, and vice versa.
    let order = world.begin_reset().await;
    super::still_permitted(Level::Configuration, caller, world).await?;
    let read = world.newest(read);
    let (selected, skipped) = select(reset, &read, world)?;
    Ok(Begun { selected, skipped, read, order })
}

/// The publishers that a reset is for, and those that `all` skips: the file has them shut down, which is no failure. A
/// reset of such a publisher by its name is one.
fn select(
    reset: &ResetPublisher,
    read: &Reading,
    world: &World,
) -> Result<(Vec<Publisher>, Vec<PublisherName>), Failure> {
    let ResetPublisher { publisher: which, router } = reset;
    let selected = world.select_publishers(which.as_ref());
    let selected = selected.map_err(|failure| with_file(failure, &read.config, world))?;
    if let Some(router) = router {
        world.router_exists(router)?;
    }
    if which.is_some() {
        return Ok((selected, Vec::new()));
    }
    let is_shut_down = |publisher: &Publisher| {
        read.publisher(publisher.name()).is_some_and(|file| file.publisher.shutdown)
    };
    let (skipped, selected): (Vec<_>, Vec<_>) = selected.into_iter().partition(is_shut_down);
    let skipped = skipped.iter().map(|publisher| publisher.name().clone()).collect();
    Ok((selected, skipped))
}

/// A publisher that is in the file must not be reported as nonexistent.
fn with_file(failure: Failure, config: &Config, world: &World) -> Failure {
    match failure {
        Failure::NoSuchPublisher { publisher, existing, .. } => {
            let configured = config.publishers.iter().any(|found| found.name == publisher);
            let configured_in = configured.then(|| world.config_path().display().to_string());
            Failure::NoSuchPublisher { publisher, existing, configured_in }
        }
        other => other,
    }
}

/// Reads the configuration and reports what a reset of the selected publishers would do. Nothing is changed.
pub(super) async fn plan(reset: &ResetPublisher, world: &World) -> Response {
    let read = match world.read_config(Purpose::Plan).await {
        Ok(read) => world.newest(read),
        Err(failure) => return Response::Failed(failure),
    };
    let (selected, skipped) = match select(reset, &read, world) {
        Ok(selected) => selected,
        Err(failure) => return Response::Failed(failure),
    };
    let mut plans = Vec::with_capacity(selected.len());
    for publisher in selected {
        let name = publisher.name();
        let result = match read.publisher(name) {
            None => Err(reset::no_longer_configured(world)),
            Some(parameters) => match publisher.plan(parameters, reset.router.clone()).await {
                Some(result) => result,
                // A reload may have removed it meanwhile.
                None if world.select_publishers(Some(name)).is_err() => continue,
                None => return Response::Failed(Failure::Stopping),
            },
        };
        plans.push(PublisherPlan { id: name.clone(), result });
    }
    Response::PublisherPlans { plans, skipped }
}

/// As the record has it.
fn outcome(resets: &[PublisherReset], skipped: usize) -> Result<String, String> {
    let all = publishers(resets.len());
    let skipped = match skipped {
        0 => String::new(),
        count => format!("; {} in Shutdown skipped", publishers(count)),
    };
    match resets.iter().filter(|reset| reset.result.is_err()).count() {
        0 => Ok(format!("{all}{skipped}")),
        failed => Err(format!("{failed} of {all} were not reset{skipped}")),
    }
}

fn publishers(count: usize) -> String {
    if count == 1 { "1 publisher".to_owned() } else { format!("{count} publishers") }
}

#[cfg(test)]
mod tests {
    use shared::response::PublisherResetDone;

    use super::*;

    #[test]
    fn the_record_says_how_many_were_reset_and_skipped() {
        let reset = |result: Result<(), &str>| PublisherReset {
            id: "bus".parse().unwrap(),
            result: result.map_err(str::to_owned).map(|()| PublisherResetDone {
                new_producer: true,
                generations: Vec::new(),
                changes: Vec::new(),
            }),
        };
        let [done, failed] = [reset(Ok(())), reset(Err("it is shut down"))];
        assert_eq!(outcome(&[], 0), Ok("0 publishers".to_owned()));
        assert_eq!(
            outcome(std::slice::from_ref(&done), 2),
            Ok("1 publisher; 2 publishers in Shutdown skipped".to_owned())
        );
        assert_eq!(outcome(&[done, failed], 0), Err("1 of 2 publishers were not reset".to_owned()));
    }
}
