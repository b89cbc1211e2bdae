//! Attacks on the built program, by what must hold.

mod accounts;
mod administration;
mod batches;
mod bridging;
mod certificates;
mod checkpoints;
mod credits;
mod deadlines;
mod epochs;
mod escapes;
mod incidents;
mod limits;
mod locks;
mod messages;
mod pages;
mod refunds;
mod returns;
mod rich;
mod routes;
mod sending;
mod sets;
mod settlements;
mod tokens;
mod vectors;
