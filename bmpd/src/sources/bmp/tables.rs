//! What tables there are, for reports.

use std::collections::BTreeMap;

use shared::response::RouterTable;

use crate::routers::{EndOfRib, Epoch, TableId};

/// The tables of these peers together, by view and family.
pub(crate) fn tables_of<'a>(epochs: impl IntoIterator<Item = &'a Epoch>) -> Vec<RouterTable> {
    let mut all: BTreeMap<TableId, RouterTable> = BTreeMap::new();
    for epoch in epochs {
        epoch.maintain(|rib| {
            for (table, routes, end) in rib.tables() {
                let sum = all.entry(table).or_insert_with(|| none_of(table));
                sum.peers += 1;
                sum.routes += routes as u64;
                sum.end_of_ribs += u32::from(end == Some(EndOfRib::Received));
                sum.end_of_ribs_assumed += u32::from(end == Some(EndOfRib::Assumed));
            }
        });
    }
    all.into_values().collect()
}

fn none_of(table: TableId) -> RouterTable {
    RouterTable {
        view: table.view.name().to_owned(),
        family: table.family.to_string(),
        peers: 0,
        routes: 0,
        end_of_ribs: 0,
        end_of_ribs_assumed: 0,
    }
}
