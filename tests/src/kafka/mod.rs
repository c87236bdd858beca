//! Apache Kafka for the tests: a real [`broker`], an independent [`reader`] of its topics, and
//! [`openbmp`], the form of the records.
//!
//! `tests/kafka` fetches the broker and Kafka's own tools, kcat is Debian's. A test reads like this:
//!
//! ```no_run
//! use tests::kafka::{Broker, OpenBmp, Reader};
//!
//! let broker = Broker::start();
//! broker.create_topic("bmp", 4, &[]);
//! let reader = Reader::start(&broker, "bmp");
//! // ... a bmpd that publishes to broker.bootstrap() ...
//! for record in reader.wait_count(100) {
//!     let parsed = OpenBmp::parse(&record.value).expect("an OpenBMP message");
//! }
//! ```

pub mod broker;
pub mod openbmp;
pub mod proxy;
pub mod reader;
pub mod topic;

pub use broker::{Broker, Listener, Security};
pub use openbmp::OpenBmp;
pub use proxy::Proxy;
pub use reader::{Reader, Record};
pub use topic::{Published, Topic};
