//! The cases, grouped by what they are about.

pub(crate) mod certificates;
pub(crate) mod deals;
pub(crate) mod evidence;
pub(crate) mod manual;
pub(crate) mod messages;
pub(crate) mod reading;
pub(crate) mod submitting;
