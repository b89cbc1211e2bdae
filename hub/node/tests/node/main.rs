//! A whole node in one process: real stores, real signatures, real sockets. Only the chains are pretended.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod certify;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hooked;
#[cfg(test)]
mod lone;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod rotate;
#[cfg(test)]
mod votes;
#[cfg(test)]
mod world;
