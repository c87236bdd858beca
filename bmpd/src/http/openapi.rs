//! `docs/openapi.json`, the description of the API: made of the list of endpoints and of the schema of the documents.
//!
//! After a change that is meant: `BLESS=1 cargo test -p bmpd --lib openapi`.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use shared::document::{Document, Health, Problem};

use super::api::{ENDPOINTS, Endpoint, Item, Kind, Parameter, Resource};

/// Where definitions are.
const SCHEMAS: &str = "#/components/schemas/";

impl Resource {
    /// The `kind` of the document, and the name of its definition; `None` for the description itself.
    fn document(self) -> Option<(&'static str, &'static str)> {
        match self {
            Resource::Status => Some(("status", "Status")),
            Resource::Sessions => Some(("sessions", "Sessions")),
            Resource::Neighbors => Some(("neighbors", "Neighbors")),
            Resource::Routers => Some(("routers", "Routers")),
            Resource::Publishers => Some(("publishers", "Publishers")),
            Resource::Events => Some(("events", "Events")),
            Resource::Description => None,
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{name}") })
}

/// The definitions of everything that the API answers.
fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<Document>();
    generator.subschema_for::<Health>();
    generator.subschema_for::<Problem>();
    let mut all = generator.take_definitions(true);
    let documents = all.remove("Document").expect("it was made");
    let documents = documents["oneOf"].as_array().expect("alternatives").clone();
    let mut wanted: Vec<(&str, &str)> =
        ENDPOINTS.iter().filter_map(|endpoint| endpoint.resource.document()).collect();
    wanted.extend([("event", "Event"), ("events-lost", "EventsLost")]);
    let mut made = Map::new();
    for (kind, name) in wanted {
        let document = documents.iter().find(|d| d["properties"]["kind"]["const"] == kind);
        let document = document.unwrap_or_else(|| panic!("no document {kind}")).clone();
        let is_new = made.insert(name.to_owned(), document).is_none() && !all.contains_key(name);
        assert!(is_new, "there are two definitions of {name}");
    }
    for name in ["Health", "Problem"] {
        made.insert(name.to_owned(), all.remove(name).expect("it was made"));
    }
    // What they refer to, and nothing else.
    loop {
        let mut referred = BTreeSet::new();
        made.values().for_each(|schema| references(schema, &mut referred));
        referred.retain(|name| !made.contains_key(name));
        if referred.is_empty() {
            made.sort_keys();
            return made;
        }
        for name in referred {
            let schema = all.remove(&name).unwrap_or_else(|| panic!("no definition {name}"));
            made.insert(name, schema);
        }
    }
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(to)) = object.get("$ref") {
                found.extend(to.strip_prefix(SCHEMAS).map(str::to_owned));
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn parameter(parameter: &Parameter, place: &str) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "integer", "minimum": 0 }),
    };
    json!({
        "name": parameter.name,
        "in": place,
        "description": parameter.about,
        "required": place == "path",
        "schema": schema,
    })
}

fn problem(description: &str) -> Value {
    let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
    json!({ "description": description, "content": content })
}

/// What GET answers.
fn operation(id: &str, about: &str, parameters: Vec<Value>, resource: Resource) -> Value {
    let mut content = Map::new();
    let schema = match resource.document() {
        Some((_, name)) => reference(name),
        None => json!({ "type": "object" }),
    };
    content.insert("application/json".to_owned(), json!({ "schema": schema }));
    if resource == Resource::Events {
        let about = "Server-sent events: the id is the sequence number, the data is an Event or an EventsLost. A comment is \
                     sent every 15 seconds in which nothing happens.";
        let schema = json!({
            "type": "string",
            "description": about,
            "contentMediaType": "application/json",
            "contentSchema": { "oneOf": [reference("Event"), reference("EventsLost")] },
        });
        content.insert("text/event-stream".to_owned(), json!({ "schema": schema }));
    }
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({ "description": about, "content": content }));
    responses.insert("400".to_owned(), problem("The path, the query or a field is not valid."));
    if !parameters.is_empty() {
        responses.insert("404".to_owned(), problem("There is no such thing."));
    }
    responses.insert(
        "421".to_owned(),
        problem("The Host field is a name: use an address or localhost."),
    );
    responses.insert(
        "503".to_owned(),
        problem(
            "bmpd is about to stop, or there are too many streams; try again as Retry-After says.",
        ),
    );
    json!({ "operationId": id, "summary": about, "parameters": parameters, "responses": responses })
}

fn health(id: &str, about: &str, otherwise: &str) -> Value {
    let answer = |description: &str| {
        let content = json!({ "application/json": { "schema": reference("Health") } });
        json!({ "description": description, "content": content })
    };
    let responses = json!({ "200": answer("Yes."), "503": answer(otherwise) });
    json!({ "get": { "operationId": id, "summary": about, "responses": responses } })
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for Endpoint { resource, path, about, parameters, item } in ENDPOINTS {
        let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        let mut given: Vec<Value> = parameters.iter().map(|one| parameter(one, "query")).collect();
        if *resource == Resource::Events {
            given.push(json!({
                "name": "Last-Event-ID",
                "in": "header",
                "description": "As `after`, and instead of it: for clients of a stream that come again.",
                "required": false,
                "schema": { "type": "string" },
            }));
        }
        let get = operation(&format!("get-{name}"), about, given, *resource);
        paths.insert((*path).to_owned(), json!({ "get": get }));
        if let Some(Item { name: of, about, parameters }) = item {
            let mut given = vec![parameter(of, "path")];
            given.extend(parameters.iter().map(|one| parameter(one, "query")));
            let one = name.trim_end_matches('s');
            let get = operation(&format!("get-{one}"), about, given, *resource);
            paths.insert(format!("{path}/{{{}}}", of.name), json!({ "get": get }));
        }
    }
    paths.insert(
        "/health".to_owned(),
        health("get-health", "Does bmpd run?", "It is about to stop."),
    );
    paths.insert(
        "/health/ready".to_owned(),
        health(
            "get-ready",
            "Is everything synchronised?",
            "Not every session and publisher is synchronised, or bmpd is about to stop.",
        ),
    );
    paths
}

fn description() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "bmpd",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What bmpd serves to programs at `[http] listen`. It only reads. The documents are those of \
                            `bmpctl --json`: fields may be added, none is removed and none changes its meaning.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:11080" }],
        "paths": paths(),
        "components": { "schemas": schemas() },
    })
}

#[test]
fn the_description_in_the_repository_is_that_of_the_endpoints() {
    let generated = serde_json::to_string_pretty(&description()).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == generated, "{path} is out of date: BLESS=1 cargo test -p bmpd --lib openapi");
}
