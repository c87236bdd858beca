//! The bytes of every request and response, as the version of the protocol has them.
//!
//! Bodies are encoded by position, so a variant or a field that is moved, added, removed or of another type changes what
//! the bytes mean, and the other side would decode something else. `golden/protocol-N.txt` has the shape of every type
//! of version N and samples of all variants in bytes. If this test fails, raise `PROTOCOL_VERSION` in `src/frame.rs`,
//! then write the file of the new version with `BLESS=1 cargo test -p shared --test protocol`; the file of a version is
//! never written twice.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::de::value::{Error, U32Deserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize};
use shared::frame::{self, Kind, PROTOCOL_VERSION};
use shared::request::Request;
use shared::response::Response;

/// In how many rounds every variant of every type must have had its turn.
const ROUNDS_MAX: usize = 100;

/// The deepest value: types can contain themselves.
const DEPTH_MAX: usize = 12;

/// What was found out about the types so far.
#[derive(Default)]
struct Types {
    /// The shape of each type and field.
    shapes: BTreeMap<String, String>,
    /// The variants of each enum, and how many samples have had one.
    enums: BTreeMap<&'static str, (&'static [&'static str], usize)>,
    round: usize,
}

impl Types {
    /// True if each variant of each enum is in some sample.
    fn are_all_sampled(&self) -> bool {
        self.enums.values().all(|(variants, samples)| *samples >= variants.len())
    }
}

/// A deserializer that makes the value up: numbers and texts from the name of their field, variants in turn.
struct Sampler<'a> {
    types: &'a mut Types,
    /// The type and the field.
    path: String,
    depth: usize,
    /// The variant to take of the next enum.
    variant: Option<usize>,
}

impl Sampler<'_> {
    fn at(&mut self, path: String) -> Sampler<'_> {
        Sampler { types: self.types, path, depth: self.depth + 1, variant: None }
    }

    fn note(&mut self, shape: impl Into<String>) {
        let shape = shape.into();
        let known = self.types.shapes.entry(self.path.clone()).or_insert_with(|| shape.clone());
        assert_eq!(*known, shape, "{} has two shapes", self.path);
    }

    /// A number that depends on the name of the field (FNV-1a), 1 to `most`.
    fn number(&self, most: u64) -> u64 {
        let hash = self.path.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        1 + hash % most
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident $most:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
            self.note(stringify!($type));
            visitor.$visit($type::try_from(self.number($most)).expect("it fits"))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Sampler<'_> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    // Bytes are those of addresses: below 120 each is one of a host.
    numbers! {
        deserialize_u8 visit_u8 u8 119;
        deserialize_u16 visit_u16 u16 60_000;
        deserialize_u32 visit_u32 u32 1_000_000;
        deserialize_u64 visit_u64 u64 1_000_000;
        deserialize_i32 visit_i32 i32 1_000_000;
        deserialize_i64 visit_i64 i64 1_000_000;
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.note("bool");
        visitor.visit_bool(self.number(2) == 1)
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.note("string");
        let name = self.path.trim_end_matches(['?', '[', ']']);
        let name = name.rsplit(['.', ':']).next().unwrap_or(name);
        visitor.visit_string(name.to_owned())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.note("option");
        // In the first round each is there, so that all types are seen.
        if self.depth > DEPTH_MAX || self.types.round % 3 == 1 {
            return visitor.visit_none();
        }
        let path = format!("{}?", self.path);
        visitor.visit_some(self.at(path))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name);
        visitor.visit_newtype_struct(self.at(format!("{name}.0")))
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.note("list");
        let count = if self.depth > DEPTH_MAX { 0 } else { 1 + self.types.round % 2 };
        let path = format!("{}[]", self.path);
        visitor.visit_seq(Items { paths: vec![path; count].into_iter(), sampler: self })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(format!("tuple of {len}"));
        let paths: Vec<_> = (0..len).map(|rank| format!("{}.{rank}", self.path)).collect();
        visitor.visit_seq(Items { paths: paths.into_iter(), sampler: self })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name);
        let mut sampler = self.at(name.to_owned());
        sampler.note(format!("struct {}", fields.join(" ")));
        let paths: Vec<_> = fields.iter().map(|field| format!("{name}.{field}")).collect();
        visitor.visit_seq(Items { paths: paths.into_iter(), sampler })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name);
        let (_, samples) = self.types.enums.entry(name).or_insert((variants, 0));
        let taken = self.variant.unwrap_or(*samples % variants.len());
        *samples += 1;
        let variant = self.variant.take();
        assert!(variant.is_none_or(|variant| variant < variants.len()), "{name}");
        // What a Result holds depends on where it is.
        let of = if name == "Result" { self.path.clone() } else { name.to_owned() };
        let mut sampler = self.at(name.to_owned());
        sampler.note(format!("enum {}", variants.join(" ")));
        sampler.path = format!("{of}::{}", variants[taken]);
        visitor.visit_enum(Variant { rank: taken, sampler })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom(format!("{} has a type that has no samples yet", self.path)))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct map identifier ignored_any
    }
}

