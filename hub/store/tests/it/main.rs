//! Storage: both implementations of the port, the hub's columns, crashes, and bytes of earlier releases.

mod crash;
mod fixtures;
mod hub_store;
mod port;
mod samples;
