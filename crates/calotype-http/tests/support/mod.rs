//! What the tests of the served product share: the product on a loopback socket, an origin that says what a script says, a client that keeps every
//! byte of an answer, and readers of pictures that owe nothing to our codecs.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used)]

pub mod client;
pub mod network;
pub mod origin;
pub mod pictures;
pub mod reader;
pub mod served;
pub mod vision;
pub mod worker;