/// The items of a list, or the fields of a struct.
struct Items<'a> {
    paths: std::vec::IntoIter<String>,
    sampler: Sampler<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(path) = self.paths.next() else { return Ok(None) };
        seed.deserialize(self.sampler.at(path)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.paths.len())
    }
}

/// A variant of an enum.
struct Variant<'a> {
    rank: usize,
    sampler: Sampler<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Sampler<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Sampler<'a>), Error> {
        let rank = u32::try_from(self.rank).expect("enums are small");
        let rank: U32Deserializer<Error> = rank.into_deserializer();
        Ok((seed.deserialize(rank)?, self.sampler))
    }
}

impl<'de> de::VariantAccess<'de> for Sampler<'_> {
    type Error = Error;

    fn unit_variant(mut self) -> Result<(), Error> {
        self.note("unit");
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(format!("struct {}", fields.join(" ")));
        let paths: Vec<_> = fields.iter().map(|field| format!("{}.{field}", self.path)).collect();
        visitor.visit_seq(Items { paths: paths.into_iter(), sampler: self })
    }
}

/// A sample of each variant of `T`, as frames of this kind.
fn frames<T>(name: &str, kind: Kind, types: &mut Types, text: &mut String)
where
    T: for<'de> Deserialize<'de> + Serialize + PartialEq + std::fmt::Debug,
{
    let mut variants = 1;
    let mut rank = 0;
    while rank < variants {
        let path = format!("a {name}");
        let sampler = Sampler { types, path, depth: 0, variant: Some(rank) };
        let value = T::deserialize(sampler).unwrap_or_else(|error| panic!("{name}: {error}"));
        let all = types.enums[name].0;
        variants = all.len();
        let bytes = frame::encode(kind, &value).unwrap();
        let (found, body) = frame::read(&mut &bytes[..]).unwrap();
        assert_eq!(found, kind);
        assert_eq!(frame::decode::<T>(kind, &body).unwrap(), value);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{name}::{} {hex}", all[rank]).unwrap();
        rank += 1;
    }
}

/// What the file of this version has to say.
fn golden() -> String {
    let mut types = Types::default();
    let mut samples = String::new();
    while types.round == 0 || !types.are_all_sampled() {
        assert!(types.round < ROUNDS_MAX, "some variant is in no sample: {:?}", types.enums);
        frames::<Request>("Request", Kind::Request, &mut types, &mut samples);
        frames::<Response>("Response", Kind::Response, &mut types, &mut samples);
        types.round += 1;
    }
    // The shapes of frames that have no type of their own.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    writeln!(samples, "part {}", hex(&frame::encode(Kind::Part, &0u8).unwrap())).unwrap();
    writeln!(samples, "refusal {}", hex(&frame::refusal("no"))).unwrap();
    let shapes: String =
        types.shapes.iter().map(|(name, shape)| format!("{name}: {shape}\n")).collect();
    format!(
        "Version {PROTOCOL_VERSION} of the protocol of the local socket: the shape of each type, then samples in bytes.\n\
         Made by shared/tests/protocol.rs; a version never changes.\n\n{shapes}\n{samples}"
    )
}

#[test]
fn requests_and_responses_change_only_with_the_version() {
    let name = format!("tests/golden/protocol-{PROTOCOL_VERSION}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
    let now = golden();
    match std::fs::read_to_string(&path) {
        Ok(golden) => {
            let changed = golden.lines().zip(now.lines()).find(|(old, new)| old != new);
            let (old, new) = changed.unwrap_or(("(the end)", "(the end)"));
            assert!(
                golden == now,
                "requests or responses have changed, and the version has not: raise PROTOCOL_VERSION in \
                 src/frame.rs, then BLESS=1 writes the file of the new version. {name} has\n{old}\nand it is now\n{new}"
            );
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(
                std::env::var_os("BLESS").is_some(),
                "{name} is missing: for a new version BLESS=1 writes it"
            );
            std::fs::write(&path, now).unwrap();
        }
        Err(error) => panic!("{name}: {error}"),
    }
}
