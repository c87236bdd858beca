//! `monitor`.

use crate::context::{Context, Output};

/// Prints events until it is ended.
pub(super) fn run(context: &Context) -> Result<Output, Output> {
    Err(context.misunderstood())
}
