//! VPN instances.

use shared::names::{PUBLIC_INSTANCE, Shown};
use shared::response::VpnInstanceReport;

use super::page::Page;
use super::screen::{Screen, Tone};
use super::table::{Cell, Table, number, text};

fn name(instance: &VpnInstanceReport) -> &str {
    instance.name.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str())
}

fn listen(instance: &VpnInstanceReport) -> String {
    let addresses = instance.listen.iter().map(ToString::to_string).collect::<Vec<_>>();
    if addresses.is_empty() { "-".to_owned() } else { addresses.join(", ") }
}

/// A row an instance.
pub(crate) fn table(instances: &[VpnInstanceReport], screen: &Screen) -> String {
    let mut table = Table::new(&[
        text("VPN instance"),
        text("Place").leaves(3),
        text("Present"),
        text("RD").leaves(2),
        number("Sessions"),
        number("Up"),
        number("Neighbors"),
        number("Up"),
        number("Routes"),
        text("Listens at").leaves(1),
    ]);
    for instance in instances {
        table.row(vec![
            name(instance).into(),
            instance.place.as_str().into(),
            match instance.present {
                true => Cell::toned("yes", Tone::Good),
                false => Cell::toned("no", Tone::Bad),
            },
            instance.route_distinguisher.as_deref().unwrap_or("-").into(),
            instance.sessions.to_string().into(),
            instance.sessions_up.to_string().into(),
            instance.neighbors.to_string().into(),
            instance.neighbors_up.to_string().into(),
            instance.routes.to_string().into(),
            listen(instance).into(),
        ]);
    }
    table.render(screen)
}

/// A page an instance.
pub(crate) fn pages(instances: &[VpnInstanceReport]) -> String {
    instances.iter().map(page).collect::<Vec<_>>().join("\n")
}

fn page(instance: &VpnInstanceReport) -> String {
    let mut page = Page::new(&format!("VPN instance {}", Shown(name(instance))));
    let missing = if instance.present { "" } else { ", which is not there now" };
    page.line("Place", format!("{}{missing}", instance.place));
    page.line("Distinguisher", instance.route_distinguisher.as_deref().unwrap_or("none"));
    page.line("Table name", instance.table_name.as_deref().unwrap_or("none"));
    page.line("Listens at", listen(instance));
    page.line("Sessions", format!("{}, {} up", instance.sessions, instance.sessions_up));
    page.line("Neighbors", format!("{}, {} up", instance.neighbors, instance.neighbors_up));
    page.line("Routes", instance.routes.to_string());
    page.into_text()
}
